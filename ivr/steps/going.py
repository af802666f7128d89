# SPDX-License-Identifier: Apache-2.0
"""Steps that bring the caller to somebody else."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from switchroom.ivr.phrase import Template
from switchroom.ivr.steps.base import END, Run, Step

Unserved = Literal["timeout", "full", "closed", "callback", "voicemail", "left"]


class Queue(Step, frozen=True, kw_only=True):
    """Wait in a queue and talk; `next` follows when the agent has left and the caller is still there."""

    asks: ClassVar[bool] = True
    queue: Template
    results: dict[Unserved, str] = msgspec.field(default_factory=dict)
    """What follows where the caller talked to nobody."""
    otherwise: str
    priority: Annotated[int, Meta(ge=0, le=100)] = 0
    skills: dict[str, Annotated[int, Meta(ge=1, le=10)]] = msgspec.field(default_factory=dict)
    agent: Template = Template("")
    """Whom the caller wants, for `agent_wait_s` at most (0: until that agent comes)."""
    agent_wait_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    next: str = END

    def targets(self) -> Iterator[tuple[str, str]]:
        yield from super().targets()
        yield from ((f"results.{result}", step) for result, step in self.results.items())

    async def run(self, run: Run) -> str:
        wishes: dict[str, Any] = {}
        if self.priority:
            wishes["priority"] = self.priority
        if self.skills:
            wishes["skills"] = dict(self.skills)
        if agent := self.agent.fill(run.variables):
            wishes |= {"agent": agent, "agent_wait_s": self.agent_wait_s}
        outcome = await run.flow.queue(self.queue.fill(run.variables), step=run.step, **wishes)
        run.variables["agent"], run.variables["key"] = outcome.agent, outcome.key
        if outcome.result == "served":
            return self.next
        return self.results.get(outcome.result, self.otherwise)


class Callback(Step, frozen=True, kw_only=True):
    """Have an agent of a queue call back, in the caller's place."""

    queue: Template
    number: Template = Template("{caller}")
    otherwise: str
    next: str = END

    async def run(self, run: Run) -> str:
        taken = await run.flow.callback(self.queue.fill(run.variables), self.number.fill(run.variables), step=run.step)
        return self.next if taken else self.otherwise


class Transfer(Step, frozen=True, kw_only=True):
    """Send the call to a destination of the dial plan; `otherwise` follows where nobody is reached there."""

    asks: ClassVar[bool] = True
    to: Template
    otherwise: str
    next: str = END

    async def run(self, run: Run) -> str:
        trouble = await run.flow.transfer(self.to.fill(run.variables), step=run.step)
        return self.otherwise if trouble else self.next


class Subflow(Step, frozen=True, kw_only=True):
    """Go through another flow, and come back."""

    decides: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    flow: str
    next: str = END

    async def run(self, run: Run) -> str:
        await run.subflow(run.flow, self.flow)
        return self.next
