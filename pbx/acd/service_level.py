# SPDX-License-Identifier: Apache-2.0
"""The figures of queues and agents, folded out of journal records: the same code live and for any time of the past."""

from collections.abc import Mapping

import msgspec

from switchroom.pbx import events
from switchroom.pbx.events import AgentState, AgentStatus, Entry


class QueueFigures(msgspec.Struct, kw_only=True):
    """One queue: what there is now, and what came since the fold began. See PRODUCT's KPI table for the formulas."""

    queue: str
    waiting: int = 0
    talking: int = 0
    offered: int = 0
    """O: callers that came, refused ones not counted."""
    refused: int = 0
    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    abandoned_in_time: int = 0
    left: int = 0
    wait_ms: int = 0
    """Of those answered."""
    longest_wait_ms: int = 0
    abandon_wait_ms: int = 0
    talk_ms: int = 0
    completed: int = 0
    transferred: int = 0

    @property
    def service_level(self) -> float | None:
        """(A within T) / (A + Ab - short Ab)."""
        all_ = self.answered + self.abandoned - self.abandoned_short
        return self.answered_in_time / all_ if all_ else None

    @property
    def asa_ms(self) -> float | None:
        """Mean wait of those answered."""
        return self.wait_ms / self.answered if self.answered else None


class AgentFigures(msgspec.Struct, kw_only=True):
    """One agent."""

    agent: str
    status: AgentStatus = "logged-out"
    reason: str = ""
    status_since_ms: int = 0
    state: AgentState = "idle"
    state_since_ms: int = 0
    call: str = ""
    queue: str = ""
    reachable: bool = True
    answered: int = 0
    missed: int = 0
    talk_ms: int = 0
    wrap_up_ms: int = 0
    ready_ms: int = 0
    break_ms: int = 0
    logged_in_ms: int = 0


class Board:
    """The fold. `targets` says for each queue how soon callers are to be answered, and what counts as a short abandon,
    in milliseconds."""

    def __init__(self, targets: Mapping[str, tuple[int, int]]) -> None:
        self._targets = targets
        self.queues: dict[str, QueueFigures] = {name: QueueFigures(queue=name) for name in targets}
        self.agents: dict[str, AgentFigures] = {}
        self.number = 0
        """The last entry taken; a reader of the journal goes on from it."""
        self._waiting: dict[str, dict[str, int]] = {name: {} for name in targets}
        self._talking: dict[str, str] = {}

    def add(self, entry: Entry) -> None:
        """Take one entry."""
        self.number = entry.number
        at_ms = entry.at_ns // 1_000_000
        match entry.record:
            case events.QueueEntered() as record:
                queue = self._queue(record.queue)
                queue.offered += 1
                self._waiting[record.queue][record.call] = at_ms - record.waited_ms
                self._count(queue)
            case events.QueueRefused() as record:
                self._queue(record.queue).refused += 1
            case events.QueueAnswered() as record:
                queue = self._leave(record.queue, record.call)
                queue.answered += 1
                queue.answered_in_time += record.waited_ms <= self._target(record.queue)[0]
                queue.wait_ms += record.waited_ms
                queue.longest_wait_ms = max(queue.longest_wait_ms, record.waited_ms)
                queue.talking += 1
                self._talking[record.call] = record.queue
                self._agent(record.agent).answered += 1
            case events.QueueAbandoned() as record:
                queue = self._leave(record.queue, record.call)
                target_ms, short_ms = self._target(record.queue)
                queue.abandoned += 1
                queue.abandoned_short += record.waited_ms < short_ms
                queue.abandoned_in_time += record.waited_ms <= target_ms
                queue.abandon_wait_ms += record.waited_ms
            case events.QueueLeft() as record:
                self._leave(record.queue, record.call).left += 1
            case events.QueueCompleted() as record:
                queue = self._queue(record.queue)
                if self._talking.pop(record.call, ""):
                    queue.talking -= 1
                queue.completed += 1
                queue.talk_ms += record.talk_ms
                queue.transferred += record.reason == "transferred"
                self._agent(record.agent).talk_ms += record.talk_ms
            case events.OfferEnded() as record:
                self._agent(record.agent).missed += record.outcome in ("no-answer", "refused", "busy")
            case events.AgentWrappedUp() as record:
                self._agent(record.agent).wrap_up_ms += record.duration_ms
            case events.AgentStatusSet() as record:
                agent = self._pass(record.agent, at_ms)
                agent.status, agent.reason, agent.status_since_ms = record.status, record.reason, at_ms
            case events.AgentStateSet() as record:
                agent = self._pass(record.agent, at_ms)
                agent.state, agent.state_since_ms = record.state, at_ms
                agent.call, agent.queue = record.call, record.queue
            case events.AgentReachable() as record:
                self._agent(record.agent).reachable = record.reachable
            case events.ServerStarted():
                self._restart()

    def oldest_ms(self, queue: str) -> int | None:
        """When the caller came who has waited longest of those who wait."""
        return min(self._waiting.get(queue, {}).values(), default=None)

    def _queue(self, name: str) -> QueueFigures:
        if name not in self.queues:
            self.queues[name] = QueueFigures(queue=name)
            self._waiting[name] = {}
        return self.queues[name]

    def _agent(self, name: str) -> AgentFigures:
        if name not in self.agents:
            self.agents[name] = AgentFigures(agent=name)
        return self.agents[name]

    def _target(self, queue: str) -> tuple[int, int]:
        return self._targets.get(queue, (20_000, 5_000))

    def _leave(self, name: str, call: str) -> QueueFigures:
        queue = self._queue(name)
        self._waiting[name].pop(call, None)
        self._count(queue)
        return queue

    def _count(self, queue: QueueFigures) -> None:
        queue.waiting = len(self._waiting[queue.queue])

    def _pass(self, name: str, at_ms: int) -> AgentFigures:
        """Book the time since the last change on what the agent did."""
        agent = self._agent(name)
        since_ms = max(agent.status_since_ms, agent.state_since_ms)
        passed_ms = at_ms - since_ms if since_ms else 0
        if agent.status != "logged-out":
            agent.logged_in_ms += passed_ms
            agent.break_ms += passed_ms if agent.status == "break" else 0
            agent.ready_ms += passed_ms if agent.status == "available" and agent.state == "idle" else 0
        return agent

    def _restart(self) -> None:
        """A process that ended took callers and calls with it."""
        self._talking.clear()
        for name, queue in self.queues.items():
            self._waiting[name].clear()
            self._count(queue)
            queue.talking = 0
        for agent in self.agents.values():
            agent.state, agent.call, agent.queue = "idle", "", ""
