# SPDX-License-Identifier: Apache-2.0
"""How many in-band digits are heard, clean and in noise, at the limits of Q.24, and how many are heard in speech.

python -m benchmarks.bench_dtmf [--digits 10000] [--speech-minutes 30]
"""

import argparse
import io
import json
import subprocess

import numpy as np
import soundfile
from numpy.typing import NDArray

from switchroom.ext.dtmf import Detector
from tests.ext.test_dtmf import Line, begun

SETTINGS: tuple[tuple[str, dict[str, float]], ...] = (
    ("plain", {}),
    ("twist +4 dB", {"twist": 4.0}),
    ("twist -8 dB", {"twist": -8.0}),
    ("frequency +1.5 %", {"low": 0.015, "high": 0.015}),
    ("frequency -1.5 %", {"low": -0.015, "high": -0.015}),
)
REFUSED: tuple[tuple[str, dict[str, float]], ...] = (
    ("twist 12 dB", {"twist": 12.0}),
    ("frequency +3.5 %", {"low": 0.035, "high": 0.035}),
    ("frequency -3.5 %", {"low": -0.035, "high": -0.035}),
)
VOICES = ("en-us", "en-gb", "de", "fr-fr", "es", "it", "ru", "cmn", "sv", "pl", "pt-br", "nl")
VARIANTS = ("", "+f2", "+m3", "+f4", "+m7")
TEXT = (
    "Good morning, you are speaking with the service centre. How may I help you today? The order with the number four "
    "seven one one was sent on Thursday, and it should arrive in two or three days. Would you like me to look it up? "
)


def speech(minutes: float) -> NDArray[np.int16]:
    """Synthetic voices at 8 kHz, several languages, pitches and speeds."""
    parts: list[NDArray[np.int16]] = []
    wanted, have, turn = int(minutes * 60 * 8000), 0, 0
    while have < wanted:
        voice = VOICES[turn % len(VOICES)] + VARIANTS[turn // len(VOICES) % len(VARIANTS)]
        pitch, speed = 20 + turn * 17 % 75, 130 + turn * 23 % 120
        wav = subprocess.run(
            ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout", TEXT * 3],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        pcm, rate = soundfile.read(io.BytesIO(wav), dtype="float64")
        times = np.arange(0, len(pcm) - 1, rate / 8000)
        taken = (np.interp(times, np.arange(len(pcm)), pcm) * 26_000).astype(np.int16)
        parts.append(taken)
        have += len(taken)
        turn += 1
    return np.concatenate(parts)[:wanted]


def share_heard(digits: int, snr_db: float | None, seed: int, **tone: float) -> float:
    """Share of digits of 40 ms, 40 ms apart, that are heard."""
    heard = 0
    for at in range(0, digits, 1_000):
        line = Line(seed + at).dial(min(1_000, digits - at), **tone)
        found = begun(line.hear(snr_db))
        position = 0
        for digit in line.dialled:
            if position < len(found) and found[position] == digit:
                position += 1
                heard += 1
    return heard / digits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--digits", type=int, default=10_000)
    parser.add_argument("--speech-minutes", type=float, default=30.0)
    options = parser.parse_args()
    for snr_db in (None, 20.0, 15.0):
        for name, tone in SETTINGS:
            print(
                json.dumps({"digits": name, "snr_db": snr_db, "heard": share_heard(options.digits, snr_db, 1, **tone)})
            )
    for name, tone in REFUSED:
        print(json.dumps({"refused": name, "heard": share_heard(min(options.digits, 2_000), None, 1, **tone)}))
    found = begun(Detector(8000).feed(speech(options.speech_minutes)))
    print(json.dumps({"speech_minutes": options.speech_minutes, "false_digits": len(found)}))


if __name__ == "__main__":
    main()
