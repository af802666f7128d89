# SPDX-License-Identifier: Apache-2.0
"""The four transaction machines of RFC 3261 section 17, as amended by RFC 6026, as four literal tables.

A table says for each (state, input) the next state and what is done on the way; IGNORED names the inputs that a state
lets pass without effect. Any other pair is a fault of the caller and raises StateError. The machines touch the world
through their owner only (`TransactionOwner`), and time through the timers they are given.

Theory of operation: the layer (transactions.py) finds the machine for a message and feeds it an input, which is named
after the message's class (`1xx`, `ack`), the timer that fired (`timer A`), what the user wants to send (`send 2xx`) or
the failure of the transport. Retransmissions happen here and nowhere else, but for the 2xx of an INVITE, which belong
to the session (section 13.3.1.4).
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Request, Response
from switchroom.pbx.sip.timers import Timer, Timers, TimerValues

# States
CALLING: Final = "calling"
TRYING: Final = "trying"
PROCEEDING: Final = "proceeding"
ACCEPTED: Final = "accepted"
COMPLETED: Final = "completed"
CONFIRMED: Final = "confirmed"
TERMINATED: Final = "terminated"

# Inputs from the network
P1XX: Final = "1xx"
P2XX: Final = "2xx"
P3XX: Final = "300-699"
FINAL: Final = "200-699"
REQUEST: Final = "request"
ACK: Final = "ack"
ERROR: Final = "transport error"
# Inputs from the transaction user
SEND_1XX: Final = "send 1xx"
SEND_2XX: Final = "send 2xx"
SEND_3XX: Final = "send 300-699"
SEND_FINAL: Final = "send 200-699"
# Inputs from the timers: "timer A" to "timer M", and "timer 100"

TRYING_S: Final = 0.2
"""Within this time the user says something, or 100 is sent (section 17.2.1)."""


class TransactionOwner(Protocol):
    """What a transaction needs of the layer that owns it."""

    timers: Timers
    values: TimerValues

    def send(self, data: bytes, flow: Flow) -> None: ...
    def on_terminated(self, transaction: "Transaction") -> None: ...


class TransactionUser(Protocol):
    """Who is told what becomes of a transaction; the core's sessions and requests."""

    def on_response(self, transaction: "Transaction", response: Response) -> None:
        """A client transaction got a response (for an INVITE: each 2xx, however many)."""

    def on_ack(self, transaction: "Transaction", ack: Request) -> None:
        """A server transaction that answered an INVITE with 2xx got an ACK with its own branch."""

    def on_failure(self, transaction: "Transaction", status: int) -> None:
        """No answer (408) or no transport (503); the transaction is over."""


class Nobody:
    """The user of transactions whose outcome interests nobody."""

    def on_response(self, transaction: "Transaction", response: Response) -> None:
        pass

    def on_ack(self, transaction: "Transaction", ack: Request) -> None:
        pass

    def on_failure(self, transaction: "Transaction", status: int) -> None:
        pass


NOBODY: Final = Nobody()
SETTLED: Final = Request("", "", {})
"""Stands for the request of a transaction that has let go of it."""

Action = Callable[["Transaction", Request | Response | None], None]
Rule = tuple[str, tuple[Action, ...]]
Table = Mapping[tuple[str, str], Rule]


class Transaction:
    """One transaction in one of the four roles; `table` makes the difference.

    `request` is the request that opened it. `user` is whoever is told of responses, acknowledgements and failures. Most
    of its life a transaction only absorbs repetitions; what that does not need is let go (`settle`).
    """

    __slots__ = (
        "_interval_s", "_ticker", "_timeout", "flow", "key", "last", "machine", "merge_key", "method", "owner",
        "request", "state", "user",
    )  # fmt: skip

    def __init__(
        self,
        machine: "Machine",
        key: object,
        request: Request,
        flow: Flow,
        owner: TransactionOwner,
        user: TransactionUser,
    ) -> None:
        self.machine = machine
        self.key = key
        self.request = request
        self.method = request.method
        self.flow = flow
        self.owner = owner
        self.user = user
        self.state = machine.initial
        self.merge_key: object = None
        """By which a merged request is known (section 8.2.2.2)."""
        self.last = b""
        """What is sent again: the request of a client, the latest response of a server."""
        self._interval_s = 0.0
        self._ticker: Timer | None = None
        self._timeout: Timer | None = None

    @property
    def reliable(self) -> bool:
        return self.flow.reliable

    def step(self, event: str, message: Request | Response | None = None) -> None:
        """Feed one input. Raises StateError for an input that the state does not know."""
        rule = self.machine.table.get((self.state, event))
        if rule is None:
            if (self.state, event) in self.machine.ignored:
                return
            raise StateError(f"{self.machine.name} in {self.state}: no {event}")
        state, actions = rule
        self.state = state
        for action in actions:
            action(self, message)
        if state is TERMINATED:
            self._stop()
            self.owner.on_terminated(self)

    def respond(self, response: Response) -> None:
        """Send a response (server transactions)."""
        status = response.status
        if status < 200:
            self.step(SEND_1XX, response)
        elif self.machine is NON_INVITE_SERVER:
            self.step(SEND_FINAL, response)
        else:
            self.step(SEND_2XX if status < 300 else SEND_3XX, response)

    def abandon(self) -> None:
        """Drop the transaction without a further word, as at shutdown."""
        self.state = TERMINATED
        self._stop()
        self.owner.on_terminated(self)

    def expire(self) -> None:
        """Wait 64*T1 longer for the final response of an INVITE, and then no more."""
        self.owner.timers.start(self.owner.values.timeout, _give_up, self)

    def _stop(self) -> None:
        for timer in (self._ticker, self._timeout):
            if timer is not None:
                timer.stop()
        self._ticker = self._timeout = None

    def __repr__(self) -> str:
        return f"<{self.machine.name} {self.method} {self.state} {self.key}>"


def _give_up(transaction: Transaction) -> None:
    if transaction.state is PROCEEDING:
        transaction.abandon()


# ---- actions -------------------------------------------------------------------------------------------------------


def _fire(event: str) -> Callable[[Transaction], None]:
    def fire(transaction: Transaction) -> None:
        transaction.step(event)

    return fire


_FIRE = {letter: _fire(f"timer {letter}") for letter in (*"ABDEFGHIJKLM", "100")}


def _start_timeout(letter: str, delay: Callable[[Transaction], float]) -> Action:
    """Start the timer that ends the state; with no delay it fires at once (reliable transports)."""

    def start(transaction: Transaction, _: object) -> None:
        _stop_timers(transaction, None)
        delay_s = delay(transaction)
        if delay_s > 0:
            transaction._timeout = transaction.owner.timers.start(delay_s, _FIRE[letter], transaction)
        else:
            transaction.step(f"timer {letter}")

    start.__name__ = f"start_{letter}"
    return start


def _start_ticker(letter: str) -> Action:
    """Start the timer of retransmissions: T1 first, unreliable transports only."""

    def start(transaction: Transaction, _: object) -> None:
        if transaction.reliable:
            return
        transaction._interval_s = transaction.owner.values.t1
        transaction._ticker = transaction.owner.timers.start(transaction._interval_s, _FIRE[letter], transaction)

    start.__name__ = f"start_{letter}"
    return start


def _again(letter: str, capped: bool, at_once_t2: bool = False) -> Action:
    """Restart the timer of retransmissions with twice the interval, up to T2 where `capped`."""

    def again(transaction: Transaction, _: object) -> None:
        values = transaction.owner.values
        interval_s = values.t2 if at_once_t2 else 2 * transaction._interval_s
        transaction._interval_s = min(interval_s, values.t2) if capped else interval_s
        transaction._ticker = transaction.owner.timers.start(transaction._interval_s, _FIRE[letter], transaction)

    again.__name__ = f"restart_{letter}"
    return again


def _stop_timers(transaction: Transaction, _: object) -> None:
    transaction._stop()


def _settle(transaction: Transaction, _: object) -> None:
    """Let go of the request, and of a user who is told nothing more: for half a minute only repetitions can come."""
    transaction.request = SETTLED
    if transaction.machine is NON_INVITE_CLIENT or transaction.machine is NON_INVITE_SERVER:
        transaction.user = NOBODY


def _resend(transaction: Transaction, _: object) -> None:
    if transaction.last:
        transaction.owner.send(transaction.last, transaction.flow)


def _send(transaction: Transaction, message: Request | Response | None) -> None:
    assert message is not None
    transaction.last = message.to_bytes()
    transaction.owner.send(transaction.last, transaction.flow)


def _send_trying(transaction: Transaction, _: object) -> None:
    _send(transaction, transaction.request.response(100))


def _send_ack(transaction: Transaction, message: Request | Response | None) -> None:
    """Acknowledge a failure within the transaction (section 17.1.1.3)."""
    assert isinstance(message, Response)
    request = transaction.request
    headers = {
        "via": request.headers["via"][:1],
        "from": request.headers["from"],
        "to": message.headers.get("to", request.headers["to"]),
        "call-id": request.headers["call-id"],
        "cseq": [f"{request.cseq.number} ACK"],
        "max-forwards": ["70"],
    }
    if "route" in request.headers:
        headers["route"] = request.headers["route"]
    transaction.owner.send(Request("ACK", request.uri, headers).to_bytes(), transaction.flow)


def _tell_response(transaction: Transaction, message: Request | Response | None) -> None:
    assert isinstance(message, Response)
    transaction.user.on_response(transaction, message)


def _tell_ack(transaction: Transaction, message: Request | Response | None) -> None:
    assert isinstance(message, Request)
    transaction.user.on_ack(transaction, message)


def _tell_timeout(transaction: Transaction, _: object) -> None:
    transaction.user.on_failure(transaction, 408)


def _tell_error(transaction: Transaction, _: object) -> None:
    transaction.user.on_failure(transaction, 503)


def _64_t1(transaction: Transaction) -> float:
    return transaction.owner.values.timeout


def _64_t1_unreliable(transaction: Transaction) -> float:
    return 0.0 if transaction.reliable else transaction.owner.values.timeout


def _t4_unreliable(transaction: Transaction) -> float:
    return 0.0 if transaction.reliable else transaction.owner.values.t4


start_a, restart_a = _start_ticker("A"), _again("A", capped=False)
start_e, restart_e, restart_e_t2 = _start_ticker("E"), _again("E", capped=True), _again("E", True, at_once_t2=True)
start_g, restart_g = _start_ticker("G"), _again("G", capped=True)
start_b = _start_timeout("B", _64_t1)
start_d = _start_timeout("D", _64_t1_unreliable)
start_f = _start_timeout("F", _64_t1)
start_h = _start_timeout("H", _64_t1)
start_i = _start_timeout("I", _t4_unreliable)
start_j = _start_timeout("J", _64_t1_unreliable)
start_k = _start_timeout("K", _t4_unreliable)
start_l = _start_timeout("L", _64_t1)
start_m = _start_timeout("M", _64_t1)
start_100 = _start_timeout("100", lambda transaction: TRYING_S)
stop_timers, settle, resend, send = _stop_timers, _settle, _resend, _send
send_ack, send_trying = _send_ack, _send_trying
tell_response, tell_ack, tell_timeout, tell_error = _tell_response, _tell_ack, _tell_timeout, _tell_error


# ---- the tables ----------------------------------------------------------------------------------------------------


class Machine:
    """A table with its name, its first state, what is done on entry to it, and the pairs without effect."""

    def __init__(
        self, name: str, initial: str, on_start: tuple[Action, ...], table: Table, ignored: frozenset[tuple[str, str]]
    ) -> None:
        self.name = name
        self.initial = initial
        self.on_start = on_start
        self.table = table
        self.ignored = ignored


# Section 17.1.1 and RFC 6026 section 7.2. Timer B stops with the first response: the user says how long to ring.
INVITE_CLIENT: Final = Machine(
    "INVITE client",
    CALLING,
    (start_b, start_a),
    {
        (CALLING, "timer A"): (CALLING, (resend, restart_a)),
        (CALLING, "timer B"): (TERMINATED, (tell_timeout,)),
        (CALLING, P1XX): (PROCEEDING, (stop_timers, tell_response)),
        (CALLING, P2XX): (ACCEPTED, (start_m, tell_response)),
        (CALLING, P3XX): (COMPLETED, (send_ack, tell_response, start_d)),
        (CALLING, ERROR): (TERMINATED, (tell_error,)),
        (PROCEEDING, P1XX): (PROCEEDING, (tell_response,)),
        (PROCEEDING, P2XX): (ACCEPTED, (start_m, tell_response)),
        (PROCEEDING, P3XX): (COMPLETED, (send_ack, tell_response, start_d)),
        (COMPLETED, P3XX): (COMPLETED, (send_ack,)),
        (COMPLETED, "timer D"): (TERMINATED, ()),
        (COMPLETED, ERROR): (TERMINATED, ()),
        (ACCEPTED, P2XX): (ACCEPTED, (tell_response,)),
        (ACCEPTED, "timer M"): (TERMINATED, ()),
    },
    # A response may still come over another connection (section 18.2.2), so a broken one ends nothing by itself.
    frozenset(
        {
            (PROCEEDING, ERROR),
            (ACCEPTED, ERROR),
            (COMPLETED, P1XX),
            (COMPLETED, P2XX),
            (ACCEPTED, P1XX),
            (ACCEPTED, P3XX),
        }
    ),
)

# Section 17.1.2.
NON_INVITE_CLIENT: Final = Machine(
    "non-INVITE client",
    TRYING,
    (start_f, start_e),
    {
        (TRYING, "timer E"): (TRYING, (resend, restart_e)),
        (TRYING, "timer F"): (TERMINATED, (tell_timeout,)),
        (TRYING, ERROR): (TERMINATED, (tell_error,)),
        (TRYING, P1XX): (PROCEEDING, (tell_response,)),
        (TRYING, FINAL): (COMPLETED, (tell_response, settle, start_k)),
        (PROCEEDING, "timer E"): (PROCEEDING, (resend, restart_e_t2)),
        (PROCEEDING, "timer F"): (TERMINATED, (tell_timeout,)),
        (PROCEEDING, ERROR): (TERMINATED, (tell_error,)),
        (PROCEEDING, P1XX): (PROCEEDING, (tell_response,)),
        (PROCEEDING, FINAL): (COMPLETED, (tell_response, settle, start_k)),
        (COMPLETED, "timer K"): (TERMINATED, ()),
    },
    frozenset({(COMPLETED, P1XX), (COMPLETED, FINAL), (COMPLETED, ERROR)}),
)

# Section 17.2.1 and RFC 6026 section 7.1; but an INVITE that comes again after its 2xx gets that once more, and no
# silence: who repeats it has not heard the answer.
INVITE_SERVER: Final = Machine(
    "INVITE server",
    PROCEEDING,
    (start_100,),
    {
        (PROCEEDING, REQUEST): (PROCEEDING, (resend,)),
        (PROCEEDING, "timer 100"): (PROCEEDING, (send_trying,)),
        (PROCEEDING, SEND_1XX): (PROCEEDING, (stop_timers, send)),
        (PROCEEDING, SEND_2XX): (ACCEPTED, (send, settle, start_l)),
        (PROCEEDING, SEND_3XX): (COMPLETED, (send, settle, start_h, start_g)),
        (PROCEEDING, ERROR): (TERMINATED, (tell_error,)),
        (COMPLETED, REQUEST): (COMPLETED, (resend,)),
        (COMPLETED, ACK): (CONFIRMED, (start_i,)),
        (COMPLETED, "timer G"): (COMPLETED, (resend, restart_g)),
        (COMPLETED, "timer H"): (TERMINATED, (tell_timeout,)),
        (COMPLETED, ERROR): (TERMINATED, (tell_error,)),
        (CONFIRMED, "timer I"): (TERMINATED, ()),
        (ACCEPTED, SEND_2XX): (ACCEPTED, (send,)),
        (ACCEPTED, REQUEST): (ACCEPTED, (resend,)),
        (ACCEPTED, ACK): (ACCEPTED, (tell_ack,)),
        (ACCEPTED, "timer L"): (TERMINATED, ()),
    },
    frozenset({(PROCEEDING, ACK), (CONFIRMED, REQUEST), (CONFIRMED, ACK), (CONFIRMED, ERROR), (ACCEPTED, ERROR)}),
)

# Section 17.2.2.
NON_INVITE_SERVER: Final = Machine(
    "non-INVITE server",
    TRYING,
    (),
    {
        (TRYING, SEND_1XX): (PROCEEDING, (send,)),
        (TRYING, SEND_FINAL): (COMPLETED, (send, settle, start_j)),
        (TRYING, ERROR): (TERMINATED, (tell_error,)),
        (PROCEEDING, REQUEST): (PROCEEDING, (resend,)),
        (PROCEEDING, SEND_1XX): (PROCEEDING, (send,)),
        (PROCEEDING, SEND_FINAL): (COMPLETED, (send, settle, start_j)),
        (PROCEEDING, ERROR): (TERMINATED, (tell_error,)),
        (COMPLETED, REQUEST): (COMPLETED, (resend,)),
        (COMPLETED, ERROR): (TERMINATED, (tell_error,)),
        (COMPLETED, "timer J"): (TERMINATED, ()),
    },
    frozenset({(TRYING, REQUEST)}),
)

MACHINES: Final = (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER)
