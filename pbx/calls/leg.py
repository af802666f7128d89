# SPDX-License-Identifier: Apache-2.0
"""A leg: one SIP session joined to one media session.

The SIP side tells it what the peer wants, the media side what is agreed and heard; the leg turns both into facts for
its listener and records for its story, and is the place where offers and answers meet the messages that carry them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from switchroom.media.bridge import Bridge
from switchroom.media.errors import MediaError, NotAcceptable
from switchroom.media.events import Recorded
from switchroom.media.sdp import Direction
from switchroom.media.session import Session as MediaSession
from switchroom.media.srtp import SrtpMode
from switchroom.pbx.calls.doctor import media_figures
from switchroom.pbx.calls.keypad import Keypad
from switchroom.pbx.calls.recording import Recording
from switchroom.pbx.calls.terms import FALLBACKS, REFUSALS, Terms
from switchroom.pbx.control import (
    Answered,
    CallError,
    Ended,
    Fact,
    Held,
    LegState,
    Listener,
    MediaHeard,
    MediaSilent,
    Party,
    Resumed,
    Ringing,
)
from switchroom.pbx.events import (
    CallResult,
    EndedBy,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    LegStarted,
)
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.errors import ParseError, StateError
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.session import SDP, Session
from switchroom.pbx.sip.transaction import Transaction

if TYPE_CHECKING:
    from switchroom.pbx.calls.room import Room
    from switchroom.pbx.calls.switchboard import Switchboard
    from switchroom.pbx.story import Story

MAX_GLARE_RETRIES = 4


class Leg:
    """One party of a call. It is the user of its SIP session and the owner of its media session."""

    def __init__(self, board: "Switchboard", story: "Story[Leg]", leg_id: str, party: Party) -> None:
        self.board = board
        self.story = story
        self.id = leg_id
        self.party = party
        self.listener: Listener | None = None
        self.state: LegState = "calling"
        self.partner: Leg | None = None
        """The leg it is bridged to; `partner` and `bridge` are the switchboard's to change."""
        self.bridge: Bridge | None = None
        self.room: Room | None = None
        self.recording: Recording | None = None
        """The last one that was begun."""
        self.was_answered = False
        self.status = 0
        """How it ended, as a SIP status; 200 for one that was answered."""
        self.reason = ""
        self.ended_by: EndedBy = "exchange"
        self.sip: Session | None = None
        self.media: MediaSession | None = None
        self.terms = Terms()
        self.keypad = Keypad(self)
        self._invite: Callable[[Headers], ClientSession] | None = None
        self._fallbacks: list[SrtpMode] = []
        self._we_offered = False
        """Our offer is out, and its answer comes in an ACK."""
        self._held = False
        self._wanted_direction: Direction = "sendrecv"
        self._glare_retries = 0
        self._clocks: list[asyncio.TimerHandle] = []
        self._silence: asyncio.TimerHandle | None = None
        story.legs.append(self)

    @property
    def call_id(self) -> str:
        return self.story.id

    # ---- coming into being

    def begin_incoming(self, session: ServerSession) -> None:
        self.sip = session
        self.state = "offered"
        self.story.write(
            LegStarted(
                call=self.story.id, leg=self.id, direction="in", party=self.party.number, sip_call_id=session.call_id
            )
        )

    def begin_outgoing(self, invite: Callable[[Headers], ClientSession]) -> None:
        """Call: `invite` makes the session, given some headers more; again where the first offer is refused."""
        self.sip = session = invite({})
        self._invite = invite
        self._fallbacks = list(FALLBACKS) if self.terms.srtp == "optional" else []
        self.story.write(
            LegStarted(
                call=self.story.id, leg=self.id, direction="out", party=self.party.number, sip_call_id=session.call_id
            )
        )
        session.start()

    def take_media(self, media: MediaSession) -> None:
        """Own a media session, and give it the caller's offer. Raises MediaError where the offer cannot be served."""
        media.owner = self
        media.srtp = self.terms.srtp
        media.dtmf = self.terms.dtmf
        self.media = media
        if isinstance(self.sip, ServerSession) and self.sip.request.body:
            media.receive_offer(self.sip.request.body)

    # ---- verbs (pbx/control.py)

    def ring(self, early_media: bool = False) -> None:
        if self.state not in ("offered", "ringing") or not isinstance(self.sip, ServerSession):
            return
        body = b""
        if early_media and self.sip.request.body and self.media is not None:
            body = self.media.answer(prefer=self._partner_codec())
        self.sip.ring(183 if body else 180, body)
        if self.state == "offered":
            self.state = "ringing"
            self.story.write(LegRinging(call=self.story.id, leg=self.id, early_media=bool(body)))

    def answer(self) -> None:
        if self.state not in ("offered", "ringing") or not isinstance(self.sip, ServerSession) or self.media is None:
            return
        try:
            if self.sip.request.body:
                body = self.media.answer(prefer=self._partner_codec())
            else:
                body = self.media.offer()
                self._we_offered = True
        except MediaError as error:
            self._refuse_media(error)
            return
        self.sip.answer(body)
        self._set_answered()

    def hangup(
        self, status: int = 480, reason: str = "", by: EndedBy = "exchange", result: CallResult | None = None
    ) -> None:
        if self.state == "ended":
            return
        if result is not None:
            self.story.result = result
        session = self.sip
        if session is not None and not session.ended:
            if isinstance(session, ServerSession) and not session.confirmed:
                session.reject(max(status, 400), reason or None)
            else:
                session.bye({"reason": [f'SIP;cause={status};text="{_quotable(reason)}"']} if reason else None)
        self._finish(200 if self.was_answered else status, reason, by)

    def redirect(self, uris: Sequence[str]) -> None:
        if self.state in ("offered", "ringing") and isinstance(self.sip, ServerSession):
            self.sip.reject(302, headers={"contact": [f"<{uri}>" for uri in uris]})
            self._finish(302, "Moved Temporarily", "exchange")

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
            return media.tone(float(what) if what.replace(".", "", 1).isdigit() else what)
        return media.play(source, loop)

    def stop(self) -> None:
        self._media().stop()

    def echo(self, on: bool = True) -> None:
        self._media().echo(on)

    def send_digits(self, digits: str) -> None:
        self.keypad.send(digits)

    def record(self, path: str, *, stereo: bool = True) -> Recording:
        try:
            self.recording = Recording(self._media().record(path, stereo))
        except MediaError as error:
            raise CallError(500, str(error)) from error
        return self.recording

    def transferred(self, status: int) -> None:
        raise StateError("no transfer was asked for")

    # ---- what the SIP session tells (pbx/sip/session.py)

    def on_progress(self, session: Session, response: Response) -> None:
        early = False
        if response.body and response.content_type == SDP and self.media is not None:
            try:
                self.media.receive_answer(response.body)
                early = True
            except MediaError as error:
                self.board.note(self, "early media that we cannot use", error)
        if self.state == "calling":
            self.state = "ringing"
            self.story.write(LegRinging(call=self.story.id, leg=self.id, early_media=early))
            self._tell(Ringing(early))
        elif early:
            self._tell(Ringing(early))

    def on_answer(self, session: Session, response: Response) -> None:
        assert isinstance(session, ClientSession)
        try:
            self._media().receive_answer(response.body)
        except MediaError as error:
            session.acknowledge()
            session.bye({"reason": [f'SIP;cause=488;text="{_quotable(str(error))}"']})
            self._finish(488, str(error), "exchange")
            return
        session.acknowledge()
        self._media().srtp = self.terms.srtp
        self._media().confirm()
        self._set_answered()

    def on_failure(self, session: Session, status: int, reason: str, response: Response | None) -> None:
        if response is not None and status in REFUSALS and self._offer_otherwise(session):
            return
        redirect: tuple[str, ...] = ()
        if response is not None and 300 <= status < 400:
            try:
                redirect = tuple(contact.uri for contact in response.contacts())
            except ParseError:
                redirect = ()
        by = self.story.role(self) if response is not None else "exchange"
        self._finish(status, reason, by, redirect)

    def on_cancel(self, session: Session, reason: str) -> None:
        self._finish(487, reason or "cancelled", self.story.role(self))

    def on_offer(self, session: Session, request: Request) -> None:
        media = self._media()
        try:
            if request.body:
                media.receive_offer(request.body)
                body = media.answer(prefer=self._partner_codec())
            else:
                body = media.offer(direction=self._wanted_direction)
                self._we_offered = True
        except MediaError as error:
            media.rollback()
            session.refuse(488 if isinstance(error, NotAcceptable) else 400)
            return
        session.accept(body)
        self._note_hold()

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

    def on_request(self, session: Session, request: Request, transaction: Transaction) -> None:
        self.board.on_dialog_request(self, session, request, transaction)

    def on_ended(self, session: Session, status: int, reason: str) -> None:
        by = self.story.role(self)
        self._finish(200 if self.was_answered and status == 200 else status, reason, by)

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

    def _offer_otherwise(self, session: Session) -> bool:
        """Invite again after a refusal, with more or less security (RFC 3261 section 8.1.3.5). False: none is left."""
        if self.state == "ended" or not self._fallbacks or self._invite is None or self.media is None:
            return False
        self.media.rollback()
        self.media.srtp = self._fallbacks.pop(0)
        number = session.request.cseq.number + 1 if isinstance(session, ClientSession) else 2
        self.sip = again = self._invite({"call-id": [session.call_id], "cseq": [f"{number} INVITE"]})
        again.start()
        return True

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

    def _set_answered(self) -> None:
        self.state = "answered"
        self.was_answered = True
        media = self._media()
        self.story.write(LegAnswered(call=self.story.id, leg=self.id, codec=media.codec or "", srtp=media.srtp_suite))
        if self.board.max_session_s:
            self._later(self.board.max_session_s, self._session_over)
        self._tell(Answered())

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

    def _session_over(self) -> None:
        self.hangup(200, "session limit")

    def _stop_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        self._clocks = [clock for clock in self._clocks if not clock.cancelled()]
        self._clocks.append(asyncio.get_running_loop().call_later(delay_s, action))

    def _tell(self, fact: Fact) -> None:
        if self.listener is not None:
            self.listener(self, fact)

    def _finish(self, status: int, reason: str, by: EndedBy, redirect: tuple[str, ...] = ()) -> None:
        """The leg is over, whoever ended it: let go of everything, write it down, tell."""
        if self.state == "ended":
            return
        self.state = "ended"
        self.status, self.reason, self.ended_by = status, reason, by
        self._stop_silence()
        for clock in self._clocks:
            clock.cancel()
        self._clocks.clear()
        self.board.taps.leg_over(self)
        self.board.part(self)
        figures: dict[str, float] = {}
        if self.media is not None:
            self.media.close()
            figures = media_figures(self.media.stats())
            self.media = None
        self.story.write(
            LegEnded(call=self.story.id, leg=self.id, status=status, reason=reason, ended_by=by, media=figures)
        )
        self._tell(Ended(status, reason, by, redirect))
        self.story.leg_ended()
        # No circles are left behind: what a call leaves is then freed at once, and the garbage collector need not look.
        if self.sip is not None:
            self.sip.let_go()
        if self.recording is None:  # whose end is told later
            self.listener = None


def _quotable(text: str) -> str:
    return text.replace('"', "'").replace("\\", "/")[:100]
