# SPDX-License-Identifier: Apache-2.0
"""Time conditions: named hours (weekdays, times, dates, holidays, a manual switch), and what rules say about them.

`when` lists when they hold, `except` when they do not in spite of that. A switch set by hand overrides both.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 1440

SwitchState = Literal["on", "off"]
Switches = Mapping[str, SwitchState]
"""The conditions that somebody has set by hand."""

_SPAN = re.compile(
    r"(?:(?:(?P<days>[A-Za-z][A-Za-z,-]*)|(?P<dates>\d[\d.-]*))(?:\s+|$))?(?P<hours>\d\d?:\d\d-\d\d?:\d\d)?"
)
_DATE = re.compile(r"(?:(\d{4})-)?(\d{1,2})-(\d{1,2})")
_EXAMPLE = "expected days, dates and hours such as 'Mon-Fri 09:00-18:00', '2026-10-01..2026-10-07' or '12-25'"


class Span(msgspec.Struct, frozen=True):
    """One line of hours. Hours that end before they begin go over midnight, and belong to the day they begin on."""

    text: str
    days: frozenset[int] = frozenset(range(7))
    first: tuple[int, int, int] | None = None
    """(year, month, day); year 0: every year. `last` is included."""
    last: tuple[int, int, int] | None = None
    begin: int = 0
    """Minutes of the day."""
    end: int = DAY_MINUTES

    @classmethod
    def from_text(cls, text: str) -> Self:
        match = _SPAN.fullmatch(text.strip())
        if match is None or not any(match.groups()):
            raise ValueError(f"{text!r}: {_EXAMPLE}")
        days = _days(match["days"]) if match["days"] else frozenset(range(7))
        first, last = _dates(match["dates"]) if match["dates"] else (None, None)
        begin, end = _hours(match["hours"]) if match["hours"] else (0, DAY_MINUTES)
        return cls(text, days, first, last, begin, end)

    def holds(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end and self._on(local.date())
        if minute >= self.begin:
            return self._on(local.date())
        return minute < self.end and self._on(local.date() - timedelta(days=1))

    def _on(self, day: date) -> bool:
        if day.weekday() not in self.days:
            return False
        if self.first is None or self.last is None:
            return True
        if self.first[0]:
            return self.first <= (day.year, day.month, day.day) <= self.last
        first, last, at = self.first[1:], self.last[1:], (day.month, day.day)
        return first <= at <= last if first <= last else at >= first or at <= last

    def __str__(self) -> str:
        return self.text


class Zone(msgspec.Struct, frozen=True):
    """A time zone of the IANA data base; empty: that of the machine."""

    name: str = ""

    @classmethod
    def from_text(cls, text: str) -> Self:
        try:
            if text:
                ZoneInfo(text)
        except (ValueError, OSError, KeyError):
            raise ValueError(f"there is no time zone {text!r}; expected a name such as 'Asia/Shanghai'") from None
        return cls(text)

    def at(self, utc_s: float) -> datetime:
        moment = datetime.fromtimestamp(utc_s, UTC)
        return moment.astimezone(ZoneInfo(self.name) if self.name else None)

    def __str__(self) -> str:
        return self.name


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """[times.NAME]: hours that rules can name."""

    when: tuple[Span, ...] = ()
    """It holds at any of these; without any, only a switch makes it hold."""
    except_: tuple[Span, ...] = msgspec.field(default=(), name="except")
    """But not at these: holidays."""
    zone: Zone = Zone()
    switch: str = ""
    """A dial code that overrides the clock: on, off, and back to the clock."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not self.when and not self.switch:
            yield "when", "is missing (or a switch): it would never hold"

    def holds(self, utc_s: float) -> bool:
        """By the clock."""
        local = self.zone.at(utc_s)
        return any(span.holds(local) for span in self.when) and not any(span.holds(local) for span in self.except_)

    def local(self, utc_s: float) -> str:
        return self.zone.at(utc_s).strftime("%a %Y-%m-%d %H:%M")


class Condition(msgspec.Struct, frozen=True):
    """What a rule asks of the time: `open`, `not open`, `open and not holidays`."""

    terms: tuple[tuple[str, bool], ...] = ()
    """Names, and whether they must hold."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        terms = []
        for term in text.split(" and "):
            words = term.split()
            wanted = words[:1] != ["not"]
            if len(words) != (1 if wanted else 2):
                raise ValueError(f"{text!r}: expected names of [times], as in 'open' or 'open and not holidays'")
            terms.append((words[-1], wanted))
        return cls(tuple(terms))

    def __str__(self) -> str:
        return " and ".join(name if wanted else f"not {name}" for name, wanted in self.terms)


class Clockwork:
    """All hours of a configuration with the switches that stand now; answers whether a condition holds."""

    def __init__(self, hours: Mapping[str, Hours], switches: Switches) -> None:
        self.hours = hours
        self.switches = switches
        """Shared with whoever sets them."""

    def on(self, name: str, utc_s: float) -> bool:
        state = self.switches.get(name)
        return state == "on" if state is not None else name in self.hours and self.hours[name].holds(utc_s)

    def holds(self, condition: Condition, utc_s: float) -> bool:
        return all(self.on(name, utc_s) == wanted for name, wanted in condition.terms)

    def why_not(self, condition: Condition, utc_s: float) -> str:
        """What of a condition is not so, in words; empty when it holds."""
        for name, wanted in condition.terms:
            if self.on(name, utc_s) != wanted:
                by_hand = name in self.switches
                how = "by hand" if by_hand else f"at {self.hours[name].local(utc_s)}" if name in self.hours else ""
                return f"only when {condition}, and {name} is {'off' if wanted else 'on'} {how}".rstrip()
        return ""


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            begin = DAYS.index(first.capitalize())
            end = DAYS.index((last or first).capitalize())
        except ValueError:
            raise ValueError(f"{part!r} is none of {', '.join(DAYS)}, nor a range such as Mon-Fri") from None
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(found)


def _dates(text: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    first, _, last = text.partition("..")
    begin, end = _date(first), _date(last or first)
    if bool(begin[0]) != bool(end[0]) or (begin[0] and begin > end):
        raise ValueError(f"{text!r}: both dates with a year or both without, the earlier first")
    return begin, end


def _date(text: str) -> tuple[int, int, int]:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r}: a date is written 2026-12-25, or 12-25 for every year")
    year, month, day = int(match[1] or 0), int(match[2]), int(match[3])
    try:
        date(year or 2000, month, day)
    except ValueError:
        raise ValueError(f"{text!r} is no date") from None
    return year, month, day


def _hours(text: str) -> tuple[int, int]:
    begin, end = (int(part.split(":")[0]) * 60 + int(part.split(":")[1]) for part in text.split("-"))
    if not (begin < DAY_MINUTES and end <= DAY_MINUTES) or begin == end or "60" in text[-2:]:
        raise ValueError(f"{text!r}: hours are 00:00 to 24:00, and end after they begin")
    return begin, end
