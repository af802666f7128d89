# SPDX-License-Identifier: Apache-2.0
"""RFC 3389 comfort noise: level and colour come out as they were described."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.ext.cng import Cng, describe


def noise(payload: bytes, samples: int = 16000) -> NDArray[np.float64]:
    source, pcm = Cng(7), np.zeros(samples, np.int16)
    source.update(payload)
    source.generate(pcm)
    return pcm[2000:].astype(float)


@pytest.mark.parametrize("level", [30, 40, 50, 60, 70])
@pytest.mark.parametrize("shape", [b"", bytes([40, 150]), bytes([30, 170, 110, 127, 140])])
def test_the_level_is_that_of_the_payload(level: int, shape: bytes) -> None:
    rms = np.sqrt((noise(bytes([level]) + shape) ** 2).mean())
    assert 20 * np.log10(rms / 32768) == pytest.approx(-level, abs=1.0)


def test_described_noise_comes_back_with_its_colour() -> None:
    rng = np.random.default_rng(5)
    white = rng.normal(0, 300, 40_000)
    red = np.zeros(40_000)
    for i in range(1, 40_000):
        red[i] = 0.9 * red[i - 1] + white[i]
    payload = describe(red.astype(np.int16), 6)
    assert len(payload) == 7
    again = noise(payload, 40_000)
    assert np.std(again) == pytest.approx(np.std(red), rel=0.1)
    for lag, expected in ((1, 0.9), (2, 0.81), (5, 0.59)):
        assert np.corrcoef(again[lag:], again[:-lag])[0, 1] == pytest.approx(expected, abs=0.05)
    first = describe(again.astype(np.int16), 6)
    assert abs(first[0] - payload[0]) <= 1
    assert np.abs(np.subtract(list(first), list(payload), dtype=int)[1:]).max() <= 8


def test_level_changes_glide() -> None:
    source, pcm = Cng(), np.zeros(160, np.int16)
    source.update(bytes([20]))
    source.generate(pcm)
    assert abs(int(pcm[0])) < 100
    assert np.abs(pcm).max() > 1000


def test_silence_and_rubbish() -> None:
    assert describe(np.zeros(160, np.int16))[0] == 127
    assert np.abs(noise(bytes([127]))).max() == 0
    with pytest.raises(ValueError, match="empty"):
        Cng().update(b"")
    with pytest.raises(ValueError, match="order"):
        describe(np.zeros(160, np.int16), 13)
    rng = np.random.default_rng(1)
    for _ in range(200):  # any payload is stable
        rms = np.sqrt((noise(rng.bytes(int(rng.integers(1, 40))), 4000) ** 2).mean())
        assert rms < 32768
    loud = noise(bytes([40, 0, 255, 0, 255, 0, 255]))
    assert np.sqrt((loud**2).mean()) < 32768
