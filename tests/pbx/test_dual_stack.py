# SPDX-License-Identifier: Apache-2.0
"""One exchange for IPv4 and IPv6: phones of both families call one another and are heard."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from switchroom.media import sdp
from switchroom.pbx import config as configuration
from switchroom.pbx.server import Server
from switchroom.pbx.sip.message import Message
from tests.pbx.test_server_transports import running
from tests.sim.small_phone import SmallPhone

V4, V6 = "127.0.0.1", "::1"
CONFIG = """
[server]
data_dir = "data"
[sip]
listen = ["udp:127.0.0.1:15070", "tcp:127.0.0.1:15070", "udp:[::1]:15071", "tcp:[::1]:15071"]
[media]
address = "127.0.0.1"
address6 = "::1"
ports = [25100, 25199]
[rpc]
enabled = false
[[user]]
name = "1001"
password = "pw1001"
[[user]]
name = "1002"
password = "pw1002"
[dial_plan]
default = [{ number = "9000", to = "echo" }, { number = "10XX", to = "user:{number}" }]
"""


class Audio:
    """The sound of a phone: one byte all the time, which tells who speaks."""

    def __init__(self, host: str, says: int) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.says = bytes([says]) * 160

    def sdp(self) -> bytes:
        host, port = self.socket.getsockname()[:2]
        at = f"{'IP6' if ':' in host else 'IP4'} {host}"
        return (
            f"v=0\r\no=- 1 1 IN {at}\r\ns=-\r\nc=IN {at}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=sendrecv\r\n"
        ).encode()

    async def talk(self, to: tuple[str, int], packets: int = 25) -> None:
        for number in range(packets):
            self.socket.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + self.says, to)
            await asyncio.sleep(0.02)

    def heard(self) -> list[bytes]:
        packets = []
        while True:
            try:
                packets.append(self.socket.recv(2000)[12:])
            except BlockingIOError:
                return packets


def told(message: Message) -> tuple[str, int]:
    """Where the exchange wants audio, by its SDP."""
    description = sdp.parse(message.body)
    assert description.connection is not None
    assert description.connection.family == ("IP6" if ":" in description.connection.address else "IP4")
    return description.connection.address, description.media[0].port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path, CONFIG) as server:
        yield server


async def phone(user: str, host: str, kind: str) -> SmallPhone:
    made = await SmallPhone(user, (host, 15_071 if ":" in host else 15_070), kind).open(host)
    assert (await made.register()).status == 200
    return made


@pytest.mark.parametrize("kind", ["UDP", "TCP"])
@pytest.mark.parametrize(("calling", "called"), [(V4, V6), (V6, V4), (V6, V6), (V4, V4)])
async def test_phones_of_both_families_talk(server: Server, calling: str, called: str, kind: str) -> None:
    one, two = await phone("1001", calling, kind), await phone("1002", called, kind)
    mine, theirs = Audio(calling, 0x11), Audio(called, 0x22)
    calls = asyncio.create_task(one.call("1002", mine.sdp()))
    invite = await two.expect("INVITE")
    assert told(invite)[0] == called
    assert invite.via.host.strip("[]") == called
    two.respond(invite, 200, theirs.sdp())
    answer = await calls
    await two.expect("ACK")
    assert told(answer)[0] == calling
    await asyncio.gather(mine.talk(told(answer)), theirs.talk(told(invite)))
    assert mine.heard().count(theirs.says) > 15
    assert theirs.heard().count(mine.says) > 15
    one.in_dialog("BYE", answer)
    two.respond(await two.expect("BYE"), 200)
    await one.close()
    await two.close()


async def test_an_offer_is_answered_in_its_own_family(server: Server) -> None:
    """Signalling by IPv4, audio by IPv6: what the phone writes counts."""
    one, mine = await phone("1001", V4, "UDP"), Audio(V6, 0x33)
    answer = await one.call("9000", mine.sdp())
    assert told(answer)[0] == V6
    await mine.talk(told(answer))
    assert mine.heard().count(mine.says) > 15
    one.in_dialog("BYE", answer)
    await one.close()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[media]\naddress6 = '192.0.2.1'", "media.address6"),
        ("[media]\naddress = '::1'\naddress6 = '::1'", "media.address6"),
        ("[media]\naddress6 = '::1'\nbind = '127.0.0.1'", "media.bind"),
        ("[sip]\naddress6 = '192.0.2.1'", "sip.address6"),
        ("[sip]\naddress = '192.0.2.1'\nlisten = ['udp:[::]:5060']", "sip.address6"),
    ],
)
def test_what_cannot_be_is_told(text: str, key: str) -> None:
    _, mistakes = configuration.loads(text, "test.toml")
    assert [mistake.key for mistake in mistakes] == [key]
