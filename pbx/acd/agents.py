# SPDX-License-Identifier: Apache-2.0
"""The scheduler's agents: their status and state, and the lines in which they stand ready.

Every state but `idle` has a deadline: an agent who is forgotten in one comes back, or is looked after, by itself.
"""

from collections.abc import Callable, Mapping

from switchroom.pbx.acd.config import AgentConfig, QueueConfig
from switchroom.pbx.acd.deadlines import Deadlines, ms
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.model import (
    DEFAULT_TIER,
    MAX_LINES,
    Agent,
    Caller,
    Line,
    Offer,
    Queue,
    Resumed,
    Skills,
    WrapUp,
    add,
    remove,
)
from switchroom.pbx.events import (
    AgentOverdue,
    AgentReachable,
    AgentState,
    AgentStateSet,
    AgentStatus,
    AgentStatusSet,
    AgentWrappedUp,
    AnyRecord,
    OfferOutcome,
    QueueWaits,
)

BASE: tuple[int, Skills, str] = (0, (), "")
"""The line of those who ask nothing special."""
CHECK_S = 60.0
"""How often whoever runs the scheduler is asked whether an agent still talks."""


class Agents:
    """All agents and the queues that they serve."""

    def __init__(self, write: Callable[[AnyRecord], object], max_break_s: float) -> None:
        self._write = write
        self._max_break_s = max_break_s
        self.queues: dict[str, Queue] = {}
        self.agents: dict[str, Agent] = {}
        self.deadlines: Deadlines[tuple[str, str]] = Deadlines()
        self.changed: dict[Line, None] = {}
        """Lines that somebody entered or left since the last step."""
        self.emptied: dict[Queue, None] = {}
        """Queues whose last agent has logged out since."""
        self.gone: dict[str, None] = {}
        """Agents who have logged out since."""
        self._next_index = 0

    # ---- who there is

    def put_queue(self, name: str, config: QueueConfig) -> None:
        """A queue, new or with new settings. Raises AcdError for what cannot change while callers wait."""
        queue = self.queues.get(name)
        if queue is None:
            self.queues[name] = queue = Queue(name, config)
            self.line(queue, *BASE)  # most callers stand in it, so agents are there from the start
            return
        old = queue.config
        fixed = (old.skills, old.widen, old.default_agents) == (config.skills, config.widen, config.default_agents)
        if not fixed:
            raise AcdError("skills, widening and default agents need a restart", 501)
        queue.configure(config)
        for line in queue.lines.values():
            for agent in [entry[-1] for entry in line.idle]:  # another strategy is another order
                self._step_out(agent, line)
                self._step_in(agent, line)

    def put_agent(self, config: AgentConfig) -> None:
        """A new agent, logged out. Queues come before their agents."""
        if config.name in self.agents:
            raise AcdError(f"there is an agent {config.name!r} already", 409)
        agent = Agent(config, self._next_index)
        self._next_index += 1
        self.agents[agent.name] = agent
        for name, tier in config.queues.items():
            self.queue(name).take_member(agent, tier)
        for queue in self.queues.values():
            if agent.name in queue.config.default_agents and agent.name not in queue.members:
                queue.take_member(agent, DEFAULT_TIER)
        for queue in self.queues_of(agent):
            for line in queue.lines.values():
                self.join(agent, line)

    def agent(self, name: str) -> Agent:
        """The agent of a name. Raises AcdError."""
        found = self.agents.get(name)
        if found is None:
            raise AcdError(f"there is no agent {name!r}")
        return found

    def queue(self, name: str) -> Queue:
        """The queue of a name. Raises AcdError."""
        found = self.queues.get(name)
        if found is None:
            raise AcdError(f"there is no queue {name!r}")
        return found

    def set_skills(self, name: str, skills: Mapping[str, int]) -> None:
        """Other skills, from now on."""
        agent = self.agent(name)
        agent.levels = dict(skills)
        before = self.out_of_all_lines(agent)
        served = [line for queue in self.queues_of(agent) for line in queue.lines.values()]
        for line in before | dict.fromkeys(served):
            self.join(agent, line)
            self.changed[line] = None

    def line(self, queue: Queue, stage: int, skills: Skills, only: str) -> Line:
        """The line of a queue for those who ask the same; made when it is needed first."""
        key = (stage, skills, only)
        line = queue.lines.get(key)
        if line is None:
            if len(queue.lines) >= MAX_LINES:
                for other_key, other in list(queue.lines.items()):
                    if not other.waiting and other_key != BASE:
                        self.drop(queue.lines.pop(other_key))
            line = queue.lines[key] = Line(queue, stage, skills, only)
            for agent in queue.agents.values() if not only else [self.agents[only]]:
                self.join(agent, line)
        return line

    # ---- status: what persons set

    def set_status(self, now: float, name: str, status: AgentStatus, reason: str, by: str, at: str) -> None:
        """An agent logs in, goes on break, or logs out. Whoever does it again sets the reason or place anew."""
        agent = self.agent(name)
        before, agent.status = agent.status, status
        agent.status_since_s = now
        agent.reason = reason
        if status != "logged-out":
            agent.at = at or agent.at
        if before == "logged-out" != status:
            agent.calls, agent.talk_s, agent.no_answers, agent.idle_since_s = 0, 0.0, 0, now
            self._even_share(agent)
        if status == "available":
            agent.no_answers = 0
        self._write(AgentStatusSet(agent=name, status=status, reason=reason, by=by, at=agent.at))
        if status == "logged-out":
            agent.at = ""
            self.gone[name] = None
            for queue in self.queues_of(agent):
                self.emptied[queue] = None
        self.deadlines.clear(("break", name))
        if status == "break":
            self.deadlines.set(("break", name), now + self._max_break_s)
        if agent.wrap_up is not None and status == "available":
            self._wrapped(now, agent, "")
        if agent.state == "paused" or (agent.state == "wrap-up" and status == "available"):
            self._set_state(now, agent, "idle")
        self._restand(agent)

    def resume(self, now: float, name: str, known: Resumed) -> None:
        """An agent who was not logged out before a restart, goes on. Raises AcdError."""
        agent = self.agent(name)
        agent.status, agent.reason, agent.at, agent.status_since_s = known.status, known.reason, known.at, known.since_s
        agent.calls, agent.talk_s, agent.no_answers = known.calls, known.talk_s, known.no_answers
        agent.idle_since_s = known.idle_since_s
        self._write(AgentStatusSet(agent=name, status=agent.status, reason=agent.reason, by="restart", at=agent.at))
        if agent.status == "break":
            self.deadlines.set(("break", name), max(now, known.since_s + self._max_break_s))
        if now < known.wrap_up_until_s:
            agent.wrap_up = WrapUp(known.call, known.queue, known.wrap_up_until_s)
            self._go_on(now, agent)
        else:
            self._restand(agent)

    def set_reachable(self, name: str, reachable: bool) -> None:
        """The agent's phone is there, or is not."""
        agent = self.agent(name)
        if agent.reachable != reachable:
            agent.reachable = reachable
            self._write(AgentReachable(agent=name, reachable=reachable))
            self._restand(agent)

    # ---- state: what the system sees

    def set_busy(self, now: float, name: str, call: str) -> None:
        """The agent is in a call of its own; empty: no more. Without effect while it is offered a caller or talks."""
        agent = self.agent(name)
        if call and agent.state in ("idle", "paused", "wrap-up"):
            if agent.state == "wrap-up" and agent.wrap_up is not None:
                agent.wrap_up.spent_s += now - agent.state_since_s
            self._set_state(now, agent, "busy", call)
        elif not call and agent.state == "busy":
            self._go_on(now, agent)

    def reserve(self, now: float, agent: Agent, offer: Offer) -> None:
        """The one place where an agent is taken for a caller."""
        assert agent.standing == "ready", "only who is ready is reserved"
        agent.offer = offer
        self._set_state(now, agent, "offered", offer.caller.call, offer.caller.queue.name)

    def talk(self, now: float, agent: Agent, caller: Caller) -> None:
        """The agent has answered."""
        agent.offer = None
        agent.no_answers = 0
        agent.calls += 1
        if agent.wrap_up is not None:
            self._wrapped(now, agent, "")
        self._set_state(now, agent, "talking", caller.call, caller.queue.name)

    def release(self, now: float, agent: Agent) -> None:
        """The agent is no longer offered anything, through no fault of its own."""
        agent.offer = None
        self._set_state(now, agent, "idle")

    def missed(self, now: float, agent: Agent, outcome: OfferOutcome, queue: Queue) -> None:
        """The agent did not answer: it is left alone for a moment, and after some times put on break."""
        agent.offer = None
        if outcome == "unreachable":
            self.set_reachable(agent.name, False)
        if outcome in ("withdrawn", "unreachable") or agent.status != "available":
            self._set_state(now, agent, "idle")
            return
        agent.idle_since_s = now
        if outcome in ("no-answer", "refused"):
            agent.no_answers += 1
            limit = queue.config.no_answers
            if limit and agent.no_answers >= limit:
                self._set_state(now, agent, "idle", restand=False)
                self.set_status(now, agent.name, "break", "no-answer", "system", "")
                return
        self._set_state(now, agent, "paused")
        self.deadlines.set(("agent", agent.name), now + queue.config.retry_s)

    def finish(self, now: float, agent: Agent, talk_s: float, wrap_up_s: float) -> None:
        """The agent has talked; what is left to do may take `wrap_up_s`."""
        agent.talk_s += talk_s
        agent.idle_since_s = now
        if wrap_up_s:
            agent.wrap_up = WrapUp(agent.call, agent.queue, now + wrap_up_s)
        self._go_on(now, agent)

    def wrap_up_done(self, now: float, name: str, code: str = "") -> None:
        """The agent says what its last call was about, and is ready again. Raises AcdError."""
        agent = self.agent(name)
        if agent.wrap_up is None:
            raise AcdError(f"agent {name} is not in wrap-up", 409)
        codes = self.queue(agent.wrap_up.queue).config.wrap_up_codes
        if code and code not in codes:
            queue = agent.wrap_up.queue
            raise AcdError(f"{code!r} is none of the wrap-up codes of queue {queue}: {', '.join(codes)}", 400)
        self._wrapped(now, agent, code)
        if agent.state == "wrap-up":
            self._set_state(now, agent, "idle")

    def due(self, now: float, kind: str, agent: Agent) -> Agent | None:
        """A deadline of an agent has come; the agent, when somebody must look whether it still talks."""
        if kind == "break":
            for_ms = round((now - agent.status_since_s) * 1000)
            self._write(AgentOverdue(agent=agent.name, what=agent.reason or "break", for_ms=for_ms))
            return None
        if agent.state in ("talking", "busy"):
            self.deadlines.set(("agent", agent.name), now + CHECK_S)
            return agent
        if agent.state in ("wrap-up", "paused"):
            self._go_on(now, agent)
        return None

    def say_why(self) -> None:
        """Tell the journal where callers wait for another reason than before."""
        changed, self.changed = self.changed, {}
        for line in changed:
            if not line.waiting:
                line.reason = None
                continue
            reason = line.why()
            if reason != line.reason:
                line.reason = reason
                counts = {standing: count for standing, count in line.queue.counts.items() if count}
                self._write(
                    QueueWaits(
                        queue=line.queue.name, reason=reason, waiting=len(line.waiting), agents=counts,
                        skills=dict(line.skills), agent=line.only, stage=line.stage,
                    )
                )  # fmt: skip

    # ---- within

    def queues_of(self, agent: Agent) -> list[Queue]:
        """Those that the agent serves."""
        return [self.queues[name] for name in agent.queues]

    def _go_on(self, now: float, agent: Agent) -> None:
        """The agent is done with something: what is left of its wrap-up follows, or it is idle."""
        left = agent.wrap_up
        if left is not None and now < left.until_s:
            self._set_state(now, agent, "wrap-up", left.call, left.queue)
            self.deadlines.set(("agent", agent.name), left.until_s)
            return
        if left is not None:
            self._wrapped(now, agent, "")
        self._set_state(now, agent, "idle")

    def _wrapped(self, now: float, agent: Agent, code: str) -> None:
        done, agent.wrap_up = agent.wrap_up, None
        assert done is not None
        spent_s = done.spent_s + (now - agent.state_since_s if agent.state == "wrap-up" else 0.0)
        self._write(
            AgentWrappedUp(agent=agent.name, call=done.call, queue=done.queue, code=code, duration_ms=ms(spent_s))
        )

    def _even_share(self, agent: Agent) -> None:
        """Who comes later does not get all callers until it has as many as the others."""
        for queue in self.queues_of(agent):
            if queue.config.strategy != "even":
                continue
            others = [
                queue.members[name].share
                for name, other in queue.agents.items()
                if other is not agent and other.status != "logged-out"
            ]
            member = queue.members[agent.name]
            member.share = max(member.share, min(others, default=0))

    def _set_state(
        self, now: float, agent: Agent, state: AgentState, call: str = "", queue: str = "", restand: bool = True
    ) -> None:
        if state != agent.state:
            agent.state, agent.call, agent.queue, agent.state_since_s = state, call, queue, now
            self._write(AgentStateSet(agent=agent.name, state=state, call=call, queue=queue))
            if state in ("idle", "offered"):  # an offer's deadline is the lease
                self.deadlines.clear(("agent", agent.name))
            elif state in ("talking", "busy"):
                self.deadlines.set(("agent", agent.name), now + CHECK_S)
        if restand:
            self._restand(agent)

    def _restand(self, agent: Agent) -> None:
        """Let the lines know how the agent stands now."""
        before, now = agent.standing, agent.stands()
        if before == now:
            return
        agent.standing = now
        for name in agent.queues:
            counts = self.queues[name].counts
            counts[before] -= 1
            counts[now] += 1
        if before == "ready":
            for line, place in agent.places:
                remove(line.idle, place)
            agent.places.clear()
        ready = now == "ready"
        for line in agent.lines:
            line.counts[before] -= 1
            line.counts[now] += 1
            if ready:
                self._step_in(agent, line)
            elif line.waiting:
                self.changed[line] = None

    def _step_in(self, agent: Agent, line: Line) -> None:
        place = line.queue.key(agent, line)
        add(line.idle, place)
        agent.places.append((line, place))
        if line.waiting:
            self.changed[line] = None

    def _step_out(self, agent: Agent, line: Line) -> None:
        for index, (other, place) in enumerate(agent.places):
            if other is line:
                remove(line.idle, place)
                del agent.places[index]
                return

    def out_of_all_lines(self, agent: Agent) -> dict[Line, None]:
        """Those in which it stood."""
        lines = dict.fromkeys(agent.lines)
        for line in lines:
            self._step_out(agent, line)
            self._part(agent, line)
        return lines

    def join(self, agent: Agent, line: Line) -> None:
        """Let an agent stand in a line, if it may serve its callers."""
        if line.takes(agent):
            line.members[agent.name] = agent
            line.counts[agent.standing] += 1
            agent.lines.append(line)
            if agent.standing == "ready":
                self._step_in(agent, line)

    def _part(self, agent: Agent, line: Line) -> None:
        line.counts[agent.standing] -= 1
        del line.members[agent.name]
        agent.lines.remove(line)

    def drop(self, line: Line) -> None:
        """A line that is needed no longer."""
        for agent in list(line.members.values()):
            self._step_out(agent, line)
            self._part(agent, line)
        self.changed.pop(line, None)
