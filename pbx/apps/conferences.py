# SPDX-License-Identifier: Apache-2.0
"""Conference rooms: whoever is let into one talks with all others there.

A conference begins with its first party and is gone with its last. What is configured for its name ([conference.NAME])
says how many may come, whether they wait for a moderator, and what is told of their coming and going.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from switchroom.pbx.call import Call
from switchroom.pbx.config_conference import PLAIN, ConferenceRoom
from switchroom.pbx.control import CallControl, CallError, Leg, Recording, Room
from switchroom.pbx.events import AnyRecord, ConferenceChanged, ConferenceJoined, ConferenceLeft


@dataclass
class Member:
    """One party of a conference."""

    call: Call
    joined_s: float
    """By the clock of the event loop."""
    moderator: bool = False
    muted: bool = False

    @property
    def leg(self) -> Leg:
        return self.call.leg


@dataclass
class Conference:
    """One that somebody is in."""

    name: str
    rules: ConferenceRoom
    room: Room
    began_s: float
    open: bool
    """False while all wait for a moderator."""
    members: list[Member] = field(default_factory=list)
    locked: bool = False
    recording: Recording | None = None


class Conferences:
    """All of one exchange; `rooms` is what is configured, by name."""

    def __init__(
        self,
        control: CallControl,
        write: Callable[[AnyRecord], object],
        rooms: Mapping[str, ConferenceRoom],
    ) -> None:
        self.running: dict[str, Conference] = {}
        self.rooms = rooms
        self._control = control
        self._write = write

    def rules(self, name: str) -> ConferenceRoom:
        """What holds in a room; one that is not configured is a plain one."""
        return self.rooms.get(name, PLAIN)

    def check(self, name: str, moderator: bool = False) -> None:
        """Whether one more may come in. Raises CallError."""
        conference = self.running.get(name)
        if conference is None:
            return
        if conference.locked and not moderator:
            raise CallError(403, "the conference is locked", "rejected")
        if len(conference.members) >= conference.rules.max_parties:
            raise CallError(486, f"the conference has {conference.rules.max_parties} parties already", "busy")

    def join(self, call: Call, name: str, *, moderator: bool = False) -> Member:
        """Let an answered caller in. Raises CallError where there is no room."""
        self.check(name, moderator)
        now_s = asyncio.get_running_loop().time()
        conference = self.running.get(name)
        if conference is None:
            rules = self.rules(name)
            room = self._control.room(rules.loudest)
            conference = self.running[name] = Conference(name, rules, room, now_s, not rules.wait_for_moderator)
        member = Member(call, now_s, moderator, conference.rules.mute_on_entry and not moderator)
        opens = moderator and not conference.open
        conference.open |= moderator
        try:
            conference.room.join(call.leg, speaks=conference.open and not member.muted)
        except CallError:
            self._end_if_empty(conference)
            raise
        conference.members.append(member)
        leg = call.leg
        self._write(
            ConferenceJoined(conference=name, call=leg.call_id, leg=leg.id, party=leg.party.number, moderator=moderator)
        )
        if opens:
            for waiting in conference.members:
                waiting.leg.stop()
                conference.room.mute(waiting.leg, waiting.muted)
        if conference.rules.announce:
            conference.room.tone("beep")
        if conference.rules.record and conference.open and conference.recording is None:
            with contextlib.suppress(CallError):
                self.record(name)
        return member

    def leave(self, name: str, member: Member) -> None:
        """The counterpart of `join`."""
        conference = self.running[name]
        conference.members.remove(member)
        conference.room.leave(member.leg)
        if conference.rules.announce:
            conference.room.tone("leave")
        self._write(ConferenceLeft(conference=name, call=member.leg.call_id, leg=member.leg.id))
        leaderless = not any(other.moderator for other in conference.members)
        if conference.rules.end_with_moderator and member.moderator and leaderless and conference.members:
            self.end(name)
        self._end_if_empty(conference)

    # ---- for operators and moderators

    def find(self, name: str) -> Conference:
        """Raises CallError (404)."""
        if name not in self.running:
            raise CallError(404, "no such conference", "not-found")
        return self.running[name]

    def mute(self, name: str, leg: str, muted: bool = True) -> None:
        """Whether nobody hears a party."""
        conference = self.find(name)
        self._mute(conference, _member(conference, leg), muted)

    def mute_all(self, name: str, muted: bool = True) -> None:
        """The same for all but moderators."""
        conference = self.find(name)
        for member in conference.members:
            if not member.moderator:
                self._mute(conference, member, muted)

    def kick(self, name: str, leg: str) -> None:
        """End the call of a party."""
        _member(self.find(name), leg).leg.hangup(200, "removed from the conference", "operator")

    def lock(self, name: str, locked: bool = True) -> None:
        """Whether nobody else but moderators may come in."""
        conference = self.find(name)
        if conference.locked != locked:
            conference.locked = locked
            self._write(ConferenceChanged(conference=name, what="locked" if locked else "unlocked"))

    def record(self, name: str, on: bool = True) -> Recording:
        """Begin or end the recording of a conference. Raises CallError."""
        conference = self.find(name)
        if on and conference.recording is None:
            conference.recording = conference.room.record(label=f"conference {name}")
            self._write(ConferenceChanged(conference=name, what="recording"))
        recording = conference.recording
        if recording is None:
            raise CallError(404, "the conference is not being recorded")
        if not on:
            recording.stop()
            conference.recording = None
            self._write(ConferenceChanged(conference=name, what="recorded"))
        return recording

    def end(self, name: str) -> None:
        """End the calls of all parties."""
        for member in list(self.find(name).members):
            member.leg.hangup(200, "the conference was ended", "operator")

    # ---- within

    def _mute(self, conference: Conference, member: Member, muted: bool) -> None:
        member.muted = muted
        if conference.open:
            conference.room.mute(member.leg, muted)

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
