# SPDX-License-Identifier: Apache-2.0
"""A caller who hung up and keeps its place: when it is its turn an agent is rung first, and then the caller."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from switchroom.pbx.acd.conversation import Over, talk
from switchroom.pbx.call import Call, follow
from switchroom.pbx.control import Answered, CallerGone, CallError, Ended, Fact, Leg, Party
from switchroom.pbx.events import CallbackAsked, CallbackTried

if TYPE_CHECKING:
    from switchroom.pbx.acd.desk import Desk

RING_S = 40.0


class Callback:
    """`call` is the call in which it was asked for; by its id the queue knows it."""

    def __init__(self, desk: "Desk", call: str, queue: str, number: str, since_s: float, attempts: int = 0) -> None:
        self._desk = desk
        self.call, self.queue, self.number, self.since_s = call, queue, number, since_s
        self.attempts = attempts
        self.running = False
        """An agent has answered, and the caller is being rung or talks."""
        self._outcome: asyncio.Future[str] | None = None

    def begin(self, again: bool = False) -> None:
        """Take the place in the queue; `again` after a restart."""
        self._desk.asked[self.call] = self
        if not again:
            self._desk.write(CallbackAsked(call=self.call, queue=self.queue, number=self.number))
        self._wait()

    def _wait(self) -> None:
        desk = self._desk
        desk.callbacks[self.call] = self
        desk.scheduler.enter(
            desk.now(), self.call, self.queue, number=self.number, entered_s=self.since_s, callback=True
        )
        desk.step()

    def cancel(self) -> None:
        """Give it up."""
        self._desk.asked.pop(self.call, None)
        self._desk.callbacks.pop(self.call, None)
        self._desk.scheduler.leave(self._desk.now(), self.call, "cancelled")
        self._desk.step()

    def connected(self, agent: str, leg: Leg) -> None:
        """An agent has answered."""
        self._desk.spawn(self._call(agent, leg))

    async def _call(self, agent: str, leg: Leg) -> None:
        desk = self._desk
        self.attempts += 1
        self.running = True
        outcome, customer, talks = "failed", None, False
        try:
            customer, outcome = await self._reach(leg)
            self._tried(agent, leg, outcome)
            if customer is None:
                return
            talks = True
            over, _ = await talk(desk, self.call, self.queue, customer, agent, leg)
            await self._go_on(customer, over)
        except CallError as error:
            self._tried(agent, leg, str(error))
        finally:
            config = desk.queue_config(self.queue)
            if customer is not None:
                customer.hangup(200)
            desk.callbacks.pop(self.call, None)
            desk.scheduler.finished(desk.now(), self.call, "" if outcome == "answered" else outcome)
            if not talks:
                leg.hangup(200)
            desk.look_after()
            desk.step()
            self.running = False
            if outcome != "answered" and self.attempts < config.callback_attempts and not desk.closed:
                desk.spawn(self._again(config.callback_retry_s))
            elif not desk.closed:
                desk.asked.pop(self.call, None)

    async def _go_on(self, customer: Leg, over: Over) -> None:
        """The agent has passed the caller on to somebody who is no agent, or into a queue."""
        with suppress(CallError, CallerGone):
            if over.sent_on is not None:
                await follow(customer, over.sent_on.serve)
            elif over.service is not None:
                await over.service
            elif over.to:
                await self._desk.send(Call(self._desk.control, customer, self.number), over.to)

    async def _reach(self, agent: Leg) -> tuple[Leg | None, str]:
        """Ring the caller beside the agent's leg. Raises CallError."""
        desk = self._desk
        agent.listener = self._on_agent
        self._outcome = outcome = asyncio.get_running_loop().create_future()
        endpoint = desk.find(self.number)[0]
        if agent.state == "ended":
            return None, "agent gone"
        agent.play("tone:ringback", loop=True)
        customer = await desk.control.originate(endpoint, caller=Party(self.queue), beside=agent)
        customer.listener = self._on_customer
        try:
            async with asyncio.timeout(RING_S):
                found = await outcome
        except TimeoutError:
            found = "no-answer"
        if found != "answered":
            customer.hangup(487, found)
            return None, found
        return customer, found

    def _on_customer(self, leg: Leg, fact: Fact) -> None:
        if isinstance(fact, Answered):
            self._settle("answered")
        elif isinstance(fact, Ended):
            self._settle(f"{fact.status} {fact.reason}".strip())

    def _on_agent(self, leg: Leg, fact: Fact) -> None:
        if isinstance(fact, Ended):
            self._settle("agent gone")

    def _settle(self, outcome: str) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)

    def _tried(self, agent: str, leg: Leg, outcome: str) -> None:
        self._desk.write(
            CallbackTried(
                call=self.call, queue=self.queue, agent=agent, number=self.number, attempt=self.attempts,
                outcome=outcome, by_call=leg.call_id,
            )
        )  # fmt: skip

    async def _again(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if self.call not in self._desk.asked:
            return
        if self.queue in self._desk.scheduler.queues:
            self._wait()
        else:  # it was taken out of the configuration meanwhile
            self.cancel()
