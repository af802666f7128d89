# SPDX-License-Identifier: Apache-2.0
"""The ways into a conference: `conference:NAME`, the access number `meet-me`, and being called into it.

Whoever must give a PIN has three tries a call; a room at which many were wrong believes no stranger for a while.
"""

import asyncio
import hmac
from collections import deque
from collections.abc import Sequence

from switchroom.pbx.apps.conference_keys import Keys
from switchroom.pbx.apps.conferences import Conferences
from switchroom.pbx.apps.ringing import first_answer
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.apps.words import Speak, Voice
from switchroom.pbx.call import Call, go_on
from switchroom.pbx.config_conference import ConferenceRoom
from switchroom.pbx.control import CallControl, CallError, Endpoint, Leg, Party
from switchroom.pbx.dialplan import Rule

TRIES = 3
WRONG_MOST = 20
WRONG_S = 600.0
"""After so many wrong PINs within so long, those of strangers are not looked at."""
RING_S = 45.0
MAX_ENDPOINTS = 10


class Door:
    """Lets callers in, and calls others in."""

    def __init__(self, control: CallControl, conferences: Conferences, routing: Routing, speak: Speak) -> None:
        self._control = control
        self._conferences = conferences
        self._routing = routing
        self._speak = speak
        self._wrong: dict[str, deque[float]] = {}
        self._inviting: set[asyncio.Task[None]] = set()

    async def serve(self, call: Call, name: str, rule: Rule | None = None) -> None:
        """The destination `conference:NAME`."""
        rules = self._conferences.rules(name)
        moderator = _is_moderator(call.user, rules)
        if _needs_no_pin(call.user, rules):
            self._conferences.check(name, moderator)
            await self._stay(call, name, moderator)
            return
        await call.answer()
        voice = Voice(call, self._speak)
        for _ in range(TRIES):
            role = self._role(call, name, await voice.ask(_question(rules), 12))
            if role is not None:
                await self._enter(voice, name, moderator or role == "moderator")
                return
            await voice.say("That is not right.")
        await voice.say("Goodbye.")

    async def meet_me(self, call: Call, argument: str = "", rule: Rule | None = None) -> None:
        """The destination `meet-me`: asks which room, and for its PIN. A wrong number is told after the PIN."""
        await call.answer()
        voice = Voice(call, self._speak)
        for _ in range(TRIES):
            number = await voice.ask("Please enter the number of the conference, and hash.", 12)
            name = self._numbered(number)
            rules = self._conferences.rules(name)
            moderator = _is_moderator(call.user, rules)
            if name and call.user and _needs_no_pin(call.user, rules):
                await self._enter(voice, name, moderator)
                return
            pin = await voice.ask("Please enter the PIN, and hash.", 12)
            role = self._role(call, name, pin) if pin else None
            if role is not None:
                await self._enter(voice, name, moderator or role == "moderator")
                return
            await voice.say("That is not right.")
        await voice.say("Goodbye.")

    async def invite(
        self, name: str, number: str, context: str, *, moderator: bool = False, by: Leg | None = None
    ) -> str:
        """Ring a number, and let who answers in; one that is no user's must press 1 first, so that no answering machine
        comes. Returns the id of the call at once. Raises CallError. `by` is told when nobody answers."""
        endpoints = list(self._routing.endpoints(number, context))[:MAX_ENDPOINTS]
        self._conferences.check(name, moderator)
        caller = Party(self._conferences.rules(name).number or name, f"Conference {name}")
        first = await self._control.originate(endpoints[0], caller=caller)
        work = self._bring(name, number, first, endpoints[1:], caller, moderator, by)
        task = asyncio.get_running_loop().create_task(work)
        self._inviting.add(task)
        task.add_done_callback(self._inviting.discard)
        return first.call_id

    # ---- within

    async def _bring(
        self, name: str, number: str, first: Leg, others: Sequence[Endpoint], caller: Party, moderator: bool,
        by: Leg | None,
    ) -> None:  # fmt: skip
        try:
            leg = await first_answer(self._control, [first], others, caller=caller, beside=first, ring_s=RING_S)
        except CallError:
            if by is not None and by.state == "answered":
                by.play(await self._speak("{digits:number} does not answer.", by.user, number=number))
            return

        async def serve(leg: Leg) -> None:
            call = Call(self._control, leg, name, leg.user, context=leg.context)
            voice = Voice(call, self._speak)
            if not leg.user:
                pressed = await voice.ask("You are invited to a conference. Press 1 to join.", 1)
                if pressed != "1":
                    return
            await self._enter(voice, name, moderator)

        go_on(leg, serve)

    async def _enter(self, voice: Voice, name: str, moderator: bool) -> None:
        """Let an answered caller in, or tell why not."""
        try:
            self._conferences.check(name, moderator)
        except CallError as error:
            await voice.say("The conference is locked." if error.status == 403 else "The conference is full.")
            return
        await self._stay(voice.call, name, moderator)

    async def _stay(self, call: Call, name: str, moderator: bool) -> None:
        """Be in the room until hanging up."""
        await call.answer()
        member = self._conferences.join(call, name, moderator=moderator)
        conference = self._conferences.running[name]
        try:
            voice = Voice(call, self._speak)
            if not conference.open:
                await voice.say("The conference begins when the moderator comes.")
            if not conference.open:
                await call.music(conference.rules.music)
            await Keys(self._conferences, self.invite, voice, conference, member).follow()
        finally:
            self._conferences.leave(name, member)

    def _role(self, call: Call, name: str, pin: str) -> str | None:
        """What a PIN makes of the caller: `moderator`, `party`, or nothing."""
        rules = self._conferences.rules(name)
        now_s = asyncio.get_running_loop().time()
        wrong = self._wrong.setdefault(name, deque(maxlen=WRONG_MOST))
        tried_out = len(wrong) == WRONG_MOST and now_s < wrong[0] + WRONG_S
        if not tried_out or call.user:
            if _same(pin, rules.moderator_pin.reveal()):
                return "moderator"
            if _same(pin, rules.pin.reveal()) or (rules.moderator_pin and not rules.pin and not pin):
                return "party"
        wrong.append(now_s)
        return None

    def _numbered(self, number: str) -> str:
        """The room of that number, or name; empty: none."""
        if not number:
            return ""
        rooms = self._conferences.rooms
        return next((name for name, room in rooms.items() if room.number == number), number if number in rooms else "")


def _is_moderator(user: str, rules: ConferenceRoom) -> bool:
    """Where no moderator is named, all users are."""
    return bool(user) and (user in rules.moderators or not (rules.moderators or rules.moderator_pin))


def _needs_no_pin(user: str, rules: ConferenceRoom) -> bool:
    return user in rules.moderators or not (rules.pin or rules.moderator_pin)


def _question(rules: ConferenceRoom) -> str:
    if rules.pin:
        return "Please enter the PIN of the conference, and hash."
    return "If you are the moderator, enter your PIN, and hash. If not, press hash."


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
