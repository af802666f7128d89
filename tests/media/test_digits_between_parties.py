# SPDX-License-Identifier: Apache-2.0
"""Who is listened to for tones: those who have no other way to tell keys, as long as somebody needs it."""

import pytest
from test_media_server import HOST, Phone, connect, until

from switchroom.media.config import MediaConfig
from switchroom.media.errors import MediaError
from switchroom.media.server import MediaServer

EVENTS = "a=rtpmap:101 telephone-event/8000\r\n"


class Deaf(Phone):
    """A phone without telephone-event."""

    def sdp(self, extra: str = "") -> bytes:
        return super().sdp(extra).replace(b" 101\r\n", b"\r\n").replace(EVENTS.encode(), b"")


@pytest.fixture
async def media():
    server = MediaServer(MediaConfig(address=HOST, ports=(21_500, 21_599), max_sessions=8), lambda event: None)
    await server.start()
    yield server
    await server.close()


async def test_tones_are_listened_to_where_nothing_else_tells_keys(media):
    with_events, without, other = await media.open(3)
    connect(with_events, Phone(1))
    connect(without, Deaf(2))
    connect(other, Deaf(3))
    assert (with_events._detecting, without._detecting) == (0, 1)
    bridge = media.bridge(without, with_events)  # which gets events, and so no tones
    assert without._detecting == 1 | 4
    bridge.close()
    assert without._detecting == 1
    media.bridge(without, other)  # which hears the tones
    assert (without._detecting, other._detecting) == (0, 0)
    other.dtmf = "info"
    without.arrange_digits()
    assert without._detecting == 1 | 4
    room = media.conference(without)
    room.join(without)
    assert without._detecting == 0
    without.detect_digits(True, mute=True)
    assert without._detecting == 1 | 2
    room.close()


async def test_keys_that_are_sent_arrive(media):
    [session] = await media.open()
    phone = Phone(1)
    connect(session, phone)
    session.send_digits("4,2", on_ms=40, off_ms=40)
    found = []

    def pressed():
        while True:
            try:
                data = phone.socket.recv(2_000)
            except BlockingIOError:
                return "".join(found) == "42"
            if data[1] & 0x7F == 101 and data[1] & 0x80:
                found.append("0123456789*#ABCD"[data[12]])

    await until(pressed)
    with pytest.raises(ValueError, match="not keys"):
        session.send_digits("1x")
    with pytest.raises(MediaError):
        session.send_digits("1" * 100)
