# SPDX-License-Identifier: Apache-2.0
"""A simulated trunk: an E1 gateway or a carrier, as a SIP user agent over a real socket, with 30 channels, busy ones,
causes and overlap, and as slow or dead as a test wants it."""

import asyncio
from collections.abc import Callable
from random import Random

from switchroom.pbx.io.address import Listener
from switchroom.pbx.io.connections import TcpLimits
from switchroom.pbx.io.stack import SipStack
from switchroom.pbx.io.transports import Transports
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr
from switchroom.pbx.sip.message import Request, Response
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.session import Session, SessionUser
from switchroom.pbx.sip.transaction import Transaction
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.sip.user_agent import InDialog

CHANNELS = 30


class TestIds:
    """Repeatable."""

    __test__ = False

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def tag(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    branch = tag

    def call_id(self) -> str:
        return f"{self.tag()}@gateway"

    def below(self, limit: int) -> int:
        return self._random.randrange(limit)


class Line:
    """One call through the gateway: the user of its session."""

    def __init__(self, gateway: "Gateway", number: str = "") -> None:
        self.gateway, self.number = gateway, number
        self.session: Session | None = None
        self.request: Request | None = None
        self.status = 0
        """How a call of ours came out."""
        self.reasons: list[str] = []
        """The Reason headers heard."""
        self.over = asyncio.Event()
        self.answered = asyncio.Event()

    def release(self, cause: int) -> None:
        """The ISDN side hangs up."""
        assert self.session is not None
        self.session.bye({"reason": [f"Q.850;cause={cause}"]})
        self._end()

    def on_progress(self, session: Session, response: Response) -> None: ...

    def on_answer(self, session: Session, response: Response) -> None:
        assert isinstance(session, ClientSession)
        session.acknowledge()
        self.status = 200
        self.answered.set()

    def on_failure(self, session: Session, status: int, reason: str, response: Response | None) -> None:
        self.status = status
        if response is not None:
            self.reasons += response.headers.get("reason", [])
        self._end()

    def on_cancel(self, session: Session, reason: str) -> None:
        self.gateway.cancelled += 1
        self.reasons.append(reason)
        self._end()

    def on_offer(self, session: Session, request: Request) -> None:
        session.accept(self.gateway.sdp)

    def on_early_answer(self, session: Session, body: bytes) -> None: ...
    def on_refresh(self, session: Session) -> None: ...
    def on_ack(self, session: Session, body: bytes) -> None: ...
    def on_accepted(self, session: Session, response: Response) -> None: ...
    def on_refused(self, session: Session, status: int) -> None: ...

    def on_request(self, session: Session, request: Request, transaction: Transaction) -> None:
        session.reply(transaction, 200)

    def on_ended(self, session: Session, status: int, reason: str) -> None:
        self.reasons.append(reason)
        self._end()

    def _end(self) -> None:
        self.gateway.lines.discard(self)
        self.over.set()


class Gateway:
    """`causes` by the end of the called number: `{"17": (486, 17)}` refuses every number that ends in 17.

    `dead`: hears nothing; `slow_s`: answers only after so long; `status`: refuses everything, perhaps with a `cause`.
    `within`: challenges each request within a dialog too, which then stand in `challenged`.
    `service_route`: tells those who register to call by there.
    `overlap`: asks for more digits until a number has so many.
    """

    def __init__(self, host: str, port: int = 5060, channels: int = CHANNELS) -> None:
        self.host, self.port, self.channels = host, port, channels
        self.busy_channels = 0
        self.dead = False
        self.slow_s = 0.0
        self.status, self.cause = 0, 0
        self.causes: dict[str, tuple[int, int]] = {}
        self.overlap = 0
        self.password = ""
        self.within = False
        self.challenged: list[str] = []
        self.lines: set[Line] = set()
        self.invites: list[Request] = []
        self.registers: list[Request] = []
        self.service_route: list[str] = []
        self.cancelled = 0
        self.on_invite: Callable[[ServerSession], bool] = lambda session: False
        self.sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n"
        ).encode()

    async def open(self) -> "Gateway":
        self._transports = Transports(TcpLimits(), 100_000)
        self.stack = SipStack(self._transports, TestIds(self.host), name="Gateway")
        self.stack.agent.on_invite = self._invited
        self.stack.agent.handlers["REGISTER"] = self._register
        self.stack.agent.unwanted = lambda request, flow: self.dead
        self._in_session, self.stack.agent._in_session = self.stack.agent._in_session, self._admit  # type: ignore[method-assign]
        await self.stack.start([Listener("UDP", self.host, self.port)])
        return self

    async def close(self) -> None:
        await self.stack.close()

    def call(self, server: tuple[str, int], number: str, caller: str = "13900001111", **headers: str) -> Line:
        """A call from the ISDN side."""
        flow = self.stack.flow_to(f"sip:{server[0]}:{server[1]}")
        assert flow is not None
        line = Line(self, number)
        line.session = self.stack.agent.invite(
            f"sip:{number}@{server[0]}:{server[1]}", flow, line,
            from_=NameAddr("", f"sip:{caller}@{self.host}", {}), body=self.sdp,
            headers={name.replace("_", "-"): [value] for name, value in headers.items()},
        )  # fmt: skip
        self.lines.add(line)
        line.session.start()
        return line

    # ---- within

    def _invited(self, session: ServerSession) -> SessionUser | None:
        request = session.request
        self.invites.append(request)
        if self.slow_s:
            asyncio.get_running_loop().call_later(self.slow_s, self._decide, session)
            line = Line(self)
            line.session, line.request = session, request
            self._waiting = line
            return line
        return self._decide(session)

    def _decide(self, session: ServerSession) -> SessionUser | None:
        if session.ended:
            return None
        request = session.request
        number = parse_uri(request.uri).user or ""
        if self.password and "proxy-authorization" not in request.headers:
            challenge = 'Digest realm="carrier", nonce="n1", qop="auth", algorithm=MD5'
            session.reject(407, headers={"proxy-authenticate": [challenge]})
            return None
        ending = next((end for end in self.causes if number.endswith(end)), None)
        if self.overlap and len(number) < self.overlap:
            session.reject(484, headers={"reason": ["Q.850;cause=28"]})
        elif self.status:
            session.reject(self.status, headers={"reason": [f"Q.850;cause={self.cause}"]} if self.cause else None)
        elif len(self.lines) + self.busy_channels >= self.channels:
            session.reject(503, headers={"reason": ["Q.850;cause=34"]})
        elif ending is not None:
            status, cause = self.causes[ending]
            session.reject(status, headers={"reason": [f"Q.850;cause={cause}"]})
        else:
            line = Line(self, number)
            line.session, line.request = session, request
            self.lines.add(line)
            asyncio.get_running_loop().call_soon(self._answer, line)
            return line
        return None

    def _answer(self, line: Line) -> None:
        assert isinstance(line.session, ServerSession)
        if not line.session.ended:
            line.session.ring(183)
            line.session.answer(self.sdp)

    def _admit(self, session: InDialog, request: Request, flow: Flow) -> None:
        if self.within and request.method != "ACK" and "authorization" not in request.headers:
            self.challenged.append(request.method)
            challenge = f'Digest realm="carrier", nonce="n{len(self.challenged)}", qop="auth", algorithm=MD5'
            self.stack.agent._refuse(request, flow, 401, {"www-authenticate": [challenge]})
        else:
            self._in_session(session, request, flow)

    def _register(self, request: Request, transaction: Transaction, flow: Flow) -> None:
        self.registers.append(request)
        response = request.response(200, to_tag="r")
        if self.password and "authorization" not in request.headers:
            response = request.response(401, to_tag="r")
            response.headers["www-authenticate"] = ['Digest realm="carrier", nonce="n0", qop="auth", algorithm=MD5']
        else:
            response.headers["contact"] = request.headers["contact"]
            response.headers["expires"] = request.headers["expires"]
            if self.service_route:
                response.headers["service-route"] = self.service_route
        transaction.respond(response)
