# SPDX-License-Identifier: Apache-2.0
"""`python -m switchroom.media.dtmf FILE.wav`: the DTMF digits of an audio file, and nothing else, on one line.

Any file that soundfile reads; the channels are mixed. Exit codes: 0 heard (maybe nothing), 1 the file cannot be read, 2
wrong usage; what is wrong is said on standard error.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from switchroom.ext.dtmf import Detector, Event
from switchroom.ext.resample import Resampler

RATE_HZ = 8000
BLOCK = 1 << 16


def steps(rate_hz: int) -> list[Resampler] | None:
    """Filters that lead from a rate to 8000 Hz; None when there are none."""
    chain = []
    while rate_hz != RATE_HZ:
        for next_hz in (RATE_HZ, 48_000, 44_100, rate_hz // 2):
            if next_hz < rate_hz or next_hz == RATE_HZ:
                try:
                    chain.append(Resampler(rate_hz, next_hz))
                except ValueError:
                    continue
                rate_hz = next_hz
                break
        else:
            return None
    return chain


def transformed(pcm: Any, rate_hz: int) -> Any:
    """The whole signal at 8000 Hz by way of its spectrum: for rates that have no filter."""
    import numpy as np

    size = round(len(pcm) * RATE_HZ / rate_hz)
    spectrum = np.fft.rfft(pcm.astype(float))[: size // 2 + 1]
    out = np.fft.irfft(spectrum, size) * (size / max(1, len(pcm)))
    return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


def blocks(path: str) -> Iterator[Any]:
    """The file as mono int16 at 8000 Hz, block by block."""
    import numpy as np

    soundfile: Any = import_module("soundfile")  # it has no types
    with soundfile.SoundFile(path) as file:
        chain = steps(file.samplerate)
        size = BLOCK if chain is not None else -1
        while len(frames := file.read(size, dtype="float32", always_2d=True)):
            mono = np.clip(np.rint(frames.mean(axis=1) * 32767), -32768, 32767).astype(np.int16)
            if chain is None:
                mono = transformed(mono, file.samplerate)
            for filter_ in chain or ():
                mono = np.frombuffer(filter_.run(mono), np.int16)
            yield mono
    yield np.zeros(RATE_HZ // 10, np.int16)  # so that a digit at the very end is over


def digits(path: str) -> list[Event]:
    """The digits of an audio file, each with its start and duration (samples at 8000 Hz), level and twist.

    Raises OSError or soundfile.LibsndfileError when it cannot be read.
    """
    detector = Detector(RATE_HZ)
    return [event for block in blocks(path) for event in detector.feed(block) if event.kind == "end"]


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m switchroom.media.dtmf FILE.wav", file=sys.stderr)
        return 2
    try:
        soundfile: Any = import_module("soundfile")
    except ImportError:
        print("soundfile is not installed: pip install soundfile", file=sys.stderr)
        return 1
    try:
        heard = digits(arguments[0])
    except (OSError, soundfile.LibsndfileError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 1
    print("".join(event.digit for event in heard))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
