# SPDX-License-Identifier: Apache-2.0
"""Why a caller waited, and what an agent did and was offered, at any time that the journal reaches back to.

The call detail records say when a call was, and the journal has an index by time: so much of it is read, and no more.
"""

from collections.abc import AsyncIterator, Callable

import msgspec

from switchroom.pbx.acd.agent_log import AgentFact, fact_of
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.explain import WaitFold, WaitStory
from switchroom.pbx.acd.floor import Floor
from switchroom.pbx.events import Entry
from switchroom.pbx.journal import Journal
from switchroom.pbx.storage.base import CdrQuery, CdrStore, JournalStore

BEFORE_MS = 600_000
"""Read before a call came: why others waited already holds for it too."""
MAX_ENTRIES = 500_000
"""Read for one answer."""
_CHUNK = 1000


class AgentLog(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent did between two times."""

    agent: str
    facts: list[AgentFact]
    next: int
    """Where there is more: the number of the journal after which to go on; 0: that is all."""


class _When(msgspec.Struct):
    started_at_ms: int
    ended_at_ms: int


class Explanations:
    """One exchange's. `now_ms` reads the clock on the wall."""

    def __init__(
        self, floor: Floor, journal: Journal, store: JournalStore, cdrs: CdrStore, now_ms: Callable[[], int]
    ) -> None:
        self._floor = floor
        self._journal, self._store, self._cdrs = journal, store, cdrs
        self._now_ms = now_ms

    async def of_call(self, call: str) -> WaitStory:
        """The story of a call in queues: out of memory while it goes on, else out of the journal. Raises AcdError,
        StoreError."""
        found = await self._cdrs.find(CdrQuery(call=call, limit=1))
        if found:
            when = msgspec.json.decode(found[0], type=_When)
        else:
            try:
                return self._floor.explain_call(call, self._now_ms())
            except AcdError:
                caller = self._floor.desk.scheduler.callers.get(call)
                if caller is None:
                    raise
                now_ms = self._now_ms()
                when = _When(now_ms - round(1000 * (self._floor.desk.now() - caller.entered_s)), now_ms)
        fold = WaitFold(call)
        read = 0
        async for entry in self._between(when.started_at_ms - BEFORE_MS, when.ended_at_ms + 1):
            fold.add(entry)
            read += 1
        if read >= MAX_ENTRIES and (fold.waits or not fold.seen):
            raise AcdError(f"call {call} went on for more records than are read at once", 413)
        if not fold.seen:
            raise AcdError(f"no record tells of call {call!r} in a queue")
        fold.cut(when.ended_at_ms)  # of one that goes on, so far
        return fold.story()

    async def of_agent(self, agent: str, since_ms: int, until_ms: int, after: int, limit: int) -> AgentLog:
        """What an agent did in a time, out of the records after a number. Raises StoreError."""
        facts: list[AgentFact] = []
        read = 0
        async for entry in self._between(since_ms, until_ms, after):
            read += 1
            if entry.at_ns >= since_ms * 1_000_000 and (fact := fact_of(entry, agent)) is not None:
                facts.append(fact)
            if len(facts) >= limit or read >= MAX_ENTRIES:
                return AgentLog(agent=agent, facts=facts, next=entry.number)
        return AgentLog(agent=agent, facts=facts, next=0)

    async def _between(self, since_ms: int, until_ms: int, after: int = 0) -> AsyncIterator[Entry]:
        """The entries of a time, from some time before it on; at most MAX_ENTRIES."""
        await self._journal.flush()
        after, left = max(after, await self._store.before(since_ms * 1_000_000)), MAX_ENTRIES
        while left and (entries := await self._store.read(after, min(_CHUNK, left))):
            for entry in entries:
                if entry.at_ns >= until_ms * 1_000_000:
                    return
                yield entry
            after = entries[-1].number
            left -= len(entries)
