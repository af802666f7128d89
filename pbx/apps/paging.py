# SPDX-License-Identifier: Apache-2.0
"""Intercom and paging: phones that answer by themselves; one of them to talk to, or a whole group that only listens."""

import contextlib

import msgspec

from switchroom.pbx.apps.groups import Groups
from switchroom.pbx.apps.reach import Reach
from switchroom.pbx.call import Call
from switchroom.pbx.control import Answered, CallControl, CallError, Fact, Leg, Presentation, Room
from switchroom.pbx.dialplan import Rule

RING_S = 15.0
MAX_PHONES = 200
BY_ITSELF = Presentation(auto_answer=True, alert="auto-answer")


class Paging:
    """The destination `page:GROUP`, and the features `intercom` and `page`."""

    def __init__(self, control: CallControl, groups: Groups, reach: Reach) -> None:
        self._control = control
        self._groups = groups
        self._reach = reach

    async def intercom(self, call: Call, user: str) -> None:
        """Talk to a user's phone, which answers by itself."""
        endpoints = self._control.endpoints(f"user:{user}")
        if self._reach.busy(user):
            raise CallError(486, "Busy Here", "busy")
        shown = call.presentation
        call.presentation = msgspec.structs.replace(shown, auto_answer=True, alert=BY_ITSELF.alert)
        outcome = await call.connect(endpoints, RING_S)
        if outcome.leg is None:
            raise CallError(outcome.status, outcome.reason, outcome.result, outcome.by)

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Speak to all phones of a group that are free."""
        group = self._groups.named(argument)
        if not group.page:
            raise CallError(403, f"{argument} is not paged", "rejected")
        members = [m for m in group.members if m != call.user and not self._control.legs_of(m)]
        endpoints = [endpoint for member in members for endpoint in self._groups.phones(member, group)][:MAX_PHONES]
        if not endpoints:
            raise CallError(480, "no phone is free", "unavailable")
        room, legs = self._control.room(), []
        try:
            await call.answer()
            room.join(call.leg)
            for endpoint in endpoints:
                with contextlib.suppress(CallError):
                    leg = await self._control.originate(
                        endpoint, caller=call.leg.party, beside=call.leg, presentation=BY_ITSELF
                    )
                    leg.listener = _Listener(room).on_fact
                    legs.append(leg)
            room.tone()
            await call.until_hangup()
        finally:
            for leg in legs:
                leg.hangup(487, "the page is over")
            room.close()


class _Listener:
    """One paged phone: it listens, once it has answered."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_fact(self, leg: Leg, fact: Fact) -> None:
        if isinstance(fact, Answered):
            self._room.join(leg, speaks=False)
