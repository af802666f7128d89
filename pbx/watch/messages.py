# SPDX-License-Identifier: Apache-2.0
"""MESSAGE between users (RFC 3428): passed on to every phone of the one it is for; its answer is theirs."""

from switchroom.pbx.gatekeeper import Caller, Gatekeeper
from switchroom.pbx.registrar import Registrar
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.transaction import Transaction
from switchroom.pbx.sip.user_agent import UserAgent
from switchroom.pbx.watch.notifier import user_of

MAX_BYTES = 16_384
MAX_PHONES = 10
PASSED_ON = ("content-type", "content-disposition", "content-encoding", "date", "expires", "subject", "call-info")


class Relay:
    """Takes MESSAGEs outside a call."""

    def __init__(self, agent: UserAgent, gatekeeper: Gatekeeper, registrar: Registrar) -> None:
        self._agent = agent
        self._gatekeeper = gatekeeper
        self._registrar = registrar
        agent.handlers["MESSAGE"] = self.on_message

    def on_message(self, request: Request, transaction: Transaction, flow: Flow) -> None:
        """Pass a MESSAGE on, or say why not."""
        caller = self._gatekeeper.identify(request, flow)
        if not isinstance(caller, Caller):
            self._reply(transaction, caller.status, caller.headers)
            return
        user = user_of(request.uri)
        if not user or not self._registrar.knows(user):
            self._reply(transaction, 404, {})
        elif len(request.body) > MAX_BYTES:
            self._reply(transaction, 413, {})
        elif not (bindings := self._registrar.lookup(user)[:MAX_PHONES]):
            self._reply(transaction, 480, {})
        else:
            outcome = _Outcome(self, transaction, len(bindings))
            headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
            for binding in bindings:
                host, port = self._agent.wire.sent_by(binding.flow)
                origin = f"{host}:{port}" if port != 5060 else host
                more: Headers = {"route": list(binding.path)} if binding.path else {}
                self._agent.request(
                    "MESSAGE", binding.contact, binding.flow, outcome,
                    from_=NameAddr(caller.party.name, f"sip:{caller.party.number}@{origin}", {}),
                    to=NameAddr("", f"sip:{user}@{origin}", {}), headers={**headers, **more}, body=request.body,
                )  # fmt: skip

    def _reply(self, transaction: Transaction, status: int, headers: Headers) -> None:
        response = transaction.request.response(status, to_tag=self._agent.ids.tag())
        response.headers.update(headers)
        transaction.respond(response)


class _Outcome:
    """The phones' answers: the first that takes it counts, or else the last refusal."""

    def __init__(self, relay: Relay, transaction: Transaction, phones: int) -> None:
        self._relay = relay
        self._transaction = transaction
        self._left = phones
        self._done = False

    def on_response(self, transaction: Transaction, response: Response) -> None:
        if response.status >= 200:
            self._take(response.status)

    def on_failure(self, transaction: Transaction, status: int) -> None:
        self._take(480 if status == 503 else status)

    def on_ack(self, transaction: Transaction, ack: Request) -> None:
        return

    def _take(self, status: int) -> None:
        self._left -= 1
        if not self._done and (status < 300 or self._left <= 0):
            self._done = True
            # A redirection or challenge of the phone is no concern of the sender's.
            self._relay._reply(self._transaction, status if status < 300 or status >= 402 else 480, {})
