# SPDX-License-Identifier: Apache-2.0
"""A leg whose far end is played by a test or a simulation."""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from switchroom.pbx.control import (
    NORMAL,
    Answered,
    CallError,
    Digit,
    Ended,
    Fact,
    Held,
    LegState,
    Listener,
    Party,
    PlayDone,
    Resumed,
    Ringing,
    TapMode,
    TransferAsked,
)
from switchroom.pbx.events import (
    CallResult,
    CallTransferred,
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

if TYPE_CHECKING:
    from switchroom.pbx.sim.control import SimControl
    from switchroom.pbx.sim.room import SimRoom


class SimLeg:
    """A leg whose far end is played by a test or a simulation. It leaves the records that a real one does."""

    def __init__(
        self, board: "SimControl", story: "Story[SimLeg]", party: Party, state: LegState, user: str = ""
    ) -> None:
        self.board = board
        self.user = user
        self.context = "default"
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
        self._asked: TransferAsked | None = None
        """The transfer that goes on."""
        self._recordings: list[SimRecording] = []
        self._play = 0
        self._left_s: float | None = None
        """Of what is played; None: nothing is."""
        self._playing: asyncio.TimerHandle | None = None
        story.legs.append(self)
        board.legs.append(self)
        board.lines.add(user, self)
        way: Literal["in", "out"] = "in" if state == "offered" else "out"
        story.write(LegStarted(call=story.id, leg=self.id, direction=way, party=party.number))

    @property
    def call_id(self) -> str:
        return self.story.id

    @property
    def called(self) -> bool:
        return self.role == "callee"

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

    def detect_digits(self, on: bool = True, *, mute: bool = False, keep: bool = False) -> None:
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
        name = f"{self.id}-{len(self._recordings) + 1}.wav" if self._recordings else f"{self.id}.wav"
        recording = SimRecording(path or name, self, label, stereo)
        self._recordings.append(recording)
        return recording

    def record_ahead(self, seconds: float, *, stereo: bool = True) -> None:
        self.told.append(f"record ahead {seconds:g}")

    def transferred(self, status: int) -> None:
        self.told.append(f"transferred {status}")
        if self._asked is not None and status >= 200:
            asked, self._asked = self._asked, None
            replaced = asked.replaced
            self.story.write(
                CallTransferred(
                    call=self.call_id, leg=self.id, target=asked.target, status=status,
                    to_call=replaced.call_id if replaced is not None else "",
                    to_leg=replaced.id if replaced is not None else "",
                )
            )  # fmt: skip
        if status == 200:
            asyncio.get_running_loop().call_soon(self.hangup, 200, "transferred")

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
        if isinstance(fact, TransferAsked):
            self._asked = fact
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
        self.board.lines.remove(self.user, self)
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
        for recording in self._recordings:
            recording.stop()

    def _tell(self, fact: Fact) -> None:
        self.on_change()
        if self.listener is not None:
            self.listener(self, fact)
