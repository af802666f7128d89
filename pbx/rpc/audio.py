# SPDX-License-Identifier: Apache-2.0
"""What operators see and do about the audio of calls: conferences, recordings, legs.

`pbx/operations_audio.py` implements it over a running server.
"""

from typing import Any, Protocol

import msgspec

from switchroom.pbx.control import TapMode
from switchroom.pbx.storage.base import RecordingQuery, StoredRecording


class PartyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One party of a conference."""

    leg: str
    call: str
    party: str
    moderator: bool = False
    muted: bool
    speaking: bool
    for_s: float


class ConferenceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A conference that somebody is in."""

    conference: str
    locked: bool
    waiting: bool = False
    """All wait for a moderator."""
    recording: str = ""
    """The id of the recording that runs."""
    for_s: float
    parties: list[PartyInfo]


class RoomInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A conference room of the configuration."""

    conference: str
    number: str
    pin: bool
    """Whether there is one."""
    moderator_pin: bool
    moderators: tuple[str, ...]
    max_parties: int


class LegFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The media plane's figures of one leg."""

    leg: str
    figures: dict[str, Any]


class Audio(Protocol):
    """All raise CallError where there is no such thing, or where it cannot be done."""

    def conferences(self) -> list[ConferenceInfo]: ...
    def conference(self, name: str) -> ConferenceInfo: ...
    def mute(self, name: str, leg: str, muted: bool) -> None: ...
    def kick(self, name: str, leg: str) -> None: ...
    def mute_all(self, name: str, muted: bool) -> None: ...
    def lock(self, name: str, locked: bool) -> None: ...
    def end(self, name: str) -> None: ...
    def rooms(self) -> list[RoomInfo]: ...
    async def invite(self, name: str, number: str, context: str, moderator: bool) -> str:
        """Ring a number, and let who answers in; the id of the call."""
        ...

    def record_conference(self, name: str, on: bool) -> str:
        """The recording's id."""
        ...

    async def recordings(self, query: RecordingQuery) -> list[StoredRecording]: ...
    def record(self, leg: str, label: str, stereo: bool) -> str:
        """The recording's id."""
        ...

    def change(self, recording: str, what: str) -> None:
        """`pause`, `resume` or `stop` one that runs."""
        ...

    def leg_stats(self, leg: str) -> LegFigures: ...
    def leg_description(self, leg: str) -> str: ...
    def play(self, leg: str, sounds: list[str], loop: bool, volume: float) -> int:
        """The play's number. A sound is a file of the folder of prompts, or `tone:`, `silence:`, `music:`."""
        ...

    def change_play(self, leg: str, what: str, seconds: float = 0.0) -> None:
        """`pause`, `resume`, `stop`, `to` a place, or `by` so much from where it is."""
        ...

    def tap(self, listener: str, leg: str, mode: TapMode) -> None: ...
    def untap(self, listener: str) -> None: ...
