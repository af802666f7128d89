# SPDX-License-Identifier: Apache-2.0
"""The file of a day: who calls when and how long they wait, who works when and how, and the queues between them."""

import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from switchroom.pbx.acd.config import AcdConfig, QueueConfig
from switchroom.pbx.config_reader import Mistake, Reader
from switchroom.pbx.dialplan import Hours
from switchroom.pbx.errors import SwitchroomError

Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Spread = Literal["exponential", "lognormal", "fixed"]
"""How times lie around their mean; `lognormal` as real talks do, with a coefficient of variation of 0.7."""


class DayRefused(SwitchroomError):
    """The file cannot be used; `mistakes` says all that is wrong with it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class Moment(msgspec.Struct, frozen=True):
    """A local time with its offset: `2026-11-02T08:00:00+08:00`."""

    utc_ns: int
    text: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise ValueError(f"{text!r}: expected a time with its offset, such as 2026-11-02T08:00:00+08:00")
        return cls(round(found.timestamp()) * 1_000_000_000, text)


class Shift(msgspec.Struct, frozen=True):
    """From when to when, after the beginning of the day, in seconds: `0:00-9:00`."""

    begin_s: float
    end_s: float

    @classmethod
    def from_text(cls, text: str) -> Self:
        try:
            begin, end = (sum(int(part) * unit for part, unit in zip(time.split(":"), (3600, 60), strict=True))
                          for time in text.split("-"))  # fmt: skip
        except ValueError:
            raise ValueError(f"{text!r}: expected hours and minutes of the day, such as 0:00-9:00") from None
        if not 0 <= begin < end:
            raise ValueError(f"{text!r} ends before it begins")
        return cls(float(begin), float(end))


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """[day]."""

    name: str = "day"
    start: Moment
    hours: Annotated[float, Meta(gt=0, le=168)] = 10.0
    """For how long new calls come; those that wait then are still served."""
    closing_s: Annotated[float, Meta(ge=0, le=86_400)] = 3600.0
    """After so long everybody who is still there is cut off."""
    flows: tuple[str, ...] = ()
    """Files of data flows, relative to this one; the ready flows are there without."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """[[stream]]: callers of one kind."""

    name: str
    to: str
    """`queue:NAME` or `ivr:NAME`."""
    dialled: str = "4000"
    calls_per_hour: tuple[Annotated[float, Meta(ge=0, le=1_000_000)], ...]
    """One for each hour of the day, from its start; the last one holds for the rest."""
    patience_s: Seconds = 120.0
    """The mean time after which somebody who waits gives up."""
    patience: Spread = "exponential"
    talk_s: Seconds = 150.0
    talk: Spread = "lognormal"
    repeats: Share = 0.3
    """Share of those who gave up that call again."""
    repeat_after_s: Seconds = 600.0
    regulars: Annotated[int, Meta(ge=1, le=10_000_000)] = 10_000
    """How many different numbers call."""
    priority: Annotated[int, Meta(ge=0, le=100)] = 0
    skills: dict[str, Annotated[int, Meta(ge=1, le=10)]] = msgspec.field(default_factory=dict)
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """What a caller presses when it hears a prompt: its name or words, and the keys."""
    think_s: Seconds = 2.0
    ends: Share = 0.5
    """Share of the talks that the caller ends; the agent ends the others."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between keys that is broken."""
        if not self.to.startswith(("queue:", "ivr:")):
            yield "to", "expected queue:NAME or ivr:NAME"
        if not self.calls_per_hour:
            yield "calls_per_hour", "needs at least one figure"


class Crew(msgspec.Struct, frozen=True, kw_only=True):
    """[[crew]]: agents of one kind; they are called by the name and a number."""

    name: Annotated[str, Meta(pattern=r"^[0-9A-Za-z._-]+$")]
    agents: Annotated[int, Meta(ge=1, le=20_000)]
    queues: dict[str, Annotated[int, Meta(ge=1, le=100)]]
    skills: dict[str, Annotated[int, Meta(ge=1, le=10)]] = msgspec.field(default_factory=dict)
    shift: Shift
    breaks: tuple[Shift, ...] = ()
    turns: Annotated[int, Meta(ge=1, le=20)] = 1
    """In how many turns they take their breaks, one after the other."""
    late_s: Annotated[float, Meta(ge=0, le=3600)] = 120.0
    """The mean time after which an agent comes and goes late."""
    answer_s: Annotated[float, Meta(ge=0, le=120)] = 3.0
    misses: Share = 0.01
    """Share of the offers that are not answered."""


class DayFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    day: Day
    streams: tuple[Stream, ...] = msgspec.field(name="stream")
    crews: tuple[Crew, ...] = msgspec.field(name="crew")
    queues: dict[str, QueueConfig] = msgspec.field(name="queue")
    acd: AcdConfig = AcdConfig()
    times: dict[str, Hours] = msgspec.field(default_factory=dict)

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between sections that is broken."""
        for index, stream in enumerate(self.streams):
            if stream.to.startswith("queue:") and stream.to[6:] not in self.queues:
                yield f"stream[{index}].to", f"there is no queue {stream.to[6:]!r}"
        for index, crew in enumerate(self.crews):
            for name in crew.queues:
                if name not in self.queues:
                    yield f"crew[{index}].queues", f"there is no queue {name!r}"


def load(path: Path) -> DayFile:
    """Raises DayRefused with everything that is wrong."""
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DayRefused([Mistake(str(path), "", f"cannot be read: {error}")]) from error
    reader = Reader(str(path))
    found: DayFile | None = reader.read(DayFile, document)
    if found is None or reader.mistakes:
        raise DayRefused(reader.mistakes)
    return found
