# SPDX-License-Identifier: Apache-2.0
"""Conferences, recordings and legs as operators see them: the `Audio` of pbx/rpc/audio.py."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from switchroom.pbx.apps.conferences import Conference
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.recordings import Recording
from switchroom.pbx.calls.sources import read_sources
from switchroom.pbx.control import CallError, TapMode
from switchroom.pbx.rpc.audio import ConferenceInfo, LegFigures, PartyInfo, RoomInfo
from switchroom.pbx.storage.base import RecordingQuery, StoredRecording

if TYPE_CHECKING:
    from switchroom.pbx.server import Server


class OperationsAudio:
    """One server's."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def conferences(self) -> list[ConferenceInfo]:
        return [_conference(one) for one in self._server.office.conferences.running.values()]

    def conference(self, name: str) -> ConferenceInfo:
        return _conference(self._server.office.conferences.find(name))

    def mute(self, name: str, leg: str, muted: bool) -> None:
        self._server.office.conferences.mute(name, leg, muted)

    def kick(self, name: str, leg: str) -> None:
        self._server.office.conferences.kick(name, leg)

    def lock(self, name: str, locked: bool) -> None:
        self._server.office.conferences.lock(name, locked)

    def mute_all(self, name: str, muted: bool) -> None:
        self._server.office.conferences.mute_all(name, muted)

    async def invite(self, name: str, number: str, context: str, moderator: bool) -> str:
        return await self._server.office.door.invite(name, number, context, moderator=moderator)

    def rooms(self) -> list[RoomInfo]:
        return [
            RoomInfo(
                conference=name, number=room.number, pin=bool(room.pin), moderator_pin=bool(room.moderator_pin),
                moderators=room.moderators, max_parties=room.max_parties,
            )
            for name, room in self._server.office.conferences.rooms.items()
        ]  # fmt: skip

    def end(self, name: str) -> None:
        self._server.office.conferences.end(name)

    def record_conference(self, name: str, on: bool) -> str:
        return self._server.office.conferences.record(name, on).id

    async def recordings(self, query: RecordingQuery) -> list[StoredRecording]:
        return await self._server.store.recordings.find(query)

    def record(self, leg: str, label: str, stereo: bool) -> str:
        return self._leg(leg).record(stereo=stereo, label=label).id

    def change(self, recording: str, what: str) -> None:
        running: Recording | None = self._server.board.recordings.running.get(recording)
        if running is None:
            raise CallError(404, "no such recording runs")
        {"pause": running.pause, "resume": running.resume, "stop": running.stop}[what]()

    def leg_stats(self, leg: str) -> LegFigures:
        media = self._leg(leg).media
        if media is None:
            raise CallError(404, "the leg has no audio")
        figures: dict[str, Any] = msgspec.structs.asdict(media.stats())
        return LegFigures(leg=leg, figures=figures)

    def leg_description(self, leg: str) -> str:
        media = self._leg(leg).media
        return media.describe() if media is not None else "no audio"

    def play(self, leg: str, sounds: list[str], loop: bool, volume: float) -> int:
        found = self._leg(leg)
        what = [self._sound(sound) for sound in sounds]
        try:
            read_sources(what, self._server.config.music)
        except ValueError as error:
            raise CallError(400, str(error)) from error
        return found.play(what, loop, volume=volume)

    def _sound(self, sound: str) -> str:
        """Nothing outside the folder of prompts can be heard by this way."""
        if sound.startswith(("tone:", "silence:", "music:")):
            return sound
        folder = self._server.config.ivr.prompts
        path = (Path(folder) / sound).resolve()
        if not folder or not path.is_relative_to(Path(folder).resolve()) or not path.is_file():
            raise CallError(404, f"no prompt is called {sound!r}")
        return str(path)

    def change_play(self, leg: str, what: str, seconds: float = 0.0) -> None:
        found = self._leg(leg)
        if what in ("to", "by"):
            found.seek_play(seconds, relative=what == "by")
        elif what == "stop":
            found.stop()
        else:
            found.pause_play(what == "pause")

    def tap(self, listener: str, leg: str, mode: TapMode) -> None:
        self._server.board.tap(self._leg(listener), self._leg(leg), mode)

    def untap(self, listener: str) -> None:
        self._server.board.untap(self._leg(listener))

    def _leg(self, leg_id: str) -> Leg:
        story = self._server.board.stories.get(leg_id.rpartition("/")[0])
        for leg in story.legs if story is not None else ():
            if leg.id == leg_id and leg.state != "ended":
                return leg
        raise CallError(404, "no such leg")


def _conference(conference: Conference) -> ConferenceInfo:
    now_s = asyncio.get_running_loop().time()
    recording = conference.recording
    return ConferenceInfo(
        conference=conference.name,
        locked=conference.locked,
        waiting=not conference.open,
        recording=recording.id if recording is not None else "",
        for_s=round(now_s - conference.began_s, 3),
        parties=[
            PartyInfo(
                leg=member.leg.id,
                call=member.leg.call_id,
                party=member.leg.party.number,
                moderator=member.moderator,
                muted=member.muted,
                speaking=member.call.speaking,
                for_s=round(now_s - member.joined_s, 3),
            )
            for member in conference.members
        ],
    )
