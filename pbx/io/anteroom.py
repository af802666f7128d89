# SPDX-License-Identifier: Apache-2.0
"""Where new calls wait while there is older work: an exchange with too much to do finishes what it has begun.

Everything else is served as it is read. A new INVITE is served once nothing else is there to be read, in order of
arrival; how long it had to wait says better than any other figure whether there is more work than can be done.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from switchroom.pbx.sip.flow import Flow

MAX_WAITING: Final = 4_096
"""More are dropped: as good as loss on the way, and their callers send them again."""
AT_ONCE: Final = 4
"""New calls served before the sockets are looked at again."""


class Anteroom:
    """INVITEs with their time of arrival, by the clock of the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, bytes, Flow]] = deque()
        self.waited_s = 0.0
        """How long the one that is being served has waited; 0 for all other messages."""
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, data: bytes, flow: Flow, now_s: float) -> None:
        """Let an INVITE wait."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append((now_s, data, flow))

    def serve(self, deliver: Callable[[bytes, Flow], None], now_s: float) -> None:
        """Hand on the next few."""
        for _ in range(min(AT_ONCE, len(self._waiting))):
            since_s, data, flow = self._waiting.popleft()
            self.waited_s = now_s - since_s
            try:
                deliver(data, flow)
            finally:
                self.waited_s = 0.0
