# SPDX-License-Identifier: Apache-2.0
"""A phone of few lines over a real socket: UDP, TCP, TLS or WebSocket, IPv4 or IPv6; it registers, calls and is called.

It sends no audio; its SDP names a port at which nobody listens.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from itertools import count

import aiohttp

from switchroom.pbx.sip.auth import DigestClient
from switchroom.pbx.sip.framer import PING, Framer
from switchroom.pbx.sip.message import Request, Response
from switchroom.pbx.sip.parser import parse

_SERIALS = count(1)
WAIT_S = 5.0


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class SmallPhone(asyncio.DatagramProtocol):
    """`kind` is the transport of its Via; `source` the address it sends from."""

    def __init__(self, user: str, server: tuple[str, int], kind: str = "UDP", *, password: str = "") -> None:
        self.user, self.server, self.kind = user, server, kind
        self.password = password or f"pw{user}"
        self.requests: asyncio.Queue[Request] = asyncio.Queue()
        self.responses: asyncio.Queue[Response] = asyncio.Queue()
        self.sent_by = ""
        self.agent = ""
        self.closed = asyncio.Event()
        """The other side ended the connection."""
        self._send: Callable[[bytes], object] = lambda data: None
        self._closers: list[Callable[[], Awaitable[object] | None]] = []
        self._reading: asyncio.Task[None] | None = None

    async def open(self, source: str, tls: ssl.SSLContext | None = None) -> "SmallPhone":
        loop = asyncio.get_running_loop()
        host, port = self.server
        self.sent_by = f"{bracketed(source)}:5060"
        if self.kind == "UDP":
            transport, _ = await loop.create_datagram_endpoint(lambda: self, (source, 0), self.server)
            self.sent_by = f"{bracketed(source)}:{transport.get_extra_info('sockname')[1]}"
            self._send = transport.sendto
            self._closers.append(transport.close)
        elif self.kind in ("WS", "WSS"):
            session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(source, 0)))
            self._closers.append(session.close)
            ws = await session.ws_connect(
                f"{self.kind.lower()}://{bracketed(host)}:{port}/", protocols=("sip",), ssl=tls or True
            )
            self.sent_by = f"{self.user}.invalid"
            self._send = lambda data: loop.create_task(ws.send_str(data.decode()))
            self._reading = loop.create_task(self._read_websocket(ws))
        else:
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, local_addr=(source, 0))
            self._send = writer.write
            self._closers.append(writer.close)
            self._reading = loop.create_task(self._read_stream(reader))
        return self

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        for closer in self._closers:
            if (waiting := closer()) is not None:
                await waiting

    @property
    def contact(self) -> str:
        transport = "" if self.kind == "UDP" else f";transport={'ws' if self.kind == 'WSS' else self.kind.lower()}"
        return f"<sip:{self.user}@{self.sent_by}{transport}>"

    async def register(self, expires_s: int = 60) -> Response:
        return await self.request("REGISTER", f"sip:{bracketed(self.server[0])}", expires_s=expires_s)

    async def call(self, number: str, sdp: bytes) -> Response:
        """INVITE, and the ACK of a 2xx."""
        return await self.request("INVITE", f"sip:{number}@{bracketed(self.server[0])}", body=sdp)

    async def request(self, method: str, uri: str, *, body: bytes = b"", expires_s: int | None = None) -> Response:
        """The final response, after one answer to a challenge."""
        call_id, tag = f"{next(_SERIALS)}@{self.user}", f"t{next(_SERIALS)}"
        to = f"<sip:{self.user}@{bracketed(self.server[0])}>" if method == "REGISTER" else f"<{uri}>"
        client = DigestClient(self.user, self.password, lambda: "cnonce")
        more: dict[str, list[str]] = {}
        for number in (1, 2):
            headers = {
                "via": [self._via()], "max-forwards": ["70"], "call-id": [call_id], "cseq": [f"{number} {method}"],
                "from": [f"<sip:{self.user}@{bracketed(self.server[0])}>;tag={tag}"], "to": [to],
                "contact": [self.contact], **more,
            }  # fmt: skip
            if self.agent:
                headers["user-agent"] = [self.agent]
            if expires_s is not None:
                headers["expires"] = [str(expires_s)]
            if body:
                headers["content-type"] = ["application/sdp"]
            request = Request(method, uri, headers, body)
            self.send(request)
            response = await self._final(call_id, number)
            if method == "INVITE":
                self._acknowledge(request, response)
            answer = client.respond(response, method, uri) if response.status in (401, 407) else None
            if answer is None:
                return response
            more = answer
        return response

    async def expect(self, method: str) -> Request:
        """The next request that comes."""
        request = await asyncio.wait_for(self.requests.get(), WAIT_S)
        assert request.method == method, request
        return request

    def respond(self, request: Request, status: int, body: bytes = b"") -> None:
        response = request.response(status, to_tag=f"u{self.user}")
        response.headers["contact"] = [self.contact]
        if body:
            response.with_body(body)
        self._send(response.to_bytes())

    def in_dialog(self, method: str, response: Response, number: int = 9) -> None:
        """Send a request of ours in the dialog that a 2xx made, such as BYE."""
        headers = {
            "via": [self._via()], "max-forwards": ["70"], "call-id": [response.call_id],
            "cseq": [f"{number} {method}"], "from": response.headers["from"], "to": response.headers["to"],
        }  # fmt: skip
        self.send(Request(method, response.contacts()[0].uri, headers))

    def send(self, message: Request | bytes) -> None:
        self._send(message if isinstance(message, bytes) else message.to_bytes())

    # ---- within

    def _via(self) -> str:
        return f"SIP/2.0/{self.kind} {self.sent_by};branch=z9hG4bK{next(_SERIALS)}{self.user};rport"

    def _acknowledge(self, invite: Request, response: Response) -> None:
        number = invite.cseq.number
        headers = {name: invite.headers[name] for name in ("max-forwards", "call-id", "from")}
        headers |= {"to": response.headers["to"], "cseq": [f"{number} ACK"]}
        good = response.status < 300
        headers["via"] = [self._via()] if good else invite.headers["via"]
        self.send(Request("ACK", response.contacts()[0].uri if good else invite.uri, headers))

    async def _final(self, call_id: str, number: int) -> Response:
        while True:
            response = await asyncio.wait_for(self.responses.get(), WAIT_S)
            if response.call_id == call_id and response.cseq.number == number and response.status >= 200:
                return response

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._take(data)

    def error_received(self, exc: Exception) -> None:
        pass

    def _take(self, data: bytes) -> None:
        message = parse(data)
        if isinstance(message, Request):
            self.requests.put_nowait(message)
        else:
            assert isinstance(message, Response)
            self.responses.put_nowait(message)

    async def _read_stream(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        while data := await reader.read(65_536):
            for frame in framer.receive(data):
                if frame is not PING:
                    self._take(frame)
        self.closed.set()

    async def _read_websocket(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            self._take(message.data.encode() if isinstance(message.data, str) else message.data)
        self.closed.set()


def sdp(host: str, port: int = 4000) -> bytes:
    family = "IP6" if ":" in host else "IP4"
    return (
        f"v=0\r\no=- 1 1 IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    ).encode()
