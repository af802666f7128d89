# SPDX-License-Identifier: Apache-2.0
"""What the call centre knows over a restart: a fold over the journal, so that it is exact whenever the process died.

Agents are logged in and on break where they were, with what they have done since, and wrap up to the end; callbacks
keep their place; who served whom last is remembered. Callers who waited or talked are gone with their calls: `lost`
gives the records that say so. Settings changed while the exchange ran are not kept: the configuration holds again.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.model import Resumed
from switchroom.pbx.control import CallError
from switchroom.pbx.events import (
    AgentState,
    AgentStateSet,
    AgentStatus,
    AgentStatusSet,
    AnyRecord,
    CallbackAsked,
    CallbackTried,
    CallEnded,
    Entry,
    OfferEnded,
    OfferJoined,
    OfferOutcome,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueOffered,
    QueuePassed,
    ServerStarted,
)

if TYPE_CHECKING:
    from switchroom.pbx.acd.desk import Desk

MAX_LAST_AGENTS = 10_000
"""Of the callers who are remembered, so many of the newest are over a restart."""
RESTART = "restart"
"""The reason in records of what a restart has ended."""
_MISSED: tuple[OfferOutcome, ...] = ("no-answer", "refused")


class KeptAgent(msgspec.Struct):
    """One who is not logged out. Times are UTC, milliseconds since 1970."""

    status: AgentStatus
    since_ms: int
    reason: str = ""
    at: str = ""
    state: AgentState = "idle"
    state_since_ms: int = 0
    call: str = ""
    queue: str = ""
    idle_since_ms: int = 0
    calls: int = 0
    talk_ms: int = 0
    no_answers: int = 0


class KeptCallback(msgspec.Struct):
    """One callback that has not come to an end."""

    queue: str
    number: str
    since_ms: int
    """Its place in the queue."""
    attempts: int = 0


class KeptStay(msgspec.Struct):
    """Somebody who waits."""

    queue: str
    number: str
    since_ms: int


class KeptTalk(msgspec.Struct):
    """Somebody who talks."""

    queue: str
    number: str
    agent: str
    since_ms: int


class KeptOffer(msgspec.Struct):
    """One agent whose telephone rings for a caller."""

    call: str
    queue: str
    agent: str
    since_ms: int


class Kept(msgspec.Struct, kw_only=True):
    """All of it, as it was after the entry `number`."""

    number: int = 0
    at_ms: int = 0
    """The last sign of life."""
    agents: dict[str, KeptAgent] = msgspec.field(default_factory=dict)
    callbacks: dict[str, KeptCallback] = msgspec.field(default_factory=dict)
    stays: dict[str, KeptStay] = msgspec.field(default_factory=dict)
    talks: dict[str, KeptTalk] = msgspec.field(default_factory=dict)
    offers: dict[str, KeptOffer] = msgspec.field(default_factory=dict)
    """By number of the offer and agent."""
    last_agents: dict[str, str] = msgspec.field(default_factory=dict)
    """Caller to agent, the newest last."""


_KEPT = frozenset(
    (
        CallEnded, AgentStatusSet, AgentStateSet, QueueEntered, QueueOffered, OfferJoined, OfferEnded, QueueAnswered,
        QueuePassed, QueueCompleted, QueueAbandoned, QueueLeft, CallbackAsked, CallbackTried,
    )
)  # fmt: skip
"""Most records of a call say nothing about the call centre, and one look tells them."""


class KeptFold:
    """Keeps `kept` as the journal says. `attempts` tells how often callbacks of a queue are tried."""

    def __init__(self, kept: Kept, attempts: Callable[[str], int]) -> None:
        self.kept = kept
        self._attempts = attempts

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        kept, record, at_ms = self.kept, entry.record, entry.at_ns // 1_000_000
        kept.number = entry.number
        if type(record) is not ServerStarted:
            kept.at_ms = at_ms
        if type(record) in _KEPT:
            self._keep(record, at_ms)

    # ---- within

    def _keep(self, record: AnyRecord, at_ms: int) -> None:
        kept = self.kept
        match record:
            case CallEnded():
                talk = kept.talks.get(record.call)
                if talk is not None and not talk.agent:
                    del kept.talks[record.call]  # passed on to nobody of ours
            case AgentStatusSet():
                self._status(record, at_ms)
            case AgentStateSet() if (agent := kept.agents.get(record.agent)) is not None:
                if agent.state == "talking":
                    agent.idle_since_ms = at_ms
                agent.state, agent.state_since_ms = record.state, at_ms
                agent.call, agent.queue = record.call, record.queue
            case QueueEntered():
                since_ms = at_ms - record.waited_ms
                kept.stays[record.call] = KeptStay(record.queue, record.caller, since_ms)
                if record.callback and record.call in kept.callbacks:
                    kept.callbacks[record.call].since_ms = since_ms
            case QueueOffered():
                for name in record.agents:
                    kept.offers[f"{record.offer} {name}"] = KeptOffer(record.call, record.queue, name, at_ms)
            case OfferJoined():
                key = f"{record.offer} {record.agent}"
                kept.offers[key] = KeptOffer(record.call, record.queue, record.agent, at_ms)
            case OfferEnded():
                kept.offers.pop(f"{record.offer} {record.agent}", None)
                if record.outcome in _MISSED and record.agent in kept.agents:
                    kept.agents[record.agent].no_answers += 1
            case QueueAnswered():
                kept.stays.pop(record.call, None)
                self._talks(record.call, KeptTalk(record.queue, record.caller, record.agent, at_ms))
            case QueuePassed():
                before = kept.talks.get(record.call)
                number = before.number if before is not None else ""
                self._talks(record.call, KeptTalk(record.queue, number, record.agent, at_ms))
            case QueueCompleted():
                if record.reason != "transferred":  # else one more may follow
                    kept.talks.pop(record.call, None)
                elif record.call in kept.talks:
                    kept.talks[record.call].agent = ""
                if record.agent in kept.agents:
                    kept.agents[record.agent].talk_ms += record.talk_ms
            case QueueAbandoned():
                kept.stays.pop(record.call, None)
            case QueueLeft():
                kept.stays.pop(record.call, None)
                if record.reason == "cancelled":
                    kept.callbacks.pop(record.call, None)
            case CallbackAsked():
                kept.callbacks.setdefault(record.call, KeptCallback(record.queue, record.number, at_ms))
            case CallbackTried():
                self._tried(record)

    def _status(self, record: AgentStatusSet, at_ms: int) -> None:
        kept = self.kept
        if record.status == "logged-out":
            kept.agents.pop(record.agent, None)
            return
        agent = kept.agents.get(record.agent)
        if agent is None:
            agent = kept.agents[record.agent] = KeptAgent(record.status, at_ms, idle_since_ms=at_ms)
        agent.status, agent.reason, agent.at = record.status, record.reason, record.at
        if record.by != RESTART:
            agent.since_ms = at_ms
            if record.status == "available":
                agent.no_answers = 0

    def _talks(self, call: str, talk: KeptTalk) -> None:
        kept = self.kept
        kept.talks[call] = talk
        if (agent := kept.agents.get(talk.agent)) is not None:
            agent.calls += 1
            agent.no_answers = 0
        if talk.number and call not in kept.callbacks:
            self._remember(talk.number, talk.agent)

    def _tried(self, record: CallbackTried) -> None:
        kept, found = self.kept, self.kept.callbacks.get(record.call)
        if found is None:
            return
        found.attempts = record.attempt
        if record.outcome == "answered":
            self._remember(record.number, record.agent)
        if record.outcome == "answered" or record.attempt >= self._attempts(record.queue):
            del kept.callbacks[record.call]

    def _remember(self, number: str, agent: str) -> None:
        last = self.kept.last_agents
        last.pop(number, None)
        last[number] = agent
        if len(last) > MAX_LAST_AGENTS:
            del last[next(iter(last))]


def lost(kept: Kept) -> list[AnyRecord]:
    """The records that end what went on when the exchange died, at its last sign of life."""
    ended: list[AnyRecord] = [
        OfferEnded(
            call=offer.call, queue=offer.queue, offer=int(key.partition(" ")[0]), agent=offer.agent, outcome="failed",
            rang_ms=max(0, kept.at_ms - offer.since_ms),
        )
        for key, offer in kept.offers.items()
    ]  # fmt: skip
    for call, stay in kept.stays.items():
        waited_ms = max(0, kept.at_ms - stay.since_ms)
        ended.append(QueueLeft(call=call, queue=stay.queue, reason=RESTART, waited_ms=waited_ms))
    for call, talk in kept.talks.items():
        if talk.agent:
            talk_ms = max(0, kept.at_ms - talk.since_ms)
            ended.append(QueueCompleted(call=call, queue=talk.queue, agent=talk.agent, talk_ms=talk_ms, reason=RESTART))
    return ended


def resumed(agent: KeptAgent, wrap_up_s: float, now: float, utc_s: float) -> Resumed:
    """An agent by the clock of today; `wrap_up_s` is what its queue gives for that."""

    def by_loop(utc_ms: int) -> float:
        return now - (utc_s - utc_ms / 1000)

    until_s = 0.0
    if agent.state == "wrap-up":
        until_s = by_loop(agent.state_since_ms) + wrap_up_s
    elif agent.state == "talking":  # cut off; what there is to write down is still to be written
        until_s = now + wrap_up_s
    return Resumed(
        status=agent.status, reason=agent.reason, at=agent.at, since_s=by_loop(agent.since_ms),
        idle_since_s=by_loop(agent.idle_since_ms), calls=agent.calls, talk_s=agent.talk_ms / 1000,
        no_answers=agent.no_answers, call=agent.call, queue=agent.queue, wrap_up_until_s=until_s,
    )  # fmt: skip


def restore(desk: "Desk", kept: Kept, utc_s: float) -> None:
    """Let it be as it was; agents and queues that are no longer configured are passed over."""
    queues, now = desk.scheduler.queues, desk.now()
    for name, agent in kept.agents.items():
        wrap_up_s = queues[agent.queue].config.wrap_up_s if agent.queue in queues else 0.0
        try:
            desk.resume(name, resumed(agent, wrap_up_s, now, utc_s))
        except AcdError:
            desk.log("acd.restart", agent=name, error="no longer configured")
    for number, name in kept.last_agents.items():
        if name in desk.scheduler.agents:
            desk.last_agents[number] = name
    for call, one in kept.callbacks.items():
        since_s = now - (utc_s - one.since_ms / 1000)
        try:
            desk.call_back(call, one.queue, one.number, since_s, one.attempts, again=True)
        except CallError as error:
            desk.log("acd.restart", call=call, error=str(error))
