# SPDX-License-Identifier: Apache-2.0
"""Reaching a user: one strategy for every way to him, from forwarding and do-not-disturb over his phones to find-me.

In order: forwarded always; do not disturb; busy without call waiting; nowhere registered; his phones, with find-me at
once or in turn after them; then forwarding for what became of it, his mobile, his voicemail.
"""

from collections.abc import Callable, Sequence

import msgspec

from switchroom.pbx.apps.desks import Desks, UnknownUser
from switchroom.pbx.apps.routing import VOICEMAIL, Routing
from switchroom.pbx.apps.words import Speak
from switchroom.pbx.call import Attempt, Call, Outcome
from switchroom.pbx.config_office import Desk, Occasion
from switchroom.pbx.control import CallControl, CallError, Endpoint
from switchroom.pbx.dialplan import Rule
from switchroom.pbx.events import AnyRecord, CallForwarded

MAX_DIVERSIONS = 5
GOES_ON_RING_S = 20.0
"""How long a phone rings that has somewhere to go on to."""
BUSY = frozenset({486, 600, 603})
UNREACHABLE = frozenset({404, 408, 410, 480, 503})
ASK = "There is a call for you. Press 1 to take it."


class Reach:
    """The destination `user:NAME`. `ring_s`: how long phones ring unless the desk says otherwise."""

    def __init__(
        self,
        control: CallControl,
        desks: Desks,
        routing: Routing,
        speak: Speak,
        ring_s: float,
        write: Callable[[AnyRecord], object],
    ) -> None:
        self.ring_s = ring_s
        self._control = control
        self._desks = desks
        self._routing = routing
        self._speak = speak
        self._write = write

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        try:
            desk = self._desks.of(argument)
        except UnknownUser as error:
            raise CallError(404, str(error), "not-found") from error
        if call.caller:
            self._desks.last_caller[argument] = call.caller
        if target := self._desks.forward(argument, "always"):
            await self._divert(call, argument, "always", target)
            return
        occasion, outcome = await self._ring(call, argument, desk, rule.codecs if rule is not None else ())
        if outcome.leg is not None:
            return
        if target := self._goes_on(argument, desk, occasion):
            await self._divert(call, argument, occasion, target)
            return
        raise CallError(outcome.status, outcome.reason, outcome.result, outcome.by)

    def busy(self, user: str) -> bool:
        """Whether a call for him would not ring at all just now."""
        desk = self._desks.of(user)
        return desk.dnd or (not desk.call_waiting and bool(self._control.legs_of(user)))

    # ---- within

    async def _ring(self, call: Call, user: str, desk: Desk, codecs: Sequence[str]) -> tuple[Occasion, Outcome]:
        """Ring his phones and where else he may be found; what became of it when nobody answered."""
        if self.busy(user):
            return "busy", Outcome(None, 486, "Do Not Disturb" if desk.dnd else "Busy Here", result="busy")
        occasion: Occasion = "no-answer"
        try:
            phones = self._control.endpoints(f"user:{user}", codecs)
        except CallError as error:
            phones = []
            occasion, outcome = "unregistered", Outcome(None, error.status, error.reason, error.by, error.result)
        others = desk.find_me if desk.find_me_mode != "off" else ()
        at_once = await self._attempts(user, desk, others) if desk.find_me_mode == "at-once" else []
        if phones or at_once:
            ring_s = desk.ring_s or (GOES_ON_RING_S if others or self._goes_on(user, desk, occasion) else self.ring_s)
            outcome = await call.connect([*phones, *at_once], ring_s)
            if outcome.leg is not None:
                return occasion, outcome
            if phones:
                occasion = _occasion(outcome)
        if desk.find_me_mode == "in-turn" and occasion != "busy":
            for number in others:
                attempts = await self._attempts(user, desk, (number,))
                if attempts:
                    found = await call.connect(attempts, desk.ring_s or GOES_ON_RING_S)
                    if found.leg is not None:
                        return occasion, found
        return occasion, outcome

    async def _attempts(self, user: str, desk: Desk, numbers: Sequence[str]) -> list[Endpoint | Attempt]:
        found: list[Endpoint | Attempt] = []
        confirm = await self._speak(ASK, user) if desk.find_me_confirm and numbers else ""
        for number in numbers:
            try:
                endpoints = self._routing.endpoints(number, self._desks.profile(user).context)
            except CallError:
                continue  # another number may be reached
            found += [Attempt(endpoint, confirm) if confirm else endpoint for endpoint in endpoints]
        return found

    def _goes_on(self, user: str, desk: Desk, occasion: Occasion) -> str:
        """Where a call goes that was not answered; empty: nowhere."""
        if target := self._desks.forward(user, occasion):
            return target
        if occasion == "unregistered" and desk.mobile:
            return desk.mobile
        return VOICEMAIL if self._desks.profile(user).mailbox else ""

    async def _divert(self, call: Call, user: str, on: Occasion, target: str) -> None:
        if user in call.diverted or len(call.diverted) >= MAX_DIVERSIONS:
            raise CallError(482, "Loop Detected", "failed")
        call.diverted = (user, *call.diverted)
        call.presentation = msgspec.structs.replace(call.presentation, diverted_by=call.diverted)
        self._write(CallForwarded(call=call.id, user=user, on=on, to=target))
        await self._routing.send(call, target, self._desks.profile(user).context, user)


def _occasion(outcome: Outcome) -> Occasion:
    if outcome.status in BUSY:
        return "busy"
    if not outcome.rang and outcome.status in UNREACHABLE:
        return "unregistered"
    return "no-answer"
