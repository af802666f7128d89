# SPDX-License-Identifier: Apache-2.0
"""The whole server on loopback, and phones over each transport that call one another."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from switchroom.pbx import config as configuration
from switchroom.pbx.server import Server
from switchroom.pbx.sip.message import Request
from tests.sim.small_phone import SmallPhone, sdp

HOST = "127.0.33.1"
PHONE = "127.0.33.2"
CONFIG = """
[server]
data_dir = "data"
[sip]
listen = ["udp:127.0.33.1:15060", "tcp:127.0.33.1:15060", "tls:127.0.33.1:15061", "ws:127.0.33.1:15080",
          "wss:127.0.33.1:15443"]
[media]
address = "127.0.33.1"
ports = [25000, 25099]
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
PORTS = {"UDP": 15_060, "TCP": 15_060, "TLS": 15_061, "WS": 15_080, "WSS": 15_443}
Make = Callable[..., Awaitable[SmallPhone]]


@asynccontextmanager
async def running(folder: Path, text: str = CONFIG) -> AsyncIterator[Server]:
    made, mistakes = configuration.loads(text, str(folder / "test.toml"))
    assert made is not None, mistakes
    server = Server(made)
    await server.start()
    try:
        yield server
    finally:
        await server.close("test")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path) as server:
        yield server


@pytest.fixture
async def phone(server: Server, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes phones that are registered; those over TLS trust the certificate that the server made for itself."""
    async with AsyncExitStack() as stack:

        async def make(user: str, kind: str) -> SmallPhone:
            tls = None
            if kind in ("TLS", "WSS"):
                tls = ssl.create_default_context(cafile=str(tmp_path / "data" / "tls.crt"))
            made = await SmallPhone(user, (HOST, PORTS[kind]), kind).open(PHONE, tls)
            stack.push_async_callback(made.close)
            assert (await made.register()).status == 200
            return made

        yield make


@pytest.mark.parametrize("called", ["UDP", "TLS", "WS"])
@pytest.mark.parametrize("calling", ["TCP", "TLS", "WS", "WSS"])
async def test_a_call_between_any_two_transports(phone: Make, server: Server, calling: str, called: str) -> None:
    one, two = await phone("1001", calling), await phone("1002", called)
    calls = asyncio.create_task(one.call("1002", sdp(PHONE)))
    invite = await two.expect("INVITE")
    assert invite.via.transport == called
    assert invite.contacts()[0].uri.startswith("sip:1001@127.0.33.1:")
    two.respond(invite, 200, sdp(PHONE, 4010))
    await two.expect("ACK")
    answer = await calls
    assert answer.status == 200
    parameter = {"TCP": "tcp", "TLS": "tls", "WS": "ws", "WSS": "ws"}[calling]
    assert answer.contacts()[0].uri.endswith(f":{PORTS[calling]};transport={parameter}")
    one.in_dialog("BYE", answer)
    two.respond(await two.expect("BYE"), 200)


async def test_a_browser_that_left_is_not_registered_any_more(phone: Make, server: Server) -> None:
    browser, other = await phone("1002", "WS"), await phone("1001", "UDP")
    assert server.registrar.lookup("1002")[0].contact == "sip:1002@1002.invalid;transport=ws"
    await browser.close()
    assert (await other.call("1002", sdp(PHONE))).status == 480
    assert server.registrar.lookup("1002") == []
    again = await phone("1002", "WS")
    assert server.registrar.lookup("1002")[0].flow.transport == "WS"
    await again.close()


async def test_a_phone_that_asks_by_sips_is_answered_by_sips(phone: Make) -> None:
    one = await phone("1001", "TLS")
    answer = await one.request("INVITE", f"sips:9000@{HOST}:{PORTS['TLS']}", body=sdp(PHONE))
    assert answer.status == 200
    assert answer.contacts()[0].uri == f"sips:9000@{HOST}:{PORTS['TLS']}"
    one.in_dialog("BYE", answer)


@pytest.mark.parametrize(("kind", "timer"), [("UDP", None), ("TCP", "120")])
async def test_a_phone_that_registers_a_flow_is_told_so(phone: Make, kind: str, timer: str | None) -> None:
    """RFC 5626 section 6: it may then keep the way open, and count on being called by it."""
    one = await phone("1001", kind)
    assert "require" not in (await one.register()).headers
    send = one.send

    def send_with_flow(message: Request | bytes) -> None:
        if isinstance(message, Request) and message.method == "REGISTER":
            message.headers["supported"] = ["path, outbound"]
            message.headers["contact"][0] += ';reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
        send(message)

    one.send = send_with_flow  # type: ignore[method-assign]
    answer = await one.register()
    assert (answer.status, answer.get("require"), answer.get("flow-timer")) == (200, "outbound", timer)
