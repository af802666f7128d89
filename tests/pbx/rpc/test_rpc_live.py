# SPDX-License-Identifier: Apache-2.0
"""The interface on a real server, with a telephone of a few lines at the other end of a UDP socket."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from switchroom.pbx.config import loads
from switchroom.pbx.rpc.client import call_from_shell
from switchroom.pbx.server import Server
from tests.ports import free_port

HOST, PHONES = "127.0.36.1", "127.0.36.2"
TOKEN = "live-token"
CONFIG = """
[server]
data_dir = "{folder}"
[sip]
listen = ["udp:{host}:{sip}"]
no_answer_s = 5
[media]
address = "{host}"
ports = [23600, 23639]
[rpc]
listen = "{host}:{rpc}"
tokens = [{{ name = "live", token = "{token}" }}, {{ name = "looker", token = "looker-token", role = "observer" }}]
[dial_plan]
default = [
  {{ number = "1001", to = "user:1001" }},
  {{ number = "9000", to = "echo" }},
  {{ number = "9002", to = "tone:1000" }},
  {{ number = "9010", to = "conference:team" }},
  {{ number = "7.", to = "sip:{{number}}@{phones}:{phone}" }},
]
[[user]]
name = "1001"
password = "pw1001"
"""


class Telephone(asyncio.DatagramProtocol):
    """Answers INVITEs by the called user: 72xx 200, 73xx 180, 74xx 486; says yes to all else."""

    SDP = f"v=0\r\no=- 1 1 IN IP4 {PHONES}\r\ns=-\r\nc=IN IP4 {PHONES}\r\nt=0 0\r\nm=audio 23700 RTP/AVP 0\r\n"

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        text = data.decode()
        if text.startswith(("SIP/2.0", "ACK")):
            return
        method, uri, _ = text.split(" ", 2)
        self.requests.append(text)
        user = uri.removeprefix("sip:")
        if method != "INVITE":
            self.respond(text, "200 OK", address)
        elif user.startswith("74"):
            self.respond(text, "486 Busy Here", address)
        elif user.startswith("73"):
            self.respond(text, "180 Ringing", address)
        else:
            self.respond(text, "200 OK", address, self.SDP)

    def respond(self, request: str, status: str, address: Any, body: str = "") -> None:
        head = re.findall(r"^((?:Via|From|Call-ID|CSeq):[^\r]*)\r\n", request, re.MULTILINE | re.IGNORECASE)
        to = re.findall(r"^(To:[^\r]*)\r\n", request, re.MULTILINE | re.IGNORECASE)[0]
        to += "" if ";tag=" in to else ";tag=phone"
        port = self.transport.get_extra_info("sockname")[1]
        lines = [f"SIP/2.0 {status}", *head, to, f"Contact: <sip:{PHONES}:{port}>", f"Content-Length: {len(body)}"]
        if body:
            lines.insert(-1, "Content-Type: application/sdp")
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), address)

    def of(self, method: str) -> list[str]:
        return [request for request in self.requests if request.startswith(method)]

    async def hears(self, method: str) -> None:
        async def found() -> list[str]:
            return self.of(method)

        await eventually(found)


async def eventually(probe: Callable[[], Awaitable[Any]]) -> Any:
    """The first true value of `probe`, within 5 seconds."""
    for _ in range(250):
        if value := await probe():
            return value
        await asyncio.sleep(0.02)
    raise AssertionError(f"{probe.__name__} stays false")


class Live:
    """A server, its phone, and a WebSocket to it."""

    def __init__(self, server: Server, phone: Telephone, port: int, url: str, ws: Any) -> None:
        self.server, self.phone, self.port, self.url, self.ws = server, phone, port, url, ws

    async def ask(self, method: str, **params: Any) -> Any:
        await self.ws.send_json({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
        while (answer := await self.ws.receive_json(timeout=5)).get("id") != method:
            pass
        return answer

    async def records(self, until: str, after: int = 0) -> list[Any]:
        """The records of the journal up to the first of type `until`."""
        found: list[Any] = []
        async with asyncio.timeout(10):
            async for entry in self.server.journal.subscribe(after):
                found.append(entry.record)  # type: ignore[union-attr]
                if found[-1].__struct_config__.tag == until:
                    break
        return found

    async def cdr(self, call: str) -> Any:
        async def found() -> Any:
            return (await self.ask("cdr.list", call=call))["result"]["cdrs"]

        return (await eventually(found))[0]


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    sip, rpc = free_port(HOST), free_port(HOST)
    transport, phone = await asyncio.get_running_loop().create_datagram_endpoint(Telephone, (PHONES, 0))
    port = transport.get_extra_info("sockname")[1]
    text = CONFIG.format(folder=tmp_path, host=HOST, sip=sip, rpc=rpc, token=TOKEN, phones=PHONES, phone=port)
    config, mistakes = loads(text, str(tmp_path / "live.toml"))
    assert config is not None, mistakes
    server = Server(config)
    await server.start()
    url = f"http://{HOST}:{rpc}/rpc"
    try:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
            session.ws_connect(url) as ws,
        ):
            yield Live(server, phone, port, url, ws)
    finally:
        await server.close()
        transport.close()


async def test_status_lists_and_events_from_the_first_on(live: Live) -> None:
    status = (await live.ask("system.status"))["result"]
    assert (status["calls"], status["registrations"], status["draining"]) == (0, 0, False)

    async def ports_are_told() -> bool:  # the shard tells its figures every 80 ms
        shard = (await live.ask("system.status"))["result"]["media"][0]
        return bool(shard["free_ports"] == 20)

    await eventually(ports_are_told)
    assert (await live.ask("calls.list"))["result"] == {"calls": [], "total": 0}
    assert (await live.ask("events.subscribe", after=0))["result"]["subscription"] == 1
    event = await live.ws.receive_json(timeout=5)
    assert (event["params"]["number"], event["params"]["record"]["type"]) == (1, "server.started")


@pytest.mark.parametrize(
    ("from_", "to", "status"),
    [
        ("1001", "9000", 480),
        ("user:1001", "9000", 480),
        ("4711", "9000", 404),
        ("1001", "555", 404),
        ("sip:<>", "9000", 400),
        ("1001", "sip:no host", 400),
    ],
)
async def test_what_cannot_be_called_begins_no_call(live: Live, from_: str, to: str, status: int) -> None:
    error = (await live.ask("calls.originate", **{"from": from_, "to": to}))["error"]
    assert (error["code"], error["data"]["status"]) == (-32000, status)
    records = await live.records("operator.called")
    assert [record.__struct_config__.tag for record in records] == ["server.started", "operator.called"]


async def test_click_to_dial_to_an_application_until_the_operator_ends_it(live: Live) -> None:
    begun = await live.ask("calls.originate", **{"from": f"sip:7201@{PHONES}:{live.port}", "to": "9000"})
    call = begun["result"]["call"]
    await live.records("call.routed")
    [listed] = (await live.ask("calls.list", call=call, describe=True))["result"]["calls"]
    assert (listed["dialled"], listed["state"]) == ("9000", "answered")
    assert (listed["legs"][0]["direction"], listed["legs"][0]["codec"]) == ("out", "PCMU")
    assert "PCMU" in listed["legs"][0]["describe"]
    assert re.search(r"^From: .*sip:9000@", live.phone.of("INVITE")[0], re.MULTILINE)

    assert (await live.ask("calls.hangup", call=call))["result"] == {"call": call}
    records = await live.records("call.ended")
    assert (records[-1].result, records[-1].ended_by) == ("answered", "operator")
    assert (await live.ask("calls.list"))["result"]["total"] == 0
    await live.phone.hears("BYE")
    assert (await live.cdr(call))["ended_by"] == "operator"


async def test_click_to_dial_joins_two_parties(live: Live) -> None:
    begun = await live.ask(
        "calls.originate", **{"from": f"sip:7201@{PHONES}:{live.port}", "to": "7202", "caller": "4711"}
    )
    call = begun["result"]["call"]
    await live.records("call.bridged")
    [listed] = (await live.ask("calls.list"))["result"]["calls"]
    assert listed["state"] == "talking"
    assert [leg["talks_to"] for leg in listed["legs"]] == [f"{call}/2", f"{call}/1"]
    first, second = live.phone.of("INVITE")
    assert re.search(r"^From: .*sip:7202@", first, re.MULTILINE)
    assert re.search(r"^From: .*sip:4711@", second, re.MULTILINE)
    await live.ask("calls.hangup", call=call)
    await live.records("call.ended")
    cdr = await live.cdr(call)
    assert (cdr["dialled"], cdr["destination"], len(cdr["legs"])) == ("7202", f"sip:7202@{PHONES}:{live.port}", 2)
    assert {leg["ended_by"] for leg in cdr["legs"]} == {"operator"}


async def test_click_to_dial_to_a_party_that_is_busy_ends_both(live: Live) -> None:
    begun = await live.ask("calls.originate", **{"from": f"sip:7201@{PHONES}:{live.port}", "to": "7401"})
    records = await live.records("call.ended")
    assert [record.status for record in records if record.__struct_config__.tag == "leg.ended"] == [486, 200]
    assert live.server.board.stories == {}
    cdr = await live.cdr(begun["result"]["call"])
    assert (cdr["result"], cdr["status"], cdr["ended_by"], cdr["talk_ms"]) == ("busy", 486, "callee", 0)


async def test_hanging_up_what_rings_cancels_it(live: Live) -> None:
    begun = await live.ask("calls.originate", **{"from": f"sip:7301@{PHONES}:{live.port}", "to": "9000"})
    await live.records("leg.ringing")
    await live.ask("calls.hangup", call=begun["result"]["call"])
    ended = (await live.records("call.ended"))[-1]
    assert (ended.result, ended.ended_by) == ("cancelled", "operator")
    await live.phone.hears("CANCEL")


async def test_a_traced_number_shows_its_messages(live: Live) -> None:
    await live.ask("calls.trace", subject="7401")
    await live.ask("calls.originate", **{"from": f"sip:7401@{PHONES}:{live.port}", "to": "9000"})
    records = await live.records("call.ended")
    sip_call_id = next(r.sip_call_id for r in records if r.__struct_config__.tag == "leg.started")
    messages = (await live.ask("calls.traced", sip_call_id=sip_call_id))["result"]["messages"]
    assert [(m["direction"], m["text"].split("\r\n")[0].split(" ")[0]) for m in messages[:2]] == [
        (">", "INVITE"),
        ("<", "SIP/2.0"),
    ]


async def test_the_shell_command(live: Live, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("SWITCHROOM_TOKEN", TOKEN)

    async def shell(method: str, params: str = "{}", token: str = "", url: str = live.url) -> tuple[int, str, str]:
        status = await asyncio.to_thread(call_from_shell, url, token, method, params)
        return status, *capsys.readouterr()

    status, out, err = await shell("system.status")
    assert (status, err) == (0, "")
    assert '"version": ' in out
    status, out, err = await shell("calls.hangup", '{"call": "x"}')
    assert (status, out) == (1, "")
    assert "no such call (-32000)" in err
    assert '"status":481' in err
    assert "Unauthorized" in (await shell("system.status", token="bad-token"))[2]
    assert "a valid token is needed" in (await shell("events.subscribe", token="bad-token"))[2]
    assert "not JSON" in (await shell("system.status", "{"))[2]
    gone = f"http://{HOST}:{free_port(HOST)}/rpc"
    for method in ("system.status", "events.subscribe"):
        assert await shell(method, url=gone) == (1, "", f"switchroom: no exchange answers at {gone}\n")

    watching = asyncio.create_task(shell("events.subscribe", '{"after": 0}'))
    await asyncio.sleep(0.5)
    await live.server.close()
    status, out, err = await watching
    assert '"record":{"type":"server.started"' in out.splitlines()[0]
    assert (status, err) == (1, "switchroom: the exchange closed the connection\n")
