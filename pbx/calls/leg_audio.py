# SPDX-License-Identifier: Apache-2.0
"""What a leg does with its audio: later offers and answers, hold and resume, playing, recording, silence.

The other half of pbx/calls/leg.py, which begins and ends the leg.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from switchroom.media.bridge import Bridge
from switchroom.media.errors import MediaError, NotAcceptable, OfferPending
from switchroom.media.sdp import Direction
from switchroom.media.session import Session as MediaSession
from switchroom.media.voice import Voice
from switchroom.pbx.calls.recordings import Recording
from switchroom.pbx.calls.sources import Played, read_sources
from switchroom.pbx.config_recording import MAX_BEFORE_S
from switchroom.pbx.control import Fact, Held, LegState, Listener, MediaHeard, MediaSilent, Resumed, Speaking
from switchroom.pbx.events import CallResult, EndedBy, LegHeld, LegResumed
from switchroom.pbx.sip import session_timer
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.session import Session

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg
    from switchroom.pbx.calls.room import Room
    from switchroom.pbx.calls.switchboard import Switchboard
    from switchroom.pbx.story import Story

MAX_GLARE_RETRIES = 4
BEEP_MS = 200


class LegAudio:
    """The audio of a leg, `Leg` itself."""

    def __init__(self, board: "Switchboard", story: "Story[Leg]", leg_id: str) -> None:
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
        self._digits = (False, False, False)
        """Tones are to be told, kept out of recordings, kept from others."""
        """The last one that was begun."""
        self.sip: Session | None = None
        self.media: MediaSession | None = None
        self._we_offered = False
        """Our offer is out, and its answer comes in an ACK or PRACK."""
        self._held = False
        self._ahead_s = 0.0
        self._wanted_direction: Direction = "sendrecv"
        self._news: Headers = {}
        """What the next re-INVITE says beside its offer."""
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

    def play(self, source: str | Sequence[str], loop: bool = False, *, volume: float = 1.0) -> int:
        media = self._media()
        try:
            what = read_sources(source, self.board.config.music)
        except ValueError as error:
            self.board.note(self._self, "nothing to play", error)
            return media.fail_play()
        if not isinstance(what, Played):
            tone, length_ms = what
            return media.tone(tone, duration_ms=length_ms)
        return media.play(what.parts, loop, shared=what.shared, volume=volume * what.volume)

    def pause_play(self, paused: bool = True) -> None:
        self._media().pause_play(paused)

    def seek_play(self, seconds: float, *, relative: bool = False) -> None:
        self._media().seek_play(seconds, relative)

    def stop(self) -> None:
        self._media().stop()

    def echo(self, on: bool = True) -> None:
        self._media().echo(on)

    def detect_speech(self, on: bool = True) -> None:
        if not on:
            self._media().unlisten()
            return
        voice = Voice(lambda speaking: self._tell(Speaking(speaking)))
        self._media().listen(voice.feed)

    def detect_digits(self, on: bool = True, *, mute: bool = False, keep: bool = False) -> None:
        self._digits = (on, mute, keep)
        self._arrange_digits()

    def _arrange_digits(self) -> None:
        on, mute, keep = self._digits
        self._media().detect_digits(on, mute or self.board.config.recording.mute_digits, keep)

    def record(self, path: str = "", *, stereo: bool = True, label: str = "") -> Recording:
        if self.board.config.recording.mute_digits and self.media is not None:
            self._arrange_digits()
        self.recording = self.board.recordings.of_leg(self._self, path, stereo, label, self._ahead_s)
        return self.recording

    def record_ahead(self, seconds: float, *, stereo: bool = True) -> None:
        self._ahead_s = max(0.0, min(seconds, MAX_BEFORE_S))
        if self.board.config.recording.mute_digits:
            self._arrange_digits()
        self._media().record_ahead(self._ahead_s, stereo)

    def inform(self, headers: Headers) -> None:
        """Tell the party something while it talks: by UPDATE, or a re-INVITE where it takes none."""
        session = self.sip
        if session is None or session.ended:
            return
        if session.takes_update:
            session_timer.update(session, headers)
        else:
            self._news = headers
            self._reoffer()

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

    def tell(self, fact: Fact) -> None:
        """Hand a fact of the media plane to the listener."""
        self._tell(fact)

    # ---- within

    @property
    def _self(self) -> "Leg":
        return cast("Leg", self)

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
        news, self._news = self._news, {}
        session.reinvite(self._media().offer(direction=self._wanted_direction), news)

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
