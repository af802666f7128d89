# SPDX-License-Identifier: Apache-2.0
"""A session on its way from one shard to another, so that it can be joined to those that are there.

The leg goes along whole: sockets and ports, SSRC and numbers, jitter buffer, keys. It takes one round trip to each of
the two shards; packets wait in the sockets meanwhile, and so does here what is ordered for the session.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from switchroom.media.wire import Error, Op, Record

if TYPE_CHECKING:
    from switchroom.media.plane import Plane
    from switchroom.media.session import Session

_DEPARTED: Final = struct.Struct("=QII")
_ARRIVE: Final = struct.Struct("=Q")


class Move:
    """Begins at once. `to` may still be changed while it lasts."""

    def __init__(self, session: "Session", to: "Plane") -> None:
        self.to = to
        self._session = session
        self._from = session.plane
        self._waiting: list[Callable[[], None]] = []
        self._parcel = 0
        self._played = (0, 0)
        session.plane.wire.ask_then(self._departed, Op.DEPART, session.handle)

    def then(self, order: Callable[[], None]) -> None:
        """Give an order once the session has arrived."""
        self._waiting.append(order)

    def _departed(self, answer: Record | None) -> None:
        if answer is None:
            return  # the shard is lost, and has told so
        if answer.other != Error.OK:
            self._report(f"a session could not leave its shard: {Error(answer.other).name}")
            self._end()
            return
        self._parcel, *played = _DEPARTED.unpack_from(answer.body)
        self._played = (played[0], played[1])
        self._arrive(self.to)

    def _arrive(self, plane: "Plane") -> None:
        if plane.wire.closed:
            self._arrived(plane, None)
        else:
            plane.wire.ask_then(lambda answer: self._arrived(plane, answer), Op.ARRIVE, body=_ARRIVE.pack(self._parcel))

    def _arrived(self, plane: "Plane", answer: Record | None) -> None:
        session = self._session
        if answer is None or answer.other != Error.OK:
            if plane is not self._from:
                self._report("a session could not be moved to another shard and goes back")
                self.to = self._from
                self._arrive(self._from)
            else:
                session.lost()
            return
        self._from.sessions.pop(session.handle, None)
        session.plane, session.handle = plane, answer.leg
        if session.closed:
            plane.post(Op.CLOSE, answer.leg)
            self._end()
            return
        plane.sessions[answer.leg] = session
        session.go_on_playing(*self._played)
        if plane is self.to:
            self._end()
        else:
            session.move = onward = Move(session, self.to)
            onward._waiting = self._waiting

    def _end(self) -> None:
        self._session.move = None
        for order in self._waiting:
            order()

    def _report(self, message: str) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": message})
