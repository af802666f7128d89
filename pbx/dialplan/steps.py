# SPDX-License-Identifier: Apache-2.0
"""Small scripts in the dial plan: `steps:` does one thing after the other, `menu:` waits for a key and goes on from it.

`steps:early, wait 2, answer, tone 440 3, hangup`; `menu:1=echo, 9=hangup`.
"""

import msgspec

TIMED = {"wait": True, "ring": False, "early": False, "music": False, "echo": False}
"""Steps that last, and whether the seconds must be given; without them `ring` and `early` go on to the next step at
once, `music` and `echo` last until the caller hangs up."""
PLAIN = ("answer", "hangup")
MAX_STEPS = 50


class Step(msgspec.Struct, frozen=True):
    """One step: a verb, what it is about, and how long it lasts."""

    verb: str
    what: str = ""
    seconds: float = 0.0
    """0: to the end, or no time at all, as the verb has it."""


def parse_steps(text: str) -> tuple[Step, ...]:
    """Read the argument of `steps:`. Raises ValueError."""
    parts = [part.split() for part in text.split(",")]
    if len(parts) > MAX_STEPS:
        raise ValueError(f"more than {MAX_STEPS} steps")
    return tuple(map(_step, parts))


def _step(words: list[str]) -> Step:
    match words:
        case [verb] if verb in PLAIN or TIMED.get(verb) is False:
            return Step(verb)
        case [verb, seconds] if verb in TIMED:
            return Step(verb, seconds=_seconds(seconds))
        case ["tone", hz, seconds] if hz.isdecimal() and 20 <= int(hz) <= 3900:
            return Step("tone", hz, _seconds(seconds))
        case ["play", _, *_]:
            return Step("play", " ".join(words[1:]))
    known = "answer, ring, early, wait SECONDS, tone HZ SECONDS, play FILE, music, echo, hangup"
    raise ValueError(f"{' '.join(words)!r} is no step; known: {known}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:
        raise ValueError(f"{text!r} is no number of seconds")
    return seconds


def parse_menu(text: str) -> dict[str, str]:
    """Read the argument of `menu:`: for each key a destination, or `hangup`. Raises ValueError."""
    keys: dict[str, str] = {}
    for part in text.split(","):
        key, equals, to = (word.strip() for word in part.partition("="))
        if not equals or not to or len(key) != 1 or key not in "0123456789*#ABCD":
            raise ValueError(f"{part.strip()!r}: expected KEY=DESTINATION")
        if key in keys:
            raise ValueError(f"{key!r} stands there twice")
        keys[key] = to
    return keys
