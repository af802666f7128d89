# SPDX-License-Identifier: Apache-2.0
"""The user of a SIP session that only writes down what it is told, and answers as it was told to."""

from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.message import Request, Response
from switchroom.pbx.sip.session import Session
from switchroom.pbx.sip.transaction import Transaction

OFFER = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class Phone:
    """Keeps `events` as short texts; `accepts` says whether re-INVITEs are taken, None that they are left open."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.accepts: bool | None = True

    def on_progress(self, session: Session, response: Response) -> None:
        self.events.append(f"progress {response.status}")

    def on_answer(self, session: Session, response: Response) -> None:
        self.events.append(f"answer {len(response.body) > 0}")
        assert isinstance(session, ClientSession)
        session.acknowledge()

    def on_failure(self, session: Session, status: int, reason: str, response: Response | None) -> None:
        self.events.append(f"failure {status}")

    def on_cancel(self, session: Session, reason: str) -> None:
        self.events.append("cancel")

    def on_offer(self, session: Session, request: Request) -> None:
        self.events.append("offer")
        if self.accepts:
            session.accept(OFFER)
        elif self.accepts is False:
            session.refuse(488)

    def on_early_answer(self, session: Session, body: bytes) -> None:
        self.events.append("early answer")

    def on_refresh(self, session: Session) -> None:
        self.events.append("refresh")
        session.reinvite(OFFER)

    def on_ack(self, session: Session, body: bytes) -> None:
        self.events.append("ack")

    def on_accepted(self, session: Session, response: Response) -> None:
        self.events.append("accepted")

    def on_refused(self, session: Session, status: int) -> None:
        self.events.append(f"refused {status}")

    def on_request(self, session: Session, request: Request, transaction: Transaction) -> None:
        self.events.append(request.method)
        session.reply(transaction, 200)

    def on_ended(self, session: Session, status: int, reason: str) -> None:
        self.events.append(f"ended {status}")
