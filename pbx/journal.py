# SPDX-License-Identifier: Apache-2.0
"""The journal: every fact that matters gets a number, goes to whoever listens, and to the store in batches.

`append` is the hot path: a number, a clock reading and a list append. A batch is closed after 250 ms or 1,000 records
and written by the store's own thread; so a killed process loses at most that.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Self

import msgspec

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import AnyRecord, Entry, RecordsLost, ServerStopped
from switchroom.pbx.storage.base import JournalStore, StoreError

_RETRY_S = 1.0
"""A write that failed (disk full, say) is tried again after so long, for ever; `max_pending` bounds what waits."""
_KEPT_BATCHES = 16
"""Written batches that stay in memory, so that a reader who is a little late needs no store."""
_CHUNK = 1000
"""Entries read from the store at once."""
_PRUNE_S = 3600.0


class UnknownNumber(SwitchroomError):
    """A reader asks for what comes after a number that the journal has not reached."""


class Gap(msgspec.Struct, frozen=True):
    """Numbers that a reader will not get, first and last included: pruned, or told before a crash but never kept."""

    first: int
    last: int


class JournalStats(msgspec.Struct, frozen=True):
    """For metrics."""

    last: int
    durable: int
    lost: int
    write_errors: int


class Journal:
    """Made by `open`; belongs to one event loop."""

    def __init__(
        self,
        store: JournalStore,
        utc_now_ns: Callable[[], int],
        *,
        batch_ms: int = 250,
        batch_records: int = 1000,
        max_pending: int = 200_000,
        keep_days: int = 0,
        on_error: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._store, self._utc_now_ns, self._on_error = store, utc_now_ns, on_error
        self._batch_s, self._batch_records, self._max_pending = batch_ms / 1000, batch_records, max_pending
        self._keep_ns = keep_days * 86_400 * 1_000_000_000
        self._last = self._durable = self._lost = self._write_errors = 0
        self._unrecorded_loss = 0
        self._first = 1
        """The first number of this run; below it everything is in the store or nowhere."""
        self._closed = False
        self._batch: list[Entry] = []
        self._recent: deque[list[Entry]] = deque()
        """Closed batches in order; the first are written, the last `_unwritten` are not."""
        self._unwritten = 0
        self._timer: asyncio.TimerHandle | None = None
        self._news: list[asyncio.Future[None]] = []
        """For whom each record is news; `_written` is for those to whom only a written batch is."""
        self._written: list[asyncio.Future[None]] = []
        self._work = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, store: JournalStore, utc_now_ns: Callable[[], int], *, first: AnyRecord | None = None, **options: Any
    ) -> Self:
        """Go on from what the store has. After a crash the numbers that may have been told are left out.

        Args: `utc_now_ns` reads the clock; `first` is kept before this returns, so that the numbers after it are not
        given again by a run that follows a crash before the first batch; options are those of [journal] in the
        configuration.
        """
        journal = cls(store, utc_now_ns, **options)
        newest = await store.last()
        if newest is not None:
            clean = isinstance(newest.record, ServerStopped)
            journal._last = journal._durable = newest.number + (0 if clean else journal._max_pending)
            journal._first = journal._last + 1
        journal._writer = asyncio.create_task(journal._write())
        if first is not None:
            journal.append(first)
            await journal.flush()
        return journal

    @property
    def last(self) -> int:
        """The newest number given."""
        return self._last

    @property
    def durable(self) -> int:
        """The newest number that a crash cannot take."""
        return self._durable

    @property
    def stats(self) -> JournalStats:
        return JournalStats(self._last, self._durable, self._lost, self._write_errors)

    def append(self, record: AnyRecord) -> int:
        """Give `record` its number and tell it to the readers; never blocks, never raises.

        When `max_pending` records wait for the disk, or after close(), the record is dropped and counted (and the loss
        recorded as soon as there is room); what is returned is then the newest number there is.
        """
        if self._last - self._durable >= self._max_pending or self._closed:
            self._lost += 1
            self._unrecorded_loss += 1
            return self._last
        if self._unrecorded_loss:
            lost, self._unrecorded_loss = self._unrecorded_loss, 0
            self.append(RecordsLost(lost=lost))
        self._last = number = self._last + 1
        self._batch.append(Entry(number, self._utc_now_ns(), record))
        if len(self._batch) >= self._batch_records:
            self._close_batch()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._batch_s, self._close_batch)
        if self._news:
            _wake(self._news)
        return number

    def subscribe(self, after: int) -> "Subscription":
        """Entries from number `after` + 1 on, history first, then live; a Gap where numbers are missing.

        Raises UnknownNumber when the journal has not come so far: the number is another journal's.
        """
        if after > self._last:
            raise UnknownNumber(f"the newest number is {self._last}, so nothing can come after {after}")
        return Subscription(self, after, durable=False)

    def follow(self, after: int) -> "Subscription":
        """The same, but an entry comes only when no crash can take it any more: for sinks that write elsewhere."""
        return Subscription(self, after, durable=True)

    async def flush(self) -> None:
        """Return when everything appended so far is in the store."""
        self._close_batch()
        target = self._last
        while self._durable < target:
            await self.wait(durable=True)

    async def close(self, timeout_s: float = 10.0) -> None:
        """Write what is pending, for at most `timeout_s`; then no more records are taken. Idempotent."""
        self._closed = True
        self._close_batch()
        if self._writer is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    while self._unwritten:
                        await self.wait(durable=True)
            except TimeoutError:
                self._on_error(f"{self._last - self._durable} records could not be written before closing")
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
            self._writer = None
        self._tell()

    @property
    def closed(self) -> bool:
        return self._closed and self._writer is None

    async def wait(self, durable: bool = False) -> None:
        """Return at the next news: a written batch or the end; if not `durable`, a record too."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._written if durable else self._news
        waiters.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting in waiters:
                waiters.remove(waiting)
            raise

    def recent(self, after: int, newest: int) -> Sequence[Entry] | None:
        """Entries above `after` up to `newest` out of one batch in memory; None: they are only in the store."""
        for batch in (self._batch, *reversed(self._recent)):
            if batch and batch[0].number <= after + 1 <= batch[-1].number:
                start = after + 1 - batch[0].number
                return batch[start : newest - batch[0].number + 1]
        return None

    async def stored(self, after: int) -> Sequence[Entry] | Gap:
        """The next consecutive entries above `after` in the store, or the gap before them."""
        found = await self._store.read(after, _CHUNK)
        following = found[0].number if found else self._first
        if following > after + 1:
            return Gap(after + 1, following - 1)
        count = next((i for i, entry in enumerate(found) if entry.number != following + i), len(found))
        return found[:count]

    async def patience(self, error: StoreError) -> bool:
        """Tell of a store that fails, and wait before it is tried again; False once the journal is closed."""
        self._on_error(str(error))
        if not self.closed:
            await asyncio.sleep(_RETRY_S)
        return not self.closed

    def _tell(self) -> None:
        _wake(self._news)
        _wake(self._written)

    def _close_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._batch:
            self._recent.append(self._batch)
            self._unwritten += 1
            self._batch = []
            self._work.set()

    async def _write(self) -> None:
        next_prune = asyncio.get_running_loop().time()
        while True:
            await self._work.wait()
            self._work.clear()
            while self._unwritten:
                batches = list(self._recent)[-self._unwritten :]
                try:
                    await self._store.write(batches)
                except StoreError as error:
                    self._write_errors += 1
                    self._on_error(str(error))
                    await asyncio.sleep(_RETRY_S)
                    continue
                self._unwritten -= len(batches)
                self._durable = batches[-1][-1].number
                while len(self._recent) > max(_KEPT_BATCHES, self._unwritten):
                    self._recent.popleft()
                self._tell()
            if self._keep_ns and asyncio.get_running_loop().time() >= next_prune:
                next_prune = asyncio.get_running_loop().time() + _PRUNE_S
                await self._prune()

    async def _prune(self) -> None:
        try:
            await self._store.prune(self._utc_now_ns() - self._keep_ns)
        except StoreError as error:
            self._on_error(str(error))


def _wake(waiting: list[asyncio.Future[None]]) -> None:
    for one in waiting:
        if not one.done():
            one.set_result(None)
    waiting.clear()


class Subscription:
    """A place in the journal. It holds no queue: a slow reader costs nothing and loses nothing."""

    def __init__(self, journal: Journal, after: int, *, durable: bool) -> None:
        self._journal, self._after, self._durable = journal, max(after, 0), durable

    async def next(self) -> Sequence[Entry] | Gap | None:
        """The next entries (at least one, consecutive), or a gap before them; None when the journal is closed."""
        journal = self._journal
        while True:
            newest = journal.durable if self._durable else journal.last
            if self._after >= newest:
                if journal.closed:
                    return None
                await journal.wait(self._durable)
                continue
            try:
                found = journal.recent(self._after, newest) or await journal.stored(self._after)
            except StoreError as error:
                if not await journal.patience(error):
                    return None
                continue
            self._after = found.last if isinstance(found, Gap) else found[-1].number
            return found

    async def __aiter__(self) -> AsyncIterator[Entry | Gap]:
        while (found := await self.next()) is not None:
            if isinstance(found, Gap):
                yield found
            else:
                for entry in found:
                    yield entry
