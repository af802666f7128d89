# SPDX-License-Identifier: Apache-2.0
"""A simulated recording: what was asked of it, and when."""

import asyncio
from typing import TYPE_CHECKING

from switchroom.pbx.control import Recorded

if TYPE_CHECKING:
    from switchroom.pbx.sim.leg import SimLeg


class SimRecording:
    """A recording that keeps what was asked of it in `history`, with the times of the event loop."""

    def __init__(self, path: str, leg: "SimLeg | None", label: str = "") -> None:
        self.id = path
        self.path = path
        self.label = label
        self.history: list[tuple[str, float]] = []
        self._leg = leg
        self._note("start")

    @property
    def paused(self) -> bool:
        return self.history[-1][0] == "pause"

    def pause(self) -> None:
        self._note("pause")

    def resume(self) -> None:
        self._note("resume")

    def stop(self) -> None:
        if self.history[-1][0] == "stop":
            return
        self._note("stop")
        if self._leg is not None:
            self._leg.say(Recorded(self.id, self.path, round(1000 * (self.history[-1][1] - self.history[0][1]))))

    def _note(self, what: str) -> None:
        self.history.append((what, asyncio.get_running_loop().time()))
