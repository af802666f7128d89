# SPDX-License-Identifier: Apache-2.0
"""A recording of one session: what its party says and what it hears, kept by the plane without touching the call.

The file is made of 1-second segments (media/recording_file.py reads it and turns it into WAV); a process that dies
loses the last second at most.
"""

import itertools
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from switchroom.media.errors import MediaError
from switchroom.media.wire import Op

if TYPE_CHECKING:
    from switchroom.media.session import Session

_RECORD: Final = struct.Struct("=III")
_numbers = itertools.count(1)


class Recording:
    """Made by Session.record. Commands return at once; the event Recorded tells that the file is whole."""

    def __init__(self, session: "Session", path: str | os.PathLike[str], stereo: bool, rate_hz: int) -> None:
        if rate_hz not in (8_000, 16_000):
            raise ValueError("recordings have 8000 or 16000 samples a second")
        self.number = next(_numbers)
        self.session = session
        self.path = Path(path)
        self.rate_hz = rate_hz
        self.paused = False
        self.stopped = False
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise MediaError(f"{self.path}: {error.strerror}") from error
        try:
            body = _RECORD.pack(self.number, rate_hz, 2 if stereo else 1)
            session.plane.wire.post(Op.RECORD, session.handle, 0, body, fd)
        finally:
            os.close(fd)

    def pause(self) -> None:
        """Keep what follows out of the file, as for card numbers; it becomes a marked silence of the same length."""
        self._pause(True)

    def resume(self) -> None:
        """Go on."""
        self._pause(False)

    def _pause(self, paused: bool) -> None:
        if not self.stopped and paused != self.paused:
            self.paused = paused
            self.session.plane.post(Op.RECORD_PAUSE, self.session.handle, int(paused))

    def stop(self) -> None:
        """End it; so does the end of the session."""
        if not self.stopped:
            self.stopped = True
            self.session.plane.post(Op.RECORD_STOP, self.session.handle)
