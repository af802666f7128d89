# SPDX-License-Identifier: Apache-2.0
"""The back-to-back user agent: rings several endpoints for one caller, joins the first to answer, ends both together.

It knows legs and facts only, no SIP and no audio, so it runs on the simulated CallControl as well as on the real one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from switchroom.pbx.control import (
    NORMAL,
    Answered,
    CallControl,
    CallerGone,
    CallError,
    Digit,
    Ended,
    Endpoint,
    Fact,
    Leg,
    PickedUp,
    Presentation,
    Ringing,
    SendOn,
    SentOn,
    TransferAsked,
)
from switchroom.pbx.events import CallResult, EndedBy
from switchroom.pbx.sent_on import go_on

MAX_ENDPOINTS = 20
MAX_REDIRECTIONS = 5

CONFIRM_S = 20.0
"""How long somebody who must press 1 to take a call may think."""

_LAST_RESORT = Ended(480, "Temporarily Unavailable", "exchange")


class Attempt(msgspec.Struct, frozen=True):
    """An endpoint where whoever answers is asked to press 1 first, by the sound file `confirm`: an answering machine
    presses nothing, and does not take the call."""

    endpoint: Endpoint
    confirm: str


class Outcome(msgspec.Struct, frozen=True):
    """How dialling came out: the leg that answered, or why none did."""

    leg: Leg | None
    status: int = 200
    reason: str = ""
    by: EndedBy = "exchange"
    result: CallResult | None = None
    rang: bool = False
    """Whether anything has rung."""


class B2bua:
    """One caller and those who are called for him. Use: `await dial(...)`, then `await talk()`."""

    def __init__(self, control: CallControl, caller: Leg) -> None:
        self._control = control
        self._caller = caller
        self._ringing: list[Leg] = []
        self._failures: list[Ended] = []
        self._redirections = 0
        self._told_ringing = False
        self._partner: Leg | None = None
        self._partner_over: asyncio.Future[None] | None = None
        """Who lent us the partner waits for it."""
        self._confirm: dict[str, str] = {}
        """What is played to legs that have to confirm, by id."""
        self._thinking: dict[str, asyncio.TimerHandle] = {}
        self._presentation = NORMAL
        self._rang = False
        self._late = False
        """The time to ring is over; whoever is asked to press 1 by then may still do so."""
        self._answered: asyncio.Future[Outcome] | None = None
        self._over: asyncio.Future[Ended] | None = None
        self._redirecting: set[asyncio.Task[None]] = set()
        self._transfer: asyncio.Task[None] | None = None

    async def dial(
        self, endpoints: Sequence[Endpoint | Attempt], ring_s: float, presentation: Presentation = NORMAL
    ) -> Outcome:
        """Ring all endpoints for at most `ring_s` seconds; the first to answer is joined to the caller.

        The caller is answered then, if it was not; one that was hears the ring-back tone meanwhile. Raises CallerGone
        when it gives up before, SentOn when it is wanted elsewhere.
        """
        loop = asyncio.get_running_loop()
        self._presentation, self._late = presentation, False
        self._answered = loop.create_future()
        self._over = loop.create_future()
        self._caller.listener = self._on_caller
        if self._caller.state == "ended":
            raise CallerGone("the caller hung up")
        timer = loop.call_later(ring_s, self._give_up)
        hears_tone = self._caller.state == "answered"
        if hears_tone:
            self._caller.play("tone:ringback")
        try:
            for endpoint in endpoints[:MAX_ENDPOINTS]:
                await self._ring(endpoint)
            self._check_failed()
            return await self._answered
        finally:
            timer.cancel()
            if hears_tone and self._caller.state == "answered":
                self._caller.stop()
            for task in self._redirecting:
                task.cancel()
            self._cancel_all()

    def join(self, leg: Leg, over: asyncio.Future[None] | None = None) -> None:
        """Join the caller to a leg that is there, as if it had been dialled and had answered; then `talk`.

        `over` is told when the leg is not needed any more; without it the leg is ours to end.
        """
        loop = asyncio.get_running_loop()
        self._answered, self._over = loop.create_future(), loop.create_future()
        self._caller.listener = self._on_caller
        leg.listener = self._on_callee
        leg.stop()
        self._take(leg, over)

    async def talk(self) -> Ended:
        """Wait until one of the two hangs up; the other is ended too. Returns how it ended.

        Raises SentOn when the caller is wanted elsewhere; when the partner is, that is the end, and the caller stays.
        """
        assert self._partner is not None, "talk comes after a dial that succeeded"
        assert self._over is not None
        try:
            return await self._over
        finally:
            partner, self._partner = self._partner, None  # its end must not be the end of a caller who goes elsewhere
            if partner is not None:
                partner.hangup()
            if self._partner_over is not None and not self._partner_over.done():
                self._partner_over.set_result(None)

    # ---- before the answer

    async def _ring(self, what: Endpoint | Attempt) -> None:
        assert self._answered is not None
        endpoint = what.endpoint if isinstance(what, Attempt) else what
        try:
            leg = await self._control.originate(
                endpoint, caller=self._caller.party, beside=self._caller, presentation=self._presentation
            )
        except CallError as error:
            self._failures.append(Ended(error.status, error.reason, "exchange"))
            return
        leg.listener = self._on_callee
        if isinstance(what, Attempt):
            self._confirm[leg.id] = what.confirm
        if self._answered.done():  # somebody else answered, or the caller left, meanwhile
            leg.hangup(487, "answered elsewhere")
        else:
            self._ringing.append(leg)

    def _on_callee(self, leg: Leg, fact: Fact) -> None:
        if leg is self._partner:
            self._on_partner(fact)
        elif isinstance(fact, Ringing):
            self._on_ringing(leg, fact)
        elif isinstance(fact, Answered):
            self._on_answer(leg)
        elif isinstance(fact, Digit) and leg.id in self._thinking:
            self._on_thought(leg, fact.digit)
        elif isinstance(fact, PickedUp):
            self._on_picked_up(fact)
        elif isinstance(fact, Ended) and leg in self._ringing:
            self._ringing.remove(leg)
            self._stop_thinking(leg)
            if fact.redirect and self._redirections < MAX_REDIRECTIONS:
                self._redirections += 1
                task = asyncio.get_running_loop().create_task(self._follow(fact))
                self._redirecting.add(task)
                task.add_done_callback(self._redirecting.discard)
            else:
                self._failures.append(fact)
                self._check_failed()

    def _on_ringing(self, leg: Leg, fact: Ringing) -> None:
        self._rang = True
        if self._answered is None or self._answered.done() or self._caller.state == "answered":
            return
        alone = len(self._ringing) == 1 and leg.id not in self._confirm
        if fact.early_media and alone:
            self._control.bridge(self._caller, leg)
            self._caller.ring(early_media=True)
        elif not self._told_ringing:
            self._caller.ring()
        self._told_ringing = True

    def _on_answer(self, leg: Leg) -> None:
        if self._answered is None or self._answered.done():
            leg.hangup(487, "answered elsewhere")
            return
        prompt = self._confirm.pop(leg.id, "")
        if prompt:
            leg.play(prompt, loop=True)
            loop = asyncio.get_running_loop()
            self._thinking[leg.id] = loop.call_later(CONFIRM_S, leg.hangup, 480, "not confirmed")
            return
        self._take(leg, None)

    def _on_thought(self, leg: Leg, digit: str) -> None:
        self._stop_thinking(leg)
        if digit == "1":
            leg.stop()
            self._on_answer(leg)
        else:
            leg.hangup(603, "declined")

    def _stop_thinking(self, leg: Leg) -> None:
        if (clock := self._thinking.pop(leg.id, None)) is not None:
            clock.cancel()

    def _on_picked_up(self, fact: PickedUp) -> None:
        if self._answered is None or self._answered.done():
            fact.over.set_result(None)
            return
        fact.leg.listener = self._on_callee
        self._take(fact.leg, fact.over)

    def _take(self, leg: Leg, over: asyncio.Future[None] | None) -> None:
        """The leg is the caller's partner now."""
        assert self._answered is not None
        if leg in self._ringing:
            self._ringing.remove(leg)
        self._partner, self._partner_over = leg, over
        self._cancel_all()
        if self._caller.state == "answered":
            self._caller.stop()
        self._control.bridge(self._caller, leg)
        if self._caller.state != "answered":
            self._caller.answer()
        self._answered.set_result(Outcome(leg, rang=self._rang))

    async def _follow(self, fact: Ended) -> None:
        """Ring where a 3xx points to (RFC 3261 section 8.1.3.4)."""
        for uri in fact.redirect[:MAX_REDIRECTIONS]:
            try:
                endpoints = self._control.endpoints(uri)
            except CallError as error:
                self._failures.append(Ended(error.status, error.reason, "exchange"))
                continue
            for endpoint in endpoints[:MAX_ENDPOINTS]:
                await self._ring(endpoint)
        self._redirecting.discard(asyncio.current_task())
        self._check_failed()

    def _check_failed(self) -> None:
        if self._answered is None or self._answered.done() or self._ringing or self._redirecting:
            return
        if self._late:
            self._answered.set_result(Outcome(None, 480, "No Answer", "exchange", "no-answer", self._rang))
            return
        worst = _best_failure(self._failures)
        status = 480 if 300 <= worst.status < 400 else worst.status
        self._answered.set_result(Outcome(None, status, worst.reason, worst.by, rang=self._rang))

    def _give_up(self) -> None:
        if self._answered is None or self._answered.done():
            return
        self._late = True
        for leg in [leg for leg in self._ringing if leg.id not in self._thinking]:
            self._ringing.remove(leg)
            leg.hangup(487, "no answer")
        for task in self._redirecting:
            task.cancel()
        self._redirecting.clear()
        self._check_failed()

    def _cancel_all(self) -> None:
        legs, self._ringing = self._ringing, []
        for leg in legs:
            self._stop_thinking(leg)
            leg.hangup(487, "answered elsewhere" if self._partner else "caller gone")

    # ---- after it

    def _on_caller(self, leg: Leg, fact: Fact) -> None:
        if isinstance(fact, TransferAsked):
            self._begin_transfer(leg, self._partner, fact)
            return
        if self._transfer is not None:
            return
        if isinstance(fact, SendOn):
            self._let_caller_go(fact)
            return
        if not isinstance(fact, Ended):
            return
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(CallerGone("the caller hung up"))
        elif self._over is not None and not self._over.done():
            self._over.set_result(fact)
        if self._partner is not None:
            self._partner.hangup(by=fact.by)

    def _on_partner(self, fact: Fact) -> None:
        if isinstance(fact, TransferAsked) and self._partner is not None:
            self._begin_transfer(self._partner, self._caller, fact)
            return
        if self._transfer is not None:
            return
        if isinstance(fact, SendOn):
            self._let_partner_go(fact)
            return
        if not isinstance(fact, Ended):
            return
        if self._over is not None and not self._over.done():
            self._over.set_result(fact)
        self._caller.hangup(200, fact.reason, by=fact.by)

    # ---- a transfer

    def _begin_transfer(self, asker: Leg, other: Leg | None, asked: TransferAsked) -> None:
        """One of the two has the other put through elsewhere. Both stay ours until somebody takes it there."""
        if other is None or other.state != "answered" or self._over is None or self._transfer is not None:
            return
        asker.transferred(100)
        self._control.unbridge(other)
        self._transfer = asyncio.get_running_loop().create_task(self._put_through(asker, other, asked))

    async def _put_through(self, asker: Leg, other: Leg, asked: TransferAsked) -> None:
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[None] = loop.create_future()

        def take() -> None:
            if not taken.done():
                taken.set_result(None)

        async def serve() -> None:
            await self._control.put_through(other, asked, asker, take)

        service = loop.create_task(serve())
        await asyncio.wait((service, taken), return_when=asyncio.FIRST_COMPLETED)
        self._transfer = None
        if taken.done():
            self._transferred(asker, other, lambda leg: service)
        else:
            self._not_transferred(asker, other, _why(service))

    def _transferred(self, asker: Leg, other: Leg, serve: Callable[[Leg], Awaitable[None]]) -> None:
        assert self._over is not None
        if other is self._caller:
            asker.listener = None
            self._partner = None
            if not self._over.done():
                self._over.set_exception(SentOn(serve))
        else:
            self._partner = None
            self._hand_over(other, serve)
            if asker.state == "ended" and not self._over.done():
                self._over.set_result(Ended(200, "transferred", "exchange"))
        asker.transferred(200)

    def _not_transferred(self, asker: Leg, other: Leg, status: int) -> None:
        """Nobody took it: the two are joined again, if they are both there."""
        assert self._over is not None
        asker.transferred(status)
        other.listener = self._on_caller if other is self._caller else self._on_callee
        if asker.state != "ended" and other.state == "answered":
            other.stop()
            self._control.bridge(self._caller, asker if other is self._caller else other)
            return
        for leg in (asker, other):
            leg.hangup(200, "transfer failed")
        if not self._over.done():
            self._over.set_result(Ended(200, "transfer failed", "exchange"))

    def _let_caller_go(self, fact: SendOn) -> None:
        """The partner, if there is one by now, is left alone: its call is over."""
        partner, self._partner = self._partner, None
        if partner is not None:
            partner.listener = None
            self._control.unbridge(self._caller)
            if self._partner_over is None:
                partner.hangup()
        waiting = self._over if self._answered is None or self._answered.done() else self._answered
        if waiting is not None and not waiting.done():
            waiting.set_exception(SentOn(fact.serve))

    def _let_partner_go(self, fact: SendOn) -> None:
        leg, self._partner = self._partner, None
        assert leg is not None
        leg.listener = None
        self._control.unbridge(leg)
        self._hand_over(leg, fact.serve)
        if self._over is not None and not self._over.done():
            self._over.set_result(Ended(200, "sent on", "exchange"))

    def _hand_over(self, partner: Leg, serve: Callable[[Leg], Awaitable[None]]) -> None:
        """The partner is no longer ours: who lent it to us goes on with it, or nobody we know."""
        if self._partner_over is not None and not self._partner_over.done():
            self._partner_over.set_exception(SentOn(serve))
        else:
            go_on(partner, serve)


def _why(service: "asyncio.Task[None]") -> int:
    """The status of a transfer that came to nothing."""
    try:
        service.result()
    except CallError as error:
        return max(error.status, 400)
    except CallerGone:
        return 487
    except Exception:
        return 500
    return 480


def _best_failure(failures: Sequence[Ended]) -> Ended:
    """The failure that says most to the caller (RFC 3261 section 16.7 step 6): 6xx, busy, then the lowest."""
    if not failures:
        return _LAST_RESORT
    return min(failures, key=lambda f: (f.status < 600, f.status != 486, f.status in (408, 480, 503), f.status))
