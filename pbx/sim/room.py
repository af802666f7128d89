# SPDX-License-Identifier: Apache-2.0
"""A simulated room: who is in it, and who hears whom."""

from typing import TYPE_CHECKING

from switchroom.pbx import control
from switchroom.pbx.sim.leg import SimLeg
from switchroom.pbx.sim.recording import SimRecording

if TYPE_CHECKING:
    from switchroom.pbx.sim.control import SimControl


class SimRoom:
    """A room of simulated legs; who hears whom can be asked at `SimLeg.can_hear`."""

    def __init__(self, board: "SimControl") -> None:
        self.board = board
        self.legs: list[SimLeg] = []
        self.tones: list[str] = []
        self._muted: set[SimLeg] = set()
        self._gains: dict[tuple[SimLeg, SimLeg], float] = {}

    def join(self, leg: control.Leg, *, speaks: bool = True) -> None:
        assert isinstance(leg, SimLeg)
        self.board.part(leg)
        leg.room = self
        self.legs.append(leg)
        self.mute(leg, not speaks)

    def leave(self, leg: control.Leg) -> None:
        if isinstance(leg, SimLeg) and leg in self.legs:
            self.legs.remove(leg)
            leg.room = None
            self._muted.discard(leg)
            self._gains = {pair: gain for pair, gain in self._gains.items() if leg not in pair}

    def mute(self, leg: control.Leg, muted: bool = True) -> None:
        assert isinstance(leg, SimLeg)
        (self._muted.add if muted else self._muted.discard)(leg)

    def hears(self, listener: control.Leg, speaker: control.Leg, gain: float | None) -> None:
        assert isinstance(listener, SimLeg)
        assert isinstance(speaker, SimLeg)
        if gain is None:
            self._gains.pop((listener, speaker), None)
        else:
            self._gains[listener, speaker] = gain

    def gain(self, listener: SimLeg, speaker: SimLeg) -> float:
        """How loud one hears the other."""
        return self._gains.get((listener, speaker), 0.0 if speaker in self._muted else 1.0)

    def tone(self, name: str = "beep") -> None:
        self.tones.append(name)

    def record(self, path: str = "", *, label: str = "") -> SimRecording:
        return SimRecording(path or "room.wav", None, label)

    def close(self) -> None:
        for leg in list(self.legs):
            self.leave(leg)
