# SPDX-License-Identifier: Apache-2.0
"""A room of the real exchange: legs in one conference of the media plane."""

from typing import TYPE_CHECKING

from switchroom.media.conference import Conference
from switchroom.media.errors import MediaError
from switchroom.pbx import control
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.control import CallError

if TYPE_CHECKING:
    from switchroom.pbx.calls.switchboard import Switchboard


class Room:
    """Made by Switchboard.room; the media plane's conference is made for the first leg, on its shard."""

    def __init__(self, board: "Switchboard", top: int = 0) -> None:
        self.legs: list[Leg] = []
        self._board = board
        self._top = top
        self._conference: Conference | None = None
        self._closed = False

    def join(self, leg: control.Leg, *, speaks: bool = True) -> None:
        assert isinstance(leg, Leg)
        if self._closed or leg.media is None:
            raise CallError(481, "the room or the leg is closed")
        self._board.part(leg)
        try:
            if self._conference is None:
                self._conference = self._board.media.conference(leg.media, self._top)
            self._conference.join(leg.media, 1.0 if speaks else 0.0)
        except MediaError as error:
            raise CallError(503, str(error), "refused") from error
        self.legs.append(leg)
        leg.room = self

    def leave(self, leg: control.Leg) -> None:
        if isinstance(leg, Leg) and leg in self.legs:
            self.legs.remove(leg)
            leg.room = None
            if self._conference is not None and leg.media is not None:
                self._conference.leave(leg.media)

    def mute(self, leg: control.Leg, muted: bool = True) -> None:
        if self._conference is not None and isinstance(leg, Leg) and leg in self.legs and leg.media is not None:
            self._conference.gain(leg.media, 0.0 if muted else 1.0)

    def hears(self, listener: control.Leg, speaker: control.Leg, gain: float | None) -> None:
        assert isinstance(listener, Leg)
        assert isinstance(speaker, Leg)
        if self._conference is not None and listener.media is not None and speaker.media is not None:
            self._conference.hear(listener.media, speaker.media, gain)

    def tone(self, name: str = "beep") -> None:
        if self._conference is not None:
            self._conference.tone(name)

    def record(self, path: str) -> control.Recording:
        raise CallError(501, "a room cannot be recorded yet")

    def close(self) -> None:
        for leg in list(self.legs):
            self.leave(leg)
        self._closed = True
        if self._conference is not None:
            self._conference.close()
