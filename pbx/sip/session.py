# SPDX-License-Identifier: Apache-2.0
"""One INVITE session after its set-up: re-INVITE, INFO, BYE and the ACK of a 2xx, either way (RFC 3261 sections 13-15).

How a session begins is in server_session.py and client_session.py. Bodies are bytes that the user of the session makes
and reads; the session knows offers and answers only by the message that carries them.
"""

from typing import TYPE_CHECKING, Protocol

from switchroom.pbx.sip import challenge, session_timer
from switchroom.pbx.sip.dialog import Dialog
from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.final_answer import Answer
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.transaction import NOBODY, Transaction

if TYPE_CHECKING:
    from switchroom.pbx.sip.user_agent import UserAgent

SDP = "application/sdp"


class SessionUser(Protocol):
    """Who owns a session and is told what the peer does; in the exchange, a Leg."""

    def on_progress(self, session: "Session", response: Response) -> None:
        """A provisional response other than 100 to our INVITE."""

    def on_answer(self, session: "Session", response: Response) -> None:
        """Our INVITE was answered; the user calls `acknowledge`, with an answer if the response held an offer."""

    def on_failure(self, session: "Session", status: int, reason: str, response: Response | None) -> None:
        """Our INVITE came to nothing; `response` is None where the status is our own (408, 487, 503)."""

    def on_cancel(self, session: "Session", reason: str) -> None:
        """The caller gave up before an answer; the INVITE is answered already."""

    def on_offer(self, session: "Session", request: Request) -> None:
        """A re-INVITE, without a body where the peer asks for our offer; or an UPDATE or PRACK with an offer. The user
        calls `accept` or `refuse`, of an UPDATE or PRACK at once."""

    def on_early_answer(self, session: "Session", body: bytes) -> None:
        """The PRACK of our reliable provisional response, which held an offer: its answer."""

    def on_refresh(self, session: "Session") -> None:
        """A re-INVITE is due that changes nothing (RFC 4028); the user calls `reinvite`, at once."""

    def on_ack(self, session: "Session", body: bytes) -> None:
        """The peer acknowledged our 2xx; the body is its answer where ours was an offer."""

    def on_accepted(self, session: "Session", response: Response) -> None:
        """Our re-INVITE was accepted and is acknowledged."""

    def on_refused(self, session: "Session", status: int) -> None:
        """Our re-INVITE was refused; the session goes on as it was."""

    def on_request(self, session: "Session", request: Request, transaction: Transaction) -> None:
        """Another request within the dialog (INFO, MESSAGE); the user answers the transaction."""

    def on_ended(self, session: "Session", status: int, reason: str) -> None:
        """The peer ended the session (200, with its Reason header), or it broke (408, 481, 503)."""


class _NoUser:
    """The user of a session whose own has let go of it."""

    def on_progress(self, session: "Session", response: Response) -> None: ...
    def on_answer(self, session: "Session", response: Response) -> None: ...
    def on_failure(self, session: "Session", status: int, reason: str, response: Response | None) -> None: ...
    def on_cancel(self, session: "Session", reason: str) -> None: ...
    def on_offer(self, session: "Session", request: Request) -> None: ...
    def on_early_answer(self, session: "Session", body: bytes) -> None: ...
    def on_refresh(self, session: "Session") -> None: ...
    def on_ack(self, session: "Session", body: bytes) -> None: ...
    def on_accepted(self, session: "Session", response: Response) -> None: ...
    def on_refused(self, session: "Session", status: int) -> None: ...
    def on_request(self, session: "Session", request: Request, transaction: Transaction) -> None: ...
    def on_ended(self, session: "Session", status: int, reason: str) -> None: ...


_NO_USER = _NoUser()


class Session:
    """What both roles share. `dialog` is None until a response makes one."""

    confirmed = False
    ended = False
    digest: challenge.Digest | None = None
    flow: Flow

    def __init__(self, agent: "UserAgent", user: SessionUser | None, local_tag: str, call_id: str) -> None:
        self.agent = agent
        self._user = user
        self.local_tag = local_tag
        self.call_id = call_id
        self.dialog: Dialog | None = None
        self.contact_user = ""
        self.sips = False
        """The INVITE was for a SIPS URI, so our Contact is one too (section 12.1.1)."""
        self._incoming: Transaction | None = None
        """The server transaction of an INVITE that we have not answered finally."""
        self._outgoing: Transaction | None = None
        """The client transaction of an INVITE of ours that has no final response."""
        self._unacknowledged: Answer | None = None
        self._ack = b""
        self._asked: Transaction | None = None
        """The server transaction of an UPDATE or PRACK with an offer."""
        self._allowed: list[str] | None = None
        """The peer's Allow."""
        self.timer: session_timer.SessionTimer | None = None
        self.timer_rules = agent.timer_rules

    @property
    def user(self) -> SessionUser:
        assert self._user is not None, "a session needs its user before anything happens"
        return self._user

    def let_go(self) -> None:
        """The user wants to hear no more. Transactions keep a session for half a minute after its end, but not more."""
        self._user = _NO_USER

    @property
    def pending(self) -> bool:
        """Whether an INVITE is under way in either direction, so that a new one has to wait (section 14.1)."""
        return self._incoming is not None or self._outgoing is not None or self._unacknowledged is not None

    @property
    def takes_update(self) -> bool:
        """Whether the peer says that it takes UPDATE (RFC 3311)."""
        return self._allowed is not None and "UPDATE" in ",".join(self._allowed).upper()

    # ---- verbs

    def reinvite(self, body: bytes, headers: Headers | None = None) -> None:
        """Send a re-INVITE with an offer. Raises StateError before the answer, after the end, or while `pending`."""
        if not self.confirmed or self.ended or self.pending:
            raise StateError("no re-INVITE possible now")
        request = self._need_dialog().request("INVITE", self.contact)
        request.headers["allow"] = [self.agent.allow]
        if self.agent.supported:
            request.headers["supported"] = [self.agent.supported]
        if self.timer is not None:
            request.headers.update(self.timer.request_headers())
        request.headers.update(headers or {})
        _put_body(request.headers, body)
        request.body = body
        self._outgoing = self.agent.send_in_dialog(self, request)

    def refresh(self) -> None:
        """Let the peer know that the session goes on (RFC 4028 section 7.4)."""
        assert self.timer is not None
        if self.ended or not self.confirmed:
            return
        if self.takes_update:
            session_timer.update(self, {})
        elif self.pending:
            self.timer.retry()
        else:
            self.user.on_refresh(self)

    def expire(self) -> None:
        """Nobody refreshed the session in time (RFC 4028 section 10)."""
        if not self.ended:
            self._break(408, "session timer expired")

    def accept(self, body: bytes) -> None:
        """Answer the re-INVITE, or the offer of an UPDATE or PRACK, with 200."""
        if self._asked is not None:
            transaction, self._asked = self._asked, None
            headers = {"contact": [self.contact], "content-type": [SDP]}
            if transaction.request.method == "UPDATE" and self.confirmed:
                headers |= session_timer.answer(self, transaction.request, self.timer_rules)
            self._reply(transaction, 200, headers, body)
            return
        transaction = self._take_incoming()
        response = transaction.request.response(200, to_tag=self.local_tag)
        self._respond_2xx(transaction, response, body)

    def refuse(self, status: int, headers: Headers | None = None) -> None:
        """Answer the re-INVITE or UPDATE with a failure; the session goes on as it was."""
        transaction, self._asked = self._asked, None
        self._reply(transaction or self._take_incoming(), status, headers)

    def bye(self, headers: Headers | None = None) -> None:
        """End the session. Idempotent."""
        if self.ended:
            return
        if self._incoming is not None:
            self._reply(self._incoming, 487)
        request = self._need_dialog().request("BYE", self.contact)
        if headers:
            request.headers.update(headers)
        self.agent.send_in_dialog(self, request)
        self._end()

    def send_request(self, method: str, headers: Headers, body: bytes = b"") -> None:
        """Send another request within the dialog, such as INFO; its failure ends nothing but for 408 and 481."""
        if self.dialog is None or self.ended:
            raise StateError(f"no {method} possible now")
        request = self.dialog.request(method, self.contact)
        request.headers.update(headers)
        request.body = body
        self.agent.send_in_dialog(self, request)

    def send_apart(self, method: str, headers: Headers, body: bytes = b"") -> None:
        """Send a request whose outcome does not touch the session, even after its end (a NOTIFY, RFC 5057)."""
        dialog = self.dialog
        if dialog is None:
            return
        request = dialog.request(method, self.contact)
        request.headers.update(headers)
        request.body = body
        self.agent.transactions.request(request, self.agent.route(dialog), NOBODY)

    def knows(self, tag: str) -> bool:
        """Whether `tag` is the peer's, in this dialog."""
        return self.dialog is not None and self.dialog.remote_tag == tag

    def reply(self, transaction: Transaction, status: int, headers: Headers | None = None) -> None:
        """Answer a request that came with `on_request`."""
        self._reply(transaction, status, headers)

    @property
    def contact(self) -> str:
        """Our Contact on this session's flow."""
        assert self.dialog is not None
        sips = self.sips or self.dialog.target.startswith("sips:")
        return self.agent.contact(self.dialog.flow, self.contact_user, sips)

    # ---- from the network

    def receive(self, request: Request, flow: Flow) -> None:
        """A request within the dialog that is no retransmission."""
        dialog = self._need_dialog()
        if request.method == "ACK":
            self._on_ack(request)
            return
        transaction = self.agent.open_server(request, flow, self)
        if not dialog.in_order(request) and request.method != "BYE":  # whose sender is gone, however it counts
            self._reply(transaction, 500, {"retry-after": ["1"]})
            return
        dialog.flow = flow
        if request.method == "INVITE":
            self._on_invite(request, transaction)
        elif request.method == "BYE":
            self._on_bye(request, transaction)
        elif request.method == "OPTIONS":
            self.agent.answer_options(transaction)
        elif request.method == "UPDATE":
            self._on_update(request, transaction)
        elif request.method == "PRACK":
            self._on_prack(request, transaction)
        else:
            self.user.on_request(self, request, transaction)

    def on_response(self, transaction: Transaction, response: Response) -> None:
        """A response to a request within the dialog."""
        status, method = response.status, transaction.method
        if challenge.answered(self, transaction, response):
            return
        if method == "INVITE":
            self._on_reinvite_response(transaction, response)
        elif method == "PRACK":  # the INVITE's own transaction says what becomes of it
            return
        elif status in (408, 481) and not self.ended and method != "BYE":  # section 12.2.1.2
            self._break(status, response.reason)
        elif method == "UPDATE" and status >= 200 and not self.ended:
            self._on_update_response(transaction, response)

    def on_failure(self, transaction: Transaction, status: int) -> None:
        """A transaction got no answer, or no transport."""
        if self.ended or transaction.method == "PRACK":
            return
        if transaction is self._outgoing:
            self._outgoing = None
        self._break(status, "no answer" if status == 408 else "transport failed")

    def on_ack(self, transaction: Transaction, ack: Request) -> None:
        """An ACK of a 2xx with the branch of its INVITE, as RFC 2543 peers send."""
        self._on_ack(ack)

    # ---- within

    def _on_invite(self, request: Request, transaction: Transaction) -> None:
        if self._incoming is not None:  # section 14.2: a second INVITE before the first is answered
            self._reply(transaction, 500, {"retry-after": [str(self.agent.ids.below(10))]})
        elif self._outgoing is not None or self._unacknowledged is not None:
            self._reply(transaction, 491)
        elif (problem := self.agent.body_problem(request)) is not None:
            self._reply(transaction, *problem)
        elif (brief := session_timer.too_brief(request, self.timer_rules)) is not None:
            self._reply(transaction, 422, brief)
        else:
            self._need_dialog().refresh_target(request)
            self._allowed = request.headers.get("allow", self._allowed)
            self._incoming = transaction
            self.user.on_offer(self, request)

    def _on_update(self, request: Request, transaction: Transaction) -> None:
        """A new target, session timer or offer, before the answer or after it (RFC 3311 section 5.2)."""
        if self._asked is not None:
            self._reply(transaction, 500, {"retry-after": [str(self.agent.ids.below(10))]})
        elif request.body and self.confirmed and self._outgoing is not None:
            self._reply(transaction, 491)
        elif request.body and self.confirmed and (self._incoming is not None or self._unacknowledged is not None):
            self._reply(transaction, 500, {"retry-after": [str(self.agent.ids.below(10))]})
        elif (problem := self.agent.body_problem(request)) is not None:
            self._reply(transaction, *problem)
        elif (brief := session_timer.too_brief(request, self.timer_rules)) is not None:
            self._reply(transaction, 422, brief)
        else:
            self._need_dialog().refresh_target(request)
            if request.body:
                self._ask(request, transaction)
            else:
                headers = {"contact": [self.contact]}
                if self.confirmed:
                    headers |= session_timer.answer(self, request, self.timer_rules)
                self._reply(transaction, 200, headers)

    def _on_prack(self, request: Request, transaction: Transaction) -> None:
        self._reply(transaction, 481)  # only who serves an INVITE sent something to acknowledge

    def _ask(self, request: Request, transaction: Transaction) -> None:
        """Hand the offer of an UPDATE or PRACK to the user, who answers at once."""
        self._asked = transaction
        self.user.on_offer(self, request)
        if self._asked is not None:
            self.refuse(500)

    def _on_update_response(self, transaction: Transaction, response: Response) -> None:
        if response.status < 300:
            if self.dialog is not None:
                self.dialog.refresh_target(response)
            if "session-expires" in transaction.request.headers:
                session_timer.answered(self, transaction.request, response)
        elif self.timer is not None and "session-expires" in transaction.request.headers:
            if response.status in (405, 501):  # it says so in Allow, and yet does not know it
                self._allowed = None
            self.timer.refused(response)

    def _on_bye(self, request: Request, transaction: Transaction) -> None:
        self._reply(transaction, 200)
        if self._incoming is not None:
            self._reply(self._take_incoming(), 487)
        if not self.ended:
            self._end()
            self.user.on_ended(self, 200, request.get("reason") or "")

    def _on_ack(self, request: Request) -> None:
        answer = self._unacknowledged
        if answer is None or request.cseq.number != answer.number:
            return
        answer.stop()
        self._unacknowledged = None
        self.user.on_ack(self, request.body)

    def _on_reinvite_response(self, transaction: Transaction, response: Response) -> None:
        status = response.status
        if status < 200:
            return
        if status < 300:
            if transaction is self._outgoing:
                self._outgoing = None
                self._need_dialog().refresh_target(response)
                self._send_ack(response.cseq.number)
                if self.timer is not None or "session-expires" in response.headers:
                    session_timer.answered(self, transaction.request, response)
                if not self.ended:
                    self.user.on_accepted(self, response)
            elif self._ack:
                self.agent.resend(self._ack, self._need_dialog())
            return
        self._outgoing = None
        if self.ended:
            return
        if status in (408, 481):
            self._break(status, response.reason)
        else:
            self.user.on_refused(self, status)
            if self.timer is not None:
                self.timer.refused(response)

    def _send_ack(self, number: int, body: bytes = b"") -> None:
        request = self._need_dialog().request("ACK", self.contact, number)
        _put_body(request.headers, body)
        request.body = body
        self._ack = self.agent.send_ack(self, request)

    def _respond_2xx(self, transaction: Transaction, response: Response, body: bytes) -> None:
        """Send a 2xx and repeat it until its ACK comes (section 13.3.1.4)."""
        response.headers["contact"] = [self.contact]
        response.headers["allow"] = [self.agent.allow]
        response.headers["supported"] = [self.agent.supported]
        if self.timer_rules is not None:
            response.headers.update(session_timer.answer(self, transaction.request, self.timer_rules))
        _put_body(response.headers, body)
        response.body = body
        self._unacknowledged = Answer(self, transaction, response)

    def _reply(self, transaction: Transaction, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
        response = transaction.request.response(status, to_tag=self.local_tag)
        if headers:
            response.headers.update(headers)
        response.body = body
        if transaction is self._incoming and status >= 200:
            self._incoming = None
        transaction.respond(response)

    def _take_incoming(self) -> Transaction:
        if self._incoming is None:
            raise StateError("no INVITE to answer")
        transaction, self._incoming = self._incoming, None
        return transaction

    def _need_dialog(self) -> Dialog:
        if self.dialog is None:
            raise StateError("no dialog yet")
        return self.dialog

    def _break(self, status: int, reason: str) -> None:
        """The peer does not answer any more, or has forgotten the dialog: say good-bye and tell the user."""
        self.bye({"reason": [f'SIP;cause={status};text="{reason}"']})
        self.user.on_ended(self, status, reason)

    def _end(self) -> None:
        self.ended = True
        if self.timer is not None:
            self.timer.stop()
        if self._unacknowledged is not None:
            self._unacknowledged.stop()
            self._unacknowledged = None
        if self._outgoing is not None:  # a 2xx that is lost now is not sent again: who answers has seen the BYE
            self._outgoing.expire()
        self.agent.forget(self)

    def on_no_ack(self) -> None:
        """Our 2xx was never acknowledged: the session is ended by BYE (section 13.3.1.4)."""
        if self._unacknowledged is not None:
            self._unacknowledged.stop()
            self._unacknowledged = None
        if not self.ended:
            self._break(408, "no ACK")


def _put_body(headers: Headers, body: bytes) -> None:
    if body:
        headers["content-type"] = [SDP]
