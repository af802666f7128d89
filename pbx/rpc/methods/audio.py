# SPDX-License-Identifier: Apache-2.0
"""`conference.*`, `recording.*`, `leg.*`: the audio of calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from switchroom.pbx.control import CallError, TapMode
from switchroom.pbx.rpc.audio import ConferenceInfo, LegFigures, RoomInfo
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.methods.values import Done, Limit, Name, Number, Text
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method
from switchroom.pbx.storage.base import RecordingQuery, StoredRecording


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except CallError as error:
        raise refused(error.status, str(error)) from error


class ConferenceList(msgspec.Struct, frozen=True):
    conferences: list[ConferenceInfo]


class OneConference(Params, frozen=True):
    conference: Text


class OneParty(Params, frozen=True):
    conference: Text
    leg: Text


class MuteParty(Params, frozen=True):
    conference: Text
    leg: Text
    on: bool = True


class SwitchConference(Params, frozen=True):
    conference: Text
    on: bool = True


class RecordingId(msgspec.Struct, frozen=True):
    recording: str


@method("conference.list", changes=False)
async def conference_list(context: Context, params: Nothing) -> ConferenceList:
    return ConferenceList(context.exchange.audio.conferences())


@method("conference.get", changes=False)
async def conference_get(context: Context, params: OneConference) -> ConferenceInfo:
    with _told():
        return context.exchange.audio.conference(params.conference)


@method("conference.mute", changes=True)
async def conference_mute(context: Context, params: MuteParty) -> Done:
    with _told():
        context.exchange.audio.mute(params.conference, params.leg, params.on)
    return Done()


@method("conference.mute_all", changes=True)
async def conference_mute_all(context: Context, params: SwitchConference) -> Done:
    with _told():
        context.exchange.audio.mute_all(params.conference, params.on)
    return Done()


class RoomList(msgspec.Struct, frozen=True):
    rooms: list[RoomInfo]


@method("conference.rooms", changes=False)
async def conference_rooms(context: Context, params: Nothing) -> RoomList:
    return RoomList(context.exchange.audio.rooms())


class InviteParty(Params, frozen=True):
    conference: Text
    to: Text
    context: Text = "default"
    moderator: bool = False


class InvitedCall(msgspec.Struct, frozen=True):
    call: str


@method("conference.invite", changes=True)
async def conference_invite(context: Context, params: InviteParty) -> InvitedCall:
    with _told():
        audio = context.exchange.audio
        return InvitedCall(await audio.invite(params.conference, params.to, params.context, params.moderator))


@method("conference.kick", changes=True)
async def conference_kick(context: Context, params: OneParty) -> Done:
    with _told():
        context.exchange.audio.kick(params.conference, params.leg)
    return Done()


@method("conference.lock", changes=True)
async def conference_lock(context: Context, params: SwitchConference) -> Done:
    with _told():
        context.exchange.audio.lock(params.conference, params.on)
    return Done()


@method("conference.record", changes=True)
async def conference_record(context: Context, params: SwitchConference) -> RecordingId:
    with _told():
        return RecordingId(context.exchange.audio.record_conference(params.conference, params.on))


@method("conference.end", changes=True)
async def conference_end(context: Context, params: OneConference) -> Done:
    with _told():
        context.exchange.audio.end(params.conference)
    return Done()


class RecordingList(Params, frozen=True):
    recording: Text | None = None
    call: Text | None = None
    party: Text | None = None
    label: Text | None = None
    state: Literal["recording", "paused", "ended"] | None = None
    since_ms: Number | None = None
    until_ms: Number | None = None
    limit: Limit = 100
    offset: Number = 0


class Recordings(msgspec.Struct, frozen=True):
    recordings: list[StoredRecording]


class StartRecording(Params, frozen=True):
    leg: Text
    label: Name = ""
    stereo: bool = True


class OneRecording(Params, frozen=True):
    recording: Text


@method("recording.list", changes=False)
async def recording_list(context: Context, params: RecordingList) -> Recordings:
    query = RecordingQuery(**msgspec.structs.asdict(params))
    return Recordings(await context.exchange.audio.recordings(query))


@method("recording.start", changes=True, right="supervise")
async def recording_start(context: Context, params: StartRecording) -> RecordingId:
    with _told():
        return RecordingId(context.exchange.audio.record(params.leg, params.label, params.stereo))


@method("recording.pause", changes=True, right="supervise")
async def recording_pause(context: Context, params: OneRecording) -> Done:
    with _told():
        context.exchange.audio.change(params.recording, "pause")
    return Done()


@method("recording.resume", changes=True, right="supervise")
async def recording_resume(context: Context, params: OneRecording) -> Done:
    with _told():
        context.exchange.audio.change(params.recording, "resume")
    return Done()


@method("recording.stop", changes=True, right="supervise")
async def recording_stop(context: Context, params: OneRecording) -> Done:
    with _told():
        context.exchange.audio.change(params.recording, "stop")
    return Done()


class OneLeg(Params, frozen=True):
    leg: Text


class Description(msgspec.Struct, frozen=True):
    description: str


class TapLeg(Params, frozen=True):
    listener: Text
    leg: Text
    mode: TapMode = "listen"


class UntapLeg(Params, frozen=True):
    listener: Text


@method("leg.stats", changes=False)
async def leg_stats(context: Context, params: OneLeg) -> LegFigures:
    with _told():
        return context.exchange.audio.leg_stats(params.leg)


@method("leg.describe", changes=False)
async def leg_describe(context: Context, params: OneLeg) -> Description:
    with _told():
        return Description(context.exchange.audio.leg_description(params.leg))


@method("leg.tap", changes=True, right="supervise")
async def leg_tap(context: Context, params: TapLeg) -> Done:
    with _told():
        context.exchange.audio.tap(params.listener, params.leg, params.mode)
    return Done()


@method("leg.untap", changes=True, right="supervise")
async def leg_untap(context: Context, params: UntapLeg) -> Done:
    with _told():
        context.exchange.audio.untap(params.listener)
    return Done()


class PlayToLeg(Params, frozen=True):
    leg: Text
    sounds: Annotated[list[Text], Meta(min_length=1, max_length=20)]
    loop: bool = False
    volume: Annotated[float, Meta(gt=0, le=16)] = 1.0


class Playing(msgspec.Struct, frozen=True):
    play: int


class ChangePlay(Params, frozen=True):
    leg: Text
    what: Literal["pause", "resume", "stop", "to", "by"]
    seconds: Annotated[float, Meta(ge=-86_400, le=86_400)] = 0.0


@method("leg.play", changes=True)
async def leg_play(context: Context, params: PlayToLeg) -> Playing:
    with _told():
        return Playing(context.exchange.audio.play(params.leg, params.sounds, params.loop, params.volume))


@method("leg.change_play", changes=True)
async def leg_change_play(context: Context, params: ChangePlay) -> Done:
    with _told():
        context.exchange.audio.change_play(params.leg, params.what, params.seconds)
    return Done()
