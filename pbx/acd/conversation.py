# SPDX-License-Identifier: Apache-2.0
"""A caller and an agent talk, until one hangs up, the agent passes the caller on, or a supervisor takes over."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from switchroom.pbx.call import borrow
from switchroom.pbx.control import (
    CallControl,
    CallerGone,
    CallError,
    Ended,
    Fact,
    Leg,
    PlayDone,
    Replaced,
    SendOn,
    SentOn,
    TransferAsked,
)

if TYPE_CHECKING:
    from switchroom.pbx.acd.desk import Desk

MAX_WHISPER_S = 20.0


class Over(msgspec.Struct, frozen=True):
    """How it ended, and where the caller is to go now (a destination of the dial plan), if anywhere."""

    by: Literal["caller", "agent", "transferred", "taken-over"]
    to: str = ""
    leg: Leg | None = None
    who: str = ""
    """Whom the caller talks to from now on."""
    service: "asyncio.Task[None] | None" = None
    """Who serves the caller now that it was put through, to its end."""
    sent_on: SentOn | None = None
    """The caller is wanted elsewhere: whoever serves its call goes on with that."""
    leg_kept: bool = False
    """The agent's leg goes on elsewhere."""
    lent: "asyncio.Future[None] | None" = None
    """Who lent us `leg` waits for it: the caller was passed on to another agent."""


class Conversation:
    """`run` it; `agent` is the agent's name, or the supervisor's who took the caller."""

    def __init__(
        self,
        desk: "Desk",
        call: str,
        queue: str,
        caller: Leg,
        agent: str,
        leg: Leg,
        lent: "asyncio.Future[None] | None" = None,
    ) -> None:
        self.call, self.queue, self.agent = call, queue, agent
        self._lent = lent
        self.caller, self.leg = caller, leg
        self._desk = desk
        self._control: CallControl = desk.control
        self._over: asyncio.Future[Over] = asyncio.get_running_loop().create_future()
        self._played: asyncio.Future[None] | None = None
        self._transferring = False
        """The caller is being put through: the agent need not stay for that."""
        self._former, self._former_of_agent = caller.listener, leg.listener
        caller.listener = self._on_caller
        leg.listener = self._on_agent

    async def run(self, whisper: Sequence[str] = ()) -> Over:
        """Talk. Both legs may still be up afterwards: the caller's always, unless it hung up."""
        try:
            if self.caller.state == "ended":
                return Over("caller")
            if self.leg.state == "ended":
                return Over("agent")
            if whisper:
                await self._whisper(whisper)
            if not self._over.done():
                self.join()
            return await self._over
        finally:
            over = self._over.result() if self._over.done() and not self._over.cancelled() else None
            if over is None or (over.service is None and over.sent_on is None):
                self.caller.listener = self._former  # else it is theirs who serve it now

    def join(self) -> None:
        """Let them hear each other."""
        if self.caller.state not in ("answered", "ended"):
            self._control.bridge(self.caller, self.leg)
            self.caller.answer()
            return
        self.caller.stop()
        self._control.bridge(self.caller, self.leg)

    def take_over(self, leg: Leg, who: str) -> bool:
        """Cut the agent off: the caller goes on with somebody's leg. False when it is over already."""
        if self._over.done() or self._transferring:
            return False
        self._over.set_result(Over("taken-over", leg=leg, who=who))
        return True

    async def _whisper(self, sources: Sequence[str]) -> None:
        self._played = asyncio.get_running_loop().create_future()
        self.leg.play(list(sources))
        waiting: set[asyncio.Future[Any]] = {self._played, self._over}
        await asyncio.wait(waiting, timeout=MAX_WHISPER_S, return_when=asyncio.FIRST_COMPLETED)
        if self.leg.state == "answered":
            self.leg.stop()

    def _on_caller(self, leg: Leg, fact: Fact) -> None:
        if isinstance(fact, SendOn) and not self._over.done():
            self._control.unbridge(leg)
            leg.listener = None
            self._end(Over("transferred", sent_on=SentOn(fact.serve)))
            return
        if isinstance(fact, Ended):
            self._end(Over("caller"))
        if isinstance(fact, Ended | PlayDone) and self._former is not None:
            self._former(leg, fact)

    def _on_agent(self, leg: Leg, fact: Fact) -> None:
        if leg is not self.leg:
            return
        if isinstance(fact, PlayDone) and self._played is not None and not self._played.done():
            self._played.set_result(None)
        elif isinstance(fact, Ended):
            if not self._transferring:
                self._end(Over("agent"))
            if self._former_of_agent is not None:  # a supervisor's leg is in a call of its own
                self._former_of_agent(leg, fact)
        elif isinstance(fact, TransferAsked) and not self._over.done() and not self._transferring:
            self._transfer(fact)
        elif isinstance(fact, SendOn) and not self._over.done():
            self._control.unbridge(leg)
            leg.listener = self._former_of_agent
            self._end(Over("agent", leg_kept=True))
            if self._lent is not None:
                self._lent.set_exception(SentOn(fact.serve))
            else:
                self._desk.spawn(_go_on(leg, fact.serve))
        elif isinstance(fact, Replaced) and not self._over.done() and (agent := self._desk.agent_with(fact.leg)):
            fact.take()
            self._end(Over("transferred", leg=fact.leg, who=agent, lent=fact.over))

    def _transfer(self, asked: TransferAsked) -> None:
        """The agent passes the caller on: into a queue at once, to anybody else when somebody there takes it."""
        try:
            to = self._desk.route(asked.target) if asked.replaced is None else ""
        except CallError as error:
            self.leg.transferred(error.status)
            return
        put_through = getattr(self._control, "put_through", None)
        consulted = asked.replaced.partner if asked.replaced is not None else None
        if consulted is not None and self._pass_on(consulted):
            self.leg.transferred(200)
        elif to.startswith("queue:") or (to and put_through is None):
            self.leg.transferred(200)
            self._end(Over("transferred", to=to))
        elif put_through is None:
            self.leg.transferred(501)
        else:
            self.leg.transferred(100)
            self._control.unbridge(self.caller)
            self._transferring = True
            self._desk.spawn(self._put_through(put_through, asked))

    def _pass_on(self, leg: Leg) -> bool:
        """Let the caller go on with another agent's leg, which somebody else serves; False: it is no agent's."""
        agent = self._desk.agent_with(leg)
        if not agent or leg.state != "answered":
            return False
        self._end(Over("transferred", leg=leg, who=agent, lent=borrow(leg)))
        return True

    async def _put_through(self, put_through: Callable[..., Coroutine[Any, Any, None]], asked: TransferAsked) -> None:
        """Both legs stay ours until somebody takes the caller; if nobody does, they are joined again."""
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[None] = loop.create_future()

        def take() -> None:
            if not taken.done():
                taken.set_result(None)

        service = loop.create_task(put_through(self.caller, asked, self.leg, take))
        either: set[asyncio.Future[Any]] = {service, taken}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if taken.done():
            self.leg.transferred(200)
            taker = self.caller.partner
            if taker is not None and self._desk.agent_with(taker):
                lent = borrow(taker)
                await asyncio.wait((service,))
                self.caller.listener = self._on_caller
                self._end(Over("transferred", leg=taker, who=self._desk.agent_with(taker), lent=lent))
            else:
                self._end(Over("transferred", service=service))
            return
        self._transferring = False
        error = service.exception() if not service.cancelled() else None
        self.leg.transferred(error.status if isinstance(error, CallError) else 487)
        self.caller.listener = self._on_caller
        if "ended" in (self.caller.state, self.leg.state):
            self._end(Over("caller" if self.caller.state == "ended" else "agent"))
        else:
            self.join()

    def _end(self, over: Over) -> None:
        if not self._over.done():
            self._over.set_result(over)


async def talk(
    desk: "Desk",
    call: str,
    queue: str,
    caller: Leg,
    agent: str,
    leg: Leg,
    whisper: Callable[[], Awaitable[Sequence[str]]] | None = None,
) -> tuple[Over, str]:
    """A caller talks to an agent, and to whoever it is passed on to or taken over by; how that ended, and with whom.

    `whisper` makes what the first agent hears before. The agents' legs are over then, unless they are wanted elsewhere.
    """
    lent: asyncio.Future[None] | None = None
    while True:
        conversation = desk.conversations[agent] = Conversation(desk, call, queue, caller, agent, leg, lent)
        desk.talk_began(conversation)
        over = Over("agent")
        try:
            over = await conversation.run(await whisper() if whisper is not None else ())
        finally:
            if desk.conversations.get(agent) is conversation:
                del desk.conversations[agent]
            if over.lent is None or not desk.scheduler.pass_on(desk.now(), call, over.who):
                desk.scheduler.finished(desk.now(), call, over.by)
            desk.talk_ended(agent, leg)
            if lent is not None and not lent.done():
                lent.set_result(None)
            if not over.leg_kept:
                leg.hangup(200)
            desk.look_after()
            desk.step()
        if over.leg is None:
            return over, agent
        agent, leg, lent, whisper = over.who, over.leg, over.lent, None


async def _go_on(leg: Leg, serve: Callable[[Leg], Awaitable[None]]) -> None:
    """Serve an agent's leg that was sent on, and perhaps is again, to its end."""
    try:
        while True:
            try:
                await serve(leg)
                return
            except SentOn as sent_on:
                serve = sent_on.serve
    except (CallError, CallerGone):
        pass  # it led nowhere, or is over
    finally:
        leg.hangup(200)
