# SPDX-License-Identifier: Apache-2.0
"""What a remote says, as PCM in Python: for voice activity, and for speech services outside.

The plane sends each frame to a socket and never waits; who reads too slowly misses frames.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from switchroom.media.wire import Op

if TYPE_CHECKING:
    from switchroom.media.session import Session

FRAME_BYTES: Final = 320
"""20 ms at 8000 Hz."""
_AT_ONCE: Final = 50


class Ear:
    """Made by Session.listen."""

    def __init__(self, session: "Session", on_frame: Callable[[bytes], None]) -> None:
        self._session = session
        self._on_frame = on_frame
        self._loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            ours.setblocking(False)
            session.plane.wire.post(Op.EAR, session.handle, 1, fd=theirs.fileno())
        self._socket = ours
        self.closed = False
        self._loop.add_reader(ours, self._read)

    def close(self) -> None:
        """Hear no more. Idempotent."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if not self._session.closed:
            self._session.plane.post(Op.EAR, self._session.handle, 0)

    def _read(self) -> None:
        with suppress(BlockingIOError, OSError):
            for _ in range(_AT_ONCE):
                frame = self._socket.recv(4 * FRAME_BYTES)
                if not frame:
                    self._loop.remove_reader(self._socket)  # the leg is gone
                    return
                self._on_frame(frame)
                if self.closed:
                    return
