# SPDX-License-Identifier: Apache-2.0
"""The simulated CallControl: legs that do what a script of their far end says.

A `SimPhone` stands for whoever is at the other end of a leg: it rings, answers, refuses, presses keys and hangs up, at
times of the event loop's clock. What an application plays or joins is kept, so that a test can ask what was heard.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from switchroom.pbx import control
from switchroom.pbx.control import (
    Answered,
    CallError,
    Digit,
    Ended,
    Endpoint,
    Fact,
    LegState,
    Listener,
    Party,
    PlayDone,
    Ringing,
)
from switchroom.pbx.events import CallResult, EndedBy

PLAY_S = 2.0
"""How long anything that is played lasts, unless the control is told otherwise."""


@dataclass
class SimPhone:
    """How a called party behaves; times in seconds from the moment it is called, None: never."""

    rings_after_s: float | None = 0.1
    answers_after_s: float | None = 2.0
    refuses_after_s: float | None = None
    status: int = 486
    """What a refusal says."""
    early_media: bool = False
    redirect: tuple[str, ...] = ()


class SimLeg:
    """A leg whose far end is played by a test or a simulation."""

    def __init__(self, board: "SimControl", leg_id: str, call_id: str, party: Party, state: LegState) -> None:
        self.board = board
        self.id = leg_id
        self.call_id = call_id
        self.party = party
        self.state: LegState = state
        self.listener: Listener | None = None
        self.partner: SimLeg | None = None
        self.heard: list[str] = []
        """What the party was played, in order; `echo` where it heard itself."""
        self.told: list[str] = []
        """What the party saw of signalling: `ringing`, `early media`, `answered`, `hold`, `ended 486`."""
        self.role: EndedBy = "caller" if state == "offered" else "callee"
        self._play = 0
        self._playing: asyncio.TimerHandle | None = None

    # ---- verbs

    def ring(self, early_media: bool = False) -> None:
        if self.state in ("offered", "ringing"):
            self.state = "ringing"
            self.told.append("early media" if early_media else "ringing")

    def answer(self) -> None:
        if self.state in ("offered", "ringing"):
            self.state = "answered"
            self.told.append("answered")
            self._tell(Answered())

    def hangup(
        self, status: int = 480, reason: str = "", by: EndedBy = "exchange", result: CallResult | None = None
    ) -> None:
        if self.state != "ended":
            status = 200 if self.state == "answered" else status
            self.told.append(f"ended {status}")
            self._finish(Ended(status, reason, by))

    def redirect(self, uris: Sequence[str]) -> None:
        self.told.append("redirected")
        self._finish(Ended(302, "Moved Temporarily", "exchange", tuple(uris)))

    def hold(self) -> None:
        self.told.append("hold")

    def resume(self) -> None:
        self.told.append("resume")

    def play(self, source: str, loop: bool = False) -> int:
        self._end_play(False)
        self._play += 1
        self.heard.append(source)
        if not loop:
            self._playing = asyncio.get_running_loop().call_later(self.board.play_s(source), self._end_play, True)
        return self._play

    def stop(self) -> None:
        self._end_play(False)

    def echo(self, on: bool = True) -> None:
        if on:
            self.heard.append("echo")

    # ---- the far end

    def press(self, digits: str) -> None:
        """The party presses keys."""
        for digit in digits:
            self._tell(Digit(digit, 100))

    def leave(self, status: int = 200) -> None:
        """The party hangs up, or gives up."""
        if self.state != "ended":
            self._finish(Ended(status if self.state == "answered" else 487, "", self.role))

    def pick_up(self) -> None:
        """The called party answers."""
        if self.state in ("calling", "ringing"):
            self.state = "answered"
            self._tell(Answered())

    def alert(self, early_media: bool = False) -> None:
        """The called party's phone rings."""
        if self.state == "calling":
            self.state = "ringing"
            self._tell(Ringing(early_media))

    def refuse(self, status: int, redirect: tuple[str, ...] = ()) -> None:
        """The called party refuses."""
        if self.state in ("calling", "ringing"):
            self._finish(Ended(status, "refused", self.role, redirect))

    # ---- within

    def _end_play(self, finished: bool) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
            self._tell(PlayDone(self._play, finished))

    def _finish(self, ended: Ended) -> None:
        self.state = "ended"
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
        self.board.unbridge(self)
        self._tell(ended)

    def _tell(self, fact: Fact) -> None:
        if self.listener is not None:
            self.listener(self, fact)


@dataclass
class SimControl:
    """All legs of a simulation. `phones` says who can be called, and how each behaves."""

    phones: dict[str, SimPhone] = field(default_factory=dict)
    play_s: Callable[[str], float] = lambda source: PLAY_S
    legs: list[SimLeg] = field(default_factory=list)

    def incoming(self, number: str, name: str = "") -> SimLeg:
        """A caller; its leg is there, and nothing is said yet."""
        leg = SimLeg(self, f"leg{len(self.legs) + 1}", f"call{len(self.legs) + 1}", Party(number, name), "offered")
        self.legs.append(leg)
        return leg

    def endpoints(self, target: str, codecs: Sequence[str] = ()) -> list[Endpoint]:
        found = [Endpoint(name, name) for name in self.phones if name == target or name.startswith(target + "/")]
        if not found:
            raise CallError(404, "Not Found", "not-found")
        return found

    async def originate(self, endpoint: Endpoint, *, caller: Party, beside: control.Leg | None = None) -> SimLeg:
        phone = self.phones[endpoint.uri]
        call_id = beside.call_id if beside is not None else f"call{len(self.legs) + 1}"
        leg = SimLeg(self, f"leg{len(self.legs) + 1}", call_id, Party(endpoint.label), "calling")
        self.legs.append(leg)
        loop = asyncio.get_running_loop()
        if phone.rings_after_s is not None:
            loop.call_later(phone.rings_after_s, leg.alert, phone.early_media)
        if phone.refuses_after_s is not None:
            loop.call_later(phone.refuses_after_s, leg.refuse, phone.status, phone.redirect)
        if phone.answers_after_s is not None:
            loop.call_later(phone.answers_after_s, leg.pick_up)
        return leg

    def bridge(self, one: control.Leg, other: control.Leg) -> None:
        assert isinstance(one, SimLeg)
        assert isinstance(other, SimLeg)
        self.unbridge(one)
        self.unbridge(other)
        one.partner, other.partner = other, one

    def unbridge(self, leg: control.Leg) -> None:
        assert isinstance(leg, SimLeg)
        if leg.partner is not None:
            leg.partner.partner = None
            leg.partner = None
