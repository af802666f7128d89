# SPDX-License-Identifier: Apache-2.0
"""Calls and trunks counted, and callers who come again: a fold over journal records.

A call counts in the interval in which it began.
"""

from collections.abc import Callable

import msgspec

from switchroom.pbx import events
from switchroom.pbx.events import Entry
from switchroom.pbx.reports.counts import CallCounts, TrunkCounts
from switchroom.pbx.reports.intervals import Book, Span

WINDOW_MS = 7 * 86_400_000
MAX_CALLERS = 1_000_000
"""Numbers remembered; beyond it the one that has not called for longest is forgotten."""
ALL = "all"


class Coming(msgspec.Struct):
    """When a number came last, and when it last had an agent that it has not called again after."""

    at_ms: int
    contact_ms: int = -1


class _Open(msgspec.Struct):
    """A call that goes on."""

    began_ms: int
    first_leg: str = ""
    answered_ms: int = -1
    trunks: dict[str, None] = msgspec.field(default_factory=dict)
    queued: bool = False
    contact: bool = False


class CallTally:
    """The fold. `trunk_of` names the trunk that a call came over (its record) or empty."""

    def __init__(
        self, span: Span | None = None, trunk_of: Callable[[events.CallStarted], str] = lambda started: started.peer
    ) -> None:
        span = span or Span()
        self.calls = Book(CallCounts, span)
        self.trunks = Book(TrunkCounts, span)
        self._trunk_of = trunk_of
        self._open: dict[str, _Open] = {}
        self._callers: dict[str, Coming] = {}
        self._now_ms = 0

    def add(self, entry: Entry) -> None:
        """Take one entry."""
        at_ms = entry.at_ns // 1_000_000
        record = entry.record
        match record:
            case events.CallStarted():
                call = self._open[record.call] = _Open(at_ms)
                self.calls.at(ALL, at_ms).calls += 1
                if trunk := self._trunk_of(record):
                    self._over(call, trunk, at_ms)
            case events.CallBlocked():
                self.trunks.at(record.peer, at_ms).blocked += 1
            case events.CallRouted(destination=to) if to.startswith("trunk:") and record.call in self._open:
                self._over(self._open[record.call], to.removeprefix("trunk:").partition("/")[0], at_ms)
            case events.LegStarted() if record.call in self._open:
                call = self._open[record.call]
                call.first_leg = call.first_leg or record.leg
            case events.LegAnswered() if record.call in self._open:
                call = self._open[record.call]
                if record.leg == call.first_leg and call.answered_ms < 0:
                    call.answered_ms = at_ms
            case events.CallEnded() if record.call in self._open:
                self._end(self._open.pop(record.call), at_ms, record.result == "answered")
            case events.QueueEntered() if record.caller and not record.callback:
                self._came(record, at_ms)
            case events.QueueAnswered() if record.caller:
                self._served(record, at_ms)
            case events.ServerStarted():
                for call in self._open.values():
                    self._end(call, self._now_ms, False)
                self._open.clear()
        self._now_ms = max(self._now_ms, at_ms)

    # ---- within

    def _over(self, call: _Open, trunk: str, at_ms: int) -> None:
        if trunk not in call.trunks:
            call.trunks[trunk] = None
            self.trunks.at(trunk, call.began_ms).offered += 1

    def _end(self, call: _Open, at_ms: int, answered: bool) -> None:
        counts = self.calls.at(ALL, call.began_ms)
        talk_ms = at_ms - call.answered_ms if answered and call.answered_ms >= 0 else 0
        counts.answered += answered
        counts.lost += not answered
        counts.talk_ms += talk_ms
        counts.longest_talk_ms = max(counts.longest_talk_ms, talk_ms)
        for trunk in call.trunks:
            over = self.trunks.at(trunk, call.began_ms)
            over.answered += answered
            over.talk_ms += talk_ms

    def _came(self, record: events.QueueEntered, at_ms: int) -> None:
        call = self._open.get(record.call)
        if call is not None:
            if call.queued:
                return  # passed on to another queue: the same story
            call.queued = True
        counts = self.calls.at(ALL, at_ms)
        counts.callers += 1
        before = self._callers.pop(record.caller, None)
        self._callers[record.caller] = Coming(at_ms)
        if len(self._callers) > MAX_CALLERS:
            del self._callers[next(iter(self._callers))]
        if before is not None and at_ms - before.at_ms <= WINDOW_MS:
            counts.repeated += 1
            if before.contact_ms >= 0 and at_ms - before.contact_ms <= WINDOW_MS:
                self.calls.at(ALL, before.contact_ms).followed += 1

    def _served(self, record: events.QueueAnswered, at_ms: int) -> None:
        call = self._open.get(record.call)
        if call is not None:
            if call.contact:
                return
            call.contact = True
        self.calls.at(ALL, at_ms).contacts += 1
        if (coming := self._callers.get(record.caller)) is not None:
            coming.contact_ms = at_ms
