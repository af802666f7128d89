# SPDX-License-Identifier: Apache-2.0
"""The scheduler's talks: callers who have an agent, from the answer on, over transfers between agents, to the end.

A talk belongs to one agent at a time; each agent's part ends with a record of its own.
"""

from collections.abc import Callable

from switchroom.pbx.acd.agents import Agents
from switchroom.pbx.acd.deadlines import ms
from switchroom.pbx.acd.model import Caller
from switchroom.pbx.events import AnyRecord, QueueAnswered, QueueCompleted, QueuePassed


class Talks:
    """`callers` are all callers of the scheduler, by call."""

    def __init__(self, write: Callable[[AnyRecord], object], crew: Agents, callers: dict[str, Caller]) -> None:
        self._write = write
        self._crew = crew
        self._callers = callers

    def begin(self, now: float, caller: Caller, agent: str, offer: int) -> None:
        """Somebody has answered a caller, or taken it out of its queue (`offer` 0)."""
        queue = caller.queue
        self._put(now, caller, agent)
        queue.outcomes.append(now - caller.joined_s <= queue.config.target_s)
        self._write(
            QueueAnswered(
                call=caller.call, queue=queue.name, agent=agent, caller=caller.number,
                waited_ms=ms(now - caller.entered_s), offer=offer,
            )
        )  # fmt: skip

    def finished(self, now: float, call: str, reason: str = "") -> None:
        """A conversation is over for its agent. Without effect when it is already."""
        caller = self._callers.get(call)
        if caller is None or not caller.agent:
            return
        queue = caller.queue
        del self._callers[call], queue.callers[call]
        queue.talking -= 1
        talk_s = now - caller.answered_s
        self._write(QueueCompleted(call=call, queue=queue.name, agent=caller.agent, talk_ms=ms(talk_s), reason=reason))
        agent = self._crew.agents.get(caller.agent)
        wrap_up_s = 0.0
        if agent is not None and agent.call == call:
            wrap_up_s = queue.config.wrap_up_s
            self._crew.finish(now, agent, talk_s, wrap_up_s)
        queue.handling_s += (talk_s + wrap_up_s - queue.handling_s) / 20

    def pass_on(self, now: float, call: str, agent: str) -> bool:
        """A caller's agent has put it through to another one; False when it does not talk, or the other is reserved.

        What the other one talked about meanwhile (it was consulted) is over.
        """
        caller, other = self._callers.get(call), self._crew.agents[agent]
        if caller is None or not caller.agent or other.offer is not None:
            return False
        by = caller.agent
        self.finished(now, call, "transferred")
        if other.state == "talking":
            self.finished(now, other.call, "transferred")
        self._crew.talk(now, other, caller)
        self._put(now, caller, agent)
        self._write(QueuePassed(call=call, queue=caller.queue.name, agent=agent, by=by))
        return True

    def give_up(self, now: float, agent: str) -> None:
        """What the agent is said to do has ended without a word."""
        found = self._crew.agents[agent]
        self.finished(now, found.call, "lost")
        if found.state == "talking":
            self._crew.finish(now, found, 0.0, 0.0)

    def _put(self, now: float, caller: Caller, agent: str) -> None:
        queue = caller.queue
        caller.agent, caller.answered_s = agent, now
        self._callers[caller.call] = queue.callers[caller.call] = caller
        queue.talking += 1
