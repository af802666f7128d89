# SPDX-License-Identifier: Apache-2.0
"""The simulated CallControl: legs that do what a script of their far end says.

A `SimPhone` stands for whoever is at the other end of a leg: it rings, answers, refuses, presses keys and hangs up, at
times of the event loop's clock. What an application plays or joins is kept, so that a test can ask what was heard.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from switchroom.pbx import control
from switchroom.pbx.control import (
    NORMAL,
    Answered,
    CallError,
    Digit,
    Ended,
    Endpoint,
    Fact,
    Held,
    LegState,
    Listener,
    Party,
    PlayDone,
    Presentation,
    Resumed,
    Ringing,
    TapMode,
)
from switchroom.pbx.events import (
    AnyRecord,
    CallResult,
    EndedBy,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    LegStarted,
)
from switchroom.pbx.sim.recording import SimRecording
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


class SimLeg:
    """A leg whose far end is played by a test or a simulation. It leaves the records that a real one does."""

    def __init__(self, board: "SimControl", story: "Story[SimLeg]", party: Party, state: LegState) -> None:
        self.board = board
        self.story = story
        self.id = f"{story.id}/{len(story.legs) + 1}"
        self.party = party
        self.state: LegState = state
        self.was_answered = False
        self.status = 0
        self.reason = ""
        self.ended_by: EndedBy = "exchange"
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
        story.legs.append(self)
        board.legs.append(self)
        way: Literal["in", "out"] = "in" if state == "offered" else "out"
        story.write(LegStarted(call=story.id, leg=self.id, direction=way, party=party.number))

    @property
    def call_id(self) -> str:
        return self.story.id

    # ---- verbs

    def ring(self, early_media: bool = False) -> None:
        if self.state == "offered":
            self.story.write(LegRinging(call=self.story.id, leg=self.id, early_media=early_media))
        if self.state in ("offered", "ringing"):
            self.state = "ringing"
            self.told.append("early media" if early_media else "ringing")

    def answer(self) -> None:
        if self.state in ("offered", "ringing"):
            self.told.append("answered")
            self._answered()

    def hangup(
        self, status: int = 480, reason: str = "", by: EndedBy = "exchange", result: CallResult | None = None
    ) -> None:
        if self.state != "ended":
            if result is not None:
                self.story.result = result
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

    def holds(self, on: bool = True) -> None:
        """The party puts us on hold, or takes us off it."""
        record = LegHeld if on else LegResumed
        self.story.write(record(call=self.story.id, leg=self.id))
        self._tell(Held() if on else Resumed())

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
            self._answered()

    def alert(self, early_media: bool = False) -> None:
        """The called party's phone rings."""
        if self.state == "calling":
            self.state = "ringing"
            self.story.write(LegRinging(call=self.story.id, leg=self.id, early_media=early_media))
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

    def _answered(self) -> None:
        self.state = "answered"
        self.was_answered = True
        self.story.write(LegAnswered(call=self.story.id, leg=self.id))
        self._tell(Answered())

    def _finish(self, ended: Ended) -> None:
        self.state = "ended"
        self.status, self.reason, self.ended_by = ended.status, ended.reason, ended.by
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
        self.board.part(self)
        self.story.write(
            LegEnded(call=self.story.id, leg=self.id, status=ended.status, reason=ended.reason, ended_by=ended.by)
        )
        self._tell(ended)
        self.story.leg_ended()

    def _tell(self, fact: Fact) -> None:
        self.on_change()
        if self.listener is not None:
            self.listener(self, fact)


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
    _calls: int = 0
    _listeners: dict[SimLeg, None] = field(default_factory=dict)

    def incoming(self, number: str, name: str = "", dialled: str = "") -> SimLeg:
        """A caller; its leg is there, and nothing is said yet."""
        party = Party(number, name)
        return SimLeg(self, self._story(party, dialled), party, "offered")

    def _story(self, caller: Party, dialled: str) -> Story[SimLeg]:
        self._calls += 1
        try:
            now_s = asyncio.get_running_loop().time()
        except RuntimeError:
            now_s = 0.0
        return Story(
            f"call{self._calls}", caller, dialled, source="", user="", counted_as="", began_s=now_s,
            write=self.write, on_over=self._over,
        )  # fmt: skip

    def _over(self, story: Story[SimLeg]) -> None:
        if self.forgets:
            for leg in story.legs:
                self.legs.remove(leg)

    def endpoints(self, target: str, codecs: Sequence[str] = ()) -> list[Endpoint]:
        found = [Endpoint(name, name) for name in self.phones if name == target or name.startswith(target + "/")]
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
        leg = SimLeg(self, story, Party(endpoint.label), "calling")
        leg.presentation = presentation
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
