# SPDX-License-Identifier: Apache-2.0
"""Reliable provisional responses and their acknowledgement, PRACK (RFC 3262), in both roles.

As a server we send what carries a session description reliably where the caller can, everything where it must; one at
a time, repeated until its PRACK comes. As a client we acknowledge each one once, in order, in its own early dialog.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from switchroom.pbx.sip.dialog import Dialog
from switchroom.pbx.sip.header import parse_number
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.timers import Timer

if TYPE_CHECKING:
    from switchroom.pbx.sip.server_session import ServerSession

TAG = "100rel"
MAX_WAITING = 4
_FIRST_LIMIT = 2**31 - 1000


class ReliableSender:
    """The reliable provisional responses of one INVITE that we serve."""

    __slots__ = ("_answer", "_data", "_interval_s", "_number", "_repeat", "_session", "_timeout", "_waiting", "offered")

    def __init__(self, session: "ServerSession") -> None:
        self._session = session
        self._number = 1 + session.agent.ids.below(_FIRST_LIMIT)  # section 3: a random start
        self._data: bytes | None = None
        """The response whose PRACK has not come."""
        self._interval_s = 0.0
        self._repeat: Timer | None = None
        self._timeout: Timer | None = None
        self._waiting: deque[tuple[Response, bool]] = deque(maxlen=MAX_WAITING)
        self._answer: tuple[bytes, Headers | None] | None = None
        self.offered = False
        """The response under way holds our offer: its answer comes in the PRACK."""

    def send(self, response: Response, offers: bool) -> None:
        """Send a response now, or when the one before it is acknowledged (section 3)."""
        if self._data is not None:
            self._waiting.append((response, offers))
            return
        self.offered = offers
        self._number += 1
        response.headers["require"] = [TAG]
        response.headers["rseq"] = [str(self._number)]
        self._data = response.to_bytes()
        self._session.send_provisional(response)
        timers, values = self._session.agent.timers, self._session.agent.values
        self._interval_s = values.t1
        self._repeat = timers.start(self._interval_s, ReliableSender._again, self)
        self._timeout = timers.start(values.timeout, ReliableSender._give_up, self)

    def postpone(self, body: bytes, headers: Headers | None) -> bool:
        """Whether the 2xx must wait for a PRACK (section 3); it is then sent by itself."""
        if self._data is None:
            return False
        self._answer = body, headers
        return True

    def acknowledges(self, prack: Request) -> bool:
        """Whether a PRACK is for the response under way, which it then ends."""
        parts = (prack.get("rack") or "").split()
        expected = [str(self._number), str(self._session.request.cseq.number), "INVITE"]
        if self._data is None or len(parts) != 3 or [parts[0].lstrip("0"), parts[1].lstrip("0"), parts[2]] != expected:
            return False
        self._stop()
        return True

    def go_on(self) -> None:
        """Send what waited for the PRACK, once that is answered."""
        if self._data is not None or self._session.ended:
            return
        if self._answer is not None:
            answer, self._answer = self._answer, None
            self._waiting.clear()
            self._session.answer(*answer)
        elif self._waiting:
            self.send(*self._waiting.popleft())

    def close(self) -> None:
        """The INVITE has its final response. Idempotent."""
        self._stop()
        self._waiting.clear()
        self._answer = None

    def _again(self) -> None:
        if self._data is not None:
            self._session.resend_provisional(self._data)
            self._interval_s *= 2  # not capped by T2
            self._repeat = self._session.agent.timers.start(self._interval_s, ReliableSender._again, self)

    def _give_up(self) -> None:
        self._session.unacknowledged_progress()

    def _stop(self) -> None:
        self._data = None
        for timer in (self._repeat, self._timeout):
            if timer is not None:
                timer.stop()
        self._repeat = self._timeout = None


def wants_reliable(request: Request, with_body: bool) -> bool:
    """Whether a provisional response to this INVITE goes reliably."""
    if "require" in request.headers and TAG in request.tokens("require"):
        return True
    return with_body and "supported" in request.headers and TAG in request.tokens("supported")


@dataclass(slots=True)
class Early:
    """An early dialog of an INVITE of ours: one branch of the fork."""

    dialog: Dialog
    number: int | None = None
    """RSeq of the last reliable response of this branch; None before the first."""
    body: bytes = field(default=b"", repr=False)
    """The answer that it gave reliably, which its 2xx need not repeat."""

    def takes(self, response: Response) -> Headers | None:
        """The headers of the PRACK that a reliable response is owed; None for a repeated or untimely one."""
        number = parse_number(response.get("rseq") or "", 2**32 - 1)
        if number is None or (self.number is not None and number != self.number + 1):
            return None
        self.number = number
        return {"rack": [f"{number} {response.cseq.number} INVITE"]}


def is_reliable(response: Response) -> bool:
    """Whether a provisional response asks for a PRACK."""
    return "rseq" in response.headers and TAG in response.tokens("require")
