# SPDX-License-Identifier: Apache-2.0
"""One subscription that a peer has with us (RFC 6665): its dialog, its time, and its NOTIFYs, one at a time."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from switchroom.pbx.sip.dialog import Dialog
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import parse_number
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.timers import Timer
from switchroom.pbx.sip.transaction import Transaction

if TYPE_CHECKING:
    from switchroom.pbx.sip.user_agent import UserAgent

Body = Callable[["Subscription"], tuple[str, bytes]]
"""The type and bytes of what is so now."""


def expires_of(request: Request, default_s: int, most_s: int) -> int:
    """For how long a SUBSCRIBE or PUBLISH asks, at most as long as we grant; 0 ends it."""
    text = request.get("expires")
    wanted = parse_number(text.strip(), 2**32 - 1) if text is not None else default_s
    return min(default_s if wanted is None else wanted, most_s)


class Subscription:
    """Stands among the sessions of the core, where requests within its dialog find it."""

    def __init__(
        self, agent: "UserAgent", request: Request, flow: Flow, body: Body, on_over: Callable[["Subscription"], None]
    ) -> None:
        self.agent = agent
        self.event = request.get("event") or ""
        self.package = self.event.partition(";")[0].strip().lower()
        self.call_id = request.call_id
        self.local_tag = agent.ids.tag()
        self.dialog = Dialog.as_uas(request, self.local_tag, flow)
        self.version = -1
        self.over = False
        self._body = body
        self._on_over = on_over
        self._expiry: Timer | None = None
        self._expires_at = 0.0
        self._notify: Transaction | None = None
        self._changed = False
        agent.remember(self)

    @property
    def contact(self) -> str:
        return self.agent.contact(self.dialog.flow)

    def answer(self, transaction: Transaction, expires_s: int) -> None:
        """Accept a SUBSCRIBE, and notify at once (section 4.2.1.2)."""
        response = transaction.request.response(200, to_tag=self.local_tag)
        response.headers |= {"expires": [str(expires_s)], "contact": [self.contact]}
        transaction.respond(response)
        if self._expiry is not None:
            self._expiry.stop()
        if expires_s == 0:
            self.end("timeout")
            return
        self._expires_at = self.agent.timers.clock() + expires_s
        self._expiry = self.agent.timers.start(float(expires_s), Subscription._expire, self)
        self.notify()

    def notify(self) -> None:
        """Say what is so now, or as soon as the NOTIFY under way has its answer."""
        if self.over:
            return
        if self._notify is not None:
            self._changed = True
            return
        left_s = max(1, round(self._expires_at - self.agent.timers.clock()))
        self._notify = self._send(f"active;expires={left_s}")

    def end(self, reason: str) -> None:
        """It is over: a last NOTIFY says why (section 4.1.3). Idempotent."""
        if not self.over:
            self._close()
            self._send(f"terminated;reason={reason}")

    # ---- from the core

    @property
    def ended(self) -> bool:
        return self.over

    def receive(self, request: Request, flow: Flow) -> None:
        """A request within the dialog: a SUBSCRIBE that renews or ends it."""
        if request.method == "ACK":
            return
        transaction = self.agent.open_server(request, flow, self)
        if not self.dialog.in_order(request):
            transaction.respond(request.response(500, to_tag=self.local_tag))
        elif request.method != "SUBSCRIBE":
            transaction.respond(request.response(405, to_tag=self.local_tag))
        else:
            self.dialog.flow = flow
            self.dialog.refresh_target(request)
            self.on_renewal(request, transaction)

    def on_renewal(self, request: Request, transaction: Transaction) -> None:
        """The notifier decides for how long."""
        self.answer(transaction, expires_of(request, 3600, 3600))

    def on_response(self, transaction: Transaction, response: Response) -> None:
        if response.status < 200:
            return
        self._notify = None
        if self.over:
            return
        if response.status >= 300 and response.status not in (401, 407, 491, 500, 503):
            self._close()  # section 4.2.2: the subscriber knows nothing of it
        elif self._changed:
            self._changed = False
            self.notify()

    def on_failure(self, transaction: Transaction, status: int) -> None:
        self._notify = None
        self._close()

    def on_ack(self, transaction: Transaction, ack: Request) -> None:
        return

    # ---- within

    def _send(self, state: str) -> Transaction:
        self.version += 1
        kind, body = self._body(self)
        request = self.dialog.request("NOTIFY", self.contact)
        headers: Headers = {"event": [self.event], "subscription-state": [state], "content-type": [kind]}
        request.headers.update(headers)
        request.body = body
        return self.agent.transactions.request(request, self.agent.route(self.dialog), self)

    def _expire(self) -> None:
        self.end("timeout")

    def _close(self) -> None:
        if self.over:
            return
        self.over = True
        if self._expiry is not None:
            self._expiry.stop()
        self.agent.forget(self)
        self._on_over(self)
