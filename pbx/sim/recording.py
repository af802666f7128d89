# SPDX-License-Identifier: Apache-2.0
"""A simulated recording: what was asked of it, and when."""

import asyncio
from typing import TYPE_CHECKING

from switchroom.pbx.control import Recorded
from switchroom.pbx.events import RecordingEnded, RecordingStarted

if TYPE_CHECKING:
    from switchroom.pbx.sim.leg import SimLeg


class SimRecording:
    """A recording that keeps what was asked of it in `history`, with the times of the event loop."""

    def __init__(self, path: str, leg: "SimLeg | None", label: str = "", stereo: bool = False) -> None:
        self.id = path
        self.path = path
        self.label = label
        self.history: list[tuple[str, float]] = []
        self._leg = leg
        self._loop = asyncio.get_running_loop()
        self._note("start")
        if leg is not None:
            leg.story.write(
                RecordingStarted(
                    recording=self.id, path=path, call=leg.call_id, leg=leg.id, party=leg.party.number, label=label,
                    stereo=stereo,
                )
            )  # fmt: skip

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
            duration_ms = round(1000 * (self.history[-1][1] - self.history[0][1]))
            self._leg.story.write(
                RecordingEnded(
                    recording=self.id, path=self.path, call=self._leg.call_id, leg=self._leg.id, duration_ms=duration_ms
                )
            )
            self._leg.say(Recorded(self.id, self.path, duration_ms))

    def _note(self, what: str) -> None:
        self.history.append((what, self._loop.time()))
