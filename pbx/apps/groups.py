# SPDX-License-Identifier: Apache-2.0
"""Groups: one number for several users; all ring, or one after the other; and who may pick up whose calls."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from switchroom.pbx.apps.desks import Desks
from switchroom.pbx.apps.reach import Reach
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.call import Call, Outcome
from switchroom.pbx.config_office import Group
from switchroom.pbx.control import CallControl, CallError, Endpoint
from switchroom.pbx.dialplan import Rule


class Groups:
    """The destination `group:NAME`. Members who are not to be disturbed, or busy without call waiting, are left out."""

    def __init__(
        self, groups: Mapping[str, Group], control: CallControl, desks: Desks, reach: Reach, routing: Routing
    ) -> None:
        self.groups = groups
        self._control = control
        self._desks = desks
        self._reach = reach
        self._routing = routing
        self._next: dict[str, int] = {}

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        group = self.named(argument)
        if group.ring == "all":
            outcome = await self._connect(call, group.members, group)
        else:
            outcome = await self._one_by_one(call, argument, group)
        if outcome.leg is not None:
            return
        if group.then:
            await self._routing.send(call, group.then, group.context)
            return
        raise CallError(outcome.status, outcome.reason, outcome.result, outcome.by)

    def named(self, name: str) -> Group:
        """By name or number. Raises CallError."""
        for key, group in self.groups.items():
            if name == key or (group.number and name == group.number):
                return group
        raise CallError(404, f"there is no group {name}", "not-found")

    def neighbours(self, user: str) -> list[str]:
        """The users whose calls he may pick up."""
        found = [m for g in self.groups.values() if g.pickup and user in g.members for m in g.members]
        return [member for member in dict.fromkeys(found) if member != user]

    def phones(self, member: str, group: Group) -> Sequence[Endpoint]:
        """The phones of a member that may ring now."""
        try:
            if member in self._desks.profiles:
                return [] if self._reach.busy(member) else self._control.endpoints(f"user:{member}")
            return self._routing.endpoints(member, group.context)
        except CallError:
            return []

    # ---- within

    async def _one_by_one(self, call: Call, name: str, group: Group) -> Outcome:
        outcome = Outcome(None, 480, "Temporarily Unavailable", result="unavailable")
        for _ in range(group.rounds):
            for member in self._order(name, group):
                if group.ring == "rotary":
                    self._next[name] = (group.members.index(member) + 1) % len(group.members)
                outcome = await self._connect(call, (member,), group)
                if outcome.leg is not None:
                    return outcome
        return outcome

    def _order(self, name: str, group: Group) -> Sequence[str]:
        if group.ring == "longest-idle":
            return sorted(group.members, key=self._control.idle_since)
        first = self._next.get(name, 0) % len(group.members) if group.ring == "rotary" else 0
        return (*group.members[first:], *group.members[:first])

    async def _connect(self, call: Call, members: Iterable[str], group: Group) -> Outcome:
        phones = [endpoint for member in members for endpoint in self.phones(member, group)]
        if not phones:
            await asyncio.sleep(0)
            return Outcome(None, 480, "Temporarily Unavailable", result="unavailable")
        return await call.connect(phones, group.ring_s)
