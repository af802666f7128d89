# SPDX-License-Identifier: Apache-2.0
"""Time scaling: the length changes by a period of the wave, and no click is heard at the joins."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.ext.timescale import accelerate, expand

Pcm = NDArray[np.int16]


def voiced(pitch_hz: float, rate_hz: int, seconds: float) -> Pcm:
    """A vowel-like wave: harmonics that fall off, with a slight vibrato."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * pitch_hz * t + 0.1 * np.sin(2 * np.pi * 5 * t)
    wave = sum(np.sin(k * phase) / k for k in range(1, int(min(3400, rate_hz / 2) // pitch_hz)))
    return np.asarray(6000 * wave, np.int16)


def scaled(pcm: Pcm, rate_hz: int, frame_ms: int, **urgent: bool) -> tuple[Pcm, int, int]:
    """Every fifth frame expanded, every seventh accelerated: the result, and the samples put in and taken."""
    size, parts, added, taken = rate_hz * frame_ms // 1000, [], 0, 0
    for i in range(len(pcm) // size):
        frame = pcm[i * size : (i + 1) * size]
        out = expand(frame, rate_hz, **urgent) if i % 5 == 0 else frame.tobytes()
        out = accelerate(frame, rate_hz, **urgent) if i % 7 == 3 and i % 5 else out
        part = np.frombuffer(out, np.int16)
        added += max(0, len(part) - size)
        taken += max(0, size - len(part))
        parts.append(part)
    return np.concatenate(parts), added, taken


def roughness(pcm: Pcm) -> float:
    """The largest bend of the wave: a click bends it more than the signal itself does."""
    return float(np.abs(np.diff(pcm.astype(np.int32), 2)).max())


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("frame_ms", [20, 30, 60])
@pytest.mark.parametrize("pitch_hz", [90, 130, 220, 350])
def test_voiced_frames_change_by_whole_periods_without_a_click(rate_hz: int, frame_ms: int, pitch_hz: int) -> None:
    pcm = voiced(pitch_hz, rate_hz, 1.2)
    out, added, taken = scaled(pcm, rate_hz, frame_ms)
    assert added > 0.002 * rate_hz
    assert taken > 0.002 * rate_hz
    assert roughness(out) < 1.25 * roughness(pcm)


def test_pure_tone_stays_one_tone() -> None:
    pcm = np.asarray(9000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 8000), np.int16)
    out, _, _ = scaled(pcm, 8000, 20)
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
    near = abs(np.fft.rfftfreq(len(out), 1 / 8000) - 440) < 20
    assert spectrum[~near].sum() < 1e-3 * spectrum.sum()


def test_noise_is_left_alone_unless_it_is_urgent() -> None:
    noise = np.asarray(np.random.default_rng(1).normal(0, 4000, 160), np.int16)
    assert accelerate(noise) == expand(noise) == noise.tobytes()
    assert len(accelerate(noise, urgent=True)) < 320 < len(expand(noise, urgent=True))


def test_silence_always_gives_way() -> None:
    for pcm in (np.zeros(160, np.int16), np.random.default_rng(2).integers(-20, 20, 160).astype(np.int16)):
        assert len(accelerate(pcm)) == 2 * (160 - 80)
        assert len(expand(pcm)) == 2 * (160 + 80)


def test_frames_too_short_or_empty_come_back_unchanged() -> None:
    short = np.arange(40, dtype=np.int16)
    assert accelerate(short) == expand(short) == short.tobytes()
    assert accelerate(short[:0]) == b""


def test_first_and_last_sample_stay() -> None:
    pcm = voiced(150, 8000, 0.02)
    for out in (accelerate(pcm), expand(pcm)):
        samples = np.frombuffer(out, np.int16)
        assert (samples[0], samples[-1]) == (pcm[0], pcm[-1])
        assert len(samples) != 160
