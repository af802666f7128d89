# SPDX-License-Identifier: Apache-2.0
"""What a leg does with its audio: later offers and answers, hold and resume, playing, recording, silence.

The other half of pbx/calls/leg.py, which begins and ends the leg.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from switchroom.media.bridge import Bridge
from switchroom.media.errors import MediaError, NotAcceptable, OfferPending
from switchroom.media.events import Recorded
from switchroom.media.sdp import Direction
from switchroom.media.session import Session as MediaSession
from switchroom.pbx.calls.recording import Recording
from switchroom.pbx.control import CallError, Fact, Held, LegState, Listener, MediaHeard, MediaSilent, Resumed
from switchroom.pbx.events import CallResult, EndedBy, LegHeld, LegResumed
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.message import Request, Response
from switchroom.pbx.sip.session import Session

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg
    from switchroom.pbx.calls.room import Room
    from switchroom.pbx.calls.story import Story
    from switchroom.pbx.calls.switchboard import Switchboard

MAX_GLARE_RETRIES = 4
BEEP_MS = 200


class LegAudio:
    """The audio of a leg, `Leg` itself."""

    def __init__(self, board: "Switchboard", story: "Story", leg_id: str) -> None:
        self.board = board
        self.story = story
        self.id = leg_id
        self.listener: Listener | None = None
        self.state: LegState = "calling"
        self.partner: Leg | None = None
        """The leg it is bridged to; `partner` and `bridge` are the switchboard's to change."""
        self.bridge: Bridge | None = None
        self.room: Room | None = None
        self.recording: Recording | None = None
        """The last one that was begun."""
        self.sip: Session | None = None
        self.media: MediaSession | None = None
        self._we_offered = False
        """Our offer is out, and its answer comes in an ACK or PRACK."""
        self._held = False
        self._wanted_direction: Direction = "sendrecv"
        self._glare_retries = 0
        self._clocks: list[asyncio.TimerHandle] = []
        self._silence: asyncio.TimerHandle | None = None

    def hangup(
        self, status: int = 480, reason: str = "", by: EndedBy = "exchange", result: CallResult | None = None
    ) -> None:
        raise NotImplementedError

    # ---- verbs (pbx/control.py)

    def hold(self) -> None:
        self._wanted_direction = "sendonly"
        self._reoffer()

    def resume(self) -> None:
        self._wanted_direction = "sendrecv"
        self._reoffer()

    def play(self, source: str | Sequence[str], loop: bool = False) -> int:
        media = self._media()
        if isinstance(source, str) and source.startswith("tone:"):
            what = source.removeprefix("tone:")
            once_ms = BEEP_MS if what == "beep" and not loop else 0
            return media.tone(float(what) if what.replace(".", "", 1).isdigit() else what, duration_ms=once_ms)
        return media.play(source, loop)

    def stop(self) -> None:
        self._media().stop()

    def echo(self, on: bool = True) -> None:
        self._media().echo(on)

    def record(self, path: str, *, stereo: bool = True) -> Recording:
        try:
            self.recording = Recording(self._media().record(path, stereo))
        except MediaError as error:
            raise CallError(500, str(error)) from error
        return self.recording

    # ---- offers and answers of a session that stands

    def on_offer(self, session: Session, request: Request) -> None:
        media = self._media()
        try:
            if request.body:
                media.receive_offer(request.body)
                body = media.answer(prefer=self._partner_codec())
            else:
                body = media.offer(direction=self._wanted_direction)
                self._we_offered = True
        except OfferPending:  # RFC 3311 section 5.2: theirs is open: 500; ours is: 491
            headers = {"retry-after": [str(self.board.ids.below(10))]}
            session.refuse(*((500, headers) if media.pending == "remote" else (491, None)))
            return
        except MediaError as error:
            media.rollback()
            session.refuse(488 if isinstance(error, NotAcceptable) else 400)
            return
        session.accept(body)
        self._note_hold()

    def on_early_answer(self, session: Session, body: bytes) -> None:
        self._we_offered = False
        try:
            self._media().receive_answer(body)
        except MediaError as error:
            self._refuse_media(error)

    def on_refresh(self, session: Session) -> None:
        self._reoffer()

    def on_ack(self, session: Session, body: bytes) -> None:
        media = self._media()
        if self._we_offered:
            self._we_offered = False
            try:
                media.receive_answer(body)
            except MediaError as error:
                self.hangup(488, str(error))
                return
            self._note_hold()
        media.confirm()

    def on_accepted(self, session: Session, response: Response) -> None:
        self._glare_retries = 0
        try:
            self._media().receive_answer(response.body)
        except MediaError as error:
            self.hangup(488, str(error))
            return
        self._note_hold()

    def on_refused(self, session: Session, status: int) -> None:
        self._media().rollback()
        if status == 491 and self._glare_retries < MAX_GLARE_RETRIES:
            self._glare_retries += 1
            ours = isinstance(session, ClientSession)  # the owner of the Call-ID waits longer (section 14.1)
            delay_ms = (2100 if ours else 0) + 10 * self.board.ids.below(190 if ours else 200)
            self._later(delay_ms / 1000, self._reoffer)

    # ---- what the media session tells

    def on_silent(self) -> None:
        """No RTP for the media plane's time-out."""
        self._tell(MediaSilent())
        limits = self.board.limits
        if limits.rtp_silence == "hang-up" and self._silence is None and self.state == "answered":
            wait_s = max(0.0, limits.rtp_silence_s - self.board.rtp_timeout_s)
            self._silence = asyncio.get_running_loop().call_later(wait_s, self._dead)

    def on_heard(self) -> None:
        self._stop_silence()
        self._tell(MediaHeard())

    def on_recorded(self, event: Recorded) -> None:
        """A recording is whole."""
        if self.recording is not None and self.recording.id == str(event.recording):
            self._tell(self.recording.fact(event))

    def tell(self, fact: Fact) -> None:
        """Hand a fact of the media plane to the listener."""
        self._tell(fact)

    # ---- within

    def _partner_codec(self) -> tuple[str, ...]:
        """The codec that makes a plain relay possible, where the partner has agreed on one already."""
        partner = self.partner
        if partner is None or partner.media is None or partner.media.codec is None:
            return ()
        return (partner.media.codec,)

    def _media(self) -> MediaSession:
        if self.media is None:
            raise StateError("the leg has no media session, or no more")
        return self.media

    def _reoffer(self) -> None:
        """Send our wish about the direction as a re-INVITE, now or when the pending one is done."""
        session = self.sip
        if self.state != "answered" or session is None or session.ended:
            return
        if session.pending:
            self._later(0.1, self._reoffer)
            return
        session.reinvite(self._media().offer(direction=self._wanted_direction))

    def _note_hold(self) -> None:
        held = self._media().held
        if held == self._held:
            return
        self._held = held
        record = LegHeld if held else LegResumed
        self.story.write(record(call=self.story.id, leg=self.id))
        if held:
            self._stop_silence()
        self._tell(Held() if held else Resumed())

    def _refuse_media(self, error: MediaError) -> None:
        self.hangup(488 if isinstance(error, NotAcceptable) else 400, str(error), result="failed")

    def _dead(self) -> None:
        self._silence = None
        self.hangup(200, "no RTP")

    def _stop_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        self._clocks = [clock for clock in self._clocks if not clock.cancelled()]
        self._clocks.append(asyncio.get_running_loop().call_later(delay_s, action))

    def _tell(self, fact: Fact) -> None:
        if self.listener is not None:
            self.listener(self, fact)  # type: ignore[arg-type]
