# SPDX-License-Identifier: Apache-2.0
"""Conferences by name: whoever is sent to `conference:NAME` talks with all others there.

One begins with its first party and is gone with its last. Who comes is told by a beep, who goes by a lower one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from switchroom.pbx.call import Call
from switchroom.pbx.control import CallControl, CallError, Leg, Recording, Room
from switchroom.pbx.dialplan import Rule
from switchroom.pbx.events import AnyRecord, ConferenceJoined, ConferenceLeft

MAX_PARTIES = 1000


@dataclass
class Member:
    """One party of a conference."""

    call: Call
    joined_s: float
    """By the clock of the event loop."""
    muted: bool = False

    @property
    def leg(self) -> Leg:
        return self.call.leg


@dataclass
class Conference:
    """One that somebody is in."""

    name: str
    room: Room
    began_s: float
    members: list[Member] = field(default_factory=list)
    locked: bool = False
    recording: Recording | None = None


class Conferences:
    """All of one exchange. `top`: only so many of the loudest are heard at a time, 0 for all."""

    def __init__(self, control: CallControl, write: Callable[[AnyRecord], object], top: int = 0) -> None:
        self.running: dict[str, Conference] = {}
        self._control = control
        self._write = write
        self._top = top

    async def serve(self, call: Call, name: str, rule: Rule | None = None) -> None:
        """Let a caller in until it hangs up; the dial plan's handler of `conference:NAME`."""
        if name in self.running and self.running[name].locked:
            raise CallError(403, "the conference is locked", "rejected")
        await call.answer()
        member = self.join(call, name)
        try:
            await call.until_hangup()
        finally:
            self._leave(name, member)

    def join(self, call: Call, name: str) -> Member:
        """Let an answered caller in. Raises CallError where there is no room."""
        now_s = asyncio.get_running_loop().time()
        conference = self.running.get(name)
        if conference is None:
            conference = self.running[name] = Conference(name, self._control.room(self._top), now_s)
        try:
            if len(conference.members) >= MAX_PARTIES:
                raise CallError(503, f"the conference has {MAX_PARTIES} parties already", "refused")
            conference.room.join(call.leg)
        except CallError:
            self._end_if_empty(conference)
            raise
        member = Member(call, now_s)
        conference.members.append(member)
        conference.room.tone("beep")
        leg = call.leg
        self._write(ConferenceJoined(conference=name, call=leg.call_id, leg=leg.id, party=leg.party.number))
        return member

    # ---- for operators

    def find(self, name: str) -> Conference:
        """Raises CallError (404)."""
        if name not in self.running:
            raise CallError(404, "no such conference", "not-found")
        return self.running[name]

    def mute(self, name: str, leg: str, muted: bool = True) -> None:
        """Whether nobody hears a party."""
        conference = self.find(name)
        member = _member(conference, leg)
        member.muted = muted
        conference.room.mute(member.leg, muted)

    def kick(self, name: str, leg: str) -> None:
        """End the call of a party."""
        _member(self.find(name), leg).leg.hangup(200, "removed from the conference", "operator")

    def lock(self, name: str, locked: bool = True) -> None:
        """Whether nobody else may come in."""
        self.find(name).locked = locked

    def record(self, name: str, on: bool = True) -> Recording:
        """Begin or end the recording of a conference. Raises CallError."""
        conference = self.find(name)
        if on and conference.recording is None:
            conference.recording = conference.room.record(label=f"conference {name}")
        recording = conference.recording
        if recording is None:
            raise CallError(404, "the conference is not being recorded")
        if not on:
            recording.stop()
            conference.recording = None
        return recording

    def end(self, name: str) -> None:
        """End the calls of all parties."""
        for member in list(self.find(name).members):
            member.leg.hangup(200, "the conference was ended", "operator")

    # ---- within

    def _leave(self, name: str, member: Member) -> None:
        conference = self.running[name]
        conference.members.remove(member)
        conference.room.leave(member.leg)
        conference.room.tone("leave")
        self._write(ConferenceLeft(conference=name, call=member.leg.call_id, leg=member.leg.id))
        self._end_if_empty(conference)

    def _end_if_empty(self, conference: Conference) -> None:
        if not conference.members:
            if conference.recording is not None:
                conference.recording.stop()
            conference.room.close()
            self.running.pop(conference.name, None)


def _member(conference: Conference, leg: str) -> Member:
    for member in conference.members:
        if member.leg.id == leg:
            return member
    raise CallError(404, "no such leg in the conference", "not-found")
