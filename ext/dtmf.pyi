# SPDX-License-Identifier: Apache-2.0
from typing import NamedTuple

from typing_extensions import Buffer

class Event(NamedTuple):
    kind: str
    digit: str
    start: int
    duration: int
    low_dbm0: float
    high_dbm0: float
    twist_db: float
    low_offset: float
    high_offset: float

class Detector:
    def __init__(self, rate_hz: int = 8000) -> None: ...
    def feed(self, pcm: Buffer) -> list[Event]: ...
    @property
    def suspect(self) -> bool: ...

def frequencies(digit: str) -> tuple[float, float]: ...

class Tone:
    def __init__(
        self,
        first_hz: float,
        first_dbm0: float,
        second_hz: float = 0,
        second_dbm0: float = 0,
        *,
        rate_hz: int = 8000,
        duration: int = -1,
        ramp: int = 0,
    ) -> None: ...
    def generate(self, pcm: Buffer) -> int: ...
