# SPDX-License-Identifier: Apache-2.0
"""What voicemail needs of sound files: a recording without its quiet end, and a whole file to be mailed.

Both are done in a thread.
"""

import asyncio
import math
import os
import wave
from pathlib import Path

import numpy

from switchroom.pbx.errors import SwitchroomError

FRAME_MS = 100
FULL_SCALE = 32768.0
KEPT_MS = 500
"""Of the quiet end, so that no word is cut off."""


class SoundError(SwitchroomError):
    """A recording cannot be read."""


class SoundFiles:
    """The Sound of pbx/apps/voicemail/boxes.py."""

    async def finish(self, recording: str, wav: str, quiet_dbfs: float | None) -> int:
        return await asyncio.to_thread(_finish, recording, wav, quiet_dbfs)

    async def read(self, wav: str) -> bytes:
        return await asyncio.to_thread(Path(wav).read_bytes)


def _finish(recording: str, wav: str, quiet_dbfs: float | None) -> int:
    """Up to half a second after the last sound."""
    try:
        with wave.open(recording, "rb") as file:
            rate_hz, channels = file.getframerate(), file.getnchannels()
            samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)[:, 0]
    except (wave.Error, OSError, EOFError) as error:
        raise SoundError(f"{recording}: {error}") from error
    if quiet_dbfs is not None:
        size = rate_hz * FRAME_MS // 1000
        loud = [at for at in range(0, len(samples), size) if _level(samples[at : at + size]) >= quiet_dbfs]
        samples = samples[: loud[-1] + size + rate_hz * KEPT_MS // 1000] if loud else samples[:0]
    if not len(samples):
        return 0
    part = f"{wav}.part"
    with wave.open(part, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(numpy.ascontiguousarray(samples).tobytes())
    os.replace(part, wav)
    return len(samples) * 1000 // rate_hz


def _level(samples: "numpy.typing.NDArray[numpy.int16]") -> float:
    """RMS in dB of full scale."""
    if not len(samples):
        return -100.0
    power = float(numpy.mean(numpy.square(samples.astype(numpy.float64))))
    return 10 * math.log10(power / FULL_SCALE**2) if power else -100.0
