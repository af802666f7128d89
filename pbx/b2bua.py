# SPDX-License-Identifier: Apache-2.0
"""The back-to-back user agent: rings several endpoints for one caller, joins the first to answer, ends both together.

It knows legs and facts only, no SIP and no audio, so it runs on the simulated CallControl as well as on the real one.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from switchroom.pbx.control import (
    Answered,
    CallControl,
    CallerGone,
    CallError,
    Ended,
    Endpoint,
    Fact,
    Leg,
    Ringing,
)
from switchroom.pbx.events import CallResult, EndedBy

MAX_ENDPOINTS = 20
MAX_REDIRECTIONS = 5

_LAST_RESORT = Ended(480, "Temporarily Unavailable", "exchange")


class Outcome(msgspec.Struct, frozen=True):
    """How dialling came out: the leg that answered, or why none did."""

    leg: Leg | None
    status: int = 200
    reason: str = ""
    by: EndedBy = "exchange"
    result: CallResult | None = None


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
        self._answered: asyncio.Future[Outcome] | None = None
        self._over: asyncio.Future[Ended] | None = None
        self._redirecting: set[asyncio.Task[None]] = set()

    async def dial(self, endpoints: Sequence[Endpoint], ring_s: float) -> Outcome:
        """Ring all endpoints for at most `ring_s` seconds; the first to answer is joined to the caller.

        The caller is answered then, if it was not. Raises CallerGone when it gives up before.
        """
        loop = asyncio.get_running_loop()
        self._answered = loop.create_future()
        self._over = loop.create_future()
        self._caller.listener = self._on_caller
        if self._caller.state == "ended":
            raise CallerGone("the caller hung up")
        timer = loop.call_later(ring_s, self._give_up)
        try:
            for endpoint in endpoints[:MAX_ENDPOINTS]:
                await self._ring(endpoint)
            self._check_failed()
            return await self._answered
        finally:
            timer.cancel()
            for task in self._redirecting:
                task.cancel()
            self._cancel_all()

    async def talk(self) -> Ended:
        """Wait until one of the two hangs up; the other is ended too. Returns how it ended."""
        assert self._partner is not None, "talk comes after a dial that succeeded"
        assert self._over is not None
        try:
            return await self._over
        finally:
            self._partner.hangup()

    # ---- before the answer

    async def _ring(self, endpoint: Endpoint) -> None:
        assert self._answered is not None
        try:
            leg = await self._control.originate(endpoint, caller=self._caller.party, beside=self._caller)
        except CallError as error:
            self._failures.append(Ended(error.status, error.reason, "exchange"))
            return
        leg.listener = self._on_callee
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
        elif isinstance(fact, Ended) and leg in self._ringing:
            self._ringing.remove(leg)
            if fact.redirect and self._redirections < MAX_REDIRECTIONS:
                self._redirections += 1
                task = asyncio.get_running_loop().create_task(self._follow(fact))
                self._redirecting.add(task)
                task.add_done_callback(self._redirecting.discard)
            else:
                self._failures.append(fact)
                self._check_failed()

    def _on_ringing(self, leg: Leg, fact: Ringing) -> None:
        if self._answered is None or self._answered.done() or self._caller.state == "answered":
            return
        alone = len(self._ringing) == 1
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
        if leg in self._ringing:
            self._ringing.remove(leg)
        self._partner = leg
        self._cancel_all()
        self._control.bridge(self._caller, leg)
        if self._caller.state != "answered":
            self._caller.answer()
        self._answered.set_result(Outcome(leg))

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
        worst = _best_failure(self._failures)
        status = 480 if 300 <= worst.status < 400 else worst.status
        self._answered.set_result(Outcome(None, status, worst.reason, worst.by))

    def _give_up(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(Outcome(None, 480, "No Answer", "exchange", "no-answer"))

    def _cancel_all(self) -> None:
        legs, self._ringing = self._ringing, []
        for leg in legs:
            leg.hangup(487, "answered elsewhere" if self._partner else "caller gone")

    # ---- after it

    def _on_caller(self, leg: Leg, fact: Fact) -> None:
        if not isinstance(fact, Ended):
            return
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(CallerGone("the caller hung up"))
        elif self._over is not None and not self._over.done():
            self._over.set_result(fact)
        if self._partner is not None:
            self._partner.hangup(by=fact.by)

    def _on_partner(self, fact: Fact) -> None:
        if not isinstance(fact, Ended):
            return
        if self._over is not None and not self._over.done():
            self._over.set_result(fact)
        self._caller.hangup(200, fact.reason, by=fact.by)


def _best_failure(failures: Sequence[Ended]) -> Ended:
    """The failure that says most to the caller (RFC 3261 section 16.7 step 6): 6xx, busy, then the lowest."""
    if not failures:
        return _LAST_RESORT
    return min(failures, key=lambda f: (f.status < 600, f.status != 486, f.status in (408, 480, 503), f.status))
