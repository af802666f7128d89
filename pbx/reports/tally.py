# SPDX-License-Identifier: Apache-2.0
"""The one place where queues and agents are counted: a fold over journal records, live and of any time of the past.

A fact counts in the interval in which it happened, a stretch of time in all that it lies in; so an interval that is
over never changes, and intervals add up to the day. Talk time belongs to the agent and to the interval in which it
talked, however often the caller is passed on.
"""

from collections.abc import Mapping, Sequence

import msgspec

from switchroom.pbx import events
from switchroom.pbx.events import AgentState, AgentStatus, AnyRecord, Entry
from switchroom.pbx.reports.counts import AgentCounts, QueueCounts
from switchroom.pbx.reports.intervals import Book, Span

AT_ONCE_MS = 1000
"""Who is offered to an agent so soon was not queued."""
TARGET_MS, SHORT_MS = 20_000, 5_000

_FIELDS: dict[AgentState, str] = {
    "offered": "ringing_ms", "wrap-up": "wrap_up_ms", "busy": "busy_ms", "paused": "away_ms",
}  # fmt: skip

_COUNTED = frozenset(
    (
        events.LegHeld, events.LegResumed, events.LegEnded, events.CallStarted, events.CallEnded, events.CallRated,
        events.QueueEntered, events.QueueRefused, events.QueueOffered, events.QueueAnswered, events.QueueAbandoned,
        events.QueueLeft, events.QueueCompleted, events.QueuePassed, events.OfferJoined, events.OfferEnded,
        events.AgentStatusSet, events.AgentStateSet, events.AgentReachable, events.ServerStarted,
    )
)  # fmt: skip
"""Most records of a call say nothing about queues and agents, and one look tells them."""


class Stay(msgspec.Struct):
    """A caller in a queue. `since_ms`: from when it waits, in earlier queues too."""

    queue: str
    since_ms: int
    entered_ms: int
    offered: bool = False


class Clock(msgspec.Struct, kw_only=True):
    """What an agent does now, and since when it is booked."""

    status: AgentStatus = "logged-out"
    reason: str = ""
    status_since_ms: int = 0
    state: AgentState = "idle"
    state_since_ms: int = 0
    call: str = ""
    queue: str = ""
    reachable: bool = True
    booked_ms: int = 0
    """Up to here its time is in the books."""


class Tally:
    """The fold. `targets` says for each queue how soon callers are to be answered, and what counts as a short abandon,
    in milliseconds; `shifts` when agents were to work; `users` which user an agent's phone is, where not its own."""

    def __init__(
        self,
        targets: Mapping[str, tuple[int, int]],
        span: Span | None = None,
        *,
        shifts: Mapping[str, Sequence[tuple[int, int]]] | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        self._targets, self._shifts, self._users = targets, shifts or {}, users or {}
        span = span or Span()
        self.queues = Book(QueueCounts, span)
        self.agents = Book(AgentCounts, span)
        self.stays: dict[str, Stay] = {}
        """Who waits, by call."""
        self.talks: dict[str, tuple[str, str]] = {}
        """Who talks: call -> queue and agent."""
        self.clocks: dict[str, Clock] = {}
        self._held: dict[str, set[str]] = {}
        """Legs on hold, by the call that an agent talks in."""
        self._dialled: dict[str, str] = {}
        """Calls that agents began, not answered yet."""
        self.number = 0
        """The last entry taken; a reader of the journal goes on from it."""
        self.now_ms = 0
        for agent, parts in self._shifts.items():
            for since_ms, until_ms in parts:
                self.agents.spend(agent, "scheduled_ms", since_ms, until_ms)

    def add(self, entry: Entry) -> None:
        """Take one entry."""
        at_ms = entry.at_ns // 1_000_000
        if type(entry.record) in _COUNTED:
            self._count(entry.record, at_ms)
        self.number, self.now_ms = entry.number, max(self.now_ms, at_ms)

    def until(self, at_ms: int) -> None:
        """Book the time up to a moment: that of a report in the middle of a day. Counts nothing twice."""
        for name in self.clocks:
            self._advance(name, at_ms)

    # ---- within

    def _count(self, record: AnyRecord, at_ms: int) -> None:
        match record:  # a case that does not fit costs as much as one that does: those of every call come first
            case events.LegHeld() | events.LegResumed() | events.LegEnded():
                if record.call in self.talks:
                    self._hold(record.call, record.leg, isinstance(record, events.LegHeld), at_ms)
            case events.CallStarted():
                agent = self._users.get(record.user, record.user)
                if agent in self.clocks:
                    self.agents.at(agent, at_ms).dialled += 1
                    self._dialled[record.call] = agent
            case events.CallEnded():
                if (agent := self._dialled.pop(record.call, "")) and record.result == "answered":
                    self.agents.at(agent, at_ms).dialled_answered += 1
            case events.QueueEntered():
                self.queues.at(record.queue, at_ms).offered += 1
                self.stays[record.call] = Stay(record.queue, at_ms - record.waited_ms, at_ms)
            case events.QueueRefused():
                self.queues.at(record.queue, at_ms).refused += 1
            case events.QueueOffered():
                for agent in record.agents:
                    self.agents.at(agent, at_ms).offered += 1
                stay = self.stays.get(record.call)
                if stay is not None and not stay.offered:
                    stay.offered = True
                    self.queues.at(record.queue, at_ms).queued += at_ms - stay.entered_ms >= AT_ONCE_MS
            case events.OfferJoined():
                self.agents.at(record.agent, at_ms).offered += 1
            case events.QueueAnswered():
                self._answered(record, at_ms)
            case events.QueuePassed():
                taker = self.agents.at(record.agent, at_ms)
                taker.answered += 1
                taker.received += 1
                self._talks(record.call, record.queue, record.agent, at_ms)
            case events.QueueAbandoned():
                self._leave(record.call, at_ms)
                target_ms, short_ms = self._targets.get(record.queue, (TARGET_MS, SHORT_MS))
                counts = self.queues.at(record.queue, at_ms)
                counts.abandoned += 1
                counts.abandoned_short += record.waited_ms < short_ms
                counts.abandoned_in_time += record.waited_ms <= target_ms
                counts.abandon_wait_ms += record.waited_ms
                counts.longest_wait_ms = max(counts.longest_wait_ms, record.waited_ms)
            case events.QueueLeft():
                self._leave(record.call, at_ms)
                self.queues.at(record.queue, at_ms).left += 1
            case events.QueueCompleted():
                self._completed(record, at_ms)
            case events.OfferEnded():
                missed = record.outcome in ("no-answer", "refused", "busy")
                self.agents.at(record.agent, at_ms).missed += missed
            case events.AgentStatusSet():
                clock = self._advance(record.agent, at_ms)
                if clock.status == "logged-out" != record.status and record.by != "restart":
                    self.agents.at(record.agent, at_ms).logins += 1
                clock.status, clock.reason, clock.status_since_ms = record.status, record.reason, at_ms
            case events.AgentStateSet():
                clock = self._advance(record.agent, at_ms)
                clock.state, clock.state_since_ms = record.state, at_ms
                clock.call, clock.queue = record.call, record.queue
            case events.AgentReachable():
                self._advance(record.agent, at_ms).reachable = record.reachable
            case events.CallRated():
                for content in self._contents(record.queue, record.agent, at_ms):
                    content.ratings += 1
                    content.rating_score += round(record.score * 1000)
            case events.ServerStarted():
                self._restart()

    def _answered(self, record: events.QueueAnswered, at_ms: int) -> None:
        self._leave(record.call, at_ms)
        counts = self.queues.at(record.queue, at_ms)
        target_ms, _ = self._targets.get(record.queue, (TARGET_MS, SHORT_MS))
        counts.answered += 1
        counts.answered_in_time += record.waited_ms <= target_ms
        counts.wait_ms += record.waited_ms
        counts.longest_wait_ms = max(counts.longest_wait_ms, record.waited_ms)
        self.agents.at(record.agent, at_ms).answered += 1
        self._talks(record.call, record.queue, record.agent, at_ms)

    def _talks(self, call: str, queue: str, agent: str, at_ms: int) -> None:
        self.talks[call] = queue, agent
        clock = self._advance(agent, at_ms)
        clock.state, clock.state_since_ms = "talking", at_ms
        clock.call, clock.queue = call, queue

    def _completed(self, record: events.QueueCompleted, at_ms: int) -> None:
        clock = self._advance(record.agent, at_ms)
        if clock.state == "talking" and clock.call == record.call:  # an agent's next state follows in a moment
            clock.state, clock.state_since_ms = "idle", at_ms
        self.talks.pop(record.call, None)
        self._held.pop(record.call, None)
        counts = self.queues.at(record.queue, at_ms)
        counts.completed += 1
        passed_on = record.reason == "transferred"
        counts.transferred += passed_on
        self.agents.at(record.agent, at_ms).transferred += passed_on

    def _leave(self, call: str, at_ms: int) -> None:
        stay = self.stays.pop(call, None)
        if stay is not None and not stay.offered:
            self.queues.at(stay.queue, at_ms).queued += at_ms - stay.entered_ms >= AT_ONCE_MS

    def _hold(self, call: str, leg: str, on: bool, at_ms: int) -> None:
        self._advance(self.talks[call][1], at_ms)
        held = self._held.setdefault(call, set())
        (held.add if on else held.discard)(leg)

    def _contents(self, queue: str, agent: str, at_ms: int) -> list[QueueCounts | AgentCounts]:
        found: list[QueueCounts | AgentCounts] = []
        if queue:
            found.append(self.queues.at(queue, at_ms))
        if agent:
            found.append(self.agents.at(agent, at_ms))
        return found

    def _advance(self, name: str, to_ms: int) -> Clock:
        """Book the time since the last change on what the agent did."""
        clock = self.clocks.get(name)
        if clock is None:
            clock = self.clocks[name] = Clock(booked_ms=to_ms)
        from_ms, clock.booked_ms = clock.booked_ms, max(to_ms, clock.booked_ms)
        if from_ms >= to_ms:
            return clock
        field = self._spent_on(clock)
        if field:
            self.agents.spend(name, field, from_ms, to_ms)
        if clock.queue and field in ("talk_ms", "hold_ms", "wrap_up_ms"):
            self.queues.spend(clock.queue, field, from_ms, to_ms)
        if clock.status != "logged-out":
            self.agents.spend(name, "logged_in_ms", from_ms, to_ms)
            if field not in ("break_ms", "away_ms"):
                for since_ms, until_ms in self._shifts.get(name, ()):
                    self.agents.spend(name, "adherent_ms", max(from_ms, since_ms), min(to_ms, until_ms))
        return clock

    def _spent_on(self, clock: Clock) -> str:
        if clock.state == "talking":
            return "hold_ms" if self._held.get(clock.call) else "talk_ms"
        if clock.status == "logged-out":
            return "wrap_up_ms" if clock.state == "wrap-up" else ""
        if clock.state != "idle":
            return _FIELDS[clock.state]
        if clock.status == "break":
            return "break_ms"
        return "ready_ms" if clock.reachable else "away_ms"

    def _restart(self) -> None:
        """A process that ended took callers and calls with it, at the time of its last record; whoever is logged in
        again is told anew."""
        self.until(self.now_ms)
        self.stays.clear()
        self.talks.clear()
        self._held.clear()
        self._dialled.clear()
        self.clocks.clear()
