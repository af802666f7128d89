# SPDX-License-Identifier: Apache-2.0
"""A scheduler with queues and agents in a few words, and its records, for tests."""

import random
from typing import Any

import msgspec

from switchroom.pbx.acd.config import AgentConfig, QueueConfig
from switchroom.pbx.acd.decisions import Decision, Offered
from switchroom.pbx.acd.scheduler import Scheduler
from switchroom.pbx.events import AnyRecord, Record


class Centre:
    """`agents` is a mapping of names to the options of AgentConfig; all serve queue `q` unless they say otherwise."""

    def __init__(self, agents: dict[str, dict[str, Any]], seed: int = 1, **queue: Any) -> None:
        self.now = 0.0
        self.records: list[AnyRecord] = []
        self.times: list[float] = []
        self.scheduler = Scheduler(self.write, random.Random(seed).randrange)
        queues = queue.pop("queues", {"q": queue})
        for name, options in queues.items():
            self.scheduler.put_queue(name, msgspec.convert(options, QueueConfig))
        for name, options in agents.items():
            self.scheduler.put_agent(AgentConfig(name=name, **({"queues": {next(iter(queues)): 1}} | options)))

    def write(self, record: AnyRecord) -> None:
        self.records.append(record)
        self.times.append(self.now)

    def log_in(self, *agents: str) -> None:
        for agent in agents:
            self.scheduler.set_status(self.now, agent, "available")

    def enter(self, call: str, queue: str = "q", **options: Any) -> Any:
        return self.scheduler.enter(self.now, call, queue, **options)

    def step(self) -> list[Decision]:
        return self.scheduler.step(self.now)

    def offers(self) -> dict[str, Any]:
        """What a step offers: call -> agent, or agents where it rings several."""
        made = [decision for decision in self.step() if isinstance(decision, Offered)]
        return {offer.call: offer.agents[0] if len(offer.agents) == 1 else offer.agents for offer in made}

    def answer(self, call: str, agent: str = "") -> bool:
        offer = self.scheduler.callers[call].offer
        assert offer is not None
        return self.scheduler.answered(self.now, offer.number, agent or offer.agents[0])

    def miss(self, call: str, outcome: Any = "no-answer") -> None:
        offer = self.scheduler.callers[call].offer
        assert offer is not None
        self.scheduler.ended(self.now, offer.number, offer.agents[0], outcome)

    def talk(self, call: str, seconds: float) -> None:
        """Answer, talk and wrap up."""
        assert self.answer(call)
        agent = self.scheduler.callers[call].agent
        self.now += seconds
        self.scheduler.finished(self.now, call)
        if self.scheduler.agents[agent].state == "wrap-up":
            self.scheduler.wrap_up_done(self.now, agent)

    def wait(self, seconds: float) -> list[Decision]:
        """Let time pass, stepping at each deadline."""
        end = self.now + seconds
        decisions: list[Decision] = []
        while (due := self.scheduler.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            decisions += self.step()
        self.now = end
        return decisions + self.step()

    def told(self, kind: type[Record]) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]
