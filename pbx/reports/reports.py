# SPDX-License-Identifier: Apache-2.0
"""Reports for any time: the journal read and folded when somebody asks, by the code that counts live.

Reading begins before the time of the report, so that it is known who was logged in, who waited and who had called
before: a day for queues and agents, the window of repeated calls for callers.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import Entry
from switchroom.pbx.journal import Journal
from switchroom.pbx.reports.callers import ALL, WINDOW_MS, CallTally
from switchroom.pbx.reports.counts import AgentCounts, CallCounts, Counts, QueueCounts, TrunkCounts, total
from switchroom.pbx.reports.intervals import Book, Span
from switchroom.pbx.reports.kpis import attendance, kpis
from switchroom.pbx.reports.tally import Tally
from switchroom.pbx.storage.base import JournalStore

DAY_MS = 86_400_000
MAX_INTERVALS = 3_000
MAX_ROWS = 50_000
_CHUNK = 1000

C = TypeVar("C", bound=Counts)


class ReportError(SwitchroomError):
    """The report cannot be made; the text says why."""


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One queue in one interval; `since_ms` is its beginning."""

    queue: str
    since_ms: int
    counts: QueueCounts
    kpis: dict[str, float | None]


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One agent in one interval."""

    agent: str
    since_ms: int
    counts: AgentCounts
    kpis: dict[str, float | None]


class TrunkRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk in one interval."""

    trunk: str
    since_ms: int
    counts: TrunkCounts
    kpis: dict[str, float | None]


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """All calls of one interval."""

    since_ms: int
    counts: CallCounts
    kpis: dict[str, float | None]


class QueueReport(msgspec.Struct, frozen=True, kw_only=True):
    """Queues by interval, and each over the whole time."""

    rows: list[QueueRow]
    totals: list[QueueRow]


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    """Agents by interval, and each over the whole time."""

    rows: list[AgentRow]
    totals: list[AgentRow]
    attendance: float | None


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """Calls and trunks by interval."""

    rows: list[CallRow]
    """By interval: the day's flow."""
    hours: list[CallRow]
    """The profile: all days' hours together, `since_ms` is the hour of the day in milliseconds."""
    trunks: list[TrunkRow]
    total: CallRow


class Fold(Protocol):
    """What entries are fed to."""

    def add(self, entry: Entry) -> None: ...


class Reports:
    """One exchange's. `utc_ms` reads the clock; `targets` and `users` are those of Tally."""

    def __init__(
        self,
        journal: Journal,
        store: JournalStore,
        utc_ms: Callable[[], int],
        targets: Mapping[str, tuple[int, int]],
        users: Mapping[str, str],
    ) -> None:
        self._journal, self._store, self._utc_ms = journal, store, utc_ms
        self._targets, self._users = targets, users
        self._one_at_a_time = asyncio.Lock()

    def apply(self, targets: Mapping[str, tuple[int, int]], users: Mapping[str, str]) -> None:
        """Those of a new configuration."""
        self._targets, self._users = targets, users

    async def queues(self, span: Span, queue: str = "") -> QueueReport:
        """By interval and queue. Raises ReportError, StoreError."""
        tally = await self._tally(span, {})
        rows = [
            QueueRow(queue=name, since_ms=since_ms, counts=counts, kpis=kpis(counts))
            for name, since_ms, counts in _rows(tally.queues, queue)
        ]
        totals = [
            QueueRow(queue=name, since_ms=span.since_ms, counts=counts, kpis=kpis(counts))
            for name, counts in _totals(QueueCounts, tally.queues, queue)
        ]
        return QueueReport(rows=rows, totals=totals)

    async def agents(
        self,
        span: Span,
        agent: str = "",
        shifts: Mapping[str, Sequence[tuple[int, int]]] | None = None,
        seen: Callable[[str], bool] = lambda agent: True,
    ) -> AgentReport:
        """By interval and agent; of those that may be `seen`. Raises ReportError, StoreError."""
        tally = await self._tally(span, shifts or {})
        rows = [
            AgentRow(agent=name, since_ms=since_ms, counts=counts, kpis=kpis(counts))
            for name, since_ms, counts in _rows(tally.agents, agent)
            if seen(name)
        ]
        totals = [
            AgentRow(agent=name, since_ms=span.since_ms, counts=counts, kpis=kpis(counts))
            for name, counts in _totals(AgentCounts, tally.agents, agent)
            if seen(name)
        ]
        return AgentReport(rows=rows, totals=totals, attendance=attendance([row.counts for row in totals]))

    async def calls(self, span: Span) -> CallReport:
        """All calls by interval and by the hour of the day, and trunks. Raises ReportError, StoreError."""
        _check(span)
        hourly = msgspec.structs.replace(span, interval_ms=3_600_000)
        tally, by_hour = CallTally(span), CallTally(hourly)
        await self._read(span, WINDOW_MS, [tally, by_hour])
        hours: dict[int, CallCounts] = {}
        for _, since_ms, counts in _rows(by_hour.calls, ALL):
            hours.setdefault((since_ms + span.offset_ms) % DAY_MS, CallCounts()).add(counts)
        whole = total(CallCounts, [counts for _, _, counts in _rows(tally.calls, ALL)])
        return CallReport(
            rows=[
                CallRow(since_ms=since_ms, counts=counts, kpis=kpis(counts))
                for _, since_ms, counts in _rows(tally.calls, ALL)
            ],
            hours=[CallRow(since_ms=hour, counts=counts, kpis=kpis(counts)) for hour, counts in sorted(hours.items())],
            trunks=[
                TrunkRow(trunk=name, since_ms=since_ms, counts=counts, kpis=kpis(counts))
                for name, since_ms, counts in _rows(tally.trunks)
            ],
            total=CallRow(since_ms=span.since_ms, counts=whole, kpis=kpis(whole)),
        )

    # ---- within

    async def _tally(self, span: Span, shifts: Mapping[str, Sequence[tuple[int, int]]]) -> Tally:
        _check(span)
        tally = Tally(self._targets, span, shifts=shifts, users=self._users)
        await self._read(span, DAY_MS, [tally])
        tally.until(min(span.until_ms, self._utc_ms()))
        return tally

    async def _read(self, span: Span, before_ms: int, folds: Sequence[Fold]) -> None:
        """Feed the entries of the report's time, and of some before. One report at a time; calls go on meanwhile."""
        async with self._one_at_a_time:
            await self._journal.flush()
            after = await self._store.before((span.since_ms - before_ms) * 1_000_000)
            until_ns = span.until_ms * 1_000_000
            while entries := await self._store.read(after, _CHUNK):
                for entry in entries:
                    if entry.at_ns >= until_ns:
                        return
                    for fold in folds:
                        fold.add(entry)
                after = entries[-1].number


def _check(span: Span) -> None:
    if span.until_ms <= span.since_ms:
        raise ReportError("the end of the time must come after its beginning")
    if span.interval_ms and (span.until_ms - span.since_ms) / span.interval_ms > MAX_INTERVALS:
        raise ReportError(f"more than {MAX_INTERVALS} intervals: ask for a shorter time or longer intervals")


def _rows(book: Book[C], only: str = "") -> list[tuple[str, int, C]]:
    rows = [
        (name, since_ms, counts)
        for name, page in sorted(book.pages.items())
        if not only or name == only
        for since_ms, counts in sorted(page.items())
    ]
    if len(rows) > MAX_ROWS:
        raise ReportError(f"more than {MAX_ROWS} rows: ask for a shorter time, longer intervals, or one of them")
    return rows


def _totals(kind: type[C], book: Book[C], only: str) -> list[tuple[str, C]]:
    return [
        (name, total(kind, list(page.values())))
        for name, page in sorted(book.pages.items())
        if not only or name == only
    ]
