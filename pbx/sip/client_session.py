# SPDX-License-Identifier: Apache-2.0
"""An INVITE session that we began: forked responses, the ACK, CANCEL and its races (RFC 3261 sections 13.2 and 9.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from switchroom.pbx.sip import session_timer
from switchroom.pbx.sip.challenge import Credentials
from switchroom.pbx.sip.dialog import Dialog
from switchroom.pbx.sip.errors import ParseError, StateError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.reliable import Early, is_reliable
from switchroom.pbx.sip.session import Session, SessionUser, _put_body
from switchroom.pbx.sip.timers import Timer
from switchroom.pbx.sip.transaction import CALLING, Transaction

if TYPE_CHECKING:
    from switchroom.pbx.sip.user_agent import UserAgent

Way = Callable[[], Flow | None]
"""Opens a flow when it is needed; None when it cannot."""

"""The header that answers a 401 or 407, given method and URI; None where there is none."""

MAX_FORKS = 32
_PATIENCE_T1 = 4
"""How often T1 a way may say nothing while there is another: 2 s with the usual T1."""
MAX_TRIES = 4
"""INVITEs of one session, where the peer asks for other headers."""


class ClientSession(Session):
    """A session from our INVITE on.

    A proxy may fork it: each branch that answers with a provisional response makes an early dialog; the first 2xx makes
    the session, and a later 2xx of another branch is acknowledged and ended at once (section 13.2.2.4).
    """

    def __init__(self, agent: "UserAgent", user: SessionUser, request: Request, flow: Flow) -> None:
        super().__init__(agent, user, request.from_.tag or "", request.call_id)
        self.request = request
        self.sips = request.uri.startswith("sips:")
        self.flow = flow
        self.alternatives: list[Way] = []
        """Ways to try after this one, when it says nothing, breaks or answers 503 (RFC 3263 section 4.3)."""
        self._patience: Timer | None = None
        self._early: dict[str, Early] = {}
        self._provisional = False
        self._cancelled: Headers | None = None
        self._giving_up: Timer | None = None
        self._losers: dict[str, bytes] = {}
        self._tries = 1
        self._credentials: Credentials | None = None
        """Answers the challenges of our INVITE."""

    def start(self) -> None:
        """Send the INVITE."""
        self.agent.remember(self)
        self._send_invite()

    def _send_invite(self) -> None:
        if self.alternatives:
            wait_s = _PATIENCE_T1 * self.agent.values.t1
            self._patience = self.agent.timers.start(wait_s, ClientSession._on_silence, self)
        self._outgoing = self.agent.transactions.request(self.request, self.flow, self)

    @property
    def heard(self) -> bool:
        """Whether anything has come back, a 100 at least."""
        return self._provisional or self.confirmed or self.ended

    @property
    def contact(self) -> str:
        if self.dialog is not None:
            return super().contact
        return self.agent.contact(self.flow, self.contact_user, self.sips)

    @property
    def early_tag(self) -> str:
        """The tag of the branch that rang last; empty before any did."""
        return next(reversed(self._early), "")

    def knows(self, tag: str) -> bool:
        return tag in self._early if self.dialog is None else super().knows(tag)

    def acknowledge(self, body: bytes = b"") -> None:
        """Send the ACK of the answer, with our answer where the 2xx held the offer. Raises StateError when not due."""
        if not self.confirmed or self._ack:
            raise StateError("nothing to acknowledge")
        self._send_ack(self.request.cseq.number, body)

    def cancel(self, headers: Headers | None = None) -> None:
        """Give up an unanswered INVITE. An answer that crosses is acknowledged and ended. Idempotent.

        Nothing goes out before the first provisional response (section 9.1).
        """
        if self.confirmed or self.ended or self._cancelled is not None:
            return
        self._cancelled = headers or {}
        if self._provisional:
            self._send_cancel()

    def bye(self, headers: Headers | None = None) -> None:
        """End the session: BYE once answered, CANCEL before. Idempotent."""
        if self.ended:
            return
        if not self.confirmed:
            self.cancel(headers)
            return
        if not self._ack:
            self.acknowledge()
        super().bye(headers)

    def receive(self, request: Request, flow: Flow) -> None:
        tag = request.from_.tag or ""
        if self.dialog is None or (self.dialog.remote_tag and tag != self.dialog.remote_tag):  # no tag: any will do
            if request.method != "ACK":
                self._receive_early(self._early.get(tag), request, self.agent.open_server(request, flow, self))
            return
        super().receive(request, flow)

    def _receive_early(self, early: Early | None, request: Request, transaction: Transaction) -> None:
        """A request of a branch that has not answered: it may move its target or its media (RFC 3311)."""
        if early is None:
            self._reply(transaction, 481)
        elif not early.dialog.in_order(request):
            self._reply(transaction, 500, {"retry-after": ["1"]})
        elif request.method == "UPDATE" and self.dialog is None and not self.ended:
            early.dialog.refresh_target(request)
            if not request.body:
                self._reply(transaction, 200, {"contact": [self.contact]})
            elif len(self._early) == 1 and self._asked is None:
                self._ask(request, transaction)
            else:
                self._reply(transaction, 491)
        else:
            self._reply(transaction, 200 if request.method == "BYE" else 491)

    def on_response(self, transaction: Transaction, response: Response) -> None:
        if transaction.request is not self.request:
            if transaction.method != "CANCEL":
                super().on_response(transaction, response)
            return
        self._stop_patience()
        if response.status == 503 and self._try_next():
            return
        if response.status < 200:
            self._on_provisional(response)
        elif response.status < 300:
            self._on_2xx(response)
        else:
            self._on_final(response.status, response.reason, response)

    def on_failure(self, transaction: Transaction, status: int) -> None:
        if transaction is self._outgoing and not self.confirmed:
            if self._try_next():
                return
            self._on_final(status, "no answer" if status == 408 else "transport failed", None)
        elif transaction.method != "CANCEL":
            super().on_failure(transaction, status)

    # ---- within

    def _try_next(self) -> bool:
        """Send the INVITE another way; False where there is none."""
        self._stop_patience()
        if self._cancelled is not None or self.confirmed or self.ended:
            return False
        while self.alternatives:
            flow = self.alternatives.pop(0)()
            if flow is None:
                continue
            if self._outgoing is not None and self._outgoing.state == CALLING:
                self._outgoing.abandon()
            self.flow, self._provisional = flow, False
            self._early.clear()
            self.request.headers["contact"] = [self.contact]
            self._send_invite()
            return True
        return False

    def _on_silence(self) -> None:
        self._try_next()

    def _stop_patience(self) -> None:
        if self._patience is not None:
            self._patience.stop()
            self._patience = None

    def _on_provisional(self, response: Response) -> None:
        self._provisional = True
        if self._cancelled is not None and self._giving_up is None:
            self._send_cancel()
        if response.status == 100 or self.ended or self.confirmed:
            return
        tag = response.to.tag or ""
        reliable = is_reliable(response)
        early = self._early.get(tag)
        if early is None and (tag or reliable) and len(self._early) < MAX_FORKS:
            try:
                early = self._early[tag] = Early(Dialog.as_uac(self.request, response, self.flow))
            except ParseError:
                return
        if reliable:
            prack = early.takes(response) if early is not None else None
            if early is None or prack is None:  # repeated, or out of order (RFC 3262 section 4)
                return
            early.body = response.body or early.body
            request = early.dialog.request("PRACK", self.contact)
            request.headers.update(prack)
            self.agent.transactions.request(request, self.agent.route(early.dialog), self)
        if self._cancelled is None:
            self.user.on_progress(self, response)

    def _on_2xx(self, response: Response) -> None:
        tag = response.to.tag or ""
        if self.dialog is not None and tag == self.dialog.remote_tag:
            if self._ack:
                self.agent.resend(self._ack, self.dialog)
            return
        try:
            dialog = Dialog.as_uac(self.request, response, self.flow)
        except ParseError as error:  # no ACK can be sent: the peer will give up by itself
            self._on_final(502, str(error), None)
            return
        early = self._early.get(tag)
        if early is not None:
            dialog.remote_number = early.dialog.remote_number
            dialog.number = early.dialog.number
            response.body = response.body or early.body
        if self.confirmed or self.ended:
            self._end_loser(tag, dialog)
            return
        self.dialog = dialog
        self.confirmed = True
        self._outgoing = None
        self._allowed = response.headers.get("allow")
        self._early.pop(tag, None)
        self._stop_giving_up()
        if "session-expires" in response.headers and self.timer_rules is not None:
            session_timer.answered(self, self.request, response)
        if self._cancelled is not None:  # the CANCEL crossed the answer
            self.bye(self._cancelled)
            self.user.on_failure(self, 487, "cancelled", None)
            return
        self.user.on_answer(self, response)

    def _end_loser(self, tag: str, dialog: Dialog) -> None:
        """Acknowledge and end a branch that answered too late; its repeated 2xx gets its ACK again."""
        if tag in self._losers:
            self.agent.resend(self._losers[tag], dialog)
            return
        if len(self._losers) >= MAX_FORKS:
            return
        contact = self.agent.contact(dialog.flow, self.contact_user)
        ack = dialog.request("ACK", contact, self.request.cseq.number)
        self._losers[tag] = self.agent.transactions.send_stateless(ack, self.agent.route(dialog))
        bye = dialog.request("BYE", contact)
        self.agent.transactions.request(bye, self.agent.route(dialog), self)

    def _on_final(self, status: int, reason: str, response: Response | None) -> None:
        self._outgoing = None
        self._stop_patience()
        self._stop_giving_up()
        if self.confirmed or self.ended:
            return
        if status == 422 and response is not None and self._cancelled is None:
            changed = session_timer.longer(self.request, response)
            if changed is not None and self._tries < MAX_TRIES:
                self.try_again(changed)
                return
        if status in (401, 407) and response is not None and self.digest is not None and self._cancelled is None:
            self._credentials = self._credentials or self.digest()
            answer = self._credentials(response, "INVITE", self.request.uri)
            if answer is not None and self._tries < MAX_TRIES:
                self.try_again(answer)
                return
        self._end()
        self.user.on_failure(self, status, reason, response)

    def try_again(self, headers: Headers) -> None:
        """Send the INVITE once more after its refusal, with some headers changed and the next CSeq."""
        old = self.request
        self._tries += 1
        changed = {**old.headers, **headers, "cseq": [f"{old.cseq.number + 1} INVITE"]}
        self.request = Request("INVITE", old.uri, changed, old.body)
        self._early.clear()
        self._provisional = False
        self._outgoing = self.agent.transactions.request(self.request, self.flow, self)

    def _send_cancel(self) -> None:
        assert self._outgoing is not None
        self.agent.transactions.cancel(self._outgoing, self, self._cancelled or {})
        values = self.agent.values
        # Section 9.1: the peer should answer the INVITE with 487 by then; an RFC 2543 one never does.
        self._giving_up = self.agent.timers.start(values.timeout, ClientSession._give_up, self)

    def _give_up(self) -> None:
        if self._outgoing is not None and not self.confirmed:
            transaction = self._outgoing
            self._on_final(487, "cancelled", None)
            transaction.abandon()

    def _stop_giving_up(self) -> None:
        if self._giving_up is not None:
            self._giving_up.stop()


def put_offer(request: Request, body: bytes) -> None:
    """Give an INVITE its offer."""
    _put_body(request.headers, body)
    request.body = body
