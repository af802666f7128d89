# SPDX-License-Identifier: Apache-2.0
"""A made-up caller: what he hears, does and expects, line by line, each waiting in virtual time for its turn."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from switchroom.ivr.services import QueueResult
from switchroom.pbx.events import CallRated, FlowStep, MessageLeft
from switchroom.pbx.sim.leg import SimLeg

if TYPE_CHECKING:
    from switchroom.testing.bench import Bench

PATIENCE_S = 60.0
BETWEEN_KEYS_S = 0.3


class Caller:
    """Made by Bench.call. Every method fails with AssertionError when what it waits for does not happen."""

    def __init__(self, bench: "Bench", leg: SimLeg, served: "asyncio.Task[None]") -> None:
        self.bench = bench
        self.leg = leg
        self._served = served
        self._heard = 0
        """How much of what was played has been looked at."""

    # ---- what he hears

    def hears(self, text: str, within_s: float = PATIENCE_S) -> Self:
        """Wait until something is played whose name or words contain `text`; what came before is passed over."""

        def heard() -> bool:
            for index in range(self._heard, len(self.leg.heard)):
                if text in self.leg.heard[index]:
                    self._heard = index + 1
                    return True
            return False

        self._until(heard, within_s, f"to hear {text!r}")
        return self

    def hears_nothing_of(self, text: str) -> Self:
        """Nothing of the kind has been played so far."""
        assert not [source for source in self.leg.heard if text in source], f"heard {text!r}"
        return self

    # ---- what he does

    def press(self, keys: str) -> Self:
        """Press keys, at the pace of a person."""
        for key in keys:
            self.leg.press(key)
            self.waits(BETWEEN_KEYS_S)
        return self

    def press_at_once(self, keys: str) -> Self:
        """Press keys in the same instant, as a doubled digit or a phone's memory does."""
        self.leg.press(keys)
        self.waits(0.0)
        return self

    def waits(self, seconds: float) -> Self:
        """Stay silent for so long."""
        self.bench.run(asyncio.sleep(seconds))
        return self

    def speaks(self, seconds: float) -> Self:
        """Say something that takes so long, as for a message."""
        return self.waits(seconds)

    def hangs_up(self) -> Self:
        """Hang up; the flow must come to its end."""
        self.leg.leave()
        self._until(self._served.done, PATIENCE_S, "the flow to end after the caller hung up")
        self._check_served()
        return self

    # ---- what he expects

    def expects_queue(
        self, name: str, then: QueueResult | None = None, *, agent: str = "1001", after_s: float = 20.0, key: str = ""
    ) -> Self:
        """Come to wait in a queue. With `then` it ends so after `after_s` seconds: `served` by `agent`, say."""
        queues = self.bench.queues

        def place() -> bool:
            return any(waiting.queue == name and waiting.call.leg is self.leg for waiting in queues.waiting)

        self._until(place, PATIENCE_S, f"to wait in the queue {name!r}")
        if then is not None:
            waiting = next(waiting for waiting in queues.waiting if waiting.call.leg is self.leg)
            self.waits(after_s)
            waiting.end(then, agent if then == "served" else "", key)
            self.waits(0.0)
        return self

    def expects_transfer(self, destination: str) -> Self:
        """Be sent to a destination of the dial plan."""
        self._until(
            lambda: any(leg is self.leg and to == destination for leg, to in self.bench.transfers),
            PATIENCE_S,
            f"to be transferred to {destination!r}",
        )
        return self

    def expects_callback(self, queue: str, number: str = "") -> Self:
        """Be noted for a call back."""
        wanted = queue, number or self.leg.party.number
        self._until(lambda: wanted in self.bench.queues.callbacks, PATIENCE_S, f"a call back from {queue!r}")
        return self

    def expects_message(self, mailbox: str) -> Self:
        """Have left a message."""
        self._until(
            lambda: any(record.mailbox == mailbox for record in self.bench.records_of(MessageLeft, self.leg.call_id)),
            PATIENCE_S,
            f"a message in {mailbox!r}",
        )
        return self

    def expects_rating(self, grade: str) -> Self:
        """Have rated the agent."""
        self._until(
            lambda: any(record.grade == grade for record in self.bench.records_of(CallRated, self.leg.call_id)),
            PATIENCE_S,
            f"the grade {grade!r}",
        )
        return self

    def expects_hangup(self, within_s: float = PATIENCE_S) -> Self:
        """Be hung up on."""
        self._until(lambda: self.leg.state == "ended" and self._served.done(), within_s, "to be hung up on")
        self._check_served()
        return self

    # ---- what came of it

    @property
    def steps(self) -> list[str]:
        """The steps that are over, in order."""
        return [record.step for record in self.bench.records_of(FlowStep, self.leg.call_id)]

    @property
    def said(self) -> list[str]:
        """The words of everything that was played."""
        return [source.rpartition("|")[2] for source in self.leg.heard]

    # ---- within

    def _until(self, happened: Callable[[], bool], within_s: float, what: str) -> None:
        self.bench.run(self._wait(happened, within_s, what))

    async def _wait(self, happened: Callable[[], bool], within_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not happened():
                    if self._served.done():
                        self._check_served()
                        raise AssertionError(f"the call was over while waiting for {what}; {self._story()}")
                    await self.bench.news()
        except TimeoutError:
            raise AssertionError(f"waited {within_s:g} s in vain for {what}; {self._story()}") from None

    def _check_served(self) -> None:
        """A fault of the flow is the test's."""
        if self._served.done() and not self._served.cancelled() and (error := self._served.exception()) is not None:
            raise error

    def _story(self) -> str:
        return f"heard: {self.leg.heard[-5:]}; steps: {self.steps[-5:]}"
