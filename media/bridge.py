# SPDX-License-Identifier: Apache-2.0
"""Two sessions that hear each other. How (relayed, re-encoded, held) is the plane's choice, packet by packet."""

from typing import TYPE_CHECKING

from switchroom.media.errors import MediaError

if TYPE_CHECKING:
    from switchroom.media.session import Session


class Bridge:
    """Made by MediaServer.bridge. A session is in one bridge at most: a new one ends the former."""

    def __init__(self, a: "Session", b: "Session") -> None:
        if a is b:
            raise MediaError("a session cannot be bridged to itself")
        if a.closed or b.closed:
            raise MediaError("a closed session cannot be bridged")
        if a.home is not b.home and not (a.movable or b.movable):
            raise MediaError("the sessions are on different shards, and both are being recorded")
        for session in (a, b):
            if session.bridge is not None:
                session.bridge.close()
            if session.conference is not None:
                session.conference.leave(session)
        self.a = a
        self.b = b
        self.closed = False
        if a.home is not b.home:
            comer, host = (b, a) if b.movable else (a, b)
            comer.move_to(host.home)
        if a.move is not None:  # whoever is still on the way waits for its arrival
            a.join(b)
        else:
            b.join(a)
        a.bridge = b.bridge = self
        a.arrange_digits()
        b.arrange_digits()

    def close(self) -> None:
        """Both sessions go on for themselves."""
        if not self.closed:
            self.a.part()
            self.b.part()
            self.forget()

    def forget(self) -> None:
        """One of the sessions is gone, and with it, in the plane, the bridge."""
        self.closed = True
        self.a.bridge = self.b.bridge = None
        self.a.arrange_digits()
        self.b.arrange_digits()
