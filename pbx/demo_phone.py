# SPDX-License-Identifier: Apache-2.0
"""The telephones of the demo's people: one line over UDP, with real audio (G.711) and keys (RFC 4733).

Just enough SIP (RFC 3261) to register, call and be called on the loopback; what is heard is not looked at.
"""

import asyncio
import re
from collections.abc import Callable
from itertools import count
from random import Random

from switchroom.pbx.sip.auth import DigestClient
from switchroom.pbx.sip.errors import SipError
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.parser import parse

Address = tuple[str, int]

ANSWER_S = 20.0
REPEAT_S = 0.5
REGISTERED_S = 600
FRAME_S, FRAME_BYTES = 0.02, 160
KEY_FRAMES, KEY_GAP_FRAMES = 6, 5
SILENCE = b"\xff" * FRAME_BYTES
_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_HOST = re.compile(rb"^c=IN IP4 (\S+)", re.MULTILINE)


class Refused(Exception):
    """A call came to nothing; the text is the status."""


class Audio(asyncio.DatagramProtocol):
    """The sound of one call: a packet every 20 ms, with what there is to say, else silence."""

    def __init__(self, random: Random) -> None:
        self.port = 0
        self.heard = 0
        """Packets."""
        self._there: Address | None = None
        self._saying = b""
        self._keys = ""
        self._ssrc = random.getrandbits(32).to_bytes(4, "big")
        self._transport: asyncio.DatagramTransport | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, host: str) -> "Audio":
        """Bind a port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, (host, 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    def send_to(self, description: bytes) -> None:
        """Begin to send, or go on elsewhere, as a description of the other side says."""
        port, host = _AUDIO.search(description), _HOST.search(description)
        if port is not None and host is not None:
            self._there = (host[1].decode(), int(port[1]))
            self._task = self._task or asyncio.get_running_loop().create_task(self._send())

    def say(self, sound: bytes) -> None:
        """Say something, in G.711 mu-law, instead of what is being said."""
        self._saying = sound

    def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        self._keys += keys

    def close(self) -> None:
        """Idempotent."""
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.heard += 1

    def error_received(self, exc: Exception) -> None:
        pass  # the other side has closed its port; its BYE is on the way

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        due_s, key_frame, key_began = loop.time(), 0, 0
        for number in count(1):
            stamp = number * FRAME_BYTES
            if self._keys:
                if key_frame == 0:
                    key_began = stamp
                key_frame += 1
                if key_frame <= KEY_FRAMES:
                    event = "0123456789*#".index(self._keys[0])
                    lasts = key_frame * FRAME_BYTES
                    end = 0x80 if key_frame == KEY_FRAMES else 0
                    body = bytes((event, end | 10)) + lasts.to_bytes(2, "big")
                    for _ in range(3 if end else 1):  # RFC 4733 section 2.5.1.4: the end is told three times
                        self._packet(101 | (0x80 if key_frame == 1 else 0), number, key_began, body)
                elif key_frame == KEY_FRAMES + KEY_GAP_FRAMES:
                    self._keys, key_frame = self._keys[1:], 0
            else:
                said, self._saying = self._saying[:FRAME_BYTES], self._saying[FRAME_BYTES:]
                self._packet(0, number, stamp, said.ljust(FRAME_BYTES, b"\xff") or SILENCE)
            due_s = max(due_s + FRAME_S, loop.time() - 0.2)
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    def _packet(self, kind: int, number: int, stamp: int, body: bytes) -> None:
        assert self._transport is not None
        head = bytes((0x80, kind)) + (number & 0xFFFF).to_bytes(2, "big") + (stamp & 0xFFFFFFFF).to_bytes(4, "big")
        self._transport.sendto(head + self._ssrc + body, self._there)


class Talk:
    """One call. `over` is done when either side has hung up; `number` is the other's."""

    def __init__(self, phone: "Phone", call_id: str, number: str, audio: Audio) -> None:
        self.call_id, self.number, self.audio = call_id, number, audio
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.invite: Request | None = None
        """Theirs, where they called."""
        self.answered = False
        self.own = self.remote = self.target = ""
        """From and To of what we send, and where to."""
        self.sequence = 10
        self._phone = phone

    async def answer(self) -> None:
        """Answer a call of theirs."""
        assert self.invite is not None
        if self.over.done():
            return
        await self.audio.open(self._phone.host)
        self.answered = True
        self.audio.send_to(self.invite.body)
        self._phone.respond(self.invite, 200, self._phone.description(self.audio))

    async def hang_up(self) -> None:
        """Say BYE, or refuse. Idempotent."""
        if self.over.done():
            return
        self.end()
        if self.invite is not None and not self.answered:
            self._phone.respond(self.invite, 480)
            return
        self.sequence += 1
        await self._phone.request("BYE", self.target, self.own, self.remote, self.call_id, self.sequence)

    def end(self) -> None:
        """It is over."""
        self.audio.close()
        self._phone.talks.pop(self.call_id, None)
        if not self.over.done():
            self.over.set_result(None)


class Phone(asyncio.DatagramProtocol):
    """`on_call` is told of each call that comes while the line is free; it rings already."""

    def __init__(self, user: str, server: Address, random: Random, password: str = "") -> None:
        self.user, self.server = user, server
        self.talks: dict[str, Talk] = {}
        self.on_call: Callable[[Talk], None] | None = None
        self.make_audio: Callable[[Random], Audio] = Audio
        self._random = random
        self._password = password
        self._source: Address = ("", 0)
        self.host = ""
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[tuple[str, int], asyncio.Future[Response]] = {}

    async def open(self, host: str) -> "Phone":
        """Bind a port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, (host, 0), self.server)
        self._source = self._transport.get_extra_info("sockname")[:2]
        self.host = host
        return self

    def close(self) -> None:
        """Calls that go on are left."""
        for talk in list(self.talks.values()):
            talk.end()
        if self._transport is not None:
            self._transport.close()

    async def register(self) -> None:
        """Raises Refused, TimeoutError."""
        uri = f"sip:{self.server[0]}"
        more = {"expires": [str(REGISTERED_S)]}
        await self._asked("REGISTER", uri, f"<sip:{self.user}@{self.server[0]}>", self._name(), more=more)

    async def call(self, number: str) -> Talk:
        """Call, and wait until somebody answers. Raises Refused, TimeoutError, OSError."""
        audio = await self.make_audio(self._random).open(self._source[0])
        talk = Talk(self, self._name(), number, audio)
        self.talks[talk.call_id] = talk
        to = f"<sip:{number}@{self.server[0]}>"
        try:
            answer, own = await self._asked("INVITE", to[1:-1], to, talk.call_id, body=self.description(audio))
        except BaseException:
            talk.end()
            raise
        talk.own, talk.remote, talk.target = own, answer.headers["to"][0], answer.contacts()[0].uri
        talk.answered = True
        audio.send_to(answer.body)
        return talk

    # ---- messages

    async def request(
        self, method: str, uri: str, own: str, to: str, call_id: str, number: int, *, more: Headers | None = None,
        body: bytes = b"",
    ) -> Response:  # fmt: skip
        """The final response. Raises TimeoutError."""
        host, port = self._source
        headers = {
            "via": [f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self._name()};rport"], "max-forwards": ["70"],
            "from": [own], "to": [to], "call-id": [call_id], "cseq": [f"{number} {method}"],
            "contact": [self._contact()], **(more or {}),
        }  # fmt: skip
        if body:
            headers["content-type"] = ["application/sdp"]
        request = Request(method, uri, headers, body)
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[call_id, number] = answered
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    self._send(request)
                    done, _ = await asyncio.wait({answered}, timeout=REPEAT_S if method != "INVITE" else ANSWER_S)
                    if done:
                        break
        finally:
            del self._waiting[call_id, number]
        response = answered.result()
        if method == "INVITE":
            self._acknowledge(response, request)
        return response

    def respond(self, request: Request, status: int, body: bytes = b"") -> None:
        """Answer a request."""
        response = request.response(status, to_tag=f"p{self.user}")
        response.headers["contact"] = [self._contact()]
        self._send(response.with_body(body) if body else response)

    def description(self, audio: Audio) -> bytes:
        """Our side of the audio (RFC 4566)."""
        host = self._source[0]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {audio.port} RTP/AVP 0 101\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
        ).encode()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._on_request(message)
            elif isinstance(message, Response) and message.status >= 200:
                self._on_response(message)
        except (SipError, LookupError):
            pass  # not for us

    def error_received(self, exc: Exception) -> None:
        pass  # the exchange is gone; so are we, soon

    # ---- within

    async def _asked(
        self, method: str, uri: str, to: str, call_id: str, *, more: Headers | None = None, body: bytes = b""
    ) -> tuple[Response, str]:
        """A 2xx, after one answer to a challenge, and our From. Raises Refused, TimeoutError."""
        own = f"<sip:{self.user}@{self.server[0]}>;tag={self._name()}"
        digest = DigestClient(self.user, self._password, self._name)
        proof: Headers = {}
        for number in (1, 2):
            response = await self.request(method, uri, own, to, call_id, number, more=(more or {}) | proof, body=body)
            if response.status < 300:
                return response, own
            answer = digest.respond(response, method, uri) if response.status in (401, 407) else None
            if answer is None:
                break
            proof = answer
        raise Refused(str(response.status))

    def _on_response(self, response: Response) -> None:
        waiting = self._waiting.get((response.call_id, response.cseq.number))
        if waiting is not None and not waiting.done():
            waiting.set_result(response)
        elif response.cseq.method == "INVITE" and response.status < 300:
            self._acknowledge(response)  # said twice: the ACK was lost

    def _on_request(self, request: Request) -> None:
        talk = self.talks.get(request.call_id)
        match request.method:
            case "ACK":
                return
            case "INVITE" if talk is None:
                self._rings(request)
            case "INVITE" | "UPDATE" if talk is not None:
                if talk.answered:
                    if request.body:
                        talk.audio.send_to(request.body)
                    needed = request.method == "INVITE" or request.body
                    self.respond(request, 200, self.description(talk.audio) if needed else b"")
            case "CANCEL" | "BYE" if talk is not None:
                self.respond(request, 200)
                if request.method == "CANCEL" and talk.invite is not None:
                    self.respond(talk.invite, 487)
                talk.end()
            case "BYE" | "CANCEL":
                self.respond(request, 481)
            case _:
                self.respond(request, 200)

    def _rings(self, invite: Request) -> None:
        if self.talks or self.on_call is None:
            self.respond(invite, 486)
            return
        talk = Talk(
            self, invite.call_id, invite.from_.uri.partition(":")[2].partition("@")[0], self.make_audio(self._random)
        )
        talk.invite = invite
        talk.own, talk.remote = f"{invite.headers['to'][0]};tag=p{self.user}", invite.headers["from"][0]
        talk.target = invite.contacts()[0].uri
        self.talks[talk.call_id] = talk
        self.respond(invite, 180)
        self.on_call(talk)

    def _acknowledge(self, response: Response, invite: Request | None = None) -> None:
        host, port = self._source
        good = response.status < 300
        headers = {
            "via": [f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self._name()};rport"], "max-forwards": ["70"],
            "from": response.headers["from"], "to": response.headers["to"], "call-id": [response.call_id],
            "cseq": [f"{response.cseq.number} ACK"],
        }  # fmt: skip
        if not good and invite is not None:  # RFC 3261 section 17.1.1.3: of the same transaction
            headers["via"] = invite.headers["via"]
        uri = response.contacts()[0].uri if good or invite is None else invite.uri
        self._send(Request("ACK", uri, headers))

    def _send(self, message: Request | Response) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.to_bytes())

    def _contact(self) -> str:
        return f"<sip:{self.user}@{self._source[0]}:{self._source[1]}>"

    def _name(self) -> str:
        return f"{self._random.getrandbits(64):016x}"
