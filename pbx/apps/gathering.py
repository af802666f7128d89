# SPDX-License-Identifier: Apache-2.0
"""Three or more in one call: a call that goes on becomes a room, and further parties are called into it."""

from switchroom.pbx.apps.parking import held_by
from switchroom.pbx.apps.ringing import first_answer
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.call import Call, go_on
from switchroom.pbx.control import CallControl, CallError, Leg, SendOn

RING_S = 45.0
MAX_PARTIES = 32


class Gathering:
    """One room without a number: it lives as long as two are in it."""

    def __init__(self, control: CallControl) -> None:
        self.legs: list[Leg] = []
        self._control = control
        self._room = control.room()

    async def stay(self, leg: Leg) -> None:
        """Be in the room until hanging up, or until all others have."""
        if len(self.legs) >= MAX_PARTIES:
            raise CallError(486, "the room is full", "busy")
        call = Call(self._control, leg, "")
        self.legs.append(leg)
        try:
            await call.answer()
            self._room.join(leg)
            await call.until_hangup()
        finally:
            self.legs.remove(leg)
            self._room.leave(leg)
            if len(self.legs) == 1:
                self.legs[0].hangup(200, "all others have left")
            if not self.legs:
                self._room.close()

    def bring(self, leg: Leg) -> None:
        """Take a leg in that is served elsewhere. Raises CallError."""
        if leg.listener is None or leg.state != "answered":
            raise CallError(481, "the party is gone")
        leg.listener(leg, SendOn(self.stay))


class Gatherings:
    """The feature `add_to_call`, and the operators' `calls.add`."""

    def __init__(self, control: CallControl, routing: Routing) -> None:
        self._control = control
        self._routing = routing
        self._of: dict[Leg, Gathering] = {}

    async def serve(self, call: Call, number: str) -> None:
        """The caller has somebody on hold, and dials a third: once that one answers, all three are together."""
        held = held_by(self._control, call)
        if held is None:
            raise CallError(404, "nobody is on hold", "not-found")
        gathering = Gathering(self._control)
        third = await call.fetch(self._routing.endpoints(number, call.context), RING_S)
        gathering.bring(held)
        go_on(third, gathering.stay)
        await gathering.stay(call.leg)

    async def add(self, legs: tuple[Leg, ...], number: str, context: str) -> None:
        """Call a number, and let it join those legs. Raises CallError."""
        endpoints = self._routing.endpoints(number, context)
        known = next((self._of[leg] for leg in legs if leg in self._of), None)
        third = await first_answer(self._control, [], endpoints, caller=legs[0].party, beside=legs[0], ring_s=RING_S)
        gathering = known or Gathering(self._control)
        self._of = {leg: found for leg, found in self._of.items() if leg.state != "ended"}
        for leg in legs:
            if leg not in gathering.legs and leg.state == "answered":
                gathering.bring(leg)
            self._of[leg] = gathering
        go_on(third, gathering.stay)
