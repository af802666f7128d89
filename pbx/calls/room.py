# SPDX-License-Identifier: Apache-2.0
"""A room of the real exchange: legs in one conference of the media plane."""

from typing import TYPE_CHECKING

from switchroom.media.conference import Conference
from switchroom.media.errors import MediaError
from switchroom.pbx import control
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.recordings import Recording
from switchroom.pbx.control import CallError

if TYPE_CHECKING:
    from switchroom.pbx.calls.switchboard import Switchboard


class Room:
    """Made by Switchboard.room; the media plane's conference is made for the first leg, on its shard."""

    def __init__(self, board: "Switchboard", top: int = 0) -> None:
        self.legs: list[Leg] = []
        self.conference: Conference | None = None
        self._board = board
        self._top = top
        self._closed = False

    def join(self, leg: control.Leg, *, speaks: bool = True) -> None:
        assert isinstance(leg, Leg)
        if self._closed or leg.media is None:
            raise CallError(481, "the room or the leg is closed")
        if leg in self.legs:
            self.mute(leg, not speaks)
            return
        self._board.part(leg)
        self._board.taps.lift(leg)
        try:
            if self.conference is None:
                self.conference = self._board.media.conference(leg.media, self._top)
            self.conference.join(leg.media, 1.0 if speaks else 0.0)
        except MediaError as error:
            raise CallError(503, str(error), "refused") from error
        self.legs.append(leg)
        leg.room = self
        self._board.taps.follow(leg)

    def leave(self, leg: control.Leg) -> None:
        if not isinstance(leg, Leg) or leg not in self.legs:
            return
        self.legs.remove(leg)
        leg.room = None
        if self.conference is not None and leg.media is not None:
            self.conference.leave(leg.media)
        self._board.taps.follow(leg)

    def mute(self, leg: control.Leg, muted: bool = True) -> None:
        if self.conference is not None and isinstance(leg, Leg) and leg in self.legs and leg.media is not None:
            self.conference.gain(leg.media, 0.0 if muted else 1.0)

    def hears(self, listener: control.Leg, speaker: control.Leg, gain: float | None) -> None:
        assert isinstance(listener, Leg)
        assert isinstance(speaker, Leg)
        if self.conference is None or listener not in self.legs or speaker not in self.legs:
            return
        if listener.media is not None and speaker.media is not None:
            try:
                self.conference.hear(listener.media, speaker.media, gain)
            except MediaError as error:
                raise CallError(503, str(error), "refused") from error

    def tone(self, name: str = "beep") -> None:
        if self.conference is not None:
            self.conference.tone(name)

    def record(self, path: str = "", *, label: str = "") -> Recording:
        return self._board.recordings.of_room(self, path, label)

    def close(self) -> None:
        for leg in list(self.legs):
            self.leave(leg)
        self._closed = True
        if self.conference is not None:
            self.conference.close()
            self.conference = None
