# SPDX-License-Identifier: Apache-2.0
"""The simulated CallControl: legs that do what a script of their far end says.

A `SimPhone` stands for whoever is at the other end of a leg: it rings, answers, refuses, presses keys and hangs up, at
times of the event loop's clock. What an application plays or joins is kept, so that a test can ask what was heard.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from switchroom.pbx import control
from switchroom.pbx.control import (
    NORMAL,
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
    Presentation,
    PutThrough,
    Recorded,
    Ringing,
    TapEnded,
    TapMode,
    nobody_puts_through,
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

    def __init__(
        self,
        board: "SimControl",
        leg_id: str,
        call_id: str,
        party: Party,
        state: LegState,
        user: str = "",
    ) -> None:
        self.board = board
        self.user = user
        self.context = "default"
        self.id = leg_id
        self.call_id = call_id
        self.party = party
        self.state: LegState = state
        self.listener: Listener | None = None
        self.partner: SimLeg | None = None
        self.room: SimRoom | None = None
        self.tapped: SimLeg | None = None
        self.tap_mode: TapMode = "listen"
        self.presentation = NORMAL
        self.heard: list[str] = []
        """What the party was played, in order; `echo` where it heard itself."""
        self.told: list[str] = []
        """What the party saw of signalling: `ringing`, `early media`, `answered`, `hold`, `ended 486`."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when the party hears or is told something new."""
        self.role: EndedBy = "caller" if state == "offered" else "callee"
        self._play = 0
        self._left_s: float | None = None
        """Of what is played; None: nothing is."""
        self._playing: asyncio.TimerHandle | None = None

    @property
    def called(self) -> bool:
        return self.role == "callee"

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

    def play(self, source: str | Sequence[str], loop: bool = False, *, volume: float = 1.0) -> int:
        self._end_play(False)
        self._play += 1
        sources = [source] if isinstance(source, str) else list(source)
        self.heard += sources
        self.on_change()
        self._left_s = math.inf if loop or sources[0].startswith("music:") else sum(map(self.board.play_s, sources))
        self._go_on()
        return self._play

    def pause_play(self, paused: bool = True) -> None:
        if paused and self._playing is not None:
            self._left_s = self._playing.when() - asyncio.get_running_loop().time()
            self._playing.cancel()
            self._playing = None
        elif not paused and self._playing is None:
            self._go_on()

    def seek_play(self, seconds: float, *, relative: bool = False) -> None:
        self.told.append(f"seek {seconds:+g}" if relative else f"seek {seconds:g}")

    def detect_speech(self, on: bool = True) -> None:
        pass

    def detect_digits(self, on: bool = True) -> None:
        pass

    def stop(self) -> None:
        self._end_play(False)

    def echo(self, on: bool = True) -> None:
        if on:
            self.heard.append("echo")

    def send_digits(self, digits: str) -> None:
        self.told.append(f"digits {digits}")

    def record(self, path: str = "", *, stereo: bool = True, label: str = "") -> "SimRecording":
        if self.state == "ended":
            raise CallError(481, "the leg is over")
        return SimRecording(path or f"{self.id}.wav", self, label)

    def record_ahead(self, seconds: float, *, stereo: bool = True) -> None:
        self.told.append(f"record ahead {seconds:g}")

    def transferred(self, status: int) -> None:
        self.told.append(f"transferred {status}")
        if status == 200:
            self.hangup(200, "transferred")

    def can_hear(self, other: "SimLeg") -> bool:
        """Whether the party hears what the other one says, just now."""
        if self.state != "answered" or other.state != "answered" or self is other:
            return False
        if self.partner is other:
            return True
        if self.room is not None and self.room is other.room:
            return self.room.gain(self, other) > 0
        if self.tapped is not None:
            return other is self.tapped or other in self.tapped.joined_to
        if other.tapped is None or other.tap_mode == "listen":
            return False
        return self is other.tapped or (other.tap_mode == "barge" and self in other.tapped.joined_to)

    @property
    def joined_to(self) -> "list[SimLeg]":
        """Its partner, or the others in its room."""
        if self.room is not None:
            return [leg for leg in self.room.legs if leg is not self]
        return [self.partner] if self.partner is not None else []

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

    def say(self, fact: Fact) -> None:
        """Any other fact, as if it came from the party: a transfer asked for, say."""
        self._tell(fact)

    # ---- within

    def _go_on(self) -> None:
        if self._left_s is not None and self._left_s < math.inf:
            self._playing = asyncio.get_running_loop().call_later(self._left_s, self._end_play, True)

    def _end_play(self, finished: bool) -> None:
        if self._left_s is not None:
            self._left_s = None
            if self._playing is not None:
                self._playing.cancel()
                self._playing = None
            self._tell(PlayDone(self._play, finished))

    def _finish(self, ended: Ended) -> None:
        self.state = "ended"
        self.board.ended(self)
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
        self.board.part(self)
        self._tell(ended)

    def _tell(self, fact: Fact) -> None:
        self.on_change()
        if self.listener is not None:
            self.listener(self, fact)


class SimRecording:
    """A recording that keeps what was asked of it in `history`, with the times of the event loop."""

    def __init__(self, path: str, leg: SimLeg | None, label: str = "") -> None:
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


@dataclass
class SimControl:
    """All legs of a simulation. `phones` says who can be called, and how each behaves."""

    phones: dict[str, SimPhone] = field(default_factory=dict)
    play_s: Callable[[str], float] = lambda source: PLAY_S
    legs: list[SimLeg] = field(default_factory=list)
    put_through: PutThrough = nobody_puts_through
    unreachable: set[str] = field(default_factory=set)
    """Targets that are known and registered nowhere."""
    idle: dict[str, float] = field(default_factory=dict)

    def incoming(self, number: str, name: str = "", user: str = "") -> SimLeg:
        """A caller, perhaps a user; its leg is there, and nothing is said yet."""
        count = len(self.legs) + 1
        leg = SimLeg(self, f"leg{count}", f"call{count}", Party(number, name), "offered", user)
        self.legs.append(leg)
        return leg

    def endpoints(self, target: str, codecs: Sequence[str] = ()) -> list[Endpoint]:
        user = target.removeprefix("user:") if target.startswith("user:") else ""
        found = [
            Endpoint(name, name, user=user) for name in self.phones if name == target or name.startswith(target + "/")
        ]
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
        phone = self.phones[endpoint.uri]
        call_id = beside.call_id if beside is not None else f"call{len(self.legs) + 1}"
        leg = SimLeg(self, f"leg{len(self.legs) + 1}", call_id, Party(endpoint.label), "calling", endpoint.user)
        leg.presentation = presentation
        self.legs.append(leg)
        loop = asyncio.get_running_loop()
        if phone.rings_after_s is not None:
            loop.call_later(phone.rings_after_s, leg.alert, phone.early_media)
        if phone.refuses_after_s is not None:
            loop.call_later(phone.refuses_after_s, leg.refuse, phone.status, phone.redirect)
        if phone.answers_after_s is not None:
            loop.call_later(phone.answers_after_s, leg.pick_up)
        return leg

    def legs_of(self, user: str) -> list[SimLeg]:
        return [leg for leg in self.legs if user and leg.user == user and leg.state != "ended"]

    def idle_since(self, user: str) -> float:
        return self.idle.get(user, 0.0)

    def ended(self, leg: SimLeg) -> None:
        """The leg is over."""
        if leg.user and not self.legs_of(leg.user):
            self.idle[leg.user] = asyncio.get_running_loop().time()

    def bridge(self, one: control.Leg, other: control.Leg) -> None:
        assert isinstance(one, SimLeg)
        assert isinstance(other, SimLeg)
        if one.partner is other:
            return
        self.part(one)
        self.part(other)
        one.partner, other.partner = other, one

    def unbridge(self, leg: control.Leg) -> None:
        assert isinstance(leg, SimLeg)
        if leg.partner is not None:
            leg.partner.partner = None
            leg.partner = None

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

    def untap(self, listener: control.Leg) -> None:
        assert isinstance(listener, SimLeg)
        listener.tapped = None

    def part(self, leg: SimLeg) -> None:
        """The leg leaves whomever it is joined to."""
        self.unbridge(leg)
        if leg.room is not None:
            leg.room.leave(leg)
        leg.tapped = None
        for other in self.legs:
            if other.tapped is leg and leg.state == "ended":
                other.tapped = None
                other.say(TapEnded())
