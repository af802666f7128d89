# SPDX-License-Identifier: Apache-2.0
"""The real CallControl on a real media plane; the phones are sockets that say a sine and measure what they hear."""

import asyncio
import math
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import numpy
from numpy.typing import NDArray

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media.config import MediaConfig
from switchroom.media.server import MediaServer
from switchroom.pbx import config
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.switchboard import Switchboard
from switchroom.pbx.control import Fact, Party
from switchroom.pbx.events import AnyRecord

HOST = "127.0.32.1"
RATE_HZ = 8000
AMPLITUDE = 8000.0
TYPES = {"PCMU": 0, "PCMA": 8, "G729": 18}


def voice(n: NDArray[Any]) -> NDArray[Any]:
    """A vowel: the harmonics of 130 Hz under three formants, swelling four times a second."""
    sound = numpy.zeros(len(n))
    for k in range(1, 28):
        formants = ((600, 150, 1.0), (1100, 200, 0.7), (2500, 300, 0.3))
        amplitude = sum(gain * math.exp(-(((130 * k - centre) / width) ** 2)) for centre, width, gain in formants)
        sound += amplitude * numpy.sin(2 * math.pi * 130 * k * n / RATE_HZ + k * k)
    return 2_500 * sound * (0.6 + 0.4 * numpy.sin(2 * math.pi * 4 * n / RATE_HZ))


class Phone:
    """The far end of a leg: PCMU or another codec of 8000 Hz, 20 ms."""

    def __init__(self, leg: Leg, hz: float, codec: str = "PCMU") -> None:
        self.leg = leg
        self.hz = hz
        self.two_hz: tuple[float, float] | None = None
        """Two sines in its place, as a key has."""
        self.speaks = False
        """A vowel in place of the sine."""
        self.silent = False
        self.facts: list[Fact] = []
        leg.listener = lambda leg, fact: self.facts.append(fact)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.32.2", 0))
        self.socket.setblocking(False)
        self._codec = Codec(registry.capsule(codec))
        self._type = TYPES[codec]
        self._count = 0
        self._heard: list[bytes] = []
        self.events: list[bytes] = []
        """Payloads of telephone events that came."""
        self._ssrc = int(hz)

    def sdp(self, way: str = "sendrecv") -> bytes:
        host, port = self.socket.getsockname()
        return (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {self._type} 101\r\na=rtpmap:101 telephone-event/8000\r\na={way}\r\n"
        ).encode()

    def connect(self, way: str = "sendrecv") -> None:
        media = self.leg.media
        assert media is not None
        media.receive_offer(self.sdp(way))
        media.answer()
        media.confirm()

    def say(self) -> None:
        """The next 20 ms."""
        n = numpy.arange(self._count * 160, self._count * 160 + 160)
        tones = self.two_hz or (self.hz,)
        sine = sum(numpy.sin(2 * math.pi * hz * n / RATE_HZ) for hz in tones)
        sound = voice(n) if self.speaks else AMPLITUDE / len(tones) * sine
        sine = (0 if self.silent else 1) * sound
        self.send(self._type, self._codec.encode(numpy.rint(sine).astype(numpy.int16)))

    def press(self, code: int) -> None:
        """A key, as one telephone event that is over at once (RFC 4733)."""
        self.send(101, bytes([code, 0x8A, 3, 0x20]))

    def send(self, payload_type: int, payload: bytes) -> None:
        media = self.leg.media
        if media is None:
            return
        header = struct.pack("!BBHII", 0x80, payload_type, self._count & 0xFFFF, self._count * 160, self._ssrc)
        self.socket.sendto(header + payload, (media.address, media.port))
        self._count += 1

    def listen(self) -> None:
        while True:
            try:
                data = self.socket.recv(2_000)
            except BlockingIOError:
                return
            if data[1] & 0x7F == self._type:
                self._heard.append(self._codec.decode(data[12:]))
            elif data[1] & 0x7F == 101:
                self.events.append(data[12:])

    def heard(self) -> "Sound":
        """All since the last look."""
        self.listen()
        sound = b"".join(self._heard)
        self._heard.clear()
        return Sound(numpy.frombuffer(sound, numpy.int16).astype(float))


class Sound:
    """Samples at 8000 Hz."""

    def __init__(self, samples: NDArray[Any]) -> None:
        self.samples = samples

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE_HZ

    def level_db(self, hz: float, last_s: float = 0.5) -> float:
        """Of one frequency at the end of it, against what the phones say: the median over windows of 100 ms.

        The phones of the tests are late on a busy machine; what the exchange puts in for one frame, or the jump of
        the phase after it, says nothing of how loud the rest is.
        """
        tail = self.samples[-int(last_s * RATE_HZ) :]
        if len(tail) < last_s * RATE_HZ * 0.9:
            return -120.0
        long = min(RATE_HZ // 10, len(tail))
        window = numpy.blackman(long)
        turns = window * numpy.exp(-2j * math.pi * hz * numpy.arange(long) / RATE_HZ)
        parts = numpy.lib.stride_tricks.sliding_window_view(tail, long)[:: max(1, long // 2)]
        heard = float(numpy.median(numpy.abs(parts @ turns)))
        return 20 * math.log10(2 * heard / window.sum() / AMPLITUDE + 1e-6)


class Exchange:
    """A switchboard without SIP."""

    def __init__(self, board: Switchboard, records: list[AnyRecord]) -> None:
        self.board = board
        self.records = records
        self.phones: list[Phone] = []

    async def phone(self, hz: float, number: str = "", codec: str = "PCMU") -> Phone:
        """An answered leg and its phone."""
        story = self.board.new_story(Party(number or f"{hz:.0f}"), "100", source="", user="")
        leg = Leg(self.board, story, self.board.leg_id(story), Party(number or f"{hz:.0f}"))
        leg.take_media((await self.board.media.open())[0])
        phone = Phone(leg, hz, codec)
        phone.connect()
        leg.state = "answered"
        self.phones.append(phone)
        return phone

    async def talk(self, ms: int) -> None:
        """All talk, at the pace of the clock; what was heard before is forgotten."""
        loop = asyncio.get_running_loop()
        for phone in self.phones:
            phone.heard()
        at = loop.time()
        for i in range(ms // 20):
            for phone in self.phones:
                phone.say()
                phone.listen()
            await asyncio.sleep(max(0.0, at + (i + 1) * 0.02 - loop.time()))
        await asyncio.sleep(0.01)


@asynccontextmanager
async def exchange(first_port: int, toml: str = "", **media: Any) -> AsyncIterator[Exchange]:
    """`first_port`: of 100 for RTP, not shared with another test file."""
    loaded, mistakes = config.loads(toml)
    assert loaded is not None, mistakes
    records: list[AnyRecord] = []
    holder: list[Switchboard] = []
    server = MediaServer(
        MediaConfig(address=HOST, ports=(first_port, first_port + 99), max_sessions=40, **media),
        lambda event: holder[0].on_media_event(event),
    )
    await server.start()
    ids = SimpleNamespace(tag=lambda: "t")
    holder.append(
        Switchboard(
            config=loaded,
            stack=cast(Any, SimpleNamespace(agent=None)),
            media=server,
            registrar=cast(Any, None),
            ids=cast(Any, ids),
            write=records.append,
            log=lambda event, **fields: print(event, fields),
        )
    )
    rig = Exchange(holder[0], records)
    try:
        yield rig
    finally:
        await holder[0].close()
        await server.close()
        for phone in rig.phones:
            phone.socket.close()


def levels(phone: Phone, others: Sequence[Phone]) -> list[float]:
    """How loud a phone heard others, in dB."""
    sound = phone.heard()
    return [sound.level_db(other.hz) for other in others]
