# SPDX-License-Identifier: Apache-2.0
"""Whether somebody speaks: WebRTC's voice activity detector behind an energy gate, smoothed over frames of 20 ms.

The detector alone calls faint noise speech; so a frame must be loud enough as well, and speech begins with several.
"""

import struct
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

RATE_HZ: Final = 8_000
GATE: Final = 150.0
"""Mean magnitude of a frame that may be speech: about -47 dBm0."""
BEGINS: Final = 5
AMONG: Final = 7
"""Speech begins with so many frames of it among so many."""
ENDS: Final = 25
"""Frames without it after which it has ended: 500 ms."""


class Voice:
    """Feed it what a party says; `on_change` hears when it begins to speak and when it has ended."""

    def __init__(self, on_change: Callable[[bool], None], aggressiveness: int = 2) -> None:
        webrtcvad: Any = import_module("webrtcvad")  # it has no types
        self._is_speech = webrtcvad.Vad(aggressiveness).is_speech
        self._on_change = on_change
        self._last = 0  # one bit a frame, the newest lowest
        self._quiet = 0
        self.speaking = False

    def feed(self, frame: bytes) -> None:
        """The next 20 ms at 8000 Hz."""
        samples = struct.unpack(f"{len(frame) // 2}h", frame)
        speech = sum(map(abs, samples)) >= GATE * len(samples) and self._is_speech(frame, RATE_HZ)
        self._last = (self._last << 1 | speech) & ((1 << AMONG) - 1)
        self._quiet = 0 if speech else self._quiet + 1
        if not self.speaking and self._last.bit_count() >= BEGINS:
            self.speaking = True
            self._on_change(True)
        elif self.speaking and self._quiet >= ENDS:
            self.speaking = False
            self._on_change(False)
