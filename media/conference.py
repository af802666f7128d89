# SPDX-License-Identifier: Apache-2.0
"""Any number of sessions that hear each other, each without itself, with gains for who hears whom how loud.

A supervisor who monitors joins with gain 0; one who whispers is, besides, heard by one listener alone (`hear`); one who
barges in has gain 1.
"""

import os
import struct
from typing import TYPE_CHECKING, Final

from switchroom.media.errors import MediaError
from switchroom.media.recorder import Recording
from switchroom.media.tones import Tone, find_tone, pack_tone
from switchroom.media.wire import Op

if TYPE_CHECKING:
    from switchroom.media.plane import Plane
    from switchroom.media.session import Session

MAX_PARTIES: Final = 1_000
MAX_TOP: Final = 16
MAX_GAIN: Final = 16.0
_COMMON: Final = 0xFFFF
MAX_HEARS: Final = 4
"""Speakers whom one listener may hear otherwise than the rest does."""
_JOIN: Final = struct.Struct("=III")
_GAIN: Final = struct.Struct("=I")


class Conference:
    """Made by MediaServer.conference. `top`: only so many of the loudest are heard at a time; 0 for all."""

    def __init__(self, plane: "Plane", top: int = 0) -> None:
        if not 0 <= top <= MAX_TOP:
            raise ValueError(f"top is 0 to {MAX_TOP}")
        if not plane.free_rooms:
            raise MediaError("all conferences of the shard are in use")
        self.plane = plane
        self.number = plane.free_rooms.pop()
        self.top = top
        self.sessions: set[Session] = set()
        self.recording: Recording | None = None
        self.closed = False
        self._hears: set[tuple[Session, Session]] = set()

    def join(self, session: "Session", gain: float = 1.0, over_bridge: bool = False) -> None:
        """Let a session in; it leaves its former conference, and its bridge. Raises MediaError.

        With `over_bridge` the bridge stays: what was heard over it comes by the conference now, the bridge's hold music
        and telephone events go on, and once the session leaves, the bridge is heard again as it was.
        """
        if self.closed or session.closed:
            raise MediaError("the conference or the session is closed")
        if session.home is not self.plane and not session.movable:
            raise MediaError("the session is being recorded on another shard than the conference's")
        if session.home is not self.plane and over_bridge:
            raise MediaError("the bridge of the session is on another shard than the conference")
        if session not in self.sessions and len(self.sessions) == MAX_PARTIES:
            raise MediaError(f"the conference has {MAX_PARTIES} parties already")
        if session.bridge is not None and not over_bridge:
            session.bridge.close()
        if session.conference is not None and session.conference is not self:
            session.conference.leave(session)
        self.sessions.add(session)
        session.conference = self
        session.move_to(self.plane)
        session.order(Op.JOIN, self.number, _JOIN.pack(self.top, _fixed(gain), over_bridge))
        session.arrange_digits()

    def leave(self, session: "Session") -> None:
        """Let a session out; it goes on for itself."""
        if session in self.sessions:
            self.forget(session)
            session.order(Op.LEAVE)

    def forget(self, session: "Session") -> None:
        """The session is gone."""
        self.sessions.discard(session)
        self._hears = {pair for pair in self._hears if session not in pair}
        session.conference = None
        session.arrange_digits()

    def gain(self, session: "Session", gain: float) -> None:
        """How loud everybody hears `session`: 0 not at all, 1 as it is."""
        self._require(session)
        session.order(Op.GAIN, _fixed(gain))

    def hear(self, listener: "Session", speaker: "Session", gain: float | None) -> None:
        """How loud one listener hears one speaker, whatever the others hear; None: as the others do."""
        self._require(listener)
        self._require(speaker)
        value = _COMMON if gain is None else _fixed(gain)
        if gain is None:
            self._hears.discard((listener, speaker))
        elif (listener, speaker) not in self._hears:
            if sum(pair[0] is listener for pair in self._hears) == MAX_HEARS:
                raise MediaError(f"a listener hears at most {MAX_HEARS} speakers in its own way")
            self._hears.add((listener, speaker))
        listener.order(Op.HEARS, speaker, _GAIN.pack(value))

    def tone(self, what: str | float | Tone = "beep", level_dbm0: float | None = None, duration_ms: int = 200) -> None:
        """Let all hear a short tone, as when somebody enters or leaves."""
        if self.sessions and not self.closed:
            self.plane.post(
                Op.ROOM_TONE, 0, self.number, pack_tone(find_tone(what, level_dbm0), 0, max(1, duration_ms))
            )

    def record(self, path: str | os.PathLike[str], rate_hz: int = 8_000) -> Recording:
        """Record what is said, mixed, into a new file. Raises MediaError."""
        if self.closed:
            raise MediaError("the conference is closed")
        if self.recording is not None and not self.recording.stopped:
            raise MediaError("the conference is being recorded already")
        self.recording = Recording.of_room(self.plane, self.number, path, rate_hz)
        return self.recording

    def close(self) -> None:
        """All leave."""
        if self.closed:
            return
        if self.recording is not None:
            self.recording.stop()
        for session in list(self.sessions):
            self.leave(session)
        self.closed = True
        self.plane.free_rooms.insert(0, self.number)

    def _require(self, session: "Session") -> None:
        if session not in self.sessions:
            raise MediaError("the session is not in the conference")


def _fixed(gain: float) -> int:
    if not 0.0 <= gain <= MAX_GAIN:
        raise ValueError(f"a gain is 0 to {MAX_GAIN:.0f}, not {gain}")
    return round(gain * 256)
