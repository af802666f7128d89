# SPDX-License-Identifier: Apache-2.0
"""The user agent core: what is asked of every request (RFC 3261 section 8.2), and to whom it then goes.

It is a pure machine: bytes and the flow they came by go in at `receive`, bytes and flows come out through the `Wire`,
time through the `Timers`, chance through the `Ids`. The exchange hangs itself in at `on_invite` and `handlers`.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from switchroom.pbx.sip import parser
from switchroom.pbx.sip.client_session import ClientSession, put_offer
from switchroom.pbx.sip.contact import contact
from switchroom.pbx.sip.dialog import Dialog, tagged
from switchroom.pbx.sip.errors import ParseError, SipError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.session import SDP, Session, SessionUser
from switchroom.pbx.sip.session_timer import TimerRules, wish
from switchroom.pbx.sip.timers import Timers, TimerValues
from switchroom.pbx.sip.transaction import NOBODY, Transaction, TransactionUser
from switchroom.pbx.sip.transactions import Transactions, Wire, is_modern
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.sip.via import reply_flow, stamp_via

KNOWN = frozenset(
    ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "UPDATE", "PRACK", "SUBSCRIBE", "NOTIFY", "REFER",
     "MESSAGE", "PUBLISH")
)  # fmt: skip

NEED_CONTACT = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY", "UPDATE"))
"""What makes a dialog, or moves its target, says where to (section 8.1.1.8)."""

Handler = Callable[[Request, Transaction, Flow], None]


class Ids(Protocol):
    """Where identifiers and chance come from; injected, so that a run can be repeated."""

    def tag(self) -> str: ...
    def branch(self) -> str: ...
    def call_id(self) -> str: ...
    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""


class InDialog(Protocol):
    """What requests within a dialog are for: a session or a subscription."""

    call_id: str
    local_tag: str

    @property
    def dialog(self) -> Dialog | None: ...
    def receive(self, request: Request, flow: Flow) -> None: ...


@dataclass(slots=True)
class Counts:
    """What the core counts of itself, for the metrics."""

    received: int = 0
    malformed: int = 0
    stray: int = 0
    """Responses and ACKs that belong to nothing."""
    overload: int = 0
    faults: int = 0


class UserAgent:
    """One SIP user agent core.

    `name` goes into Server and User-Agent. `transaction_limit` bounds the transactions, and by them everything else;
    beyond it a request is answered 503 without state.
    """

    def __init__(
        self,
        wire: Wire,
        timers: Timers,
        ids: Ids,
        *,
        values: TimerValues | None = None,
        name: str = "Switchroom",
        transaction_limit: int = 200_000,
        resolve: Callable[[str], Flow | None] = lambda uri: None,
        on_fault: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self.wire = wire
        self.timers = timers
        self.ids = ids
        self.values = values or TimerValues()
        self.name = name
        self.resolve = resolve
        """The flow to a URI whose host is an address; None where it is a name."""
        self.on_fault = on_fault
        self.on_invite: Callable[[ServerSession], SessionUser | None] = lambda session: None
        self.handlers: dict[str, Handler] = {}
        """Methods outside a dialog beside INVITE and OPTIONS."""
        self.dialog_methods: set[str] = set()
        """Methods within a dialog that the session's user takes, beside INVITE, ACK, BYE and OPTIONS."""
        self.supported = ""
        self.timer_rules: TimerRules | None = None
        """How sessions are refreshed (RFC 4028); None: never."""
        self._allow, self._allow_for = "", (-1, -1)
        self.accept_invite: Callable[[Request, Flow], tuple[int, Headers] | None] = lambda request, flow: None
        """Asked before a new INVITE costs anything: a refusal, or None."""
        self.refuse_options: Callable[[Request, Flow], int] = lambda request, flow: 0
        """Asked before OPTIONS is answered: the status that refuses an INVITE to there (section 11.2), or 0."""
        self.unwanted: Callable[[Request, Flow], bool] = lambda request, flow: False
        """Asked before a request outside a dialog is answered: True for one that is to be dropped."""
        self.counts = Counts()
        self.transactions = Transactions(timers, self.values, wire, ids.branch, transaction_limit)
        self._sessions: dict[tuple[str, str], InDialog] = {}

    @property
    def allow(self) -> str:
        """The Allow value: all that we take."""
        count = len(self.handlers), len(self.dialog_methods)
        if count != self._allow_for:  # methods are only ever added
            self._allow_for = count
            self._allow = ", ".join(
                sorted({"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", *self.handlers, *self.dialog_methods})
            )
        return self._allow

    @property
    def sessions(self) -> int:
        """How many sessions there are, early ones included."""
        return len(self._sessions)

    def session(self, call_id: str, local_tag: str) -> Session | None:
        """The session of a dialog."""
        session = self._sessions.get((call_id, local_tag))
        return session if isinstance(session, Session) else None

    def uses(self, flow: Flow) -> bool:
        """Whether a session goes by this flow."""
        return any(session.dialog is not None and session.dialog.flow == flow for session in self._sessions.values())

    # ---- from the transports

    def receive(self, data: bytes, flow: Flow) -> None:
        """Take one message. Never raises: a fault of ours is told to `on_fault` and answered 500."""
        self.counts.received += 1
        try:
            message = parser.parse(data)
            if isinstance(message, Request):
                parser.check(message)
                self._on_request(message, flow)
            elif not self.transactions.receive_response(message):  # type: ignore[arg-type]
                self.counts.stray += 1
        except ParseError as error:
            self.counts.malformed += 1
            if error.partial is not None and error.partial.method != "ACK":
                try:
                    self._reply_stateless(error.partial, flow, error.status, reason=error.reason)
                except SipError as unanswerable:  # what was read of it cannot be written
                    self.on_fault(unanswerable)
        except Exception as error:
            self.counts.faults += 1
            self.on_fault(error)

    def flow_lost(self, flow: Flow) -> None:
        """A connection closed or could not be opened."""
        self.transactions.flow_lost(flow)

    # ---- verbs

    def invite(
        self,
        uri: str,
        flow: Flow,
        user: SessionUser,
        *,
        from_: NameAddr,
        to: NameAddr | None = None,
        body: bytes = b"",
        headers: Headers | None = None,
        max_forwards: int = 70,
        contact_user: str = "",
        timer_rules: TimerRules | None = None,
    ) -> ClientSession:
        """Make a session that will send an INVITE to `uri` by `flow` when it is started."""
        request = self._new_request("INVITE", uri, from_, to, max_forwards)
        request.headers["contact"] = [self.contact(flow, contact_user, uri.startswith("sips:"))]
        request.headers["allow"] = [self.allow]
        if self.supported:
            request.headers["supported"] = [self.supported]
        request.headers["user-agent"] = [self.name]
        rules = timer_rules or self.timer_rules
        if rules is not None:
            request.headers.update(wish(rules))
        if headers:
            request.headers.update(headers)
        put_offer(request, body)
        session = ClientSession(self, user, request, flow)
        session.contact_user = contact_user
        session.timer_rules = rules
        return session

    def request(
        self,
        method: str,
        uri: str,
        flow: Flow,
        user: TransactionUser,
        *,
        from_: NameAddr,
        to: NameAddr | None = None,
        headers: Headers | None = None,
        body: bytes = b"",
    ) -> Transaction:
        """Send a request outside a dialog, such as OPTIONS."""
        request = self._new_request(method, uri, from_, to, 70)
        request.headers["user-agent"] = [self.name]
        if headers:
            request.headers.update(headers)
        request.body = body
        return self.transactions.request(request, flow, user)

    def contact(self, flow: Flow, user: str = "", sips: bool = False) -> str:
        """Our Contact for the peer at the other end of a flow."""
        return contact(*self.wire.sent_by(flow), flow.transport, user, sips)

    def answer_options(self, transaction: Transaction) -> None:
        """Say what we can (section 11.2)."""
        response = transaction.request.response(200, to_tag=self.ids.tag())
        response.headers.update(
            {
                "allow": [self.allow],
                "accept": [SDP],
                "accept-encoding": ["identity"],
                "accept-language": ["en"],
                "supported": [self.supported],
                "server": [self.name],
            }
        )
        transaction.respond(response)

    def body_problem(self, request: Request) -> tuple[int, Headers] | None:
        """Why an INVITE's body or Accept cannot be served (sections 8.2.3 and 13.3.1); None when it can."""
        accept = request.headers.get("accept")
        if accept is not None and not any(
            value.partition(";")[0].strip().lower() in (SDP, "application/*", "*/*") for value in request.all("accept")
        ):
            return 406, {"accept": [SDP]}
        if not request.body:
            return None
        if not request.content_type:  # it should say what it is (section 7.4.1)
            request.body = b""
            return None
        optional = "handling=optional" in (request.get("content-disposition") or "").replace(" ", "").lower()
        encoding = (request.get("content-encoding") or "identity").lower()
        if (request.content_type != SDP or encoding != "identity") and not optional:
            return 415, {"accept": [SDP], "accept-encoding": ["identity"]}
        if request.content_type != SDP:
            request.body = b""
        return None

    # ---- for sessions

    def open_server(self, request: Request, flow: Flow, user: TransactionUser) -> Transaction:
        return self.transactions.open_server(request, reply_flow(request, flow), user)

    def send_in_dialog(self, session: Session, request: Request) -> Transaction:
        assert session.dialog is not None
        return self.transactions.request(request, self.route(session.dialog), session)

    def send_ack(self, session: Session, request: Request) -> bytes:
        assert session.dialog is not None
        return self.transactions.send_stateless(request, self.route(session.dialog))

    def resend(self, data: bytes, dialog: Dialog) -> None:
        self.transactions.send(data, self.route(dialog))

    def resend_response(self, transaction: Transaction) -> None:
        self.transactions.send(transaction.last, transaction.flow)

    def route(self, dialog: Dialog) -> Flow:
        """Where the next request of a dialog goes; one that is tied to its connection, by that while it stands."""
        if dialog.pinned and self.wire.is_open(dialog.flow):
            return dialog.flow
        return self.resolve(dialog.next_hop()) or dialog.flow

    def remember(self, session: InDialog) -> None:
        self._sessions[session.call_id, session.local_tag] = session

    def forget(self, session: InDialog) -> None:
        self._sessions.pop((session.call_id, session.local_tag), None)

    # ---- within

    def _on_request(self, request: Request, flow: Flow) -> None:
        stamp_via(request, flow)
        if self.transactions.receive_request(request):
            return
        method = request.method
        to_tag = request.to.tag
        session = self._sessions.get((request.call_id, to_tag)) if to_tag else None
        if method == "ACK":
            if session is not None:
                session.receive(request, flow)
            else:
                self.counts.stray += 1
            return
        if method == "CANCEL":
            self._on_cancel(request, flow)
            return
        if self.transactions.full:
            self.counts.overload += 1
            self._reply_stateless(request, flow, 503, {"retry-after": [str(5 + self.ids.below(10))]})
            return
        try:
            if session is not None:
                self._in_session(session, request, flow)
            else:
                self._outside_dialog(request, flow)
        except ParseError:
            raise
        except Exception:
            self._reply_stateless(request, flow, 500)
            raise

    def _in_session(self, session: InDialog, request: Request, flow: Flow) -> None:
        dialog = session.dialog
        if (
            dialog is not None
            and request.from_.tag not in (dialog.remote_tag, None)
            and not isinstance(session, ClientSession)
        ):
            self._refuse(request, flow, 481)
        elif (problem := self._problem(request, within=True)) is not None:
            self._refuse(request, flow, *problem)
        else:
            session.receive(request, flow)

    def _outside_dialog(self, request: Request, flow: Flow) -> None:
        if self.unwanted(request, flow):
            return
        problem = self._problem(request, within=False)
        if problem is not None:
            self._refuse(request, flow, *problem)
        elif request.to.tag is not None:
            self._refuse(request, flow, 481)
        elif request.method == "INVITE":
            self._on_new_invite(request, flow)
        elif request.method == "OPTIONS":
            if status := self.refuse_options(request, flow):
                self._refuse(request, flow, status)
            else:
                self.answer_options(self.open_server(request, flow, NOBODY))
        elif request.method in self.handlers:
            self.handlers[request.method](request, self.open_server(request, flow, NOBODY), flow)
        else:
            self._refuse(request, flow, 481)  # BYE and the like, which make no sense outside a dialog

    def _on_new_invite(self, request: Request, flow: Flow) -> None:
        refusal = self.accept_invite(request, flow)
        if refusal is not None:
            self.counts.overload += 1
            self._reply_stateless(request, flow, *refusal)
            return
        problem = self.body_problem(request)
        if problem is not None:
            self._refuse(request, flow, *problem)
            return
        session = ServerSession(self, request, flow)
        user = self.on_invite(session)
        if user is not None:
            session._user = user
        elif not session.ended:
            session.reject(480)

    def _problem(self, request: Request, within: bool) -> tuple[int, Headers | None] | None:
        """What keeps any request from being served, in the order of section 8.2; None when nothing does."""
        method = request.method
        if method not in KNOWN:
            return 501, {"allow": [self.allow]}
        if not within and method in NEED_CONTACT and "contact" not in request.headers and is_modern(request):
            raise ParseError(f"{method} without Contact", partial=request)
        basic = method in ("INVITE", "BYE", "OPTIONS")
        if not basic and method not in (self.dialog_methods if within else self.handlers):
            return 405, {"allow": [self.allow]}
        if parse_uri(request.uri).scheme not in ("sip", "sips", "tel"):
            return 416, None
        if self.transactions.is_merged(request):
            return 482, None
        if "require" in request.headers:
            unknown = sorted(request.tokens("require") - set(self.supported.split(", ")))
            if unknown:
                return 420, {"unsupported": [", ".join(unknown)]}
        return None

    def _on_cancel(self, request: Request, flow: Flow) -> None:
        invite = self.transactions.invite_for_cancel(request)
        transaction = self.open_server(request, flow, NOBODY)
        session = invite.user if invite is not None else None
        status = 200 if isinstance(session, ServerSession) else 481
        tag = session.local_tag if isinstance(session, ServerSession) else self.ids.tag()
        transaction.respond(request.response(status, to_tag=tag))
        if isinstance(session, ServerSession):
            session.receive_cancel(request)

    def _refuse(self, request: Request, flow: Flow, status: int, headers: Headers | None = None) -> None:
        response = request.response(status, to_tag=self.ids.tag())
        if headers:
            response.headers.update(headers)
        self.open_server(request, flow, NOBODY).respond(response)

    def _reply_stateless(
        self, request: Request, flow: Flow, status: int, headers: Headers | None = None, reason: str | None = None
    ) -> None:
        """Answer without a transaction; a repetition gets the same To tag (section 8.2.7)."""
        tag = f"{zlib.crc32((request.get('call-id') or '').encode('utf-8', 'surrogateescape')):08x}"
        response = request.response(status, to_tag=tag)
        if reason and status == 400:
            response.headers["warning"] = [f'399 switchroom "{_printable(reason)}"']
        if headers:
            response.headers.update(headers)
        try:
            target = reply_flow(request, flow)
        except ParseError:
            target = flow
        if len(data := response.to_bytes()) <= parser.MAX_HEAD_BYTES:  # what is larger, its sender could not read
            self.wire.send(data, target)

    def _new_request(self, method: str, uri: str, from_: NameAddr, to: NameAddr | None, max_forwards: int) -> Request:
        return Request(
            method,
            uri,
            {
                "via": [],
                "max-forwards": [str(max_forwards)],
                "from": [tagged(from_, self.ids.tag())],
                "to": [str(to) if to is not None else f"<{uri}>"],
                "call-id": [self.ids.call_id()],
                "cseq": [f"1 {method}"],
            },
        )


def _printable(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in text)
