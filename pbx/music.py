# SPDX-License-Identifier: Apache-2.0
"""The music that callers on hold hear where the configuration names none: a quiet melody, made at the first start."""

import os
import wave
from pathlib import Path

import numpy

from switchroom.pbx.config_recording import Music

RATE_HZ = 16_000
BEAT_S = 0.42
LEVEL = 0.10
CHORDS = ((261.6, 329.6, 392.0), (220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7))
"""C, A minor, F, G: each broken up and down."""


def own_music(folder: Path) -> Music:
    """A class of music with our melody in `folder`; it is made when it is not there. Blocks for a moment."""
    path = folder / "melody.wav"
    if path.is_file():
        return Music(folder=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    notes = [chord[step] * octave for chord in CHORDS for octave in (1, 2) for step in (0, 1, 2, 1)]
    sound = numpy.concatenate([_note(hz) for hz in notes])
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes((sound * 32767).astype("<i2").tobytes())
    os.replace(part, path)
    return Music(folder=str(folder))


def _note(hz: float) -> "numpy.typing.NDArray[numpy.float64]":
    t = numpy.arange(int(BEAT_S * RATE_HZ)) / RATE_HZ
    envelope = numpy.minimum(t / 0.02, 1) * numpy.exp(-t / 0.35) * numpy.minimum((BEAT_S - t) / 0.02, 1)
    overtones = numpy.sin(2 * numpy.pi * hz * t) + 0.3 * numpy.sin(4 * numpy.pi * hz * t)
    return LEVEL * envelope * overtones
