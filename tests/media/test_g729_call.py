# SPDX-License-Identifier: Apache-2.0
"""A call between a G.729 phone and a G.711 phone through a real media thread: each hears the other's tone."""

import asyncio
import socket
import struct

import numpy as np

from switchroom.codecs import g729
from switchroom.media.config import MediaConfig
from switchroom.media.server import MediaServer

HOST = "127.0.0.1"
FRAMES = 60


def sdp(port: int, number: int, name: str) -> bytes:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {port} RTP/AVP {number}\r\n"
        f"a=rtpmap:{number} {name}/8000\r\na=ptime:20\r\n"
    ).encode()


def tone(hz: float) -> np.ndarray:
    t = np.arange(160 * FRAMES) / 8000
    return (8000 * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def level(samples: np.ndarray, hz: float) -> float:
    """Level of a frequency in dB against the tone that was sent.

    The median of frames of 20 ms: where packets come irregularly, as on a busy machine, the jitter buffer puts periods
    in and takes some out, after which the tone goes on in another phase.
    """
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    t = np.arange(160) / 8000
    amplitudes = 2 * abs(np.mean(frames * np.exp(-2j * np.pi * hz * t), axis=1))
    return float(20 * np.log10(np.median(amplitudes) / 8000 + 1e-9))


def ulaw_to_linear(payload: bytes) -> np.ndarray:
    code = ~np.frombuffer(payload, np.uint8) & 0xFF
    magnitude = ((((code & 15).astype(int) << 1 | 33) << (code >> 4 & 7)) - 33) << 2
    return np.where(code & 0x80, -magnitude, magnitude)


def linear_to_ulaw(samples: np.ndarray) -> bytes:
    """By search over all codes: slow, and independent of the codec under test."""
    table = ulaw_to_linear(bytes(range(256)))
    order = np.argsort(table)
    place = np.clip(np.searchsorted(table[order], samples), 0, 255)
    return bytes(order[place].astype(np.uint8))


async def test_each_hears_the_other() -> None:
    server = MediaServer(MediaConfig(codecs=("G729", "PCMU"), ports=(24000, 24099)), lambda event: None)
    await server.start()
    phones = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    try:
        for phone in phones:
            phone.bind((HOST, 0))
            phone.setblocking(False)
        one, other = await server.open(2)
        one.receive_offer(sdp(phones[0].getsockname()[1], 18, "G729"))
        other.receive_offer(sdp(phones[1].getsockname()[1], 0, "PCMU"))
        assert b"RTP/AVP 18" in one.answer()
        assert b"RTP/AVP 0" in other.answer()
        server.bridge(one, other)
        encoder, decoder = g729.Encoder(annex_b=False), g729.Decoder()
        low, high = (tone(hz).reshape(-1, 160) for hz in (500, 900))
        said = [(b"".join(encoder.encode(a)), linear_to_ulaw(b)) for a, b in zip(low, high, strict=True)]
        heard: tuple[list[bytes], list[bytes]] = ([], [])
        begin = asyncio.get_running_loop().time()
        for i, (coded, laws) in enumerate(said):
            head = struct.pack("!BBHII", 0x80, 0, i, 160 * i, 7)
            phones[0].sendto(head[:1] + b"\x12" + head[2:] + coded, (HOST, one.port))
            phones[1].sendto(head + laws, (HOST, other.port))
            await asyncio.sleep(begin + 0.02 * (i + 1) - asyncio.get_running_loop().time())
            for phone, kept in zip(phones, heard, strict=True):
                try:
                    while True:
                        packet = phone.recv(2048)
                        if packet[1] & 0x7F in (0, 18):
                            kept.append(packet[12:])
                except BlockingIOError:
                    pass
        at_g729 = np.concatenate(
            [np.frombuffer(decoder.decode(p[k : k + 10]), np.int16) for p in heard[0] for k in range(0, len(p), 10)]
        )
        at_g711 = ulaw_to_linear(b"".join(heard[1]))
        for samples, hz in ((at_g729, 900), (at_g711, 500)):
            middle = samples[len(samples) // 3 : -800]
            assert len(middle) > 3000
            assert abs(level(middle, hz)) < 1.5, (hz, level(middle, hz))
    finally:
        for phone in phones:
            phone.close()
        await server.close()
