# SPDX-License-Identifier: Apache-2.0
"""An INVITE session that the peer began: ringing, answer, refusal, CANCEL (RFC 3261 section 13.3)."""

from typing import TYPE_CHECKING

from switchroom.pbx.sip.dialog import Dialog
from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.reliable import ReliableSender, wants_reliable
from switchroom.pbx.sip.session import Session, _put_body
from switchroom.pbx.sip.timers import Timer
from switchroom.pbx.sip.transaction import SETTLED, Transaction
from switchroom.pbx.sip.uri import parse_uri

if TYPE_CHECKING:
    from switchroom.pbx.sip.user_agent import UserAgent

PROGRESS_S = 60.0
"""Section 13.3.1.1: a provisional response is repeated each minute, lest a proxy on the way gives up."""


class ServerSession(Session):
    """A session from its first INVITE; `request` is that INVITE, and `flow` the way it came."""

    def __init__(self, agent: "UserAgent", request: Request, flow: Flow) -> None:
        super().__init__(agent, None, agent.ids.tag(), request.call_id)
        self.request = request
        self.flow = flow
        uri = parse_uri(request.uri)
        self.contact_user, self.sips = uri.user or "", uri.scheme == "sips"
        self._timers: list[Timer] = []
        self._incoming = agent.open_server(request, flow, self)
        self._progress: Response | None = None
        self._reliable: ReliableSender | None = None
        self._allowed = request.headers.get("allow")

    @property
    def answered(self) -> bool:
        """Whether a final response was sent."""
        return self._incoming is None

    def ring(self, status: int = 180, body: bytes = b"", headers: Headers | None = None) -> None:
        """Send a provisional response, with a body for early media. Raises StateError after a final one.

        It goes reliably (RFC 3262) where the caller can do that and it has a body, or where the caller insists.
        """
        if self._incoming is None:
            raise StateError("answered already")
        self._make_dialog()
        response = self._incoming.request.response(status, to_tag=self.local_tag)
        response.headers["contact"] = [self.contact]
        if headers:
            response.headers.update(headers)
        _put_body(response.headers, body)
        response.body = body
        if self._progress is None:
            self._start_clocks()
        if wants_reliable(self.request, bool(body)):
            response.headers["allow"] = [self.agent.allow]
            if self._reliable is None:
                self._reliable = ReliableSender(self)
            self._reliable.send(response, offers=bool(body) and not self.request.body)
        else:
            self.send_provisional(response)

    @property
    def can_offer_early(self) -> bool:
        """Whether our offer may go out before the answer: the caller made none, and acknowledges with PRACK."""
        return not self.request.body and wants_reliable(self.request, with_body=True)

    def answer(self, body: bytes, headers: Headers | None = None) -> None:
        """Answer with 200, after the PRACK that may be outstanding. Raises StateError after a final response."""
        if self._reliable is not None and self._incoming is not None and self._reliable.postpone(body, headers):
            return
        transaction = self._take_incoming()
        self._make_dialog()
        self._stop_clocks()
        self.confirmed = True
        response = transaction.request.response(200, to_tag=self.local_tag)
        if headers:
            response.headers.update(headers)
        self._respond_2xx(transaction, response, body)

    def reject(self, status: int, reason: str | None = None, headers: Headers | None = None) -> None:
        """Answer with a final failure or a redirection. Raises StateError after a final response."""
        transaction = self._take_incoming()
        self._stop_clocks()
        response = transaction.request.response(status, reason, to_tag=self.local_tag)
        if headers:
            response.headers.update(headers)
        transaction.respond(response)
        self._end()

    def refuse(self, status: int, headers: Headers | None = None) -> None:
        """As Session says. A PRACK tells that our response arrived, so what is refused for its offer is the INVITE."""
        if self._asked is None or self._asked.method != "PRACK":
            super().refuse(status, headers)
            return
        prack, self._asked = self._asked, None
        self._reply(prack, 200)
        if not self.answered:
            self.reject(status, headers=headers)
            self.user.on_ended(self, status, "the offer in the PRACK is not acceptable")

    def bye(self, headers: Headers | None = None) -> None:
        """End an answered session; an unanswered one is refused instead. Idempotent."""
        if not self.ended and not self.confirmed:
            self.reject(480, headers=headers)
        else:
            super().bye(headers)

    def receive_cancel(self, request: Request) -> None:
        """A CANCEL that names our INVITE; without effect after a final response (section 9.2)."""
        if self.confirmed or self.ended:
            return
        self.reject(487)
        self.user.on_cancel(self, request.get("reason") or "")

    def receive(self, request: Request, flow: Flow) -> None:
        if request.method == "BYE" and not self.confirmed:
            # A caller may end an early dialog by BYE (section 15); the INVITE is then answered with 487.
            transaction = self.agent.open_server(request, flow, self)
            self._reply(transaction, 200)
            if not self.ended:
                self.reject(487)
                self.user.on_cancel(self, request.get("reason") or "")
            return
        super().receive(request, flow)

    def on_failure(self, transaction: Transaction, status: int) -> None:
        if transaction is self._incoming and not self.confirmed:  # the caller's connection broke while it rang
            self._incoming = None
            self._stop_clocks()
            self._end()
            self.user.on_cancel(self, "transport failed")
            return
        if transaction.method == "INVITE" and not self.confirmed:
            return  # a refusal that nobody acknowledged: the session is over already
        super().on_failure(transaction, status)

    def send_provisional(self, response: Response) -> None:
        """Send one now, and again each minute."""
        if self._incoming is not None:
            self._progress = response
            self._incoming.respond(response)

    def resend_provisional(self, data: bytes) -> None:
        """Repeat a reliable one."""
        if self._incoming is not None:
            self.agent.transactions.send(data, self._incoming.flow)

    def unacknowledged_progress(self) -> None:
        """A reliable provisional response got no PRACK: the INVITE is refused (RFC 3262 section 3)."""
        if self._incoming is not None:
            self.reject(504)
            self.user.on_cancel(self, "no PRACK")

    def _on_prack(self, request: Request, transaction: Transaction) -> None:
        reliable = self._reliable
        if reliable is None or not reliable.acknowledges(request):
            self._reply(transaction, 481)
            return
        if request.body and not reliable.offered:
            problem = self.agent.body_problem(request)
            if problem is not None:
                self._reply(transaction, *problem)
            else:
                self._ask(request, transaction)
        else:
            self._reply(transaction, 200)
            if request.body:
                reliable.offered = False
                self.user.on_early_answer(self, request.body)
        reliable.go_on()

    def _end(self) -> None:
        super()._end()
        self.request = SETTLED
        self._progress = None

    def _make_dialog(self) -> None:
        if self.dialog is None:
            self.dialog = Dialog.as_uas(self.request, self.local_tag, self.flow)
            self.agent.remember(self)

    def _start_clocks(self) -> None:
        timers = self.agent.timers
        self._timers = [timers.start(PROGRESS_S, ServerSession._repeat_progress, self)]
        expires = self.request.get("expires")
        if expires and int(expires) > 0:  # section 13.3.1: an invitation with an end
            self._timers.append(timers.start(float(expires), ServerSession._expire, self))

    def _stop_clocks(self) -> None:
        for timer in self._timers:
            timer.stop()
        if self._reliable is not None:
            self._reliable.close()

    def _repeat_progress(self) -> None:
        if self._incoming is not None and self._progress is not None:
            if "rseq" not in self._progress.headers:  # a reliable one arrived, and must not be repeated
                self._incoming.respond(self._progress)
            self._timers[0] = self.agent.timers.start(PROGRESS_S, ServerSession._repeat_progress, self)

    def _expire(self) -> None:
        if self._incoming is not None:
            self.reject(487)
            self.user.on_cancel(self, "expired")
