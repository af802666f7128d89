# SPDX-License-Identifier: Apache-2.0
"""A new configuration of queues and agents while callers wait and talk: applied in one step, in which nobody is lost.

Callers who wait keep their places; offers and talks go on as they began. A queue that is no more takes nobody in, and
is forgotten when its last caller has left; an agent that is no more is logged out, and forgotten when it has nothing
left to do.
"""

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from switchroom.pbx.acd.agents import BASE
from switchroom.pbx.acd.config import AgentConfig, QueueConfig
from switchroom.pbx.acd.model import DEFAULT_TIER

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
            self._change_queue(name, msgspec.structs.replace(old, open=False, default_agents=()))
        for name, config in queues.items():
            if name not in crew.queues:
                crew.put_queue(name, config)
            elif config != crew.queues[name].config:
                self._change_queue(name, config)
        for agent in agents:
            if agent.name in crew.agents:
                self._change_agent(agent, self._queues)
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
                self._forget_agent(name)
                self._agents.discard(name)
        busy = {agent.queue for agent in crew.agents.values()}
        busy |= {agent.wrap_up.queue for agent in crew.agents.values() if agent.wrap_up is not None}
        for name in list(self._queues):
            if not crew.queues[name].callers and name not in busy:
                self._forget_queue(name)
                self._queues.discard(name)

    # ---- within

    def _change_queue(self, name: str, config: QueueConfig) -> None:
        """Any new settings, while nobody stands in its lines. Its agents are told theirs afterwards."""
        queue = self._crew.queues[name]
        for line in queue.lines.values():
            self._crew.drop(line)
        queue.lines.clear()
        queue.configure(config)
        self._crew.line(queue, *BASE)

    def _change_agent(self, config: AgentConfig, keeps: Container[str] = ()) -> None:
        """New settings of an agent; whatever it does goes on. It goes on serving queues in `keeps` that it serves."""
        agent, before = self._crew.agents[config.name], self._crew.agents[config.name].config
        if config.skills != before.skills:
            agent.levels = dict(config.skills)
        agent.config = config
        last_resort = [name for name, queue in self._crew.queues.items() if agent.name in queue.config.default_agents]
        serves = dict.fromkeys(last_resort, DEFAULT_TIER)
        serves |= {name: self._crew.queues[name].members[agent.name].tier for name in agent.queues if name in keeps}
        serves |= config.queues
        lines = self._crew.out_of_all_lines(agent)
        for name in [name for name in agent.queues if name not in serves]:
            self._crew.queues[name].lose_member(agent)
        for name, tier in serves.items():
            queue = self._crew.queue(name)
            if agent.name in queue.members:
                queue.members[agent.name].tier = tier
            else:
                queue.take_member(agent, tier)
        for line in lines | {line: None for queue in self._crew.queues_of(agent) for line in queue.lines.values()}:
            self._crew.join(agent, line)
            self._crew.changed[line] = None

    def _forget_agent(self, name: str) -> None:
        """There is no such agent any more; it does nothing, and is logged out."""
        agent = self._crew.agents.pop(name)
        self._crew.out_of_all_lines(agent)
        for queue in self._crew.queues_of(agent):
            queue.lose_member(agent)
        self._crew.gone.pop(name, None)
        for kind in ("agent", "break"):
            self._crew.deadlines.clear((kind, name))

    def _forget_queue(self, name: str) -> None:
        """There is no such queue any more; nobody is in it."""
        queue = self._crew.queues.pop(name)
        for line in queue.lines.values():
            self._crew.drop(line)
        for agent in list(queue.agents.values()):
            queue.lose_member(agent)
        self._crew.emptied.pop(queue, None)
