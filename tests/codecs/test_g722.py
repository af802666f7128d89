# SPDX-License-Identifier: Apache-2.0
"""G.722: bit for bit as on the day when it was compared with another implementation, and sound to the ear."""

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.codecs.g722 import G722
from switchroom.ext.codec import Codec


def sweep(samples: int = 48_000) -> NDArray[np.int16]:
    """Integer arithmetic only: a triangle whose pitch rises, with pseudo-random noise on it."""
    phase, noise, out = 0, 1, []
    for n in range(samples):
        phase = (phase + 800 + n) & 0xFFFF
        noise = (noise * 1664525 + 1013904223) & 0xFFFFFFFF
        triangle = abs(phase - 0x8000) - 0x4000
        out.append(triangle * (1 + n // 16_000) // 3 + (noise >> 20) - 2048)
    return np.array(out, np.int16)


def test_the_bit_stream_is_that_of_the_recommendation() -> None:
    codec = Codec(G722)
    code = codec.encode(sweep())
    assert hashlib.sha256(code).hexdigest() == "c91399050e12f3c4d6bf6c4c7acf43eb92bc991922dc9150dce641f3ce0dc456"
    assert (
        hashlib.sha256(codec.decode(code)).hexdigest()
        == "a3f704de35b50fbb588b48e0eaeee1c9a012a451edfff4978021919d36582924"
    )


@pytest.mark.parametrize("hz", [200, 1000, 3000, 6000])
def test_tones_keep_level_and_delay(hz: int) -> None:
    t = np.arange(16_000) / 16_000
    pcm = np.asarray(8000 * np.sin(2 * np.pi * hz * t), np.int16)
    codec = Codec(G722)
    out = np.frombuffer(codec.decode(codec.encode(pcm)), np.int16).astype(float)[22:]
    clean = pcm[: len(out)].astype(float)
    assert abs(20 * np.log10(out[800:].std() / clean[800:].std())) < 0.3
    assert 10 * np.log10((clean[800:] ** 2).mean() / ((clean - out)[800:] ** 2).mean()) > (20 if hz < 4000 else 10)


def test_frames_join_and_states_are_apart() -> None:
    pcm = sweep(3200)
    whole, parts, other = Codec(G722), Codec(G722), Codec(G722)
    other.encode(pcm[::-1].copy())
    joined = b"".join(parts.encode(pcm[at : at + 320]) for at in range(0, 3200, 320))
    assert joined == whole.encode(pcm)
    assert b"".join(parts.decode(joined[at : at + 160]) for at in range(0, 1600, 160)) == whole.decode(joined)


def test_any_bytes_decode_within_range_and_settle_after_a_gap() -> None:
    codec = Codec(G722)
    codec.decode(np.random.default_rng(1).bytes(20_000))
    silence = Codec(G722).encode(np.zeros(32_000, np.int16))
    quiet = np.frombuffer(codec.decode(silence), np.int16)[-1000:]
    assert np.abs(quiet).max() < 30


def test_face() -> None:
    codec = Codec(G722)
    assert (codec.name, codec.sample_rate_hz, codec.clock_rate_hz) == ("G722", 16_000, 8000)
    with pytest.raises(ValueError, match="whole frames"):
        codec.encode(np.zeros(3, np.int16))
    with pytest.raises(LookupError):
        codec.conceal(320)
    assert codec.encode(np.zeros(0, np.int16)) == codec.decode(b"") == b""
