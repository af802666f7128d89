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
    NORMAL,
    CallError,
    Endpoint,
    Party,
    Presentation,
    PutThrough,
    TapMode,
    nobody_puts_through,
)
from switchroom.pbx.events import (
    AnyRecord,
)
from switchroom.pbx.lines import Lines
from switchroom.pbx.sim.leg import SimLeg
from switchroom.pbx.sim.room import SimRoom
from switchroom.pbx.story import Story

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


@dataclass
class SimControl:
    """All legs of a simulation. `phones` says who can be called, and how each behaves."""

    phones: dict[str, SimPhone | Callable[[], SimPhone]] = field(default_factory=dict)
    """A function is asked anew for each call."""
    play_s: Callable[[str], float] = lambda source: PLAY_S
    write: Callable[[AnyRecord], object] = lambda record: None
    """Into the journal."""
    on_bridged: Callable[[SimLeg, SimLeg], None] = lambda one, other: None
    """Told of two legs that hear each other from now on."""
    legs: list[SimLeg] = field(default_factory=list)
    """All that are, and all that were unless `forgets`."""
    forgets: bool = False
    put_through: PutThrough = nobody_puts_through
    unreachable: set[str] = field(default_factory=set)
    """Targets that are known and registered nowhere."""
    lines: Lines[SimLeg] = field(default_factory=Lines)
    _calls: int = 0
    _listeners: dict[SimLeg, None] = field(default_factory=dict)

    def incoming(self, number: str, name: str = "", dialled: str = "", user: str = "") -> SimLeg:
        """A caller, perhaps a user; its leg is there, and nothing is said yet."""
        party = Party(number, name)
        return SimLeg(self, self._story(party, dialled, user), party, "offered", user)

    def _story(self, caller: Party, dialled: str, user: str = "") -> Story[SimLeg]:
        self._calls += 1
        try:
            now_s = asyncio.get_running_loop().time()
        except RuntimeError:
            now_s = 0.0
        return Story(
            f"call{self._calls}", caller, dialled, source="", user=user, counted_as="", began_s=now_s,
            write=self.write, on_over=self._over,
        )  # fmt: skip

    def _over(self, story: Story[SimLeg]) -> None:
        if self.forgets:
            for leg in story.legs:
                self.legs.remove(leg)

    def endpoints(self, target: str, codecs: Sequence[str] = ()) -> list[Endpoint]:
        user = target.removeprefix("user:") if target.startswith("user:") else ""
        names = [name for name in self.phones if name == target or name.startswith(target + "/")]
        found = [Endpoint(name, user or name, user=user) for name in names]
        if not found and target in self.unreachable:
            raise CallError(480, "Temporarily Unavailable", "unavailable")
        if not found:
            raise CallError(404, "Not Found", "not-found")
        return found

    async def originate(
        self,
        endpoint: Endpoint,
        *,
        caller: Party,
        beside: control.Leg | None = None,
        presentation: Presentation = NORMAL,
    ) -> SimLeg:
        found = self.phones[endpoint.uri]
        phone = found() if callable(found) else found
        if beside is not None:
            assert isinstance(beside, SimLeg)
            if beside.state == "ended":
                raise CallError(487, "caller gone", "cancelled")
        story = beside.story if beside is not None else self._story(caller, endpoint.label)
        leg = SimLeg(self, story, Party(endpoint.label), "calling", endpoint.user)
        leg.presentation = presentation
        loop = asyncio.get_running_loop()
        if phone.rings_after_s is not None:
            loop.call_later(phone.rings_after_s, leg.alert, phone.early_media)
        if phone.refuses_after_s is not None:
            loop.call_later(phone.refuses_after_s, leg.refuse, phone.status, phone.redirect)
        if phone.answers_after_s is not None:
            loop.call_later(phone.answers_after_s, leg.pick_up)
        return leg

    def legs_of(self, user: str) -> Sequence[SimLeg]:
        return self.lines.of(user)

    def idle_since(self, user: str) -> float:
        return self.lines.idle_since(user)

    def bridge(self, one: control.Leg, other: control.Leg) -> None:
        assert isinstance(one, SimLeg)
        assert isinstance(other, SimLeg)
        if one.partner is other:
            return
        self.part(one)
        self.part(other)
        one.partner, other.partner = other, one
        one.story.bridged(one, other)
        self.on_bridged(one, other)

    def unbridge(self, leg: control.Leg) -> None:
        assert isinstance(leg, SimLeg)
        if leg.partner is not None:
            other = leg.partner
            other.partner = leg.partner = None
            leg.story.unbridged(leg, other)

    def room(self, top: int = 0) -> SimRoom:
        return SimRoom(self)

    def tap(self, listener: control.Leg, leg: control.Leg, mode: TapMode = "listen") -> None:
        assert isinstance(listener, SimLeg)
        assert isinstance(leg, SimLeg)
        if "ended" in (listener.state, leg.state):
            raise CallError(481, "the leg is over")
        if listener is leg or leg.tapped is not None:
            raise CallError(400, "a listener cannot be listened to")
        if listener.tapped is not leg:
            self.part(listener)
        listener.tapped, listener.tap_mode = leg, mode
        self._listeners[listener] = None

    def untap(self, listener: control.Leg) -> None:
        assert isinstance(listener, SimLeg)
        listener.tapped = None
        self._listeners.pop(listener, None)

    def part(self, leg: SimLeg) -> None:
        """The leg leaves whomever it is joined to."""
        self.unbridge(leg)
        if leg.room is not None:
            leg.room.leave(leg)
        self.untap(leg)
        if leg.state == "ended":
            for listener in [listener for listener in self._listeners if listener.tapped is leg]:
                self.untap(listener)
