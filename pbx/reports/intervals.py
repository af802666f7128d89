# SPDX-License-Identifier: Apache-2.0
"""Figures by interval: where a fact belongs, and how a stretch of time is shared out. Times are UTC milliseconds."""

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from switchroom.pbx.reports.counts import Counts

C = TypeVar("C", bound=Counts)


class Span(msgspec.Struct, frozen=True):
    """The time of a report, and how it is cut."""

    since_ms: int = 0
    until_ms: int = 2**62
    interval_ms: int = 0
    """0: one interval from beginning to end."""
    offset_ms: int = 0
    """What the clocks on the wall are ahead of UTC, so that days begin at midnight there."""

    def start(self, at_ms: int) -> int:
        """The beginning of the interval that a moment belongs to."""
        if not self.interval_ms:
            return self.since_ms
        return (at_ms + self.offset_ms) // self.interval_ms * self.interval_ms - self.offset_ms

    def pieces(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
        """A stretch of time cut at the intervals, and at the ends of the report: (moment, milliseconds)."""
        from_ms, to_ms = max(from_ms, self.since_ms), min(to_ms, self.until_ms)
        while from_ms < to_ms:
            end_ms = min(to_ms, self.start(from_ms) + self.interval_ms) if self.interval_ms else to_ms
            yield from_ms, end_ms - from_ms
            from_ms = end_ms


class Book(Generic[C]):
    """Counts by name and interval."""

    def __init__(self, kind: type[C], span: Span) -> None:
        self._kind, self._span = kind, span
        self._outside = kind()
        self.pages: dict[str, dict[int, C]] = {}
        """Name -> beginning of the interval -> counts."""

    def at(self, name: str, at_ms: int) -> C:
        """The counts in which something that happens now is to be counted."""
        span = self._span
        if not span.since_ms <= at_ms < span.until_ms:
            return self._outside
        page = self.pages.get(name)
        if page is None:
            page = self.pages[name] = {}
        start = span.start(at_ms)
        counts = page.get(start)
        if counts is None:
            counts = page[start] = self._kind()
        return counts

    def spend(self, name: str, field: str, from_ms: int, to_ms: int) -> None:
        """Book a stretch of time."""
        for at_ms, ms in self._span.pieces(from_ms, to_ms):
            counts = self.at(name, at_ms)
            setattr(counts, field, getattr(counts, field) + ms)
