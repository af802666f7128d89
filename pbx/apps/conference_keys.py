# SPDX-License-Identifier: Apache-2.0
"""What a party of a conference does by its keys: `*` and one more."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from switchroom.pbx.apps.conferences import Conference, Conferences, Member
from switchroom.pbx.apps.words import Voice
from switchroom.pbx.control import CallError, Leg

KEY_WAIT_S = 3.0
"""How long after `*` the next key may come."""
HELP = "Star 6 mutes you, star 2 tells how many are here, star hash leaves."
MODERATORS_HELP = (
    "Star 5 locks the conference, star 7 removes whoever came last, star 1 records, star 3 mutes all others,"
    " star 9 calls somebody in, star 8 ends it for all."
)


class Invite(Protocol):
    """Door.invite."""

    async def __call__(
        self, name: str, number: str, context: str, *, moderator: bool = False, by: Leg | None = None
    ) -> str: ...


class Keys:
    """The keys of one member."""

    def __init__(
        self, conferences: Conferences, invite: Invite, voice: Voice, conference: Conference, member: Member
    ) -> None:
        self._conferences = conferences
        self._invite = invite
        self._voice = voice
        self._conference = conference
        self._member = member
        self._all_muted = False
        mine: dict[str, Callable[[], Awaitable[None]]] = {"6": self._mute, "2": self._count, "0": self._help}
        if member.moderator:
            mine |= {
                "5": self._lock, "7": self._kick_last, "1": self._record, "3": self._mute_all,
                "9": self._call_in, "8": self._end,
            }  # fmt: skip
        self._keys = mine

    async def follow(self) -> None:
        """Do what is asked for until the party hangs up, or presses `*#`."""
        call = self._voice.call
        while True:
            if await call.digit() != "*":
                continue
            key = await call.digit(KEY_WAIT_S)
            if key == "#":
                return
            if (work := self._keys.get(key)) is not None:
                try:
                    await work()
                except CallError:
                    await self._voice.say("That is not possible.")

    async def _mute(self) -> None:
        muted = not self._member.muted
        self._conferences.mute(self._conference.name, self._member.leg.id, muted)
        await self._voice.say("You are muted." if muted else "You can be heard.")

    async def _count(self) -> None:
        count = len(self._conference.members)
        await self._voice.say("{count:count} are here." if count > 1 else "You are alone.", count=count)

    async def _help(self) -> None:
        await self._voice.say((HELP, MODERATORS_HELP) if self._member.moderator else HELP)

    async def _lock(self) -> None:
        locked = not self._conference.locked
        self._conferences.lock(self._conference.name, locked)
        await self._voice.say("The conference is locked." if locked else "The conference is open.")

    async def _kick_last(self) -> None:
        others = [member for member in self._conference.members if not member.moderator]
        if not others:
            await self._voice.say("There is nobody to remove.")
            return
        self._conferences.kick(self._conference.name, others[-1].leg.id)
        await self._voice.say("Removed.")

    async def _record(self) -> None:
        on = self._conference.recording is None
        self._conferences.record(self._conference.name, on)
        await self._voice.say("Recording is on." if on else "Recording is off.")

    async def _mute_all(self) -> None:
        self._all_muted = not self._all_muted
        self._conferences.mute_all(self._conference.name, self._all_muted)
        await self._voice.say("All others are muted." if self._all_muted else "All others can be heard.")

    async def _call_in(self) -> None:
        call = self._voice.call
        number = await self._voice.ask("Enter the number, and hash.", 32)
        if not number:
            return
        try:
            await self._invite(self._conference.name, number, call.context, by=call.leg)
        except CallError:
            await self._voice.say("That number cannot be called.")
            return
        await self._voice.say("It is being called.")

    async def _end(self) -> None:
        self._conferences.end(self._conference.name)
