# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: each target takes bytes that a peer may send, and raises where something is wrong with us.

A target lives through the whole run, so that what it keeps can be seen to stay bounded: `rest` lets all its clocks run
down and says what is left.
"""

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from switchroom.media.errors import NotAcceptable, SdpError
from switchroom.media.formats import G722, G729, OPUS, PCMA, PCMU
from switchroom.media.local import LocalMedia
from switchroom.media.offer_answer import Negotiator
from switchroom.media.sdp import parse as parse_sdp
from switchroom.media.wire import Op
from switchroom.pbx.config import Config, User
from switchroom.pbx.config_values import Secret
from switchroom.pbx.gatekeeper import Gatekeeper
from switchroom.pbx.registrar import Registrar, Rules
from switchroom.pbx.sip import parser
from switchroom.pbx.sip.auth import ha1, parse_credentials, response_for
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.framer import MAX_BODY_BYTES, Framer
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.parser import MAX_HEAD_BYTES
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.timers import Timers
from switchroom.pbx.sip.transactions import Wire
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.sip.user_agent import UserAgent
from switchroom.pbx.storage.memory import MemoryStore
from tests.ext.plane_rig import Rig
from tests.sim.guards import nobody_is_banned
from tests.sim.network import SeededIds
from tests.sim.phone import OFFER, Phone

MESSAGES = sorted((Path(__file__).parents[1] / "torture" / "messages").glob("*.dat"))


class Target(Protocol):
    seeds: Sequence[bytes]

    def feed(self, data: bytes) -> None:
        """One input. Raises whatever must not happen."""

    def rest(self) -> int:
        """How many objects are left after all time has passed."""


class Parsing:
    """The parser: what it takes can be looked at in every way and written again."""

    def __init__(self) -> None:
        self.seeds = [path.read_bytes() for path in MESSAGES]

    def feed(self, data: bytes) -> None:
        try:
            message = parser.parse(data)
            if isinstance(message, Request):
                parser.check(message)
        except ParseError as error:
            if error.partial is not None:
                error.partial.response(error.status, to_tag="t").to_bytes()
            return
        again = parser.parse(message.to_bytes())
        assert again.headers.keys() - {"content-length"} == message.headers.keys() - {"content-length"}
        assert again.body == message.body
        for look in (
            lambda: (message.via, message.cseq, message.from_, message.to, message.call_id),
            lambda: [parse_uri(contact.uri) for contact in message.contacts()],
            lambda: [parse_credentials(value) for value in message.all("authorization")],
            lambda: [message.all(name) for name in message.headers],
        ):
            try:
                look()
            except ParseError:
                continue

    def rest(self) -> int:
        return 0


class Framing:
    """The framer: any cut of the same bytes gives the same messages, and it never holds more than one."""

    def __init__(self) -> None:
        messages = [path.read_bytes() for path in MESSAGES]
        self.seeds = messages + [b"".join(messages[i : i + 4]) for i in range(0, len(messages), 4)]
        self._rng = random.Random(1)

    def feed(self, data: bytes) -> None:
        places = sorted(self._rng.randrange(len(data) + 1) for _ in range(self._rng.randrange(12)))
        cuts = [data[a:b] for a, b in pairwise([0, *places, len(data)])]
        assert self._frames([data]) == self._frames(cuts)

    @staticmethod
    def _frames(chunks: list[bytes]) -> tuple[list[bytes], int]:
        framer, frames = Framer(), []
        try:
            for chunk in chunks:
                for frame in framer.receive(chunk):
                    assert len(frame) <= MAX_HEAD_BYTES + 4 + MAX_BODY_BYTES
                    frames.append(frame)
        except ParseError as error:
            return frames, error.status
        return frames, 0

    def rest(self) -> int:
        return 0


class Describing:
    """Session descriptions: a long-lived negotiator takes them as offers and as answers, in turn."""

    def __init__(self) -> None:
        codecs = (PCMU, PCMA, G722, G729, OPUS)
        local = LocalMedia(address="192.0.2.1", port=20_000, codecs=codecs, session_id=1, offer_rtcp_mux=True)
        self._negotiator = Negotiator(local)
        bodies = [path.read_bytes().partition(b"\r\n\r\n")[2] for path in MESSAGES]
        lines = [
            b"m=audio 4000 RTP/AVP 0 8 9 18 96 97", b"a=rtpmap:96 opus/48000/2", b"a=fmtp:96 useinbandfec=1",
            b"a=rtpmap:97 telephone-event/8000", b"a=fmtp:97 0-16", b"a=ptime:30", b"a=maxptime:60", b"a=rtcp-mux",
            b"a=rtcp:4001 IN IP4 192.0.2.9", b"a=sendonly", b"m=video 5000 RTP/AVP 31", b"c=IN IP6 2001:db8::1",
        ]  # fmt: skip
        self.seeds = [body for body in bodies if body.startswith(b"v=0")]
        self.seeds.append(OFFER + b"\r\n".join(lines) + b"\r\n")
        self.seeds.append(self._negotiator.offer())
        self._negotiator.rollback()

    def feed(self, data: bytes) -> None:
        negotiator = self._negotiator
        for take in (self._as_offer, self._as_answer):
            before = negotiator.agreed
            try:
                take(data)
            except (SdpError, NotAcceptable):
                assert negotiator.agreed == before, "a refused description changes nothing"
            negotiator.rollback()
        assert len(negotiator._layout.numbers) < 64
        assert len(negotiator._layout.slots) <= 32

    def _as_offer(self, data: bytes) -> None:
        self._negotiator.receive_offer(data)
        parse_sdp(self._negotiator.answer())

    def _as_answer(self, data: bytes) -> None:
        parse_sdp(self._negotiator.offer())
        self._negotiator.receive_answer(data)

    def rest(self) -> int:
        return int(self._negotiator.pending is not None)


class Serving:
    """The whole SIP core with gatekeeper and registrar: no fault, answers that can be read, nothing left at the end."""

    def __init__(self) -> None:
        self.seeds = [path.read_bytes() for path in MESSAGES] + self._dialog() + self._registrations()
        self.now = 1_000.0
        timers = self._timers = Timers(lambda: self.now)
        wire = Wire(send=self._send, sent_by=lambda flow: flow.local, stream=lambda flow: None)
        self.agent = UserAgent(wire, timers, SeededIds(1), on_fault=self._fault)
        self.agent.on_invite = self._invite
        self.agent.dialog_methods |= {"INFO", "MESSAGE"}
        users = {"user": 3, "watson": 0}
        self._store = MemoryStore()
        self.registrar = Registrar(users, Rules(), self._store.bindings, lambda record: None, lambda: self.now)
        config = Config(users=tuple([User(name=name, password=Secret("secret")) for name in users]))
        gate = Gatekeeper(config, self.registrar, lambda: self.now, nobody_is_banned(config), lambda *arguments: None)
        gate._digest._secret = b"fuzz"
        self._gate = gate
        self.agent.handlers["REGISTER"] = gate.on_register
        self._turn = 0

    def feed(self, data: bytes) -> None:
        self._turn += 1
        self.now += 0.02
        self._timers.run()
        if self._turn % 3 == 0 and data.startswith(b"REGISTER"):
            data = self._signed(data)
        self.agent.receive(data, Flow("UDP", ("10.0.0.1", 5060), ("10.0.0.2", 5060 + self._turn % 5)))

    def rest(self) -> int:
        for session in list(self.agent._sessions.values()):
            session.bye()  # calls that were answered and acknowledged last until somebody hangs up
        for _ in range(100_000):
            deadline = self._timers.next_deadline()
            if deadline is None:
                break
            self.now = max(self.now, deadline)
            self._timers.run()
        self.now += 100_000
        self.registrar.sweep()
        return self.agent.sessions + len(self.agent.transactions) + len(self.registrar.all())

    def _send(self, data: bytes, flow: Flow) -> None:
        try:
            parser.parse(data)
        except ParseError as error:  # all the Vias of the request, and a few headers more
            if error.reason != "too many headers":
                raise
        assert len(data) <= 65_507 or flow.reliable

    def _fault(self, error: BaseException) -> None:
        raise error

    def _invite(self, session: ServerSession) -> Phone:
        phone = Phone()
        if self._turn % 4:
            session.ring()
        if self._turn % 2:
            session.answer(OFFER)
        elif self._turn % 8 == 0:
            session.reject(486)
        else:
            self._timers.start(5.0, ServerSession.bye, session)  # as the exchange does when nobody answers
        return phone

    def _signed(self, data: bytes) -> bytes:
        """A REGISTER with right credentials, whatever else is wrong with it."""
        nonce = self._gate._digest._new_nonce("10.0.0.2")
        uri = data.split(b" ", 2)[1].decode("utf-8", "replace") if data.count(b" ") > 1 else ""
        secret = ha1("MD5", "user", "switchroom", "secret")
        response = response_for("MD5", secret, "REGISTER", uri, nonce, "auth", "00000001", "c")
        value = (
            f'Authorization: Digest username="user", realm="switchroom", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"\r\n'
        )
        line, end, rest = data.partition(b"\r\n")
        return line + end + value.encode("utf-8", "replace") + rest

    @staticmethod
    def _request(method: str, number: int, to_tag: str = "", extra: str = "", body: bytes = b"") -> bytes:
        lines = [
            f"{method} sip:user@10.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK{method}{number};rport",
            "Max-Forwards: 70\r\nFrom: <sip:a@10.0.0.2>;tag=a",
            f"To: <sip:user@10.0.0.1>{to_tag}",
            f"Call-ID: fuzz{number}\r\nCSeq: {number} {method}",
            f"Contact: <sip:a@10.0.0.2>\r\n{extra}Content-Length: {len(body)}",
            "\r\n",
        ]
        head = "\r\n".join(lines)
        return head.encode() + body

    def _dialog(self) -> list[bytes]:
        """A call of this core: the tags are those that its identifiers begin with, so that some requests find it."""
        typed = "Content-Type: application/sdp\r\n"
        ids = SeededIds(1)
        tags = [f";tag={ids.tag()}" for _ in range(6)]
        calls = [self._request("INVITE", number, extra=typed, body=OFFER) for number in (1, 2, 3)]
        calls += [self._request("CANCEL", 1), self._request("INVITE", 2, extra="Require: 100rel\r\n")]
        within = [
            self._request(method, 1, tag) for method in ("ACK", "BYE", "INFO", "INVITE", "UPDATE") for tag in tags
        ]
        return calls + within

    def _registrations(self) -> list[bytes]:
        extras = (
            "Expires: 60\r\n",
            "Contact: <sip:b@10.0.0.2:99>;q=0.5;expires=120;+sip.instance=\"<urn:uuid:1>\"\r\nPath: <sip:p;lr>\r\n",
            "Contact: *\r\nExpires: 0\r\n",
        )  # fmt: skip
        return [
            self._request("REGISTER", number, extra=extra).replace(b"sip:user@10.0.0.1 SIP", b"sip:10.0.0.1 SIP")
            for number, extra in enumerate(extras, 10)
        ]


class Talking:
    """RTP and RTCP into a running media shard with two bridged legs: its packets go on being well formed."""

    def __init__(self) -> None:
        self._rig = Rig(seed=1)
        one, a = self._rig.party(("10.1.0.1", 4000))
        two, b = self._rig.party(("10.1.0.2", 5000), ssrc=9)
        self._rig.command(Op.BRIDGE, one.handle, two.handle)
        self._talkers = (a, b)
        rtp = [
            a.packet().to_bytes(),
            b.packet(b"\x55" * 80).to_bytes(),
            bytes([0x80, 101]) + bytes(10) + b"\x05\x8a\x03\x20",
        ]
        extended = bytes([0xB1, 0x80, 0, 9, 0, 0, 0, 1, 0, 0, 0, 9]) + bytes(4) + bytes([0xBE, 0xDE, 0, 1]) + bytes(170)
        sr = bytes([0x81, 200, 0, 12]) + (0x1234).to_bytes(4, "big") + bytes(44)
        sdes = bytes([0x81, 202, 0, 3]) + (0x1234).to_bytes(4, "big") + b"\x01\x04abcd\0\0"
        bye = bytes([0x81, 203, 0, 1]) + (0x1234).to_bytes(4, "big")
        self.seeds = [*rtp, extended, sr + sdes, sr + sdes + bye, bye]
        self._turn = 0

    def feed(self, data: bytes) -> None:
        self._turn += 1
        talker = self._talkers[self._turn % 2]
        source = talker.address if self._turn % 5 else ("10.9.9.9", 1024 + self._turn % 50_000)
        self._rig.deliver(talker.port + (self._turn % 7 == 0), data[:2_000], source)
        if self._turn % 4 == 0:
            talker.say(1)
        assert self._rig.alive
        for _, to, packet in self._rig.shard.sent():
            assert to[0] in ("10.1.0.1", "10.1.0.2", "10.9.9.9")
            assert packet[0] >> 6 == 2
        self._rig.facts.clear()

    def rest(self) -> int:
        self._rig.run(100)
        return 0 if self._rig.alive else 1


TARGETS: dict[str, type[Target]] = {
    "parser": Parsing,
    "framer": Framing,
    "sdp": Describing,
    "core": Serving,
    "rtp": Talking,
}
