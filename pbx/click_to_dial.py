# SPDX-License-Identifier: Apache-2.0
"""Calls that an operator or program begins: the first party is rung, and once it answers, put through to the second."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.b2bua import MAX_ENDPOINTS
from switchroom.pbx.call import Call
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.switchboard import Switchboard
from switchroom.pbx.control import Answered, CallerGone, CallError, Ended, Endpoint, Fact, Party
from switchroom.pbx.control import Leg as AnyLeg
from switchroom.pbx.dialplan import Destination, Rule, UnknownContext
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.uri import parse_uri

_NUMBER = re.compile(r"[0-9A-Za-z+*._-]+")
"""What can be shown as a calling number."""


class Wish(msgspec.Struct, frozen=True):
    """Whom the first party is put through to, and how it is shown there."""

    to: str
    destination: Destination
    rule: Rule | None
    shown: Party


class ClickToDial:
    """Begins such calls; `ring_s` is how long either party may ring."""

    def __init__(
        self,
        board: Switchboard,
        destinations: Destinations,
        routing: Routing,
        ring_s: float,
        log: Callable[..., Any],
    ) -> None:
        self._board = board
        self._destinations = destinations
        self._routing = routing
        self._ring_s = ring_s
        self._log = log

    async def begin(self, from_: str, to: str, *, context: str, caller: str, caller_name: str) -> str:
        """Ring the first party; returns the id of the call. Raises CallError: nothing was begun."""
        destination, rule = self._destination(to, context)
        target = from_ if ":" in from_ else f"user:{from_}"
        try:
            endpoints = self._board.endpoints(target)[:MAX_ENDPOINTS]
        except ParseError as error:
            raise CallError(400, f"{from_}: {error}") from error
        if not _NUMBER.fullmatch(caller or "0"):
            raise CallError(400, f"{caller!r} cannot be shown as a number")
        number = endpoints[0].label if target.startswith("user:") else parse_uri(target).user or ""
        own = number if _NUMBER.fullmatch(number) else ""
        shown = Party(caller or own, caller_name or self._board.names.get(number, ""))
        wish = Wish(to, destination, rule, shown)
        trouble = CallError(480, "Temporarily Unavailable", "unavailable")
        for index, endpoint in enumerate(endpoints):
            try:
                leg = await self._originate(endpoint, wish, None)
            except CallError as error:
                trouble = error
                continue
            ringing = _Ringing(leg)
            self._board.spawn(self._serve(ringing, endpoints[index + 1 :], wish))
            return leg.call_id
        raise trouble

    def _destination(self, to: str, context: str) -> tuple[Destination, Rule | None]:
        if to.startswith(("user:", "sip:")):
            try:
                return Destination.from_text(to), None
            except ValueError as error:
                raise CallError(400, str(error)) from error
        try:
            route = self._routing.plan.route(to, context)
        except UnknownContext as error:
            raise CallError(404, str(error), "not-found") from error
        if route is None:
            raise CallError(404, f"{to} leads nowhere in the dial plan's context {context!r}", "not-found")
        return route.to, route.rule

    async def _originate(self, endpoint: Endpoint, wish: Wish, beside: Leg | None) -> Leg:
        """Ring one contact of the first party, which is shown whom it is going to talk to."""
        number = wish.to.removeprefix("user:")
        calling = Party(number if _NUMBER.fullmatch(number) else "")
        return await self._board.originate(endpoint, caller=wish.shown, beside=beside, dialled=wish.to, calling=calling)

    async def _serve(self, ringing: "_Ringing", others: Sequence[Endpoint], wish: Wish) -> None:
        leg: Leg | None = None
        try:
            leg = await self._first_answer(ringing, others, wish)
            if leg is None:
                return
            leg.party = wish.shown  # as the second party sees it
            leg.story.put_first(leg)
            leg.story.routed(str(wish.destination), wish.rule.name if wish.rule is not None else "")
            await self._put_through(Call(self._board, leg, wish.to), wish)
        except CallerGone:
            pass
        except CallError as error:
            if leg is not None:
                leg.story.came_to_nothing(error.status, error.reason, error.result)
                leg.hangup(error.status, error.reason, error.by, error.result)
        except Exception as error:
            self._log("call.fault", call=ringing.legs[0].call_id, error=repr(error), exc_info=error)
        finally:
            for each in ringing.legs:
                each.hangup(200 if each.was_answered else 487)

    async def _first_answer(self, ringing: "_Ringing", others: Sequence[Endpoint], wish: Wish) -> Leg | None:
        """The leg that answers; None when all refused, or none answered in time."""
        try:
            async with asyncio.timeout(self._ring_s):
                for endpoint in others:
                    if ringing.winner.done():
                        break
                    try:
                        ringing.add(await self._originate(endpoint, wish, ringing.legs[0]))
                    except CallError:
                        continue  # another contact may answer
                ringing.complete()
                return await ringing.winner
        except TimeoutError:
            for leg in ringing.legs:
                leg.hangup(480, "no answer", result="no-answer")
            return None

    async def _put_through(self, call: Call, wish: Wish) -> None:
        destination = wish.destination
        await self._destinations.send(call, destination.kind, destination.argument, wish.rule)


class _Ringing:
    """The contacts of the first party, until one answers."""

    def __init__(self, first: Leg) -> None:
        self.legs: list[Leg] = []
        self.winner: asyncio.Future[Leg | None] = asyncio.get_running_loop().create_future()
        self._complete = False
        self.add(first)

    def add(self, leg: Leg) -> None:
        self.legs.append(leg)
        leg.listener = self._on_fact
        if self.winner.done():
            leg.hangup(487, "answered elsewhere")

    def complete(self) -> None:
        """No more contacts come."""
        self._complete = True
        self._check()

    def _on_fact(self, leg: AnyLeg, fact: Fact) -> None:
        if isinstance(fact, Ended):
            self._check()
        elif isinstance(fact, Answered) and not self.winner.done():
            assert isinstance(leg, Leg)
            self.winner.set_result(leg)
            for other in self.legs:
                if other is not leg:
                    other.hangup(487, "answered elsewhere")

    def _check(self) -> None:
        if self._complete and not self.winner.done() and all(leg.state == "ended" for leg in self.legs):
            self.winner.set_result(None)
