# SPDX-License-Identifier: Apache-2.0
"""A leg: one SIP session joined to one media session.

The SIP side tells it what the peer wants, the media side what is agreed and heard; the leg turns both into facts for
its listener and records for its story, and is the place where offers and answers meet the messages that carry them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from switchroom.media.errors import MediaError, OfferPending
from switchroom.media.session import Session as MediaSession
from switchroom.pbx.calls import keypad
from switchroom.pbx.calls.attempts import Attempts
from switchroom.pbx.calls.digits import Keys
from switchroom.pbx.calls.doctor import media_figures
from switchroom.pbx.calls.leg_audio import LegAudio
from switchroom.pbx.calls.replaces import remember
from switchroom.pbx.calls.terms import Terms
from switchroom.pbx.calls.transfers import Transfer, on_refer
from switchroom.pbx.control import (
    Answered,
    Ended,
    Party,
    Ringing,
)
from switchroom.pbx.events import (
    CallResult,
    EndedBy,
    LegAnswered,
    LegEnded,
    LegRinging,
    LegStarted,
)
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.errors import ParseError, StateError
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.session import SDP, Session
from switchroom.pbx.sip.transaction import Transaction
from switchroom.pbx.trunks import causes

if TYPE_CHECKING:
    from switchroom.pbx.calls.switchboard import Switchboard
    from switchroom.pbx.story import Story


TRANSFERRED_S = 2.0


class Leg(LegAudio):
    """One party of a call. It is the user of its SIP session and the owner of its media session."""

    def __init__(self, board: "Switchboard", story: "Story[Leg]", leg_id: str, party: Party, user: str = "") -> None:
        super().__init__(board, story, leg_id)
        self.party = party
        self.user = user
        self.was_answered = False
        self.status = 0
        """How it ended, as a SIP status; 200 for one that was answered."""
        self.reason = ""
        self.ended_by: EndedBy = "exchange"
        self.terms = Terms()
        self.keys = Keys()
        self.transfer: Transfer | None = None
        """The last one that the party asked for."""
        self.private = False
        """The caller wants its number kept from who is called (RFC 3323)."""
        self.trunk = ""
        """The trunk that it goes by, or came by."""
        self.cause = 0
        """The Q.850 cause that its peer named; 0: none."""
        self.connected_to = ""
        """The number that the party believes to talk to."""
        self.answered_s = 0.0
        """When it was answered, by the clock of the event loop."""
        self._when_over: list[Callable[[Leg], None]] = []
        self._attempts: Attempts | None = None
        story.legs.append(self)
        board.lines.add(user, self)

    @property
    def called(self) -> bool:
        return not isinstance(self.sip, ServerSession)

    @property
    def context(self) -> str:
        return self.terms.context

    @property
    def call_id(self) -> str:
        return self.story.id

    # ---- coming into being

    def begin_incoming(self, session: ServerSession) -> None:
        self.sip = session
        self.connected_to = self.story.dialled
        self.state = "offered"
        self.story.write(
            LegStarted(
                call=self.story.id, leg=self.id, direction="in", party=self.party.number, sip_call_id=session.call_id
            )
        )

    def begin_outgoing(self, attempts: Attempts, call_id: str) -> None:
        """Call, as often as it takes; all INVITEs have one Call-ID."""
        self._attempts = attempts
        self.story.write(
            LegStarted(call=self.story.id, leg=self.id, direction="out", party=self.party.number, sip_call_id=call_id)
        )
        attempts.begin(self)

    def invited(self, session: ClientSession) -> None:
        """Another INVITE, in place of that before: send it."""
        if self.sip is not None:
            self.sip.let_go()
        self.sip = session
        session.start()

    def came_to_nothing(self, status: int, reason: str, by: EndedBy, cause: int) -> None:
        """No attempt is left."""
        self._hear_cause(cause, status)
        self._finish(status, reason, by)

    def end_after(self, seconds: float, reason: str) -> None:
        """The answered leg may last so long."""
        self._later(seconds, lambda: self.hangup(200, reason))

    def when_over(self, work: "Callable[[Leg], None]") -> None:
        """Have something done when the leg is over."""
        self._when_over.append(work)

    def take_media(self, media: MediaSession) -> None:
        """Own a media session, and give it the caller's offer. Raises MediaError where the offer cannot be served."""
        media.owner = self
        media.tag(f"{self.story.id} {self.id}")
        media.srtp = self.terms.srtp
        media.dtmf = self.terms.dtmf
        media.comfort_noise = self.terms.comfort_noise
        self.media = media
        if isinstance(self.sip, ServerSession):
            media.face(self.sip.flow.remote[0])
            if self.sip.request.body:
                media.receive_offer(self.sip.request.body)

    # ---- verbs (pbx/control.py)

    def ring(self, early_media: bool = False) -> None:
        if self.state not in ("offered", "ringing") or not isinstance(self.sip, ServerSession):
            return
        body = b""
        if early_media and self.media is not None:
            if self.sip.request.body:
                body = self.media.answer(prefer=self._partner_codec())
            elif self.sip.can_offer_early and self.media.agreed is None and not self._we_offered:
                body = self.media.offer()  # the PRACK brings the answer (RFC 3262 section 5)
                self._we_offered = True
        self.sip.ring(183 if body else 180, body)
        if self.state == "offered":
            self.state = "ringing"
            self.story.write(LegRinging(call=self.story.id, leg=self.id, early_media=bool(body)))
            self.board.line_changed(self)

    def answer(self) -> None:
        if self.state not in ("offered", "ringing") or not isinstance(self.sip, ServerSession) or self.media is None:
            return
        try:
            if self.sip.request.body:
                body = self.media.answer(prefer=self._partner_codec())
            elif self._we_offered or self.media.agreed is not None:
                body = b""  # agreed in a reliable provisional response and its PRACK
            else:
                body = self.media.offer()
                self._we_offered = True
        except MediaError as error:
            self._refuse_media(error)
            return
        self.sip.answer(body, self.board.connected.answer(self))
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
                session.reject(max(status, 400), reason or None, self._tell_why(max(status, 400)))
            else:
                session.bye(self._tell_why(status, f'SIP;cause={status};text="{_quotable(reason)}"' if reason else ""))
        self._finish(200 if self.was_answered else status, reason, by)

    def redirect(self, uris: Sequence[str]) -> None:
        if self.state in ("offered", "ringing") and isinstance(self.sip, ServerSession):
            self.sip.reject(302, headers={"contact": [f"<{uri}>" for uri in uris]})
            self._finish(302, "Moved Temporarily", "exchange")

    def send_digits(self, digits: str) -> None:
        keypad.send(self, digits)

    def transferred(self, status: int) -> None:
        if self.transfer is None:
            raise StateError("no transfer was asked for")
        self.transfer.told(status)
        if status == 200:
            # A phone that asked by REFER says BYE by itself (RFC 5589 section 6.1), and we do where it does not.
            self._later(TRANSFERRED_S if self.transfer.session is not None else 0.0, self._let_go)

    def _let_go(self) -> None:
        self.hangup(200, "transferred")

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
            self.board.line_changed(self)
            self._tell(Ringing(early))
        elif early:
            self._tell(Ringing(early))

    def on_answer(self, session: Session, response: Response) -> None:
        assert isinstance(session, ClientSession)
        media = self._media()
        try:
            if response.body or media.agreed is None:  # without a body: agreed in a reliable provisional response
                media.receive_answer(response.body)
        except OfferPending as error:
            self.board.note(self, "an answer that comes after an UPDATE", error)
        except MediaError as error:
            session.acknowledge()
            session.bye({"reason": [f'SIP;cause=488;text="{_quotable(str(error))}"']})
            self._finish(488, str(error), "exchange")
            return
        session.acknowledge()
        media.srtp = self.terms.srtp
        media.confirm()
        self._set_answered()

    def on_failure(self, session: Session, status: int, reason: str, response: Response | None) -> None:
        if session is not self.sip or self.state == "ended":
            return
        if response is not None:
            cause = causes.read_reason(response.headers.get("reason", ()))
            self._hear_cause(cause or 0, status)
        if self._attempts is not None and isinstance(session, ClientSession):
            if self._attempts.goes_on(self, session, status, reason, response):
                return
            if self.terms.causes and self.cause and response is not None:
                status = causes.told_status(status, self.cause)
        redirect: tuple[str, ...] = ()
        if response is not None and 300 <= status < 400:
            try:
                redirect = tuple(contact.uri for contact in response.contacts())
            except ParseError:
                redirect = ()
        by = self.story.role(self) if response is not None else "exchange"
        self._finish(status, reason, by, redirect)

    def on_cancel(self, session: Session, reason: str) -> None:
        self._hear_cause(causes.read_reason([reason]) or 0, 487)
        self._finish(487, reason or "cancelled", self.story.role(self))

    def on_request(self, session: Session, request: Request, transaction: Transaction) -> None:
        if request.method == "REFER":
            on_refer(self, session, request, transaction)
            return
        self.board.on_dialog_request(self, session, request, transaction)

    def on_ended(self, session: Session, status: int, reason: str) -> None:
        by = self.story.role(self)
        self._hear_cause(causes.read_reason([reason]) or 0, status)
        self._finish(200 if self.was_answered and status == 200 else status, reason, by)

    # ---- within

    def _hear_cause(self, cause: int, status: int) -> None:
        if cause:
            self.cause = cause
            self.story.cause = cause, status

    def _tell_why(self, status: int, *reasons: str) -> Headers | None:
        """The Reason header; a trunk is told a Q.850 cause beside (RFC 3326), of the other party where it named one."""
        values = [reason for reason in reasons if reason]
        if self.terms.causes:
            cause, of_status = self.story.cause
            refused = isinstance(self.sip, ServerSession) and not self.was_answered
            if refused and of_status != status:
                cause = 0
            values.append(causes.reason(cause or (causes.cause_of(status) if refused else causes.NORMAL_CLEARING)))
        return {"reason": values} if values else None

    def _set_answered(self) -> None:
        self.state = "answered"
        self.was_answered = True
        self.answered_s = asyncio.get_running_loop().time()
        if self._attempts is not None:
            self._attempts.answered(self)
        media = self._media()
        self.story.write(LegAnswered(call=self.story.id, leg=self.id, codec=media.codec or "", srtp=media.srtp_suite))
        self.board.line_changed(self)
        if self.board.max_session_s:
            self._later(self.board.max_session_s, self._session_over)
        self._tell(Answered())

    def _session_over(self) -> None:
        self.hangup(200, "session limit")

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
        self._attempts = None
        self.board.taps.leg_over(self)
        self.board.part(self)
        self.board.lines.remove(self.user, self)
        remember(self.board, self)
        figures: dict[str, float] = {}
        if self.media is not None:
            self.media.close()
            figures = media_figures(self.media.stats())
            self.media = None
        self.story.write(
            LegEnded(
                call=self.story.id,
                leg=self.id,
                status=status,
                reason=reason,
                ended_by=by,
                media=figures,
                trunk=self.trunk,
                cause=self.cause,
            )
        )
        self.board.line_changed(self)
        works, self._when_over = self._when_over, []
        for work in works:
            work(self)
        self._tell(Ended(status, reason, by, redirect))
        self.story.leg_ended()
        # No circles are left behind: what a call leaves is then freed at once, and the garbage collector need not look.
        if self.sip is not None:
            self.sip.let_go()
        if self.recording is None:  # whose end is told later
            self.listener = None


def _quotable(text: str) -> str:
    return text.replace('"', "'").replace("\\", "/")[:100]
