# SPDX-License-Identifier: Apache-2.0
"""The Python face of G.729: lengths, buffers, erasures, pauses, and agreement of the variants.

What the bits must be is the business of the vectors; here it is that every way of asking gives the same ones, and that
mistakes are told clearly.
"""

import json
import threading
from array import array

import numpy as np
import pytest
from g729_signals import GOLDEN, SIGNALS, decode_all, digest, make
from hypothesis import given, settings
from hypothesis import strategies as st

from switchroom.codecs import g729
from switchroom.codecs.g729 import serial


@pytest.mark.parametrize("annex_b", [False, True])
@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_golden_files(name: str, annex_b: bool, variant: str) -> None:
    """Our own bitstreams of our own signals; g729_signals.py writes them anew."""
    key = f"{name}-b" if annex_b else name
    wanted = (GOLDEN / f"{key}.g729").read_bytes()
    frames = g729.Encoder(annex_b, variant=variant).encode(make(name, SIGNALS[name]))
    assert serial.to_packed(frames, True) == wanted
    assert digest(frames, variant) == json.loads((GOLDEN / "decoded.json").read_text())[key]


def test_talk_is_still_there_after_coding() -> None:
    """The decoded level is within 3 dB of the original's, and the signals resemble each other."""
    pcm = np.frombuffer(make("talk", 300), np.int16).astype(float)
    out = np.frombuffer(decode_all(g729.Encoder().encode(make("talk", 300))), np.int16).astype(float)
    assert 0.5 < out.std() / pcm.std() < 2
    correlation = max(np.corrcoef(pcm[: -lag or None], out[lag:])[0, 1] for lag in range(60))
    assert correlation > 0.8


def test_kinds_of_buffers_give_the_same_bits() -> None:
    pcm = make("talk", 5)
    wanted = g729.Encoder().encode(pcm)
    assert [len(frame) for frame in wanted] == [10] * 5
    as_numpy = np.frombuffer(pcm, np.int16)
    odd = memoryview(b"x" + pcm.tobytes())[1:]
    for buffer in (pcm.tobytes(), bytearray(pcm.tobytes()), memoryview(pcm), as_numpy, odd):
        assert g729.Encoder().encode(buffer) == wanted
    one_by_one = g729.Encoder()
    assert [one_by_one.encode(pcm[i : i + 80])[0] for i in range(0, 400, 80)] == wanted
    assert g729.Encoder().encode(b"") == []


def test_decoded_samples_need_no_numpy_but_suit_it() -> None:
    pcm = g729.Decoder().decode(bytes(10))
    assert isinstance(pcm, array)
    assert pcm.typecode == "h"
    assert len(pcm) == 80
    assert np.asarray(pcm).dtype == np.int16


@pytest.mark.parametrize("octets", [1, 2, 158, 161, 240])
def test_partial_frames_are_refused(octets: int) -> None:
    with pytest.raises(ValueError, match="multiple of 80 samples"):
        g729.Encoder().encode(bytes(octets))


@pytest.mark.parametrize("length", [1, 3, 9, 11, 12, 20])
def test_other_frame_lengths_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"10, 2 or 0 octets, not {length}"):
        g729.Decoder().decode(bytes(length))


def test_wrong_kinds_are_refused() -> None:
    with pytest.raises(TypeError, match="16 bit samples"):
        g729.Encoder().encode(np.zeros(80, np.float32))
    with pytest.raises(TypeError, match="16 bit samples"):
        g729.Encoder().encode(np.zeros(80, np.uint16))
    with pytest.raises((BufferError, ValueError), match="contiguous"):
        g729.Encoder().encode(np.zeros(160, np.int16)[::2])
    with pytest.raises(TypeError):
        g729.Encoder().encode("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        g729.Decoder().decode("text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no variant 'mmx'"):
        g729.Encoder(variant="mmx")


def test_an_object_is_ready_as_soon_as_it_exists() -> None:
    """No call may find a state that was never set up, however the object came about."""
    assert g729.Encoder.__new__(g729.Encoder).encode(bytes(160)) == g729.Encoder().encode(bytes(160))
    assert g729.Decoder.__new__(g729.Decoder).decode(bytes(10)) == g729.Decoder().decode(bytes(10))


def test_without_annex_b_every_frame_is_speech() -> None:
    encoder = g729.Encoder()
    assert encoder.annex_b is False
    assert {len(frame) for frame in encoder.encode(make("silence", 50))} == {10}


def test_a_pause_is_one_descriptor_and_then_little() -> None:
    frames = g729.Encoder(annex_b=True).encode(make("quiet", 100))
    assert len(frames[0]) == 2
    assert sum(len(frame) == 10 for frame in frames) == 0
    assert sum(len(frame) == 2 for frame in frames) < 40


def test_lost_frames_fade() -> None:
    decoder = g729.Decoder()
    for frame in g729.Encoder().encode(make("talk", 40)):
        last = decoder.decode(frame)
    level = np.abs(np.asarray(last)).max()
    assert level > 500
    concealed = [np.abs(np.asarray(decoder.decode(None))).max() for _ in range(60)]
    assert concealed[0] > level / 10
    assert concealed[-1] < level / 4


def test_a_lost_frame_in_a_pause_is_comfort_noise() -> None:
    """B.4.5: after a descriptor an erased frame is the same as an untransmitted one."""
    frames = g729.Encoder(annex_b=True).encode(make("quiet", 20))
    one, other = g729.Decoder(), g729.Decoder()
    for frame in frames[:4]:
        assert one.decode(frame) == other.decode(frame)
    for _ in range(5):
        assert one.decode(None) == other.decode(b"")


def test_channels_are_independent_of_each_other_and_of_threads() -> None:
    pcm = make("talk", 200)
    wanted = g729.Encoder(True).encode(pcm)
    got: dict[int, list[bytes]] = {}

    def run(index: int) -> None:
        got[index] = g729.Encoder(True).encode(pcm)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(got[i] == wanted for i in range(4))


frame = st.one_of(
    st.none(),
    st.just(b""),
    st.binary(min_size=2, max_size=2),
    st.binary(min_size=10, max_size=10),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(frame, max_size=40))
def test_any_frames_decode_alike_in_every_variant(frames: list[bytes | None]) -> None:
    decoders = [g729.Decoder(variant=name) for name in g729.variants()]
    for one in frames:
        first, *rest = [decoder.decode(one) for decoder in decoders]
        assert len(first) == 80
        assert all(other == first for other in rest)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(-32768, 32767), st.integers(1, 400)), min_size=1, max_size=30), st.booleans())
def test_any_samples_encode_alike_in_every_variant(runs: list[tuple[int, int]], annex_b: bool) -> None:
    pcm = array("h", [value if i % 2 else -(value + 1) for value, length in runs for i in range(length)])
    pcm = pcm[: len(pcm) // 80 * 80]
    first, *rest = [g729.Encoder(annex_b, variant=name).encode(pcm) for name in g729.variants()]
    assert all(other == first for other in rest)


def test_fuzzed_streams(variant: str) -> None:
    """A real stream with flipped bits, erasures, swapped kinds and pure noise; bounded, and the same each time."""
    random = np.random.default_rng(729)
    frames: list[bytes | None] = [*g729.Encoder(True).encode(make("talk", 300))]
    decoder, plain = g729.Decoder(variant=variant), g729.Decoder(variant="c")
    for _ in range(8):
        for original in frames:
            one, kind = original, random.integers(12)
            if kind == 0:
                one = None
            elif kind == 1:
                one = b""
            elif kind == 2:
                one = random.bytes(2)
            elif kind == 3:
                one = random.bytes(10)
            elif kind == 4 and one:
                one = bytes(octet ^ (1 << random.integers(8)) for octet in one)
            pcm = decoder.decode(one)
            assert len(pcm) == 80
            assert pcm == plain.decode(one)


@pytest.mark.slow
def test_twenty_minutes_with_pauses(variant: str) -> None:
    """The VAD's frame counter wraps after 327.67 s; pauses must be found after it as before."""
    block = np.frombuffer(make("talk", 600), np.int16)
    noise = np.random.default_rng(1).normal(0, 6, 600 * 80)
    pause = np.where(np.arange(600 * 80) % 48000 < 24000, block, noise).astype(np.int16)
    encoder, plain, decoder = g729.Encoder(True, variant=variant), g729.Encoder(True, variant="c"), g729.Decoder()
    shares = []
    for minute in range(20):
        kinds: list[int] = []
        for part in range(10):
            pcm = np.roll(pause, 80 * (minute + part))
            frames = encoder.encode(pcm)
            assert frames == plain.encode(pcm)
            kinds += [len(one) for one in frames]
            for one in frames[::7]:
                decoder.decode(one)
        shares.append(sum(kind == 10 for kind in kinds) / len(kinds))
    steady = shares[1:]
    assert 0.2 < min(steady) <= max(steady) < 0.95
    assert max(steady) - min(steady) < 0.15
