# SPDX-License-Identifier: Apache-2.0
"""A media plane whose clock, network and wire a test holds in its hands."""

import socket
import struct
from typing import NamedTuple

from switchroom.codecs import registry
from switchroom.ext.plane import Ports, VirtualShard
from switchroom.media.prompts import Coded, Prompt
from switchroom.media.stats import StatsPage
from switchroom.media.wire import MESSAGE_BYTES, RECORD_BYTES, VERSION, Error, Op, Record, pack_address

RECORD = struct.Struct("=HHIIIQ104s")
CONFIGURE = struct.Struct("=20s20sI8B12s12sB3x")
PROMPT = struct.Struct("=IIII")
TONE = struct.Struct("=IIf4f4f4H4HI")
SENDS, RECEIVES, HELD, MUX, REACHABLE = 1, 2, 4, 8, 16
BOTH = SENDS | RECEIVES | REACHABLE
CODECS = ("PCMU", "PCMA")
MS = 1_000_000

Address = tuple[str, int]


class Rtp(NamedTuple):
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def to_bytes(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        return struct.pack("!BBHII", 0x80, second, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc) + (
            self.payload
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Rtp":
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
        assert first == 0x80
        return cls(second & 0x7F, sequence, timestamp, ssrc, data[12:], bool(second & 0x80))


class Talker:
    """A remote party: numbers its packets."""

    def __init__(self, rig: "Rig", port: int, address: Address, ssrc: int = 0x1234, payload_type: int = 0) -> None:
        self.rig = rig
        self.port = port
        self.address = address
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.sequence = 1000
        self.timestamp = 50_000

    def packet(self, payload: bytes = b"\x11" * 160, payload_type: int | None = None, marker: bool = False) -> Rtp:
        """The next audio packet; time goes on by its samples."""
        packet = Rtp(
            self.payload_type if payload_type is None else payload_type,
            self.sequence,
            self.timestamp,
            self.ssrc,
            payload,
            marker,
        )
        self.sequence += 1
        self.timestamp += len(payload)
        return packet

    def say(self, count: int = 1, payload: bytes = b"\x11" * 160, every_ms: int = 20) -> None:
        """Send packets, each followed by its time."""
        for _ in range(count):
            self.send(self.packet(payload))
            self.rig.run(every_ms)

    def send(self, packet: Rtp) -> None:
        self.rig.deliver(self.port, packet.to_bytes(), self.address)

    def event(
        self, code: int, duration: int, end: bool = False, marker: bool = False, timestamp: int | None = None
    ) -> None:
        """One telephone-event packet (payload type 101); the timestamp stands still unless told."""
        payload = struct.pack("!BBH", code, 0x8A if end else 0x0A, duration)
        at = self.timestamp if timestamp is None else timestamp
        self.send(Rtp(101, self.sequence, at, self.ssrc, payload, marker))
        self.sequence += 1


class Leg(NamedTuple):
    handle: int
    port: int


class Rig:
    def __init__(
        self, ports: tuple[int, int] = (20_000, 20_039), codecs=CODECS, beside: "Rig | None" = None, **limits
    ) -> None:
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.setblocking(False)
        capsules = [registry.capsule(name) for name in codecs]
        rest = {"port_rest_ms": limits.pop("port_rest_ms")} if "port_rest_ms" in limits else {}
        self.ports = beside.ports if beside is not None else Ports(*ports, seed=1, **rest)
        other = beside.shard if beside is not None else None
        self.shard = VirtualShard(theirs.detach(), capsules, "10.0.0.1", self.ports, beside=other, **limits)
        self.now_ns = 1_000_000 * MS if beside is None else beside.now_ns
        self.wall_ns = 1_700_000_000_000 * MS
        self.facts: list[Record] = []
        self.answers: dict[int, Record] = {}
        self._cookie = 0
        self.alive = True
        self.codecs = tuple(codecs)
        self._page: StatsPage | None = None
        self.step(0)

    def page(self) -> StatsPage:
        """The statistics, as Python reads them."""
        if self._page is None:
            self._cookie += 1
            self.ours.sendall(RECORD.pack(Op.HELLO, 0, self._cookie, 0, VERSION, 0, b""))
            self.shard.advance(self.now_ns, self.wall_ns + self.now_ns)
            _, control, _, _ = self.ours.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
            self._page = StatsPage(int.from_bytes(control[0][2][:4], "little"), self.codecs)
        return self._page

    def close(self) -> None:
        if self._page is not None:
            self._page.close()
        self.ours.close()
        self.shard.close()

    def step(self, ns: int) -> None:
        self.now_ns += ns
        self.alive = self.shard.advance(self.now_ns, self.wall_ns + self.now_ns)
        self._read()

    def run(self, ms: float) -> None:
        """Let time pass, millisecond by millisecond as far as there are whole ones."""
        left = round(ms * MS)
        while left > 0:
            part = min(left, MS)
            self.step(part)
            left -= part

    def _read(self) -> None:
        while True:
            try:
                data, _, _, _ = self.ours.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return
            if not data:
                return
            assert len(data) % RECORD_BYTES == 0
            for fields in RECORD.iter_unpack(data):
                record = Record._make(fields)
                if record.op == Op.ANSWER:
                    self.answers[record.cookie] = record
                else:
                    self.facts.append(record)

    def command(self, op: Op, leg: int = 0, other: int = 0, body: bytes = b"", fd: int | None = None) -> Record:
        """Give an order and return its answer, without time passing."""
        self._cookie += 1
        control = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", fd))]
        self.ours.sendmsg([RECORD.pack(op, 0, self._cookie, leg, other, 0, body)], control)
        self.step(0)
        return self.answers.pop(self._cookie)

    def deliver(self, port: int, data: bytes, source: Address) -> None:
        assert self.shard.deliver(port, data, source)
        self._read()

    def open(self) -> Leg:
        answer = self.command(Op.OPEN)
        assert answer.other == Error.OK
        return Leg(answer.leg, int.from_bytes(answer.body[:2], "little"))

    def configure(
        self,
        leg: Leg,
        remote: Address,
        *,
        flags: int = BOTH,
        ptime_ms: int = 20,
        send: tuple[int, int] = (0, 0),
        receive: tuple[tuple[int, int], ...] = ((0, 0),),
        event: tuple[int, int] = (101, 101),
        rtcp: Address | None = None,
        noise: int = 255,
    ) -> Record:
        """`send` and `receive` are (payload type, codec number); `event` what is sent and received."""
        body = CONFIGURE.pack(
            pack_address(*remote),
            pack_address(*(rtcp or (remote[0], remote[1] + 1))),
            8000,
            flags,
            ptime_ms,
            *send,
            *event,
            len(receive),
            13,
            bytes([payload_type for payload_type, _ in receive]),
            bytes([codec for _, codec in receive]),
            noise,
        )
        return self.command(Op.CONFIGURE, leg.handle, 0, body)

    def party(self, remote: Address, *, confirm: bool = True, ssrc: int = 0x1234, **agreed) -> tuple[Leg, Talker]:
        """A leg, set up, and the remote that talks to it."""
        leg = self.open()
        assert self.configure(leg, remote, **agreed).other == Error.OK
        if confirm:
            self.command(Op.CONFIRM, leg.handle)
        payload_type = agreed.get("receive", ((0, 0),))[0][0]
        return leg, Talker(self, leg.port, remote, ssrc, payload_type)

    def load(self, slot: int, sound: Prompt | Coded, codec: int | None = None) -> Error:
        """Give the plane a prompt, or (with the number of the codec) what it already has as PCM in that codec."""
        size = sound.bytes if isinstance(sound, Coded) else 0
        body = PROMPT.pack(sound.samples, sound.rate_hz, 0 if codec is None else codec + 1, size)
        return Error(self.command(Op.LOAD, 0, slot, body, sound.fd).other)

    def play(self, leg: Leg, slot: int, number: int = 1, loop: int = 0, gain: int = 0) -> Error:
        return Error(self.command(Op.PLAY, leg.handle, slot, PROMPT.pack(number, loop, 0, gain)).other)

    def sent(self, leg: Leg) -> list[tuple[Address, Rtp]]:
        """RTP of this leg since the last look at any leg."""
        return [(to, Rtp.from_bytes(data)) for port, to, data in self.shard.sent() if port == leg.port]

    def heard(self, leg: Leg) -> list[Rtp]:
        return [packet for _, packet in self.sent(leg)]

    def told(self, op: Op) -> list[Record]:
        return [fact for fact in self.facts if fact.op == op]

    def digits(self) -> list[tuple[str, int]]:
        return [(chr(fact.body[4]), int.from_bytes(fact.body[:4], "little")) for fact in self.told(Op.DIGIT)]
