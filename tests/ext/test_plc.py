# SPDX-License-Identifier: Apache-2.0
"""Concealment: a lost vowel goes on, fades on time, and comes back without a click."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.ext.plc import Plc

Pcm = NDArray[np.int16]
RATES = [8000, 16000, 44100, 48000]


def voiced(pitch_hz: float, rate_hz: int, seconds: float) -> Pcm:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    wave = sum(np.sin(2 * np.pi * k * pitch_hz * t + k) / k for k in range(1, int(3300 // pitch_hz)))
    return np.asarray(6000 * wave, np.int16)


def conceal(pcm: Pcm, lost: set[int], rate_hz: int, frame_ms: int = 20) -> Pcm:
    """The stream with some of its frames concealed."""
    plc, out, size = Plc(rate_hz), pcm.copy(), rate_hz * frame_ms // 1000
    for i in range(len(pcm) // size):
        frame = out[i * size : (i + 1) * size]
        if i in lost:
            frame[:] = 0x55
            plc.lost(frame)
        else:
            plc.good(frame)
    return out


def snr_db(clean: Pcm, got: Pcm) -> float:
    error = clean.astype(float) - got
    return float(10 * np.log10((clean.astype(float) ** 2).sum() / max(1.0, (error**2).sum())))


def level(pcm: Pcm) -> float:
    return float(np.sqrt((pcm.astype(float) ** 2).mean()))


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("period_samples", [42, 64, 80, 115])
def test_a_lost_vowel_goes_on(rate_hz: int, period_samples: int) -> None:
    pcm = voiced(8000 / period_samples, rate_hz, 1.0)
    out = conceal(pcm, {20}, rate_hz, 10)
    at = slice(20 * rate_hz // 100, 21 * rate_hz // 100)
    assert snr_db(pcm[at], out[at]) > 20
    assert snr_db(pcm, out) > 30


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("frame_ms", [10, 20, 30])
def test_bursts_of_loss_neither_click_nor_buzz(rate_hz: int, frame_ms: int) -> None:
    pcm = voiced(137, rate_hz, 2.0)
    out = conceal(pcm, {10, 20, 21, 30, 31, 32}, rate_hz, frame_ms)
    bend = [np.abs(np.diff(x.astype(int), 2)).max() for x in (pcm, out)]
    assert bend[1] < 1.4 * bend[0]
    assert np.abs(out).max() <= 1.3 * np.abs(pcm).max()


@pytest.mark.parametrize("rate_hz", RATES)
def test_it_fades_from_10_ms_and_is_silent_after_60(rate_hz: int) -> None:
    pcm = voiced(200, rate_hz, 1.0)
    out = conceal(pcm, set(range(50, 60)), rate_hz, 10)
    full = level(pcm)
    tens = [level(out[i * rate_hz // 100 : (i + 1) * rate_hz // 100]) / full for i in range(50, 60)]
    assert tens == pytest.approx([1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 0, 0, 0, 0], abs=0.06)


@pytest.mark.parametrize("rate_hz", RATES)
def test_audio_after_silence_is_faded_in(rate_hz: int) -> None:
    pcm = voiced(200, rate_hz, 1.0)
    out = conceal(pcm, set(range(20, 30)), rate_hz, 10)
    start = out[30 * rate_hz // 100 :]
    assert abs(int(start[0])) < 100
    ten = rate_hz // 100
    assert (start[ten:] == pcm[31 * rate_hz // 100 :]).all()


def test_loss_before_any_audio_is_silence() -> None:
    plc, frame = Plc(), np.full(160, 99, np.int16)
    plc.lost(frame)
    assert not frame.any()


def test_frame_sizes_of_loss_do_not_matter() -> None:
    pcm = voiced(120, 8000, 0.2)
    one, many, whole = Plc(), Plc(), np.zeros(480, np.int16)
    one.good(pcm.copy())
    many.good(pcm.copy())
    one.lost(whole)
    parts = [np.zeros(n, np.int16) for n in (1, 79, 160, 240)]
    for part in parts:
        many.lost(part)
    assert (np.concatenate(parts) == whole).all()


def test_noise_bursts_stay_within_range() -> None:
    rng = np.random.default_rng(3)
    pcm = rng.integers(-32768, 32767, 16000, np.int16, endpoint=True)
    out = conceal(pcm, set(range(0, 100, 3)), 8000)
    assert level(out) < level(pcm) * 1.05


def test_rates_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="96000"):
        Plc(96000)
