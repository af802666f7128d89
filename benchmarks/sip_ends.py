# SPDX-License-Identifier: Apache-2.0
"""A caller and a called side over real UDP sockets: as many calls through an exchange as its tests and rigs want.

Just enough SIP for INVITE 180 200 ACK, BYE 200 on loopback: nothing is sent twice, and what the exchange sends twice is
counted. The number that is called carries the call's own number, so that both sides know which call they are in.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

Address = tuple[str, int]

ANSWER_S = 10.0
_NAMES = ("Via", "From", "To", "Call-ID", "CSeq", "Contact")
_HEADERS = {name: re.compile(rf"^{name}:[ ]*([^\r]*)\r$", re.IGNORECASE | re.MULTILINE) for name in _NAMES}
_AUDIO = re.compile(r"^m=audio (\d+) ", re.MULTILINE)


@dataclass
class Call:
    """One call that stands. The ports are those that the exchange opened towards each side."""

    number: int
    call_id: str
    target: str
    remote: str
    caller_port: int
    called_port: int


@dataclass
class Counts:
    """What went otherwise than in a quiet call."""

    repeated: int = 0
    refused: dict[int, int] = field(default_factory=dict)
    lost: int = 0


class Refused(Exception):
    """A final response that is none of success; `status` says which."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Ends:
    """Both sides. `rtp` hosts and `first_port` are what their descriptions name; nobody listens there."""

    def __init__(
        self, exchange: Address, caller: Address, called: Address, *, formats: tuple[str, str] = ("0", "0")
    ) -> None:
        self.exchange = exchange
        self.caller_at, self.called_at = caller, called
        self.formats = formats
        self.counts = Counts()
        self._waiting: dict[tuple[str, str], asyncio.Future[str]] = {}
        self._ports: dict[int, int] = {}
        self._seen: set[str] = set()
        self._caller: asyncio.DatagramTransport | None = None
        self._called: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Bind both. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._caller, _ = await loop.create_datagram_endpoint(lambda: _Socket(self._on_caller), self.caller_at)
        self._called, _ = await loop.create_datagram_endpoint(lambda: _Socket(self._on_called), self.called_at)

    def close(self) -> None:
        for transport in (self._caller, self._called):
            if transport is not None:
                transport.close()

    async def call(self, number: int, prefix: str = "2") -> Call:
        """Call, and stay until `hang_up`. Raises Refused, TimeoutError."""
        call_id = f"{number}@ends"
        head = self._head(call_id, f"<sip:{prefix}{number}@{self.exchange[0]}:{self.exchange[1]}>", number)
        uri = f"sip:{prefix}{number}@{self.exchange[0]}:{self.exchange[1]}"
        body = _description(self.caller_at[0], 20_000 + 2 * number % 40_000, self.formats[0])
        answer = await self._ask(f"INVITE {uri} SIP/2.0\r\n{head('i', '1 INVITE')}", call_id, "INVITE", body)
        to, target = _value(answer, "To"), _value(answer, "Contact").strip("<>")
        head = self._head(call_id, to, number)
        self._send(f"ACK {target} SIP/2.0\r\n{head('a', '1 ACK')}")
        return Call(number, call_id, target, to, _port(answer), self._ports.pop(number, 0))

    async def hang_up(self, call: Call) -> None:
        """End it from the caller's side. Raises TimeoutError, Refused."""
        head = self._head(call.call_id, call.remote, call.number)
        await self._ask(f"BYE {call.target} SIP/2.0\r\n{head('b', '2 BYE')}", call.call_id, "BYE")

    # ---- within

    def _head(self, call_id: str, to: str, number: int) -> Callable[[str, str], str]:
        host, port = self.caller_at

        def head(branch: str, cseq: str) -> str:
            return (
                f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{number}{branch};rport\r\n"
                f"From: <sip:ends@{host}:{port}>;tag=c{number}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n"
                f"Contact: <sip:ends@{host}:{port}>\r\nMax-Forwards: 70\r\n"
            )

        return head

    async def _ask(self, head: str, call_id: str, method: str, body: str = "") -> str:
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[call_id, method] = answered
        self._send(head, body)
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await answered
        except TimeoutError:
            self.counts.lost += 1
            raise
        finally:
            del self._waiting[call_id, method]
        status = int(answer[8:11])
        if status >= 300:
            self.counts.refused[status] = self.counts.refused.get(status, 0) + 1
            raise Refused(status)
        return answer

    def _send(self, head: str, body: str = "") -> None:
        assert self._caller is not None
        self._caller.sendto(_message(head, body), self.exchange)

    def _on_caller(self, text: str) -> None:
        if not text.startswith("SIP/2.0"):
            return
        if text[8] == "1":
            return
        call_id, method = _value(text, "Call-ID"), _value(text, "CSeq").split()[1]
        answered = self._waiting.get((call_id, method))
        if answered is None or answered.done():
            self.counts.repeated += 1
            return
        answered.set_result(text)
        if method == "INVITE" and text[8] != "2":
            number = int(call_id.partition("@")[0])
            head = self._head(call_id, _value(text, "To"), number)("i", "1 ACK")
            self._send(f"ACK sip:{self.exchange[0]}:{self.exchange[1]} SIP/2.0\r\n{head}")

    def _on_called(self, text: str) -> None:
        assert self._called is not None
        method, uri = text.split(" ", 2)[:2]
        if method not in ("INVITE", "BYE"):
            return
        via = _value(text, "Via")
        if via in self._seen:
            self.counts.repeated += 1
            return
        self._seen.add(via)
        if method == "BYE":
            self._seen.clear()
        host, port = self.called_at
        to = _value(text, "To")
        if ";tag=" not in to:
            to += ";tag=s"
        head = (
            f"Via: {via}\r\nFrom: {_value(text, 'From')}\r\nTo: {to}\r\nCall-ID: {_value(text, 'Call-ID')}\r\n"
            f"CSeq: {_value(text, 'CSeq')}\r\nContact: <sip:{host}:{port}>\r\n"
        )
        if method == "BYE":
            self._called.sendto(_message(f"SIP/2.0 200 OK\r\n{head}"), self.exchange)
            return
        number = int(uri.removeprefix("sip:").partition("@")[0][1:])
        self._ports[number] = _port(text)
        self._called.sendto(_message(f"SIP/2.0 180 Ringing\r\n{head}"), self.exchange)
        body = _description(host, 20_000 + 2 * number % 40_000, self.formats[1])
        self._called.sendto(_message(f"SIP/2.0 200 OK\r\n{head}", body), self.exchange)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data.decode())


def _value(text: str, name: str) -> str:
    found = _HEADERS[name].search(text)
    return found[1] if found else ""


def _port(text: str) -> int:
    found = _AUDIO.search(text)
    return int(found[1]) if found else 0


def _description(host: str, port: int, form: str) -> str:
    return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {form}\r\n"


def _message(head: str, body: str = "") -> bytes:
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode()
