# SPDX-License-Identifier: Apache-2.0
"""Measuring what a client recorded: is the tone there, how loud, and without gaps."""

from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

FRAME_MS = 10


def write_tone(path: Path, hz: float, seconds: float, level_dbfs: float = -12.0, rate_hz: int = 8000) -> None:
    """A WAV file with a sine; the level is that of its peak against full scale."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    sf.write(path, 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * t), rate_hz, subtype="PCM_16")


def frame_levels(samples: NDArray[np.float64], rate_hz: int, hz: float) -> NDArray[np.float64]:
    """Level of one frequency in each frame of 10 ms, dB against a full-scale sine."""
    size = rate_hz * FRAME_MS // 1000
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    t = np.arange(size) / rate_hz
    window = np.hanning(size)
    probe = window * np.exp(-2j * np.pi * hz * t)
    amplitude = 2 * np.abs(frames @ probe) / window.sum()
    return np.asarray(20 * np.log10(np.maximum(amplitude, 1e-6)))


class Heard:
    """What a recording holds of a tone."""

    def __init__(self, path: Path, hz: float) -> None:
        samples, rate_hz = sf.read(path, dtype="float64", always_2d=True)
        levels = frame_levels(samples[:, 0], rate_hz, hz)
        there = np.flatnonzero(levels > -35)
        self.seconds = len(there) * FRAME_MS / 1000
        """How long the tone is heard in all."""
        self.level_dbfs = float(np.median(levels[there])) if len(there) else -120.0
        if len(there):
            inside = levels[there[0] : there[-1] + 1] > -35
            gaps = np.diff(np.flatnonzero(inside)) - 1
            self.longest_gap_ms = int(gaps.max() * FRAME_MS) if len(gaps) else 0
        else:
            self.longest_gap_ms = 10_000

    def __repr__(self) -> str:
        return f"<{self.seconds:.2f} s at {self.level_dbfs:.1f} dB, gap {self.longest_gap_ms} ms>"
