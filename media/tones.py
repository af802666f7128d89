# SPDX-License-Identifier: Apache-2.0
"""Tones by name: frequencies and cadences of ITU-T E.180 (supplement 2) as used in China, Europe and North America."""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    import numpy

MAX_STEPS: Final = 4
FULL_SCALE_DBM0: Final = 3.14
"""Of a sine as large as G.711 can carry (ITU-T G.711 section 5)."""
_SPEC: Final = struct.Struct("=IIf4f4f4H4HI")
"""sr_tone_spec of ext/shard/wire.h."""


class Step(msgspec.Struct, frozen=True):
    """Sound of one or two sines, then silence; 0 ms of silence joins on to the next step without a pause."""

    first_hz: float
    second_hz: float = 0.0
    on_ms: int = 1_000
    off_ms: int = 0


class Tone(msgspec.Struct, frozen=True):
    """Steps, gone through again and again; the level is that of each sine (a full-scale sine is +3.14 dBm0)."""

    steps: tuple[Step, ...]
    level_dbm0: float = -13.0


TONES: Final[dict[str, Tone]] = {
    "dial": Tone((Step(450.0),), -13.0),
    "ringback": Tone((Step(450.0, 0.0, 1_000, 4_000),)),
    "busy": Tone((Step(450.0, 0.0, 350, 350),)),
    "congestion": Tone((Step(450.0, 0.0, 700, 700),)),
    "dial.eu": Tone((Step(425.0),)),
    "ringback.eu": Tone((Step(425.0, 0.0, 1_000, 4_000),)),
    "busy.eu": Tone((Step(425.0, 0.0, 500, 500),)),
    "congestion.eu": Tone((Step(425.0, 0.0, 250, 250),)),
    "dial.us": Tone((Step(350.0, 440.0),)),
    "ringback.us": Tone((Step(440.0, 480.0, 2_000, 4_000),), -19.0),
    "busy.us": Tone((Step(480.0, 620.0, 500, 500),), -24.0),
    "congestion.us": Tone((Step(480.0, 620.0, 250, 250),), -24.0),
    "unobtainable": Tone((Step(950.0, 0.0, 330), Step(1_400.0, 0.0, 330), Step(1_800.0, 0.0, 330, 1_000))),
    "leave": Tone((Step(700.0, 0.0, 200, 0),)),
    "beep": Tone((Step(1_400.0, 0.0, 200, 0),)),
}


def find_tone(what: str | float | Tone | Sequence[Step], level_dbm0: float | None = None) -> Tone:
    """A tone by name, by frequency in Hz (a steady sine), or by its steps. Raises ValueError for nonsense."""
    if isinstance(what, str):
        try:
            tone = TONES[what]
        except KeyError:
            raise ValueError(f"no tone is called {what!r}") from None
    elif isinstance(what, Tone):
        tone = what
    elif isinstance(what, (int, float)):
        tone = Tone((Step(float(what)),))
    else:
        tone = Tone(tuple(what))
    if not 1 <= len(tone.steps) <= MAX_STEPS:
        raise ValueError(f"a tone has 1 to {MAX_STEPS} steps, not {len(tone.steps)}")
    return tone if level_dbm0 is None else Tone(tone.steps, level_dbm0)


def pack_tone(tone: Tone, play: int, duration_ms: int) -> bytes:
    """The tone as the plane takes it; `duration_ms` 0: until it is stopped."""
    steps = [*tone.steps, *[Step(0.0, 0.0, 0, 0)] * (MAX_STEPS - len(tone.steps))]
    return _SPEC.pack(
        play,
        duration_ms,
        tone.level_dbm0,
        *[step.first_hz for step in steps],
        *[step.second_hz for step in steps],
        *[step.on_ms for step in steps],
        *[step.off_ms for step in steps],
        len(tone.steps),
    )


def render_tone(tone: Tone, duration_ms: int, rate_hz: int) -> "numpy.ndarray[Any, Any]":
    """The tone as 16-bit samples, for a place between other sounds; each burst rises and falls within 4 ms."""
    import numpy

    amplitude = 32767 * 10 ** ((tone.level_dbm0 - FULL_SCALE_DBM0) / 20)
    per_ms = rate_hz // 1000
    sound = numpy.zeros(duration_ms * per_ms)
    at = step_at = 0
    while at < len(sound):
        step = tone.steps[step_at % len(tone.steps)]
        step_at += 1
        steady = len(tone.steps) == 1 and step.off_ms == 0
        size = len(sound) if steady else min(step.on_ms * per_ms, len(sound) - at)
        n = numpy.arange(size)
        burst = sum(numpy.sin(2 * numpy.pi * hz * n / rate_hz) for hz in (step.first_hz, step.second_hz) if hz > 0)
        sound[at : at + size] = burst * numpy.clip(numpy.minimum(n + 1, size - n) / (4 * per_ms), 0, 1)
        at += max(size + step.off_ms * per_ms, 1)
    return numpy.clip(numpy.rint(amplitude * sound), -32768, 32767).astype(numpy.int16)
