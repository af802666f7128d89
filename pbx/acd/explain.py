# SPDX-License-Identifier: Apache-2.0
"""Why a caller waited, second by second, and why an agent is not offered anybody.

The first is a fold over journal records, the same live and years later; the second reads what the scheduler knows now.
"""

from collections.abc import Callable, Iterable

import msgspec

from switchroom.pbx.acd.model import Agent, Queue
from switchroom.pbx.acd.scheduler import Scheduler
from switchroom.pbx.events import (
    CallEnded,
    Entry,
    OfferEnded,
    OfferJoined,
    QueueAbandoned,
    QueueAnswered,
    QueueEntered,
    QueueLeft,
    QueueLine,
    QueueOffered,
    QueueWaits,
)

REASONS = {
    "nobody": "no agent of the queue was logged in",
    "no-agents": "no agent of the queue has the skills that were asked for",
    "break": "all agents who were logged in were on break",
    "unreachable": "no telephone of an available agent was registered",
    "skills": "agents were ready, but none with the skills that were asked for",
    "agent": "it waited for one agent",
    "busy": "all agents were busy",
    "offered": "an agent's telephone rang",
}
_UNKNOWN = "the records before it are missing"


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of waiting with one reason. Times are UTC, milliseconds since 1970."""

    from_ms: int
    to_ms: int
    queue: str
    reason: str
    text: str
    agents: tuple[str, ...] = ()
    """Who was rung, or waited for."""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    """How the queue's agents stood when it began."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One offer, with everybody who was passed over and why."""

    at_ms: int
    queue: str
    agents: tuple[str, ...]
    rule: str
    passed: dict[str, str]
    outcomes: dict[str, str]


class WaitStory(msgspec.Struct, frozen=True, kw_only=True):
    """All stays of one call in queues."""

    call: str
    waited_ms: int
    ended: str
    """`answered`, `abandoned`, what `queue.left` says, or empty while it goes on."""
    agent: str
    intervals: list[Interval]
    decisions: list[Decided]


def explain(call: str, entries: Iterable[Entry], now_ms: int | None = None) -> WaitStory | None:
    """The story of a call out of the records from its entry on, or some before; None when it was in no queue."""
    fold = WaitFold(call)
    for entry in entries:
        fold.add(entry)
    if now_ms is not None and fold.waits:
        fold.cut(now_ms)
    return fold.story() if fold.seen else None


class WaitFold:
    """One call's waiting, record after record. `reasons` may be shared by the folds of many calls (WaitFolds)."""

    def __init__(self, call: str, reasons: "dict[ReasonKey, QueueWaits] | None" = None) -> None:
        self.call = call
        self.seen = self.waits = False
        self._reasons: dict[ReasonKey, QueueWaits] = {} if reasons is None else reasons
        self._intervals: list[Interval] = []
        self._offers: dict[int, tuple[int, QueueOffered, dict[str, str]]] = {}
        self._offer: int | None = None
        self._queue, self._stage, self._only, self._skills = "", 0, "", ""
        self._since_ms = 0
        self._ended = self._agent = ""
        self._began_ms = self._end_ms = 0

    def add(self, entry: Entry) -> None:
        record, at_ms = entry.record, entry.at_ns // 1_000_000
        if isinstance(record, QueueWaits):
            key = reason_key(record)
            self.reason_ends(key, at_ms)
            self._reasons[key] = record
            return
        if getattr(record, "call", None) != self.call:
            return
        match record:
            case QueueEntered():
                if not self.seen:
                    self._began_ms = at_ms - record.waited_ms
                self.seen = self.waits = True
                self._queue, self._stage, self._only = record.queue, 0, record.agent
                self._skills = repr(sorted(record.skills.items()))
                self._since_ms, self._ended = at_ms, ""
            case QueueLine():
                self.cut(at_ms)
                self._stage, self._only = record.stage, record.agent
            case QueueOffered():
                self.cut(at_ms)
                self._offer = record.offer
                self._offers[record.offer] = at_ms, record, {}
            case OfferJoined() if record.offer in self._offers:
                began_ms, offered, outcomes = self._offers[record.offer]
                offered = msgspec.structs.replace(offered, agents=(*offered.agents, record.agent))
                self._offers[record.offer] = began_ms, offered, outcomes
            case OfferEnded() if record.offer in self._offers:
                outcomes = self._offers[record.offer][2]
                outcomes[record.agent] = record.outcome
                if len(outcomes) == len(self._offers[record.offer][1].agents):
                    self.cut(at_ms)
                    self._offer = None
            case QueueAnswered():
                self._end(at_ms, "answered")
                self._agent = record.agent
            case QueueAbandoned():
                self._end(at_ms, "abandoned")
            case QueueLeft():
                self._end(at_ms, record.reason)

    def reason_ends(self, key: "ReasonKey", at_ms: int) -> None:
        """A reason is about to be replaced: what of the waiting it explained is over."""
        if self.waits and self._offer is None and key == self._key():
            self.cut(at_ms)

    def cut(self, at_ms: int) -> None:
        """The reason so far holds until now."""
        if self.waits and at_ms > self._since_ms:
            self._intervals.append(self._interval(at_ms))
            self._since_ms = at_ms

    def _key(self) -> "ReasonKey":
        return self._queue, 0 if self._only else self._stage, self._only, self._skills

    def _interval(self, to_ms: int) -> Interval:
        counts: dict[str, int] = {}
        agents: tuple[str, ...] = (self._only,) if self._only else ()
        if self._offer is not None:
            reason, agents = "offered", self._offers[self._offer][1].agents
        elif (waits := self._reasons.get(self._key())) is not None:
            reason, counts = waits.reason, waits.agents
        else:
            reason = "unknown"
        text = REASONS.get(reason, _UNKNOWN)
        return Interval(
            from_ms=self._since_ms, to_ms=to_ms, queue=self._queue, reason=reason, text=text, agents=agents,
            counts=counts,
        )  # fmt: skip

    def _end(self, at_ms: int, how: str) -> None:
        self.cut(at_ms)
        self.waits, self._offer, self._ended, self._end_ms = False, None, how, at_ms

    def story(self) -> WaitStory:
        end_ms = self._since_ms if self.waits else self._end_ms
        return WaitStory(
            call=self.call,
            waited_ms=end_ms - self._began_ms,
            ended=self._ended,
            agent=self._agent,
            intervals=self._intervals,
            decisions=[
                Decided(
                    at_ms=at_ms, queue=offered.queue, agents=offered.agents, rule=offered.rule,
                    passed=dict(offered.passed) or {f"{n} agents": how for how, n in offered.counts.items()},
                    outcomes=outcomes,
                )
                for at_ms, offered, outcomes in self._offers.values()
            ],
        )  # fmt: skip


ReasonKey = tuple[str, int, str, str]
"""Queue, stage, the one agent waited for, and the skills asked for."""


def reason_key(record: QueueWaits) -> ReasonKey:
    """For which callers a reason holds."""
    return record.queue, record.stage, record.agent, repr(sorted(record.skills.items()))


class WaitFolds:
    """The waiting of all calls of a journal; `on_story` is told each one's when it is over."""

    def __init__(self, on_story: Callable[[WaitStory], None]) -> None:
        self._on_story = on_story
        self._reasons: dict[ReasonKey, QueueWaits] = {}
        self._open: dict[str, WaitFold] = {}

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        record = entry.record
        if isinstance(record, QueueWaits):
            key = reason_key(record)
            for fold in self._open.values():
                fold.reason_ends(key, entry.at_ns // 1_000_000)
            self._reasons[key] = record
            return
        if isinstance(record, QueueEntered) and record.call not in self._open:
            self._open[record.call] = WaitFold(record.call, self._reasons)
        fold_of = self._open.get(getattr(record, "call", ""))
        if fold_of is None:
            return
        fold_of.add(entry)
        if isinstance(record, CallEnded):
            del self._open[record.call]
            self._on_story(fold_of.story())


_STANDINGS = {
    "offered": "its telephone rings for a caller",
    "talking": "it talks to a caller",
    "wrap-up": "it is in wrap-up",
    "busy": "it is in a call of its own",
    "paused": "it did not answer, and is left alone for a moment",
    "unreachable": "its telephone is not registered",
    "logged-out": "it is logged out",
}


def why_idle(scheduler: Scheduler, name: str, now: float) -> list[str]:
    """Why an agent is not being offered anybody at this moment, in sentences."""
    agent = scheduler.agents[name]
    if agent.standing == "break":
        return [f"it is on break ({agent.reason or 'no reason given'}) for {now - agent.status_since_s:.0f} s"]
    if agent.standing != "ready":
        return [f"{_STANDINGS[agent.standing]}, for {now - agent.state_since_s:.0f} s"]
    if not agent.queues:
        return ["it serves no queue"]
    reasons = [_why_not(agent, scheduler.queues[queue]) for queue in agent.queues]
    return [f"it is ready for {now - agent.idle_since_s:.0f} s", *reasons]


def _why_not(agent: Agent, queue: Queue) -> str:
    waiting = list(queue.in_order())
    if not waiting:
        return f"nobody waits in {queue.name}"
    for one in waiting:
        if one.only:
            continue
        asked = dict(queue.stages[min(one.stage, len(queue.stages) - 1)][1]) | dict(one.skills)
        lacks = [f"{skill} {level}" for skill, level in asked.items() if agent.levels.get(skill, 0) < level]
        return f"{len(waiting)} wait in {queue.name}, and it lacks {', '.join(lacks) or 'what they ask for'}"
    return f"{len(waiting)} wait in {queue.name}, all for other agents"
