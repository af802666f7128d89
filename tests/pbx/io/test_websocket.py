# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket on loopback (RFC 7118): what a browser sends arrives, what hogs a place loses it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from switchroom.pbx.io import websocket
from switchroom.pbx.io.address import Listener
from switchroom.pbx.io.certificates import Certificates, TlsSettings
from switchroom.pbx.io.connections import TcpLimits
from switchroom.pbx.io.transports import Transports
from tests.pbx.io.authority import Authority
from tests.pbx.io.test_transports import Core, message

HOST = "127.0.32.1"
LIMITS = TcpLimits(connections=30, connections_per_source=5, message_s=0.5, unsent_bytes=200_000, idle_s=60.0)


@asynccontextmanager
async def exchange(kind: str = "WS", certificates: Certificates | None = None) -> AsyncIterator[Core]:
    core = Core(Transports(LIMITS, certificates=certificates))
    await core.transports.start([Listener(kind, HOST, 0)])
    try:
        yield core
    finally:
        await core.transports.close()


@asynccontextmanager
async def browser(
    core: Core, kind: str = "WS", tls: ssl.SSLContext | None = None, autoping: bool = True
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    host, port = core.address(kind)
    async with aiohttp.ClientSession() as session:
        url = f"{kind.lower()}://{host}:{port}/"
        options = {"ssl": tls} if tls is not None else {}
        async with session.ws_connect(url, protocols=("sip",), autoping=autoping, **options) as ws:  # type: ignore[arg-type]
            assert ws.protocol == "sip"
            yield ws


async def test_messages_both_ways_as_text_and_as_bytes() -> None:
    async with exchange() as core, browser(core) as ws:
        await ws.send_str(message(1).decode())
        data, flow = await core.received()
        assert data == message(1)
        assert (flow.transport, flow.reliable) == ("WS", True)
        long = message(2, b"v" * 60_000)
        await ws.send_bytes(long)
        assert (await core.received())[0] == long
        core.transports.send(message(3), flow)
        assert await ws.receive_str() == message(3).decode()
        core.transports.send(message(4, b"\xff\xfe"), flow)
        assert await ws.receive_bytes() == message(4, b"\xff\xfe")
        await ws.send_str("\r\n\r\n")
        assert await ws.receive_str() == "\r\n"
        await ws.close()
        assert (await core.lost())[0] == flow
        assert not core.transports.is_open(flow)
        with pytest.raises(ValueError, match="cannot be called back"):
            core.transports.flow("WS", HOST, 9)


async def test_secure(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    file = authority.issue(HOST)
    certificates = Certificates(TlsSettings(certificates=((file, file),)))
    context = ssl.create_default_context(cafile=str(authority.file))
    async with exchange("WSS", certificates) as core, browser(core, "WSS", context) as ws:
        await ws.send_str(message(1, b"v" * 40_000).decode())
        data, flow = await core.received()
        assert (data, flow.transport) == (message(1, b"v" * 40_000), "WSS")
        core.transports.send(message(2, b"v" * 40_000), flow)
        assert await ws.receive_str() == message(2, b"v" * 40_000).decode()


async def test_who_speaks_something_else_is_told_and_leaves() -> None:
    async with exchange() as core, aiohttp.ClientSession() as session:
        host, port = core.address("WS")
        async with session.get(f"http://{host}:{port}/") as response:
            assert (response.status, response.headers["Upgrade"]) == (426, "websocket")
        for protocols in ((), ("chat",)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"ws://{host}:{port}/", protocols=protocols)
            assert refused.value.status == 400
        for _ in range(3):
            await core.lost()
        assert core.transports.connections == 0


async def test_an_opening_that_never_ends_loses_its_place() -> None:
    async with exchange() as core:
        silent, silent_writer = await asyncio.open_connection(*core.address("WS"))
        slow, slow_writer = await asyncio.open_connection(*core.address("WS"))
        slow_writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow:")
        async with browser(core) as ws:  # opened, but never a message
            assert core.transports.connections == 3
            assert (await asyncio.wait_for(silent.read(), 5), await asyncio.wait_for(slow.read(), 5)) == (b"", b"")
            assert (await ws.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert {(await core.lost())[1] for _ in range(3)} == {"no complete message within 0.5 s"}
        silent_writer.close()
        slow_writer.close()


async def test_places_are_bounded() -> None:
    async with exchange() as core:
        opened = [await asyncio.open_connection(*core.address("WS")) for _ in range(12)]
        await asyncio.sleep(0.1)
        assert core.transports.connections == LIMITS.connections_per_source
        for _, writer in opened:
            writer.close()


async def test_a_message_that_is_too_long_ends_the_connection() -> None:
    async with exchange() as core, browser(core) as ws:
        await ws.send_str(message(1).decode())
        await core.received()
        await ws.send_str("x" * 200_000)
        received = await ws.receive()
        assert (received.type, received.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)
        await core.lost()


async def test_a_browser_that_does_not_read_loses_its_connection() -> None:
    async with exchange() as core, browser(core) as ws:
        await ws.send_str(message(1).decode())
        _, flow = await core.received()
        for number in range(8):
            core.transports.send(message(number, b"v" * 60_000), flow)
        assert (await core.lost()) == (flow, "the peer does not read")


async def test_a_browser_that_answers_no_ping_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket.WebSocketListener.__init__, "__defaults__", (0.2,))
    async with exchange() as core, browser(core) as good, browser(core, autoping=False) as bad:
        await bad.send_str(message(1).decode())
        _, flow = await core.received()
        await good.send_str(message(2).decode())
        _, other = await core.received()
        reading = asyncio.create_task(good.receive())  # so that it answers pings
        assert (await core.lost())[0] == flow
        assert core.transports.is_open(other)
        reading.cancel()
