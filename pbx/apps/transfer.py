# SPDX-License-Identifier: Apache-2.0
"""Putting a party through elsewhere because its partner asked for it: blind, or after a consultation.

The exchange does it itself, so it works whatever the party understands of transfers: a phone, a trunk, a gateway.
"""

from collections.abc import Callable

from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallControl, CallError, Leg, TransferAsked


class Transfers:
    """The `put_through` of the real CallControl."""

    def __init__(self, control: CallControl, routing: Routing, destinations: Destinations) -> None:
        self._control = control
        self._routing = routing
        self._destinations = destinations

    async def put_through(self, leg: Leg, asked: TransferAsked, by: Leg, on_answer: Callable[[], None]) -> None:
        """Serve `leg` anew, to its end. Raises as CallControl says."""
        call = Call(self._control, leg, asked.target, by.user, context=by.context)
        call.on_answer = on_answer
        if asked.replaced is not None:
            partner = asked.replaced.partner
            if partner is not None and partner.state == "answered":
                if not await call.replace(asked.replaced):
                    await call.talk_to(partner)
                return
            # Whom it consulted is an application, or rings still: the party dials the same number, in its place.
            asked.replaced.hangup(487, "transferred")
        if ":" in asked.target:
            if not by.user:
                raise CallError(403, "Forbidden", "rejected")  # no relay for strangers
            await self._destinations.send(call, "sip", asked.target.partition(":")[2])
            return
        route = self._routing.plan.route(asked.target, by.context) if by.context else None
        if route is None:
            raise CallError(404, "Not Found", "not-found")
        await self._destinations.send(call, route.to.kind, route.to.argument, route.rule)
