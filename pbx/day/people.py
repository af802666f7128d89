# SPDX-License-Identifier: Apache-2.0
"""How made-up people behave: when they call, how long they wait and talk, what they press. All of it is drawn from one
source of chance, so the same seed makes the same day."""

import math
import random
from collections.abc import Iterator

from switchroom.pbx.day.config import Crew, Spread, Stream
from switchroom.pbx.sim.control import SimPhone

VARIATION = 0.7
_SIGMA = math.sqrt(math.log(1 + VARIATION**2))


def drawn(chance: random.Random, mean_s: float, spread: Spread) -> float:
    """A time around its mean."""
    match spread:
        case "fixed":
            return mean_s
        case "exponential":
            return chance.expovariate(1 / mean_s)
        case "lognormal":
            return chance.lognormvariate(math.log(mean_s) - _SIGMA**2 / 2, _SIGMA)


def arrivals(chance: random.Random, stream: Stream, hours: float) -> Iterator[float]:
    """When callers of a stream call, in seconds from the start: a Poisson process with a rate for each hour.

    Drawn at the highest rate and thinned (Lewis and Shedler 1979).
    """
    highest = max(stream.calls_per_hour)
    if not highest:
        return
    now_s = 0.0
    while True:
        now_s += chance.expovariate(highest / 3600)
        if now_s >= hours * 3600:
            return
        hour = min(int(now_s // 3600), len(stream.calls_per_hour) - 1)
        if chance.random() * highest < stream.calls_per_hour[hour]:
            yield now_s


def phone(chance: random.Random, crew: Crew) -> SimPhone:
    """How an agent's phone does for one offer."""
    answers = chance.random() >= crew.misses
    wait_s = 0.1 + (chance.expovariate(1 / crew.answer_s) if crew.answer_s else 0.0)
    return SimPhone(rings_after_s=0.05, answers_after_s=wait_s if answers else None)


def number(chance: random.Random, stream: Stream) -> str:
    """One of the stream's regular callers."""
    return f"1{abs(hash_of(stream.name)) % 90 + 10}{chance.randrange(stream.regulars):08d}"


def hash_of(text: str) -> int:
    """A number for a text that is the same in every run, as Python's own is not."""
    value = 0
    for byte in text.encode():
        value = (value * 131 + byte) % 1_000_000_007
    return value
