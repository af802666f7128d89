# SPDX-License-Identifier: Apache-2.0
"""What operators, supervisors and wallboards see and do: the floor of the call centre, as values and verbs.

`who` is the user for whom a supervisor acts, checked against the teams; empty for operators, who may do everything.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache

import msgspec

from switchroom.pbx.acd.config import LIVE, QueueConfig, targets
from switchroom.pbx.acd.desk import Desk
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.explain import WaitStory, explain, why_idle
from switchroom.pbx.acd.model import Queue
from switchroom.pbx.acd.service_level import AgentFigures, Board, QueueFigures
from switchroom.pbx.acd.supervisor import Supervisors
from switchroom.pbx.control import Answered, CallError, Ended, Fact, Leg, Party, TapMode
from switchroom.pbx.events import AgentStatus, AnyRecord, Entry, QueueChanged

KEPT_ENTRIES = 100_000
"""Records of queues and agents at hand for explanations."""
_KINDS = ("queue.", "offer.", "agent.", "callback.", "supervisor.")
SUPERVISOR_RING_S = 30.0


@cache
def _explains(kind: type[AnyRecord]) -> bool:
    return str(kind.__struct_config__.tag).startswith(_KINDS)


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """One queue now."""

    name: str
    title: str
    open: bool
    strategy: str
    waiting: int
    talking: int
    agents: dict[str, int]
    """How many stand how."""
    longest_wait_s: float
    estimate_s: float | None
    service_level: float
    max_waiting: int
    max_calls: int


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    """One caller who is not talking yet, in the order in which they go."""

    call: str
    caller: str
    queue: str
    priority: int
    waited_s: float
    skills: dict[str, int]
    offered_to: list[str]
    agent: str
    callback: bool


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent now."""

    agent: str
    name: str
    status: AgentStatus
    reason: str
    status_for_s: float
    state: str
    state_for_s: float
    standing: str
    at: str
    call: str
    queue: str
    queues: list[str]
    skills: dict[str, int]
    calls: int
    talk_s: float
    watched_by: list[str]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All figures as they are after a number of the journal; what follows it are the changes."""

    number: int
    queues: list[QueueFigures]
    service_levels: dict[str, float | None]
    agents: list[AgentFigures]


class Floor:
    """One exchange's."""

    def __init__(self, desk: Desk, supervisors: Supervisors) -> None:
        self.desk = desk
        self.supervisors = supervisors
        self.board = Board(targets(desk.centre.queues))
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)

    def apply(self) -> None:
        """The desk has other queues."""
        self.board.retarget(targets(self.desk.centre.queues))

    def take(self, entry: Entry) -> None:
        """Follow the journal."""
        self.board.add(entry)
        if _explains(type(entry.record)):
            self._entries.append(entry)

    # ---- seen

    def queues(self) -> list[QueueView]:
        """All queues."""
        now = self.desk.now()
        views = []
        for queue in self.desk.scheduler.queues.values():
            waits = [now - one.entered_s for one in queue.callers.values() if not one.agent]
            views.append(
                QueueView(
                    name=queue.name, title=queue.config.title or queue.name, open=queue.config.open,
                    strategy=queue.config.strategy, waiting=queue.waiting, talking=queue.talking,
                    agents={standing: count for standing, count in queue.counts.items() if count},
                    longest_wait_s=round(max(waits, default=0.0), 1), estimate_s=queue.estimate_s(queue.waiting + 1),
                    service_level=round(queue.service_level(), 4), max_waiting=queue.config.max_waiting,
                    max_calls=queue.config.max_calls,
                )
            )  # fmt: skip
        return views

    def waiting(self, queue: str = "", limit: int = 1000) -> list[WaitingView]:
        """Callers who wait in one queue or in all, in their order. Raises AcdError."""
        if queue:
            self._queue(queue)
        now = self.desk.now()
        callers = [
            one
            for one in self.desk.scheduler.callers.values()
            if not one.agent and (not queue or one.queue.name == queue)
        ]
        return [
            WaitingView(
                call=one.call, caller=one.number, queue=one.queue.name, priority=-one.rank[0],
                waited_s=round(now - one.entered_s, 1), skills=dict(one.skills), agent=one.only, callback=one.callback,
                offered_to=list(one.offer.pending) if one.offer is not None else [],
            )
            for one in sorted(callers, key=lambda one: one.rank)[:limit]
        ]  # fmt: skip

    def agents(self, who: str = "") -> list[AgentView]:
        """All agents, or those of a supervisor."""
        now = self.desk.now()
        return [
            AgentView(
                agent=agent.name, name=agent.config.display_name, status=agent.status, reason=agent.reason,
                status_for_s=round(now - agent.status_since_s, 1), state=agent.state,
                state_for_s=round(now - agent.state_since_s, 1), standing=agent.standing, at=agent.at, call=agent.call,
                queue=agent.queue, queues=list(agent.queues), skills=agent.levels, calls=agent.calls,
                talk_s=round(agent.talk_s, 1),
                watched_by=[w.supervisor for w in self.supervisors.watches.values() if w.agent == agent.name],
            )
            for agent in self.desk.scheduler.agents.values()
            if not who or self.supervisors.may(who, agent.name)
        ]  # fmt: skip

    def snapshot(self) -> Snapshot:
        """The figures so far."""
        queues = list(self.board.queues.values())
        return Snapshot(
            number=self.board.number,
            queues=queues,
            service_levels={figures.queue: figures.service_level for figures in queues},
            agents=list(self.board.agents.values()),
        )

    def explain_call(self, call: str, now_ms: int) -> WaitStory:
        """Why a caller waited, second by second. Raises AcdError where no record of it is at hand."""
        story = explain(call, self._entries, now_ms)
        if story is None:
            raise AcdError(f"no record at hand tells of call {call!r} in a queue")
        return story

    def explain_agent(self, agent: str) -> list[str]:
        """Why an agent is offered nobody. Raises AcdError."""
        self._agent(agent)
        return why_idle(self.desk.scheduler, agent, self.desk.now())

    # ---- done to queues and callers

    def change_queue(self, name: str, changes: Mapping[str, object], by: str) -> QueueConfig:
        """Change settings of a queue until the next start. Raises AcdError, with what is wrong."""
        queue = self._queue(name)
        for key in changes:
            if key not in LIVE:
                can = ", ".join(sorted(LIVE))
                raise AcdError(f"{key} cannot be changed while the exchange runs; these can: {can}", 400)
        try:
            config = msgspec.convert(msgspec.to_builtins(queue.config) | dict(changes), QueueConfig)
        except msgspec.ValidationError as error:
            raise AcdError(str(error), 400) from error
        self.desk.scheduler.put_queue(name, config)
        for key, value in changes.items():
            self.desk.write(QueueChanged(queue=name, key=key, value=str(value), by=by))
        self.desk.step()
        return config

    def move(self, call: str, queue: str, who: str = "") -> None:
        """Move a waiting caller to another queue. Raises AcdError."""
        self._may_touch(call, who)
        self.desk.move(call, queue)

    def prioritise(self, call: str, priority: int, who: str = "") -> None:
        """Give a waiting caller another priority. Raises AcdError."""
        self._may_touch(call, who)
        if not self.desk.scheduler.raise_priority(self.desk.now(), call, priority):
            raise AcdError(f"call {call} is just being offered", 409)
        self.desk.step()

    def assign(self, call: str, agent: str, who: str = "") -> None:
        """Let a waiting caller wait for one agent. Raises AcdError."""
        self._may_touch(call, who)
        self._check(who, agent)
        if not self.desk.scheduler.prefer(self.desk.now(), call, agent):
            raise AcdError(f"call {call} is just being offered, or agent {agent} is logged out", 409)
        self.desk.step()

    def cancel_callback(self, call: str) -> None:
        """Take a callback out of its queue. Raises AcdError."""
        callback = self.desk.asked.get(call)
        if callback is None:
            raise AcdError(f"there is no callback {call!r}")
        callback.cancel()

    # ---- done to agents

    def set_status(self, agent: str, status: AgentStatus, reason: str, *, by: str, at: str = "", who: str = "") -> None:
        """Log an agent in or out, or put it on break. Raises AcdError."""
        self._check(who, agent)
        found = self.desk.scheduler.agents[agent].config
        own = {"": "", "phone": found.phone or f"user:{agent}", "home": found.home, "mobile": found.mobile}
        place = own.get(at, at)
        if at and not place:
            raise AcdError(f"agent {agent} has no {at}", 400)
        self.desk.set_status(agent, status, reason, by=by, at=place)

    def set_skills(self, agent: str, skills: Mapping[str, int], who: str = "") -> None:
        """Other skills until the next start. Raises AcdError."""
        self._check(who, agent)
        self.desk.scheduler.set_skills(agent, skills)
        self.desk.step()

    def wrap_up(self, agent: str, code: str) -> None:
        """End an agent's wrap-up, with a code. Raises AcdError."""
        self._agent(agent)
        self.desk.wrap_up_done(agent, code)

    # ---- supervisors on the line

    async def watch(self, supervisor: str, agent: str, mode: TapMode) -> None:
        """Listen to an agent: with the supervisor's leg where it is on the line, else its phone is rung. Raises
        AcdError, CallError."""
        self.supervisors.check(supervisor, agent)
        watch = self.supervisors.watches.get(supervisor)
        if watch is not None:
            if watch.agent == agent:
                self.supervisors.set_mode(supervisor, mode)
            else:
                leg = watch.leg
                self.supervisors.leave(supervisor)
                self.supervisors.watch(supervisor, leg, agent, mode)
            return
        await self._ring(supervisor, agent, lambda leg: self._begin(supervisor, leg, agent, mode))

    async def pick(self, supervisor: str, call: str) -> None:
        """Ring a supervisor's phone, and join it to a waiting caller. Raises AcdError, CallError."""
        self._may_touch(call, supervisor)
        await self._ring(supervisor, call, lambda leg: self.supervisors.pick(supervisor, leg, call))

    def _begin(self, supervisor: str, leg: Leg, agent: str, mode: TapMode) -> None:
        leg.listener = lambda leg, fact: self.supervisors.leave(supervisor) if isinstance(fact, Ended) else None
        self.supervisors.watch(supervisor, leg, agent, mode)

    async def _ring(self, supervisor: str, shown: str, then: Callable[[Leg], None]) -> None:
        endpoint = self.desk.find(f"user:{supervisor}")[0]
        leg = await self.desk.control.originate(endpoint, caller=Party(shown))

        def on_fact(leg: Leg, fact: Fact) -> None:
            if isinstance(fact, Answered):
                giving_up.cancel()
                try:
                    then(leg)
                except (AcdError, CallError) as error:
                    self.desk.log("acd.supervisor", supervisor=supervisor, error=str(error))
                    leg.hangup(200)
            elif isinstance(fact, Ended):
                giving_up.cancel()

        giving_up = asyncio.get_running_loop().call_later(SUPERVISOR_RING_S, leg.hangup, 480, "no answer")
        leg.listener = on_fact

    # ---- within

    def _queue(self, name: str) -> Queue:
        if name not in self.desk.scheduler.queues:
            raise AcdError(f"there is no queue {name!r}")
        return self.desk.scheduler.queues[name]

    def _agent(self, name: str) -> None:
        if name not in self.desk.scheduler.agents:
            raise AcdError(f"there is no agent {name!r}")

    def _check(self, who: str, agent: str) -> None:
        if who:
            self.supervisors.check(who, agent)
        else:
            self._agent(agent)

    def _may_touch(self, call: str, who: str) -> None:
        caller = self.desk.scheduler.callers.get(call)
        if caller is None or caller.agent:
            raise AcdError(f"call {call!r} does not wait", 409)
        if who:
            self.supervisors.check_queue(who, caller.queue.name)
