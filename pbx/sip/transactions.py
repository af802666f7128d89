# SPDX-License-Identifier: Apache-2.0
"""The transaction layer: finds the machine for a message (RFC 3261 sections 17.1.3 and 17.2.3), opens and forgets it.

It is also where a request gets its Via, and where one that is too long for a datagram goes by TCP instead, with UDP as
the way back when there is no TCP at the far end (section 18.1.1).
"""

from collections.abc import Callable
from dataclasses import dataclass

from switchroom.pbx.sip import transaction as tx
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Request, Response
from switchroom.pbx.sip.timers import Timers, TimerValues
from switchroom.pbx.sip.transaction import Transaction, TransactionUser

COOKIE = "z9hG4bK"


def is_modern(request: Request) -> bool:
    """Whether a request's sender knows RFC 3261, and not only RFC 2543 (section 8.1.1.7)."""
    return request.via.branch.startswith(COOKIE)


MTU_BYTES = 1300
"""Section 18.1.1: a larger request over an unreliable transport must go by one with congestion control."""


@dataclass(frozen=True, slots=True)
class Wire:
    """What the core needs of the transports; plain functions, so that a test gives its own."""

    send: Callable[[bytes, Flow], None]
    """Send bytes; must not block or raise."""
    sent_by: Callable[[Flow], tuple[str, int]]
    """Host and port to be named in Via and Contact for messages on a flow."""
    stream: Callable[[Flow], Flow | None]
    """The TCP flow to the same far end as a UDP flow; None where there is none."""
    is_open: Callable[[Flow], bool] = lambda flow: True
    """Whether a flow still leads somewhere: the connection stands."""


class Transactions:
    """All transactions of one core."""

    def __init__(self, timers: Timers, values: TimerValues, wire: Wire, branch: Callable[[], str], limit: int) -> None:
        self.timers = timers
        self.values = values
        self.wire = wire
        self.send = wire.send
        self.limit = limit
        self._branch = branch
        self._clients: dict[tuple[str, str], Transaction] = {}
        self._servers: dict[object, Transaction] = {}
        self._merge: dict[object, Transaction] = {}
        self._by_flow: dict[Flow, set[Transaction]] = {}
        self._fallback: dict[Transaction, Flow] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def full(self) -> bool:
        """Whether new server transactions are to be refused."""
        return len(self) >= self.limit

    # ---- client side

    def request(self, request: Request, flow: Flow, user: TransactionUser) -> Transaction:
        """Send a request in a new client transaction; a Via is put on top."""
        branch = COOKIE + self._branch()
        self._set_via(request, flow, branch)
        data = request.to_bytes()
        fallback: Flow | None = None
        if len(data) > MTU_BYTES and not flow.reliable and (stream := self.wire.stream(flow)) is not None:
            fallback, flow = flow, stream
            self._set_via(request, flow, branch)
            data = request.to_bytes()
        machine = tx.INVITE_CLIENT if request.method == "INVITE" else tx.NON_INVITE_CLIENT
        transaction = Transaction(machine, (branch, request.method), request, flow, self, user)
        if fallback is not None:
            self._fallback[transaction] = fallback
        self._open(self._clients, transaction)
        self._launch(transaction, data)
        return transaction

    def send_stateless(self, request: Request, flow: Flow) -> bytes:
        """Send the ACK of a 2xx, which has no transaction (section 13.2.2.4); returns the bytes, to be sent again."""
        self._set_via(request, flow, COOKIE + self._branch())
        data = request.to_bytes()
        self.send(data, flow)
        return data

    def cancel(self, transaction: Transaction, user: TransactionUser, headers: dict[str, list[str]]) -> Transaction:
        """Cancel a pending INVITE: a CANCEL with the same top Via (section 9.1)."""
        invite = transaction.request
        copied = {name: invite.headers[name] for name in ("via", "from", "to", "call-id")}
        copied["via"] = copied["via"][:1]
        if "route" in invite.headers:
            copied["route"] = invite.headers["route"]
        request = Request(
            "CANCEL",
            invite.uri,
            copied | {"cseq": [f"{invite.cseq.number} CANCEL"], "max-forwards": ["70"]} | headers,
        )
        cancel = Transaction(tx.NON_INVITE_CLIENT, (invite.via.branch, "CANCEL"), request, transaction.flow, self, user)
        self._open(self._clients, cancel)
        self._launch(cancel, request.to_bytes())
        return cancel

    def receive_response(self, response: Response) -> bool:
        """Give a response to its transaction; False where there is none. Raises ParseError."""
        method = response.cseq.method
        transaction = self._clients.get((response.via.branch, method))
        if transaction is None:
            return False
        status = response.status
        if status < 200:
            event = tx.P1XX
        elif method != "INVITE":
            event = tx.FINAL
        else:
            event = tx.P2XX if status < 300 else tx.P3XX
        self._fallback.pop(transaction, None)
        transaction.step(event, response)
        return True

    # ---- server side

    def receive_request(self, request: Request) -> bool:
        """Give a retransmission or an ACK to its transaction; False for a request that opens something new."""
        transaction = self._servers.get(self._server_key(request, request.method))
        if transaction is None:
            return False
        transaction.step(tx.ACK if request.method == "ACK" else tx.REQUEST, request)
        return True

    def open_server(self, request: Request, flow: Flow, user: TransactionUser) -> Transaction:
        """A new server transaction for a request that belongs to none."""
        machine = tx.INVITE_SERVER if request.method == "INVITE" else tx.NON_INVITE_SERVER
        transaction = Transaction(machine, self._server_key(request, request.method), request, flow, self, user)
        self._open(self._servers, transaction)
        if request.to.tag is None:
            transaction.merge_key = self._merge_key(request)
            self._merge[transaction.merge_key] = transaction
        for action in machine.on_start:
            action(transaction, None)
        return transaction

    def invite_for_cancel(self, cancel: Request) -> Transaction | None:
        """The INVITE server transaction that a CANCEL names (section 9.2)."""
        return self._servers.get(self._server_key(cancel, "INVITE"))

    def is_merged(self, request: Request) -> bool:
        """Whether this request came already by another way (section 8.2.2.2); it has a transaction of its own then."""
        return request.to.tag is None and self._merge_key(request) in self._merge

    # ---- both

    def flow_lost(self, flow: Flow) -> None:
        """A connection broke: what was under way on it fails, or goes by UDP where TCP was only for its size."""
        for transaction in list(self._by_flow.get(flow, ())):
            fallback = self._fallback.pop(transaction, None)
            if fallback is None:
                transaction.step(tx.ERROR)
                continue
            self._index(transaction, remove=True)
            transaction._stop()
            transaction.flow = fallback
            self._set_via(transaction.request, fallback, transaction.request.via.branch)
            self._launch(transaction, transaction.request.to_bytes())

    def on_terminated(self, transaction: Transaction) -> None:
        client = transaction.machine in (tx.INVITE_CLIENT, tx.NON_INVITE_CLIENT)
        (self._clients if client else self._servers).pop(transaction.key, None)  # type: ignore[call-overload]
        if transaction.merge_key is not None:
            self._merge.pop(transaction.merge_key, None)
        self._fallback.pop(transaction, None)
        self._index(transaction, remove=True)

    def _launch(self, transaction: Transaction, data: bytes) -> None:
        transaction.last = data
        self.send(data, transaction.flow)
        for action in transaction.machine.on_start:
            action(transaction, None)

    def _open(self, table: dict, transaction: Transaction) -> None:  # type: ignore[type-arg]
        table[transaction.key] = transaction
        self._index(transaction)

    def _index(self, transaction: Transaction, remove: bool = False) -> None:
        """Keep the transactions of a connection findable by it."""
        flow = transaction.flow
        if not flow.reliable:
            return
        if not remove:
            self._by_flow.setdefault(flow, set()).add(transaction)
        elif flow in self._by_flow:
            self._by_flow[flow].discard(transaction)
            if not self._by_flow[flow]:
                del self._by_flow[flow]

    def _set_via(self, request: Request, flow: Flow, branch: str) -> None:
        """Fill the top Via. Whoever builds a request puts an empty one first, where it belongs (section 7.3.1)."""
        host, port = self.wire.sent_by(flow)
        request.headers["via"] = [f"SIP/2.0/{flow.transport} {host}:{port};branch={branch};rport"]
        request._via = None

    @staticmethod
    def _merge_key(request: Request) -> tuple[str, str, int, str]:
        return request.call_id, request.from_.tag or "", request.cseq.number, request.method

    @staticmethod
    def _server_key(request: Request, method: str) -> object:
        """What tells server transactions apart (section 17.2.3); an ACK belongs to its INVITE."""
        via = request.via
        branch = via.branch
        if method == "ACK":
            method = "INVITE"
        if branch.startswith(COOKIE):
            return branch, via.sent_by, method
        # RFC 2543: no unique branch, so everything that a retransmission repeats.
        return (
            request.uri, request.from_.tag, request.call_id, request.cseq.number, via.sent_by, branch, method,
        )  # fmt: skip
