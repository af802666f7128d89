# SPDX-License-Identifier: Apache-2.0
"""A recording of one session or conference, kept by the plane without touching the call.

The file is made of 1-second segments (media/recording_file.py reads it and turns it into WAV); a process that dies
loses the last second at most.
"""

import asyncio
import fcntl
import itertools
import os
import secrets
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from switchroom.media.errors import MediaError
from switchroom.media.wire import Error, Op, Record

if TYPE_CHECKING:
    from switchroom.media.plane import Plane
    from switchroom.media.session import Session

_RECORD: Final = struct.Struct("=III")
_PAUSE: Final = struct.Struct("=I")
_AGAIN_S: Final = 0.05
_numbers = itertools.count(1 + secrets.randbits(30))
"""From anywhere: a media process may still tell the end of a recording of an earlier server."""


class Recording:
    """Commands return at once; the event Recorded tells that the file is whole."""

    def __init__(
        self, plane: "Plane", path: str | os.PathLike[str], rate_hz: int, session: "Session | None", room: int = 0
    ) -> None:
        if rate_hz not in (8_000, 16_000):
            raise ValueError("recordings have 8000 or 16000 samples a second")
        self.number = next(_numbers)
        self.plane = plane
        self.session = session
        """None: a conference is recorded."""
        self.path = Path(path)
        self.rate_hz = rate_hz
        self.paused = False
        self.stopped = False
        self._room = room

    @classmethod
    def of_session(cls, session: "Session", path: str | os.PathLike[str], stereo: bool, rate_hz: int) -> "Recording":
        """What the party says on the left, and what it hears on the right; or both mixed."""
        recording = cls(session.plane, path, rate_hz, session)
        recording._begin(Op.RECORD, 0, 2 if stereo else 1, recording._create())
        return recording

    @classmethod
    def of_room(cls, plane: "Plane", room: int, path: str | os.PathLike[str], rate_hz: int) -> "Recording":
        """What is said in a conference."""
        recording = cls(plane, path, rate_hz, None, room)
        recording._begin(Op.ROOM_RECORD, room, 1, recording._create())
        return recording

    def pause(self) -> None:
        """Keep what follows out of the file, as for card numbers; it becomes a marked silence of the same length."""
        self._pause(True)

    def resume(self) -> None:
        """Go on."""
        self._pause(False)

    def stop(self) -> None:
        """End it; so does the end of the session."""
        if self.stopped:
            return
        self.stopped = True
        if self.session is not None:
            self.session.order(Op.RECORD_STOP)
        else:
            self.plane.post(Op.ROOM_RECORD_STOP, 0, self._room)

    def _create(self) -> int:
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise MediaError(f"{self.path}: {error.strerror}") from error
        with suppress(OSError):  # a file system without locks
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes to the plane with the descriptor, and ends with it
        return fd

    def _begin(self, op: Op, room: int, channels: int, fd: int) -> None:
        """Order it; again where the last file of this leg is not whole yet."""
        body = _RECORD.pack(self.number, self.rate_hz, channels)
        loop = asyncio.get_running_loop()

        def ask() -> None:
            if self.session is None:
                self.plane.wire.ask_then(answered, op, 0, room, body, fd)
            elif self.session.move is not None:
                self.session.move.then(ask)
            else:
                self.plane = self.session.plane
                self.plane.recordings[self.number] = self
                self.plane.wire.ask_then(answered, op, self.session.handle, room, body, fd)

        def answered(answer: Record | None) -> None:
            error = Error.NO_LEG if answer is None else answer.other
            if error == Error.BUSY and not self.stopped and not self.plane.wire.closed:
                loop.call_later(_AGAIN_S, ask)
                return
            os.close(fd)
            if error != Error.OK:
                self.plane.recording_failed(self, "stopped before it began" if self.stopped else "nothing to record")
            elif self.paused:
                self.paused = False
                self._pause(True)

        self.plane.recordings[self.number] = self
        try:
            ask()
        except MediaError:
            os.close(fd)
            self.plane.recordings.pop(self.number, None)
            raise

    def _pause(self, paused: bool) -> None:
        if self.stopped or paused == self.paused:
            return
        self.paused = paused
        if self.session is not None:
            self.session.order(Op.RECORD_PAUSE, int(paused))
        else:
            self.plane.post(Op.ROOM_RECORD_PAUSE, 0, self._room, _PAUSE.pack(paused))
