# SPDX-License-Identifier: Apache-2.0
"""A caller's visit to the call centre: from the first queue to the end of what came of it.

It is one coroutine of the caller's own task. However that ends (the caller hangs up, a fault, a shutdown), the place in
the queue, the offer and the agent are given back on its way out.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from switchroom.pbx.acd.conversation import talk
from switchroom.pbx.acd.decisions import Overflowed
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, Leg, SentOn

if TYPE_CHECKING:
    from switchroom.pbx.acd.desk import Desk

MAX_QUEUES = 10
"""How many queues one visit may lead through."""
MAX_CHOICE_S = 8.0


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a caller who is still there."""

    result: Literal["answered", "refused", "left"]
    """`left`: by a rule of overflow, a supervisor, or its own choice."""
    queue: str
    """The last one."""
    agent: str = ""
    reason: str = ""
    """`full`, `lines`, `closed`, `nobody`, `estimate`, `service-level`, `wait`, `choice 2`, `moved`, …"""
    to: str = ""
    """Where the queue sends such a caller: a destination of the dial plan, `callback`, or empty."""
    waited_s: float = 0.0
    talk_s: float = 0.0


class Connected(msgspec.Struct, frozen=True):
    """An agent has answered."""

    agent: str
    leg: Leg


class Wishes(msgspec.Struct, frozen=True):
    """What a flow asks for."""

    priority: int = 0
    skills: Mapping[str, int] = {}
    agent: str = ""
    agent_wait_s: float = 0.0


class Visit:
    """One caller."""

    def __init__(self, desk: "Desk", call: Call, wishes: Wishes) -> None:
        self._desk = desk
        self.call = call
        self.queue = ""
        self._wishes = wishes
        self._came_s = desk.now()
        self._news: asyncio.Future[Connected | Overflowed] = asyncio.get_running_loop().create_future()
        self._talk_s = self._waited_s = 0.0
        self._adverts = 0
        self._talked = False
        """The agent's leg has been dealt with."""

    # ---- told by the desk

    def connected(self, agent: str, leg: Leg) -> None:
        """An agent has answered, and is the caller's."""
        self._tell(Connected(agent, leg))

    def overflowed(self, decision: Overflowed) -> None:
        """The caller has left its queue."""
        self._tell(decision)

    def _tell(self, news: Connected | Overflowed) -> None:
        if not self._news.done():
            self._news.set_result(news)

    # ---- the visit

    async def run(self, queue: str) -> Served:
        """Wait and talk, in as many queues as it leads through. Raises CallerGone once the caller hangs up."""
        wishes = self._wishes
        for _ in range(MAX_QUEUES):
            self.queue = queue
            served = await self._stay(wishes)
            if not served.to.startswith("queue:"):
                return served
            queue = served.to.removeprefix("queue:")
            if queue not in self._desk.scheduler.queues:  # a queue that was taken out of the configuration meanwhile
                return msgspec.structs.replace(served, to="", reason="closed")
            wishes = msgspec.structs.replace(wishes, agent="")
        return Served(result="left", queue=queue, reason="too many queues", waited_s=self._desk.now() - self._came_s)

    async def _stay(self, wishes: Wishes) -> Served:
        desk, call, queue = self._desk, self.call, self.queue
        config = desk.scheduler.queues[queue].config
        if config.answer:
            await call.answer()
        elif call.leg.state != "answered":
            await call.ring(early_media=True)
        wishes = await self._same_agent(wishes)
        self._news = asyncio.get_running_loop().create_future()
        self._talked = False
        desk.visits[call.id] = self
        desk.scheduler.leave(desk.now(), call.id, "transferred")  # where an agent put it through to a queue
        try:
            refusal = desk.scheduler.enter(
                desk.now(), call.id, queue, number=call.caller, priority=wishes.priority, skills=wishes.skills,
                agent=wishes.agent, agent_wait_s=wishes.agent_wait_s, entered_s=self._came_s,
            )  # fmt: skip
            desk.step()
            if refusal is not None:
                return self._served("refused", refusal.reason, refusal.to)
            news = await self._wait()
            if isinstance(news, Overflowed):
                return self._served("left", news.reason, news.to)
            return await self._talk(news)
        except SentOn:
            desk.scheduler.leave(desk.now(), call.id, "moved")
            raise
        finally:
            if (
                not self._talked
                and self._news.done()
                and not self._news.cancelled()
                and isinstance(self._news.result(), Connected)
            ):
                self._news.result().leg.hangup()  # type: ignore[union-attr]
            desk.visits.pop(call.id, None)
            desk.scheduler.leave(desk.now(), call.id, "abandoned" if call.ended else "failed")
            desk.look_after()
            desk.step()

    def _served(self, result: Literal["answered", "refused", "left"], reason: str, to: str, agent: str = "") -> Served:
        waited_s = self._waited_s + self._desk.now() - self._came_s
        return Served(
            result=result, queue=self.queue, agent=agent, reason=reason, to=to, waited_s=waited_s, talk_s=self._talk_s
        )

    async def _wait(self) -> Connected | Overflowed:
        """Until there is news, with music and announcements; or the caller presses a key that leads elsewhere."""
        waiting = asyncio.ensure_future(self._pass_time())
        try:
            either: set[asyncio.Future[Any]] = {waiting, self._news}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._news.done():
                key, to = waiting.result()
                self._desk.scheduler.leave(self._desk.now(), self.call.id, f"choice {key}", to)
                return Overflowed(self.call.id, self.queue, f"choice {key}", "" if to == "leave" else to)
            return self._news.result()
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    # ---- what the caller hears

    async def _pass_time(self) -> tuple[str, str]:
        """Music, adverts and announcements, for ever; returns the key that leads elsewhere, and where."""
        call, config = self.call, self._desk.scheduler.queues[self.queue].config
        if config.greeting:
            await self._play(self._desk.sources(config.greeting, config.language))
        while True:
            if call.ended:
                raise CallerGone("the caller hung up")
            call.leg.play(config.music, loop=True)
            digit = await call.digit(config.announce_every_s or None)
            if digit in config.choices:
                return digit, config.choices[digit]
            if not digit:
                await self._announce()

    async def _announce(self) -> None:
        config = self._desk.scheduler.queues[self.queue].config
        if config.adverts:
            advert = config.adverts[self._adverts % len(config.adverts)]
            self._adverts += 1
            await self._play(self._desk.sources(advert, config.language))
        await self._play(self._desk.place(self.call.id))

    async def _play(self, made: Awaitable[Sequence[str]]) -> None:
        """Play what is made; what cannot be made or played must not cost the caller its place."""
        try:
            for source in await made:
                await self.call.play(source, until_digit=True)
        except (CallerGone, SentOn):
            raise
        except Exception as error:
            self._desk.log("acd.announcement", call=self.call.id, queue=self.queue, error=repr(error))

    async def _same_agent(self, wishes: Wishes) -> Wishes:
        """The agent whom the caller had last, if the queue is so and the caller wants to."""
        config, agent = self._desk.scheduler.queues[self.queue].config, wishes.agent
        if agent or config.same_agent == "no":
            return wishes
        agent = self._desk.last_agent(self.call.caller)
        if not agent:
            return wishes
        if config.same_agent == "ask":
            await self._play(self._desk.phrase("same-agent", config.language))
            if await self.call.digit(MAX_CHOICE_S) != "1":
                return wishes
        return msgspec.structs.replace(wishes, agent=agent, agent_wait_s=config.same_agent_wait_s)

    # ---- the talk

    async def _talk(self, news: Connected) -> Served:
        desk, call = self._desk, self.call
        self._talked = True
        listener = call.leg.listener
        began_s = desk.now()
        self._waited_s += began_s - self._came_s
        try:
            over, agent = await talk(
                desk, call.id, self.queue, call.leg, news.agent, news.leg, lambda: desk.whisper(self.queue)
            )
        finally:
            self._talk_s += desk.now() - began_s
            self._came_s = desk.now()  # whoever is put into another queue waits anew
        if over.sent_on is not None:
            raise over.sent_on
        if over.service is not None:
            await over.service
            call.leg.listener = listener
        if call.ended:
            raise CallerGone("the caller hung up")
        return self._served("answered", over.by, over.to, agent)
