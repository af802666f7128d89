# SPDX-License-Identifier: Apache-2.0
"""What users dial to set their phones and to do something with a call: one method for each code of [features].

A destination `feature:NAME/NUMBER` leads here. What was done is said to the caller.
"""

from collections.abc import Awaitable, Callable

import msgspec

from switchroom.pbx.apps.blacklist import Blacklist
from switchroom.pbx.apps.desks import Desks
from switchroom.pbx.apps.gathering import Gatherings
from switchroom.pbx.apps.groups import Groups
from switchroom.pbx.apps.paging import Paging
from switchroom.pbx.apps.pins import Pins
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.apps.switches import HandSwitches
from switchroom.pbx.apps.voicemail.menu import Menu
from switchroom.pbx.apps.words import Speak, Voice
from switchroom.pbx.call import Call
from switchroom.pbx.config_office import DeskChange, Features, Occasion
from switchroom.pbx.control import CallControl, CallError
from switchroom.pbx.dialplan import Rule
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import AnyRecord, CallPickedUp

OCCASIONS: dict[str, Occasion] = {
    "forward_always": "always",
    "forward_busy": "busy",
    "forward_no_answer": "no-answer",
    "forward_unregistered": "unregistered",
}
SAID: dict[Occasion, str] = {
    "always": "All calls", "busy": "Calls while you are busy", "no-answer": "Calls that you do not answer",
    "unregistered": "Calls while your phone cannot be reached",
}  # fmt: skip

Feature = Callable[[Call, Voice, str], Awaitable[None]]


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What features work upon."""

    control: CallControl
    desks: Desks
    routing: Routing
    groups: Groups
    paging: Paging
    gatherings: Gatherings
    menu: Menu
    pins: Pins
    blacklist: Blacklist
    switches: HandSwitches
    speak: Speak
    write: Callable[[AnyRecord], object]


class FeatureCodes:
    """The destination `feature:NAME` or `feature:NAME/NUMBER`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._features: dict[str, Feature] = {
            "dnd": self._desk(DeskChange(dnd=True), "Do not disturb is on."),
            "dnd_off": self._desk(DeskChange(dnd=False), "Do not disturb is off."),
            "call_waiting": self._desk(DeskChange(call_waiting=True), "Call waiting is on."),
            "call_waiting_off": self._desk(DeskChange(call_waiting=False), "Call waiting is off."),
            "find_me": self._desk(DeskChange(find_me_mode="in-turn"), "Find me is on."),
            "find_me_off": self._desk(DeskChange(find_me_mode="off"), "Find me is off."),
            "call_return": self._call_return,
            "pickup": self._pick_up,
            "directed_pickup": self._pick_up,
            "intercom": self._intercom,
            "page": self._page,
            "add_to_call": self._add_to_call,
            "hot_desk": self._hot_desk,
            "hot_desk_off": self._hot_desk_off,
            "mailbox": self._mailbox,
            "mailbox_any": self._mailbox_any,
            "voicemail": self._voicemail,
            "blacklist": self._blacklist,
            "blacklist_off": self._blacklist_off,
            "blacklist_last": self._blacklist_last,
            "switch": self._switch,
        }
        for name, occasion in OCCASIONS.items():
            self._features[name] = self._forward(occasion)
            self._features[f"{name}_off"] = self._forward_off(occasion)
        assert set(Features.__struct_fields__) <= set(self._features)

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        name, _, number = argument.partition("/")
        feature = self._features.get(name)
        if feature is None:
            raise CallError(404, f"there is no feature {name}", "not-found")
        if call.user not in self._parts.desks.profiles:
            raise CallError(403, "features are for users", "rejected")
        await feature(call, Voice(call, self._parts.speak), number)

    # ---- settings

    def _desk(self, change: DeskChange, said: str) -> Feature:
        async def feature(call: Call, voice: Voice, number: str) -> None:
            await self._parts.desks.change(call.user, change)
            await self._confirm(voice, said)

        return feature

    def _forward(self, occasion: Occasion) -> Feature:
        async def feature(call: Call, voice: Voice, number: str) -> None:
            await call.answer()
            number = number or await voice.ask("Enter the number to forward to, and hash.", 32)
            try:
                self._parts.routing.find(number, call.context, call.user)
            except CallError:
                await voice.say("That number leads nowhere.")
                return
            await self._parts.desks.set_forward(call.user, occasion, number)
            await self._confirm(voice, f"{SAID[occasion]} go to {{digits:number}}.", number=number)

        return feature

    def _forward_off(self, occasion: Occasion) -> Feature:
        async def feature(call: Call, voice: Voice, number: str) -> None:
            await self._parts.desks.set_forward(call.user, occasion, "")
            await self._confirm(voice, f"{SAID[occasion]} are not forwarded any more.")

        return feature

    async def _hot_desk(self, call: Call, voice: Voice, number: str) -> None:
        await call.answer()
        number = number or await voice.ask("Enter your number, and hash.", 32)
        pin = await voice.ask("Please enter your PIN, and hash.", 12)
        if not self._parts.pins.right(number, pin):
            await voice.say("That is not right. Goodbye.")
            return
        await self._parts.desks.sit(number, self._phone(call))
        await self._confirm(voice, "This is the phone of {digits:number} now.", number=number)

    async def _hot_desk_off(self, call: Call, voice: Voice, number: str) -> None:
        phone = self._phone(call)
        await self._parts.desks.sit(phone, phone)
        await self._confirm(voice, "This is the phone of {digits:number} again.", number=phone)

    async def _switch(self, call: Call, voice: Voice, name: str) -> None:
        try:
            state = await self._parts.switches.toggle(name, call.user)
        except SwitchroomError as error:
            raise CallError(404, str(error), "not-found") from error
        now = {"auto": "follows the clock again", "on": "is on by hand", "off": "is off by hand"}[state]
        await self._confirm(voice, f"{{name}} {now}.", name=name)

    async def _blacklist(self, call: Call, voice: Voice, number: str) -> None:
        await call.answer()
        number = number or await voice.ask("Enter the number to refuse, and hash.", 32)
        try:
            await self._parts.blacklist.add(number, f"by {call.user}")
        except (ValueError, SwitchroomError):
            await voice.say("That is not possible.")
            return
        await self._confirm(voice, "Calls from {digits:number} are refused.", number=number)

    async def _blacklist_off(self, call: Call, voice: Voice, number: str) -> None:
        await call.answer()
        number = number or await voice.ask("Enter the number, and hash.", 32)
        await self._parts.blacklist.remove(number)
        await self._confirm(voice, "{digits:number} may call.", number=number)

    async def _blacklist_last(self, call: Call, voice: Voice, number: str) -> None:
        await self._blacklist(call, voice, self._last_caller(call))

    # ---- calls

    async def _call_return(self, call: Call, voice: Voice, number: str) -> None:
        await self._parts.routing.send(call, self._last_caller(call), call.context)

    async def _pick_up(self, call: Call, voice: Voice, number: str) -> None:
        users = [number] if number else self._parts.groups.neighbours(call.user)
        for user in users:
            for leg in self._parts.control.legs_of(user):
                if leg.called and leg.state in ("calling", "ringing"):
                    self._parts.write(CallPickedUp(call=leg.call_id, user=user, by=call.user))
                    if await call.pick_up(leg):
                        return
        raise CallError(404, "nothing rings that could be picked up", "not-found")

    async def _intercom(self, call: Call, voice: Voice, number: str) -> None:
        await self._parts.paging.intercom(call, number)

    async def _page(self, call: Call, voice: Voice, number: str) -> None:
        await self._parts.paging.serve(call, number, None)

    async def _add_to_call(self, call: Call, voice: Voice, number: str) -> None:
        await self._parts.gatherings.serve(call, number)

    async def _mailbox(self, call: Call, voice: Voice, number: str) -> None:
        await self._parts.menu.serve(call, "", None)

    async def _mailbox_any(self, call: Call, voice: Voice, number: str) -> None:
        await self._parts.menu.enter(call)

    async def _voicemail(self, call: Call, voice: Voice, number: str) -> None:
        await self._parts.routing.send(call, f"voicemail:{number}", call.context)

    # ---- within

    async def _confirm(self, voice: Voice, text: str, **values: object) -> None:
        await voice.call.answer()
        await voice.say(text, **values)

    def _last_caller(self, call: Call) -> str:
        number = self._parts.desks.last_caller.get(call.user, "")
        if not number:
            raise CallError(404, "nobody has called", "not-found")
        return number

    def _phone(self, call: Call) -> str:
        """As which user the caller's phone registers."""
        return self._parts.desks.phone_of(call.user) or call.user
