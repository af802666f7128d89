# SPDX-License-Identifier: Apache-2.0
"""The whole server between a phone and simulated gateways and carriers: fail-over, causes, channels, registration."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switchroom.pbx import config as configuration
from switchroom.pbx.events import TollRefused, TrunkDown, TrunkRegistered, TrunkTried, TrunkUp
from switchroom.pbx.rpc.auth import Operator
from switchroom.pbx.rpc.errors import RpcError
from switchroom.pbx.rpc.registry import METHODS, Context
from switchroom.pbx.server import Server
from switchroom.pbx.sip.message import Response
from tests.sim.gateway import Gateway, Line
from tests.sim.small_phone import SmallPhone, sdp

SERVER = ("127.0.34.1", 15_060)
PHONE = "127.0.34.2"
ONE, TWO, E1 = "127.0.34.11", "127.0.34.12", "127.0.34.13"
CONFIG = f"""
[server]
data_dir = "data"
[sip]
listen = ["udp:{SERVER[0]}:{SERVER[1]}"]
[media]
address = "{SERVER[0]}"
ports = [26000, 26299]
[rpc]
enabled = false
[[user]]
name = "1001"
password = "pw1001"
outside = {{ deny = ["00."], calls = 40 }}
[[trunk]]
name = "one"
targets = ["sip:{ONE}"]
options_s = 0.0
failover_s = 0.4
caller_policy = "fixed"
caller_fixed = "4008001234"
[[trunk]]
name = "two"
targets = ["sip:{TWO}"]
options_s = 0.0
failover_s = 0.4
called_out = ["0. -> +86{{number:1}}"]
username = "carrier-user"
password = "carrier-secret"
[[trunk]]
name = "e1"
targets = ["sip:{E1}"]
gateway = "generic"
spans = 1
context = "did"
options_s = 0.0
caller_in = ["13. -> 0{{number}}"]
overlap = true
[routes]
out = [{{ trunk = "one" }}, {{ trunk = "two" }}]
[dial_plan]
default = [{{ number = "8.", to = "trunk:e1/{{number:1}}" }}, {{ number = "0.", to = "route:out/{{number}}" }}]
did = [{{ number = "60021XXX", to = "user:1001" }}, {{ number = "7000", to = "echo" }}]
"""


class Rig:
    """The server, a phone, and three gateways."""

    def __init__(self, server: Server, phone: SmallPhone, one: Gateway, two: Gateway, e1: Gateway) -> None:
        self.server, self.phone, self.one, self.two, self.e1 = server, phone, one, two, e1
        self.written: list[Any] = []

    async def call(self, number: str) -> Response:
        return await self.phone.call(number, sdp(PHONE))

    async def ask(self, name: str, **params: Any) -> Any:
        method = METHODS[name]
        return await method.run(Context(self.server.operations, Operator("ada", "operator")), method.read(params))

    def records(self, kind: type) -> list[Any]:
        return [record for record in self.written if isinstance(record, kind)]

    def listen(self) -> None:
        """Keep what is written into the journal, from the start on."""
        journal = self.server.journal
        self.written = [entry.record for batch in (*journal._recent, journal._batch) for entry in batch]
        append = journal.append

        def keep(record: Any) -> int:
            self.written.append(record)
            return append(record)

        journal.append = keep  # type: ignore[method-assign]


async def until(what: Callable[[], object], timeout_s: float = 3.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline_s, "it did not happen"
        await asyncio.sleep(0.01)


Start = Callable[..., Awaitable[Rig]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def make(text: str = CONFIG) -> Rig:
            made, mistakes = configuration.loads(text, str(tmp_path / "test.toml"))
            assert made is not None, mistakes
            gateways = [await Gateway(host).open() for host in (ONE, TWO, E1)]
            for gateway in gateways:
                stack.push_async_callback(gateway.close)
            server = Server(made)
            await server.start()
            stack.push_async_callback(server.close, "test")
            phone = SmallPhone("1001", SERVER)
            rig = Rig(server, phone, *gateways)
            rig.listen()
            await phone.open(PHONE)
            stack.push_async_callback(phone.close)
            assert (await phone.register()).status == 200
            return rig

        yield make


async def test_a_call_goes_out_with_the_numbers_that_the_trunk_wants(start: Start) -> None:
    rig = await start()
    answer = await rig.call("01088889999")
    assert answer.status == 200
    (invite,) = rig.one.invites
    assert invite.uri == f"sip:01088889999@{ONE}"
    assert invite.get("p-asserted-identity") == f"<sip:4008001234@{SERVER[0]}:{SERVER[1]}>"
    assert "4008001234@" in invite.from_.uri
    assert (await rig.ask("trunks.list")).trunks[0].used_out == 1
    rig.phone.in_dialog("BYE", answer)
    await until(lambda: not rig.server.board.stories)
    assert rig.server.trunks.by_name["one"].channels.used["out"] == 0


@pytest.mark.parametrize("outwards", [True, False])
async def test_a_carrier_that_challenges_the_bye_too_gets_it(start: Start, outwards: bool) -> None:
    """Else the call is over for us, and goes on and costs money there."""
    text = CONFIG.replace('username = "carrier-user"', 'context = "did"\nusername = "carrier-user"')
    rig = await start(text)
    rig.one.status, rig.two.within = 503, True
    if outwards:
        answer = await rig.call("01088889999")
        (line,) = rig.two.lines
        rig.phone.in_dialog("BYE", answer)
    else:
        line = rig.two.call(SERVER, "7000")
        await line.answered.wait()
        (call,) = rig.server.board.stories
        await rig.ask("calls.hangup", call=call)
    await asyncio.wait_for(line.over.wait(), 5)
    assert rig.two.challenged == ["BYE"]


@pytest.mark.parametrize(("status", "cause"), [(503, 34), (500, 0), (502, 38), (403, 42)])
async def test_a_refusing_carrier_is_followed_by_the_next(start: Start, status: int, cause: int) -> None:
    rig = await start()
    rig.one.status, rig.one.cause = status, cause
    began_s = time.monotonic()
    assert (await rig.call("01088889999")).status == 200
    assert time.monotonic() - began_s < 1.0
    assert [line.number for line in rig.two.lines] == ["+861088889999"]
    (tried,) = rig.records(TrunkTried)
    assert (tried.trunk, tried.status, tried.cause) == ("one", status, cause)


@pytest.mark.parametrize("status", [486, 404, 603, 480])
async def test_what_the_called_party_says_ends_it(start: Start, status: int) -> None:
    rig = await start()
    rig.one.status = status
    assert (await rig.call("01088889999")).status == status
    assert rig.two.invites == []


async def test_a_dead_carrier_costs_its_failover_time_and_no_call(start: Start) -> None:
    rig = await start()
    rig.one.dead = True
    rig.two.password = "x"
    began_s = time.monotonic()
    assert (await rig.call("01088889999")).status == 200
    assert 0.35 < time.monotonic() - began_s < 1.5
    first, second = rig.two.invites
    assert 'username="carrier-user"' in second.headers["proxy-authorization"][0]
    assert (first.call_id, second.cseq.number) == (second.call_id, first.cseq.number + 1)


async def test_a_carrier_that_wakes_up_too_late_is_cancelled(start: Start) -> None:
    rig = await start()
    rig.one.dead = True
    assert (await rig.call("01088889999")).status == 200
    rig.one.dead = False  # our INVITE is repeated to it for a while
    await until(lambda: rig.one.invites, 6.0)
    await until(lambda: rig.one.cancelled or not rig.one.lines, 3.0)
    assert len(rig.two.lines) == 1


async def test_nobody_answers(start: Start) -> None:
    rig = await start()
    rig.one.dead = rig.two.dead = True
    assert (await rig.call("01088889999")).status == 503
    assert {tried.trunk for tried in rig.records(TrunkTried)} == {"one", "two"}


CAUSES = [(1, 404), (17, 486), (18, 408), (19, 480), (21, 403), (22, 410), (27, 502), (28, 484), (34, 503), (65, 488)]


@pytest.mark.parametrize(("cause", "status"), CAUSES)
async def test_causes_of_the_gateway_reach_the_phone_and_the_cdr(start: Start, cause: int, status: int) -> None:
    rig = await start()
    rig.e1.causes = {"55": (480, cause)}
    assert (await rig.call("8123455")).status == status
    await until(lambda: not rig.server.board.stories)
    cdrs = await cdr_of(rig)
    assert [(leg["trunk"], leg["cause"]) for leg in cdrs["legs"] if leg["direction"] == "out"] == [("e1", cause)]


async def cdr_of(rig: Rig) -> Any:
    found: list[Any] = []
    while not found:
        await asyncio.sleep(0.05)
        found = (await rig.ask("cdr.list")).cdrs
    return msgspec.json.decode(bytes(found[0]))


async def test_the_31st_call_of_an_e1_finds_no_circuit(start: Start) -> None:
    rig = await start()
    lines = [rig.e1.call(SERVER, "7000") for _ in range(30)]
    await asyncio.wait_for(asyncio.gather(*(line.answered.wait() for line in lines)), 5)
    late = rig.e1.call(SERVER, "7000")
    await asyncio.wait_for(late.over.wait(), 2)
    assert (late.status, late.reasons) == (503, ["Q.850;cause=34"])
    assert (await rig.call("8123456")).status == 503
    lines[0].release(16)
    await until(lambda: rig.server.trunks.by_name["e1"].channels.used["in"] == 29)
    again = rig.e1.call(SERVER, "7000")
    await asyncio.wait_for(again.answered.wait(), 2)


async def test_limits_change_while_calls_go_on(start: Start) -> None:
    rig = await start()
    line = rig.e1.call(SERVER, "7000")
    await asyncio.wait_for(line.answered.wait(), 2)
    await rig.ask("trunks.set", trunk="e1", channels=1)
    late = rig.e1.call(SERVER, "7000")
    await asyncio.wait_for(late.over.wait(), 2)
    assert late.status == 503
    assert not line.over.is_set()
    await rig.ask("trunks.set", trunk="e1", channels=2)
    more = rig.e1.call(SERVER, "7000")
    await asyncio.wait_for(more.answered.wait(), 2)
    await rig.ask("trunks.set", trunk="e1", enabled=False)
    assert (await rig.call("8123456")).status == 503
    with pytest.raises(RpcError):
        await rig.ask("trunks.set", trunk="nobody", channels=2)


async def test_a_did_rings_its_user_with_the_callers_number(start: Start) -> None:
    rig = await start()
    rig.e1.call(SERVER, "60021001", P_Asserted_Identity="<sip:13811112222@gateway>")
    invite = await rig.phone.expect("INVITE")
    assert "013811112222@" in invite.from_.uri
    rig.phone.respond(invite, 486)


@pytest.mark.parametrize(("number", "status"), [("6", 484), ("6002100", 484), ("60031", 404), ("600210011", 404)])
async def test_digits_that_come_one_by_one(start: Start, number: str, status: int) -> None:
    rig = await start()
    line = rig.e1.call(SERVER, number)
    await asyncio.wait_for(line.over.wait(), 2)
    assert line.status == status


async def test_a_cause_goes_through_from_trunk_to_trunk(start: Start) -> None:
    rig = await start(
        CONFIG.replace('{ number = "7000", to = "echo" }', '{ number = "0.", to = "route:out/{number}" }')
    )
    rig.one.causes = {"9": (500, 22)}
    line = rig.e1.call(SERVER, "0109")
    await asyncio.wait_for(line.over.wait(), 2)
    assert (line.status, line.reasons) == (410, ["Q.850;cause=22"])
    good = rig.e1.call(SERVER, "0108")
    await asyncio.wait_for(good.answered.wait(), 2)
    (far,) = rig.one.lines
    far.release(31)
    await asyncio.wait_for(good.over.wait(), 2)
    assert "Q.850;cause=31" in good.reasons[0]


async def test_a_number_is_sent_elsewhere_and_back(start: Start) -> None:
    rig = await start()
    await rig.ask("did.reroute", number="*", to="7000", context="did")
    line = rig.e1.call(SERVER, "60021001")
    await asyncio.wait_for(line.answered.wait(), 2)
    assert (await rig.ask("did.list")).rerouted["*"].to == "7000"
    await rig.ask("did.reroute", number="*")
    rig.e1.call(SERVER, "60021001")
    assert await rig.phone.expect("INVITE")
    with pytest.raises(RpcError):
        await rig.ask("did.reroute", number="60021001", to="999999", context="did")


async def test_numbers_that_a_user_may_not_call(start: Start) -> None:
    rig = await start()
    assert (await rig.call("0044123456")).status == 403
    assert rig.one.invites == []
    assert "1001" in rig.records(TollRefused)[0].reason


async def test_a_route_is_explained(start: Start) -> None:
    rig = await start()
    await rig.ask("trunks.set", trunk="one", enabled=False)
    found = await rig.ask("trunks.explain", route="out", number="010")
    assert [(one.trunk, one.verdict) for one in found.carriers] == [("two", "first"), ("one", "cannot")]
    with pytest.raises(RpcError):
        await rig.ask("trunks.explain", route="nowhere", number="010")


REGISTERING = CONFIG.replace(
    f'targets = ["sip:{TWO}"]', f'register = {{ registrar = "sip:{TWO}", user = "4009998888", expires_s = 60 }}'
)


async def test_a_trunk_registers_with_digest_and_is_called_at_its_contact(start: Start) -> None:
    gateway_text = REGISTERING.replace("did = [", 'did = [{ number = "4009998888", to = "echo" }, ').replace(
        'username = "carrier-user"', 'context = "did"\nusername = "carrier-user"'
    )
    rig = await start(gateway_text)
    await until(lambda: rig.server.trunks.by_name["two"].registered)
    first = rig.two.registers[0]
    assert first.to.uri == f"sip:4009998888@{TWO}"
    assert rig.records(TrunkRegistered)[0].expires_s == 60
    line: Line = rig.two.call(SERVER, "4009998888")
    await asyncio.wait_for(line.answered.wait(), 2)
    assert (await rig.ask("trunks.list")).trunks[1].registered


async def test_the_registrar_is_told_who_we_are(start: Start) -> None:
    rig = await start(REGISTERING)
    await until(lambda: rig.server.trunks.by_name["two"].registered)
    await rig.server.trunk_keeper.close()
    rig.two.password, rig.two.registers = "x", []
    rig.server.trunk_keeper.apply()
    await until(lambda: rig.server.trunks.by_name["two"].registered)
    one, two = rig.two.registers
    assert 'username="carrier-user"' in two.headers["authorization"][0]
    assert (one.call_id, one.cseq.number + 1) == (two.call_id, two.cseq.number)


async def test_calls_go_by_where_the_registrar_says(start: Start) -> None:
    """RFC 3608: the request line names the carrier, the Route headers the way there."""
    rig = await start(REGISTERING.replace("default = [", 'default = [{ number = "55.", to = "trunk:two/{number}" }, '))
    await until(lambda: rig.server.trunks.by_name["two"].registered)
    for given, way in (
        ([f"<sip:{ONE};lr>", "<sip:home.example;lr>"], [f"<sip:{ONE};lr>", "<sip:home.example;lr>"]),
        (["<sip:strict.example>"], None),  # no loose router: as if nothing had been said
    ):
        await rig.server.trunk_keeper.close()
        rig.two.service_route, rig.one.invites, rig.two.invites = given, [], []
        rig.server.trunk_keeper.apply()
        await until(lambda: rig.server.trunks.by_name["two"].registered)
        assert (await rig.call("5512")).status == 200
        (invite,) = rig.one.invites if way else rig.two.invites
        assert invite.uri == f"sip:5512@{TWO}"
        assert (invite.all("route") or None) == way


async def test_a_gateway_that_stops_answering_raises_an_alarm(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchroom.pbx.trunk_keeper.PROBE_S", 0.3)
    rig = await start(CONFIG.replace("options_s = 0.0\nfailover_s", "options_s = 0.2\nfailover_s"))
    await until(lambda: len(rig.records(TrunkUp)) == 2)
    rig.one.dead = True
    await until(lambda: rig.records(TrunkDown))
    down = rig.records(TrunkDown)[0]
    assert (down.trunk, down.target, down.reason) == ("one", f"sip:{ONE}", "no answer to OPTIONS")
    assert (await rig.call("01088889999")).status == 200
    assert not rig.records(TrunkTried)  # at once by the other
    rig.one.dead = False
    await until(lambda: len(rig.records(TrunkUp)) == 3)
