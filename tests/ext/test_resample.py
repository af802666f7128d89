# SPDX-License-Identifier: Apache-2.0
"""The resampler by sines: level, purity, what folds, delay."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.ext.resample import Resampler

PAIRS = [(a, b) for a in (8000, 16000, 32000, 48000) for b in (8000, 16000, 32000, 48000) if a != b]
FILES = [(a, b) for a in (11025, 22050, 44100) for b in (8000, 16000)] + [(8000, 44100)]


def sine(hz: float, rate_hz: int, level: float = 10_000, seconds: float = 0.5) -> NDArray[np.int16]:
    return np.rint(level * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.int16)


def convert(pcm: NDArray[np.int16], from_hz: int, to_hz: int) -> NDArray[np.float64]:
    return np.frombuffer(Resampler(from_hz, to_hz).run(pcm), np.int16).astype(float)


def fit(pcm: NDArray[np.float64], hz: float, rate_hz: int) -> tuple[float, float]:
    """The amplitude of a sine in the signal, and the rms of all else."""
    t = np.arange(len(pcm)) / rate_hz
    base = np.stack([np.sin(2 * np.pi * hz * t), np.cos(2 * np.pi * hz * t)], 1)
    weights, *_ = np.linalg.lstsq(base, pcm, rcond=None)
    return float(np.hypot(*weights)), float(np.sqrt(((pcm - base @ weights) ** 2).mean()))


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS + FILES)
def test_pass_band_is_flat_and_clean(from_hz: int, to_hz: int) -> None:
    for hz in (100, 300, 1000, 2000, 3000, 3400):
        pcm = convert(sine(hz, from_hz), from_hz, to_hz)[to_hz // 20 :]
        amplitude, rest = fit(pcm, hz, to_hz)
        assert abs(20 * np.log10(amplitude / 10_000)) < 0.1
        assert 20 * np.log10(amplitude / np.sqrt(2) / rest) > 60


@pytest.mark.parametrize(("from_hz", "to_hz"), [p for p in PAIRS if p[0] > p[1]])
def test_what_would_fold_is_gone(from_hz: int, to_hz: int) -> None:
    for hz in np.linspace(to_hz * 0.5 * 1.045, from_hz / 2 * 0.98, 9):
        pcm = convert(sine(float(hz), from_hz), from_hz, to_hz)[to_hz // 20 :]
        assert np.sqrt(2 * (pcm**2).mean()) < 10_000 * 10 ** (-60 / 20) + 0.5  # and the rounding


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_frames_give_frames_and_the_delay_is_short(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    pcm = sine(1000, from_hz, seconds=0.2)
    size = from_hz // 50
    parts = [resampler.run(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    assert {len(part) for part in parts} == {2 * to_hz // 50}
    assert b"".join(parts) == Resampler(from_hz, to_hz).run(pcm)
    click = np.zeros(from_hz // 10, np.int16)
    click[0] = 20_000
    peak = int(np.abs(convert(click, from_hz, to_hz)).argmax())
    assert peak / to_hz <= 20 / min(from_hz, to_hz) + 1e-9 <= 0.0025 + 1e-9


def test_full_scale_is_held_and_rubbish_refused() -> None:
    square = np.tile(np.repeat(np.array([32767, -32768], np.int16), 20), 50)
    assert np.abs(convert(square, 8000, 16000)).max() <= 32768
    for pair in ((0, 8000), (8000, -1), (8000, 7919), (192_000, 8000)):
        with pytest.raises(ValueError):
            Resampler(*pair)
    assert Resampler(8000, 16000).run(square[:0]) == b""
