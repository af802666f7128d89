# SPDX-License-Identifier: Apache-2.0
"""The 2xx of an INVITE on its way to its ACK (RFC 3261 section 13.3.1.4): its repetitions belong to the session."""

from typing import TYPE_CHECKING

from switchroom.pbx.sip.message import Response
from switchroom.pbx.sip.timers import Timer
from switchroom.pbx.sip.transaction import Transaction

if TYPE_CHECKING:
    from switchroom.pbx.sip.session import Session


class Answer:
    """A 2xx on its way: repeated from T1 to T2 apart, for 64*T1, until stopped."""

    __slots__ = ("_interval_s", "_repeat", "_timeout", "number", "session", "transaction")

    def __init__(self, session: "Session", transaction: Transaction, response: Response) -> None:
        self.session = session
        self.transaction = transaction
        self.number = response.cseq.number
        timers, values = session.agent.timers, session.agent.values
        self._interval_s = values.t1
        transaction.respond(response)
        self._repeat: Timer = timers.start(self._interval_s, Answer._again, self)
        self._timeout: Timer = timers.start(values.timeout, _no_ack, session)

    def _again(self) -> None:
        timers, values = self.session.agent.timers, self.session.agent.values
        self.session.agent.resend_response(self.transaction)
        self._interval_s = min(2 * self._interval_s, values.t2)
        self._repeat = timers.start(self._interval_s, Answer._again, self)

    def stop(self) -> None:
        self._repeat.stop()
        self._timeout.stop()


def _no_ack(session: "Session") -> None:
    session.on_no_ack()
