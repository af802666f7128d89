# SPDX-License-Identifier: Apache-2.0
"""A limit on the messages of one source, before they are read: what a flood brings beyond it costs next to nothing."""

from typing import Final

MAX_SOURCES: Final = 65_536
ORDINARY_BYTES: Final = 4_096


class FloodGate:
    """Counts messages by source in windows of one second. `dropped` is for the metrics."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._counts: dict[str, int] = {}
        self._window_ends_s = 0.0
        self.dropped = 0

    def passes(self, host: str, now_s: float, size: int = 0) -> bool:
        """Count a message of `size` bytes; False for one too many. A long one costs more, so it counts for several."""
        if now_s >= self._window_ends_s or len(self._counts) >= MAX_SOURCES:
            self._counts.clear()
            self._window_ends_s = now_s + 1.0
        count = self._counts[host] = self._counts.get(host, 0) + 1 + size // ORDINARY_BYTES
        if count <= self._per_second:
            return True
        self.dropped += 1
        return False
