# SPDX-License-Identifier: Apache-2.0
"""Parking: a call waits with music in a numbered slot until somebody dials that; in time its parker is rung."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from switchroom.pbx.apps.words import Speak, Voice
from switchroom.pbx.call import Call
from switchroom.pbx.config_office import Parking
from switchroom.pbx.control import CallControl, CallError, Leg, SendOn
from switchroom.pbx.dialplan import Rule
from switchroom.pbx.events import AnyRecord, CallParked, CallUnparked

RING_BACK_S = 20.0

Ring = Callable[[Call, str, float], Awaitable[bool]]
"""Ring a user's phones for a call, for so long; False: nobody answered, and the caller is still there."""


class Slot(msgspec.Struct):
    """A call that is parked."""

    number: str
    leg: Leg
    by: str
    since_s: float


class Lot:
    """The destinations `park` and `parked:SLOT`. `music` is a sound file."""

    def __init__(
        self,
        control: CallControl,
        config: Parking,
        music: str,
        speak: Speak,
        ring: Ring,
        write: Callable[[AnyRecord], object],
    ) -> None:
        self.config = config
        self.slots: dict[str, Slot] = {}
        self._control = control
        self._music = music
        self._speak = speak
        self._ring = ring
        self._write = write

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        """A user who has a call on hold parks that one; anybody else, sent here by a transfer, is parked himself, by
        whoever sent him."""
        held = held_by(self._control, call)
        if held is None:
            by = call.diverted[0] if call.diverted else call.user if call.user != call.leg.user else ""
            slot = self._free()
            await call.answer()
            await self._stay(call.leg, slot, by)
            return
        slot = self.park(held, call.user)
        await call.answer()
        await Voice(call, self._speak).say("Parked at {digits:slot}.", slot=slot)

    def park(self, leg: Leg, by: str) -> str:
        """Park a leg that is served elsewhere; its slot. Raises CallError."""
        if leg.listener is None or leg.state != "answered":
            raise CallError(481, "there is nobody to park")
        slot = self._free()
        self.slots[slot] = Slot(slot, leg, by, asyncio.get_running_loop().time())
        leg.listener(leg, SendOn(lambda sent: self._stay(sent, slot, by)))
        return slot

    async def retrieve(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Talk to whoever is parked in a slot."""
        slot = self.slots.get(argument)
        if slot is None:
            raise CallError(404, f"nobody is parked at {argument}", "not-found")
        self._write(CallUnparked(call=slot.leg.call_id, slot=argument, by=call.user or call.caller))
        await call.talk_to(slot.leg)

    # ---- within

    def _free(self) -> str:
        first, last = self.config.slots
        for number in range(first, last + 1):
            if str(number) not in self.slots:
                return str(number)
        raise CallError(486, "all parking slots are taken", "busy")

    async def _stay(self, leg: Leg, number: str, by: str) -> None:
        """Wait in the slot until taken up or gone."""
        call = Call(self._control, leg, number)
        slot = self.slots[number] = Slot(number, leg, by, asyncio.get_running_loop().time())
        self._write(CallParked(call=call.id, slot=number, by=by))
        try:
            await call.answer()
            while True:
                leg.play(self._music, loop=True)
                try:
                    async with asyncio.timeout(self.config.timeout_s):
                        await call.until_hangup()
                except TimeoutError:
                    if by and await self._ring(call, by, RING_BACK_S):
                        return
        finally:
            if self.slots.get(number) is slot:
                del self.slots[number]


def held_by(control: CallControl, call: Call) -> Leg | None:
    """The party that the caller talked to on another line, before he began this call."""
    for leg in reversed(control.legs_of(call.user) if call.user else ()):
        if leg is not call.leg and leg.state == "answered" and leg.partner is not None:
            return leg.partner
    return None
