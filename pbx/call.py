# SPDX-License-Identifier: Apache-2.0
"""What an application holds in its hands: one call, seen from its caller, as plain async Python.

Every step raises CallerGone once the caller has hung up, so a flow needs no checks of its own. It stands on
CallControl alone, and so runs on the real exchange and on the simulated one.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from switchroom.pbx.b2bua import Attempt, B2bua, Outcome
from switchroom.pbx.control import (
    NORMAL,
    CallControl,
    CallerGone,
    CallError,
    Digit,
    Ended,
    Endpoint,
    Fact,
    Leg,
    PickedUp,
    PlayDone,
    Presentation,
    Recorded,
    Replaced,
    SendOn,
    SentOn,
    Speaking,
)
from switchroom.pbx.events import CallResult
from switchroom.pbx.sent_on import follow, go_on

__all__ = ["Attempt", "Call", "Outcome", "borrow", "follow", "go_on"]

MAX_TYPED_AHEAD = 64
RING_S = 60.0


class Call:
    """A call that came in (or that an operator began), with the verbs of an application.

    `caller` is the calling party and `dialled` the number that was called; `user` is the authenticated user, empty
    for trusted peers.
    """

    def __init__(
        self,
        control: CallControl,
        leg: Leg,
        dialled: str,
        user: str = "",
        argument: str = "",
        context: str = "default",
    ) -> None:
        self.leg = leg
        self.dialled = dialled
        self.user = user
        self.argument = argument
        """What the dial plan's destination says after its name."""
        self.context = context
        """The context of the dial plan that the caller dials in."""
        self.presentation: Presentation = NORMAL
        """How the call is shown to whoever is dialled."""
        self.diverted: tuple[str, ...] = ()
        """The users who sent the call on, the last one first."""
        self.on_answer: Callable[[], None] = _nothing
        """Called when somebody, or an application, takes the call; for one that is answered already."""
        self._control = control
        self._sent_on: SentOn | None = None
        self._digits: deque[str] = deque(maxlen=MAX_TYPED_AHEAD)
        self._news = asyncio.Event()
        self._done_plays: set[int] = set()
        self.speaking = False
        self._recorded: Recorded | None = None
        leg.listener = self._on_fact

    @property
    def id(self) -> str:
        """The id of the call, as in the journal and the CDR."""
        return self.leg.call_id

    @property
    def caller(self) -> str:
        return self.leg.party.number

    @property
    def ended(self) -> bool:
        return self.leg.state == "ended"

    async def ring(self, early_media: bool = False) -> None:
        """Tell the caller that it rings; with `early_media`, what is played is heard before the answer."""
        self._check()
        self.leg.ring(early_media)

    async def answer(self) -> None:
        """Answer the call; without effect on one that is answered."""
        await self._answer()
        self.on_answer()

    async def _answer(self) -> None:
        self._check()
        if self.leg.state != "answered":
            self.leg.answer()
        while self.leg.state != "answered":
            await self._wait()

    async def hangup(self, status: int = 480, reason: str = "", result: CallResult | None = None) -> None:
        """End the call. `status` and `reason` are for a caller that has no answer yet."""
        self.leg.hangup(status, reason, result=result)

    async def play(
        self,
        source: str | Sequence[str],
        *,
        loop: bool = False,
        until_digit: bool = False,
        until_speech: bool = False,
        volume: float = 1.0,
    ) -> None:
        """Play a file, tone or sequence (Leg.play) to its end.

        With `until_digit` a key stops it (and stays to be read), with `until_speech` the caller's voice does.
        """
        self._check()
        self.speaking = False
        if until_speech:
            self.leg.detect_speech()
        play = self.leg.play(source, loop, volume=volume)
        while play not in self._done_plays:
            if (until_digit and self._digits) or (until_speech and self.speaking):
                break
            await self._wait()
        if until_speech:
            self.leg.detect_speech(False)
        if play not in self._done_plays:
            self.leg.stop()
        self._done_plays.discard(play)

    async def music(self, name: str = "default") -> None:
        """Let the caller hear a class of music from now on, until something else is played."""
        self._check()
        self.leg.play(f"music:{name}", True)

    async def pause(self, seconds: float) -> None:
        """Wait, with the caller on the line."""
        self._check()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.until_hangup()

    async def send_digits(self, digits: str) -> None:
        """Press keys towards the caller."""
        self._check()
        self.leg.send_digits(digits)

    async def record(
        self, path: str = "", *, most_s: float = 120.0, silence_s: float = 0.0, terminator: str = "#", label: str = ""
    ) -> Recorded:
        """Record what the caller says until it presses `terminator`, is silent for `silence_s`, or hangs up.

        Returns when the file is whole; so a caller that hung up has left its message too, and CallerGone comes with the
        next step.
        """
        self._check()
        self._recorded = None
        recording = self.leg.record(path, stereo=False, label=label)
        if silence_s:
            self.leg.detect_speech()
        try:
            async with asyncio.timeout(most_s):
                await self._until_said(terminator, silence_s)
        except (TimeoutError, CallerGone):
            pass
        recording.stop()
        if silence_s and not self.ended:
            self.leg.detect_speech(False)
        while self._recorded is None or self._recorded.recording != recording.id:
            await self._news_of_leg()
        return self._recorded

    async def echo(self) -> None:
        """Let the caller hear itself until it hangs up."""
        self._check()
        self.leg.echo()
        await self.until_hangup()

    @property
    def digits_waiting(self) -> bool:
        """Whether the caller has pressed keys that nobody has read."""
        return bool(self._digits)

    def forget_digits(self) -> None:
        """Drop what the caller has typed ahead."""
        self._digits.clear()

    async def digit(self, timeout_s: float | None = None) -> str:
        """The next key that the caller presses, or pressed before; empty after `timeout_s` without one."""
        self._check()
        try:
            async with asyncio.timeout(timeout_s):
                while not self._digits:
                    await self._wait()
        except TimeoutError:
            return ""
        return self._digits.popleft()

    async def collect(self, count: int, *, first_s: float = 10.0, between_s: float = 4.0, terminator: str = "#") -> str:
        """Up to `count` keys; ended by `terminator`, or by `first_s` or `between_s` seconds of waiting."""
        typed = ""
        while len(typed) < count:
            digit = await self.digit(between_s if typed else first_s)
            if digit in ("", terminator):
                break
            typed += digit
        return typed

    async def dial(self, *targets: str, ring_s: float = RING_S, codecs: Sequence[str] = ()) -> Outcome:
        """Call targets (`user:1002`, `sip:…`), all at once; join the first to answer and stay until one hangs up.

        Without an answer the outcome says why, and the caller is still there. Raises CallError when a single target is
        unknown or nowhere to be reached.
        """
        self._check()
        endpoints, trouble = [], None
        for target in targets:
            try:
                endpoints += self._control.endpoints(target, codecs)
            except CallError as error:
                trouble = error
        if not endpoints:
            raise trouble or CallError(404, "nothing to dial", "not-found")
        return await self.connect(endpoints, ring_s)

    async def connect(self, endpoints: Sequence[Endpoint | Attempt], ring_s: float) -> Outcome:
        """The same with endpoints that are known."""
        self._check()
        b2bua = B2bua(self._control, self.leg)
        with self._lent():
            outcome = await b2bua.dial(endpoints, ring_s, self.presentation)
            if outcome.leg is not None:
                self.on_answer()
                await b2bua.talk()
        return outcome

    async def fetch(self, endpoints: Sequence[Endpoint | Attempt], ring_s: float) -> Leg:
        """Call somebody for the caller, and have the leg that answers: joined to the caller, and served by nobody yet.

        Raises CallError when none does.
        """
        self._check()
        try:
            outcome = await B2bua(self._control, self.leg).dial(endpoints, ring_s, self.presentation)
        finally:
            self._take_back()
        if outcome.leg is None:
            raise CallError(outcome.status, outcome.reason, outcome.result, outcome.by)
        outcome.leg.listener = None
        self.on_answer()
        return outcome.leg

    async def talk_to(self, leg: Leg) -> None:
        """Join the caller to a leg that somebody else serves, who lets go of it; stay until one of them hangs up."""
        await self._answer()
        if leg.listener is None or leg.state != "answered":
            raise CallError(481, "the other party is gone")
        over = borrow(leg)
        b2bua = B2bua(self._control, self.leg)
        with self._lent():
            b2bua.join(leg, over)
            self.on_answer()
            await b2bua.talk()

    async def replace(self, leg: Leg) -> bool:
        """Take the place of a leg that is joined to another one, if whoever serves it gives it away (the call centre an
        agent's to another agent), and stay until one of the two hangs up; False: nobody gives it away."""
        await self._answer()
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        given: list[bool] = []
        if leg.listener is not None:
            leg.listener(leg, Replaced(self.leg, over, lambda: given.append(True)))
        if not given:
            return False
        with self._lent():
            self.on_answer()
            await over
        return True

    async def pick_up(self, ringing: Leg) -> bool:
        """Answer the caller in place of a leg that rings, and stay until one hangs up; False: it rings no more."""
        await self._answer()
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if ringing.listener is None or ringing.state not in ("calling", "ringing"):
            return False
        ringing.listener(ringing, PickedUp(self.leg, over))
        if over.done():
            return False
        with self._lent():
            await over
        return True

    async def until_hangup(self) -> None:
        """Wait until the caller hangs up, which raises CallerGone."""
        while True:
            await self._wait()

    # ---- within

    @contextmanager
    def _lent(self) -> Iterator[None]:
        """Somebody else is told of the leg; we are again afterwards, unless the party is wanted elsewhere."""
        try:
            yield
        except SentOn:
            raise
        except BaseException:
            self._take_back()
            raise
        self._take_back()

    def _take_back(self) -> None:
        """Listen to the leg again; a leg that is over is left alone, or the two would hold each other for ever."""
        if not self.ended:
            self.leg.listener = self._on_fact

    async def _until_said(self, terminator: str, silence_s: float) -> None:
        while True:
            while self._digits:
                if self._digits.popleft() in terminator:
                    return
            if not silence_s or self.speaking:
                await self._wait()
                continue
            try:
                async with asyncio.timeout(silence_s):
                    await self._wait()
            except TimeoutError:
                return

    def _on_fact(self, leg: Leg, fact: Fact) -> None:
        if isinstance(fact, Digit):
            self._digits.append(fact.digit)
        elif isinstance(fact, PlayDone):
            self._done_plays.add(fact.play)
        elif isinstance(fact, Speaking):
            self.speaking = fact.on
        elif isinstance(fact, Recorded):
            self._recorded = fact
        elif isinstance(fact, SendOn):
            self._sent_on = SentOn(fact.serve)
        elif not isinstance(fact, Ended) and leg.state != "answered":
            return
        self._news.set()

    def _check(self) -> None:
        if self.leg.state == "ended":
            raise CallerGone("the caller hung up")
        if self._sent_on is not None:
            sent_on, self._sent_on = self._sent_on, None
            raise sent_on

    async def _wait(self) -> None:
        """Wait for news of the leg. Raises CallerGone when it is that the leg ended."""
        self._check()
        await self._news_of_leg()
        self._check()

    async def _news_of_leg(self) -> None:
        self._news.clear()
        await self._news.wait()


def borrow(leg: Leg) -> asyncio.Future[None]:
    """Have whoever serves a leg let go of it; set the result when it is needed no more, SentOn when it is wanted on."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def lent(_: Leg) -> None:
        await over

    if leg.listener is not None:
        leg.listener(leg, SendOn(lent))
    return over


def _nothing() -> None:
    pass
