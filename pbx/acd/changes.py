# SPDX-License-Identifier: Apache-2.0
"""A new configuration of queues and agents while callers wait and talk: applied in one step, in which nobody is lost.

Callers who wait keep their places; offers and talks go on as they began. A queue that is no more takes nobody in, and
is forgotten when its last caller has left; an agent that is no more is logged out, and forgotten when it has nothing
left to do.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from switchroom.pbx.acd.config import AgentConfig, QueueConfig

if TYPE_CHECKING:
    from switchroom.pbx.acd.agents import Agents
    from switchroom.pbx.acd.scheduler import Scheduler


class Changes:
    """Those of one scheduler and its crew."""

    def __init__(self, scheduler: "Scheduler", crew: "Agents") -> None:
        self._scheduler = scheduler
        self._crew = crew
        self._queues: set[str] = set()
        self._agents: set[str] = set()

    @property
    def leaving(self) -> bool:
        """Whether a queue or agent is to be forgotten as soon as it can be."""
        return bool(self._queues or self._agents)

    def apply(self, now: float, queues: Mapping[str, QueueConfig], agents: Sequence[AgentConfig]) -> None:
        """All queues and agents that there are from now on; the agents' queues are among them."""
        scheduler, crew = self._scheduler, self._crew
        waiting = [caller for caller in scheduler.callers.values() if caller.line is not None]
        for caller in waiting:
            scheduler.unline(caller)
        self._queues = {name for name in crew.queues if name not in queues}
        self._agents = set(crew.agents) - {agent.name for agent in agents}
        for name in self._queues:
            old = crew.queues[name].config
            crew.change_queue(name, msgspec.structs.replace(old, open=False, default_agents=()))
        for name, config in queues.items():
            if name not in crew.queues:
                crew.put_queue(name, config)
            elif config != crew.queues[name].config:
                crew.change_queue(name, config)
        for agent in agents:
            if agent.name in crew.agents:
                crew.change_agent(agent, self._queues)
            else:
                crew.put_agent(agent)
        for name in self._agents:
            if crew.agents[name].status != "logged-out":
                scheduler.set_status(now, name, "logged-out", "removed")
        for caller in waiting:
            caller.stage = min(caller.stage, len(caller.queue.stages) - 1)
            scheduler.stand(now, caller)

    def forget(self) -> None:
        """Let go of those who have nothing left to do."""
        crew = self._crew
        for name in list(self._agents):
            agent = crew.agents[name]
            if agent.state == "idle":
                crew.forget_agent(name)
                self._agents.discard(name)
        busy = {agent.queue for agent in crew.agents.values()}
        busy |= {agent.wrap_up.queue for agent in crew.agents.values() if agent.wrap_up is not None}
        for name in list(self._queues):
            if not crew.queues[name].callers and name not in busy:
                crew.forget_queue(name)
                self._queues.discard(name)
