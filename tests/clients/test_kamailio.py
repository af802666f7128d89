# SPDX-License-Identifier: Apache-2.0
"""Kamailio in front, as carriers and larger sites have it: for phones that register through it (Path), and as the
border of a carrier. It stays in every dialog, and goes from UDP to TCP or TLS and back.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.kamailio import Kamailio
from tests.clients.script import PLAIN, Script, answered
from tests.clients.server import HOST, ServerProcess
from tests.clients.sipp import OUTSIDE, Sipp
from tests.clients.test_baresip import assert_heard
from tests.ports import free_port

PROXY, BORDER = ("127.0.0.50", free_port(host="127.0.0.50")), ("127.0.0.51", free_port(host="127.0.0.51"))
RULES = '{ number = "8.", to = "trunk:border/{number:1}" },'
TRUNK = '[[trunk]]\nname = "border"\ntargets = ["sip:{1}:{2};transport={0}"]\noptions_s = 0.0\n'
TALK_S = 2.0


@pytest.fixture(scope="module", params=["tcp", "tls"])
def transport(request: pytest.FixtureRequest) -> str:
    """How Kamailio and the exchange speak to each other."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, transport: str) -> Iterator[ServerProcess]:
    port = BORDER[1] if transport == "tcp" else BORDER[1] + 1
    trunk = TRUNK.format(transport, BORDER[0], port) + f'[tls]\nno_verify = ["{PROXY[0]}", "{BORDER[0]}"]\n'
    process = ServerProcess(tmp_path_factory.mktemp("server"), rules=RULES, more=trunk, rtp=26000).start()
    yield process
    process.stop()


@pytest.fixture
def phones(server: ServerProcess, tmp_path: Path, transport: str) -> Iterator[tuple[Baresip, Baresip]]:
    """One that registers through Kamailio, by UDP, and one that does not."""
    need("baresip")
    proxy = Kamailio(tmp_path / "proxy", server, PROXY, transport=transport)
    behind = Baresip(tmp_path / "behind", server, "1001", hz=500, proxy=f"sip:{PROXY[0]}:{PROXY[1]};lr")
    direct = Baresip(tmp_path / "direct", server, "1002", hz=900)
    try:
        behind.start()
        direct.start()
        for user in ("1001", "1002"):
            server.wait_for(f"{user}", lambda user=user: server.call("registrations.list", user=user)["registrations"])
        yield behind, direct
    finally:
        behind.stop()
        direct.stop()
        proxy.stop()


@pytest.mark.parametrize("outwards", [True, False])
def test_a_phone_behind_it_calls_holds_and_is_called(
    phones: tuple[Baresip, Baresip], server: ServerProcess, transport: str, outwards: bool
) -> None:
    behind, direct = phones
    via = server.call("registrations.list", user="1001")["registrations"][0]
    assert via["transport"] == transport.upper()
    one, two = phones if outwards else (direct, behind)
    one.command("dial", f"sip:{two.user}@{HOST}:{server.sip}")
    one.wait("CALL_ESTABLISHED")
    two.wait("CALL_ESTABLISHED")
    one.rest(TALK_S)
    behind.command("hold")
    server.wait_for("the hold", lambda: held(server))
    behind.command("resume")
    server.wait_for("the resume", lambda: not held(server))
    one.rest(TALK_S)
    two.command("hangup")
    one.wait("CALL_CLOSED")
    for phone, hz in ((one, two.hz), (two, one.hz)):
        heard = Heard(phone.recording(), hz)
        assert heard.seconds >= TALK_S - 0.5, heard  # baresip begins a new file when the call goes on
    said = (one.user, two.user, "callee")
    server.wait_for("the CDR", lambda: said in last_cdr(server))


def test_calls_go_out_by_it(
    phones: tuple[Baresip, Baresip], server: ServerProcess, tmp_path: Path, transport: str
) -> None:
    """Its connection to us is idle and closed before the call ends: the BYE takes a new one, by the Record-Route."""
    _, direct = phones
    border = Kamailio(
        tmp_path / "border", server, BORDER, transport=transport, others=f"sip:{OUTSIDE}:{server.peer}", idle_s=3
    )
    called = Script().get("INVITE", "Record-Route").ring().answer().get("ACK").get("BYE").reply()
    other = Sipp(tmp_path / "called", server, called, media=40500)
    try:
        direct.command("dial", f"sip:85550@{HOST}:{server.sip}")
        direct.wait("CALL_ESTABLISHED")
        direct.rest(TALK_S + 4)
        direct.command("hangup")
        other.end()
        assert_heard(direct, direct.hz, TALK_S)  # what it says comes back
    finally:
        other.stop()
        border.stop()


def test_calls_come_in_by_it(
    phones: tuple[Baresip, Baresip], server: ServerProcess, tmp_path: Path, transport: str
) -> None:
    _, direct = phones
    border = Kamailio(tmp_path / "border", server, BORDER, transport=transport)
    hold = PLAIN + "a=sendonly\n"
    calling = answered().rest(500).send("INVITE", "", hold).get(100, optional=True).get(200, "a=recvonly").send("ACK")
    calling.rest(300).send("INVITE", "", PLAIN).get(100, optional=True).get(200, "a=sendrecv").send("ACK")
    other = Sipp(
        tmp_path / "calling", server, calling.rest(2000).send("BYE").get(200), number="1002", media=40520,
        to=f"{BORDER[0]}:{BORDER[1]}",
    )  # fmt: skip
    try:
        direct.wait("CALL_ESTABLISHED")
        direct.wait("CALL_CLOSED", 20)
        other.end()
        assert Heard(direct.recording(), direct.hz).seconds >= 1.5
    finally:
        other.stop()
        border.stop()


def last_cdr(server: ServerProcess) -> list[tuple[str, str, str]]:
    """The caller, the number dialled and who hung up, of the last call that is written down."""
    found = server.call("cdr.list", limit=1)["cdrs"]
    return [(cdr["caller"], cdr["dialled"], cdr["ended_by"]) for cdr in found]


def held(server: ServerProcess) -> bool:
    return any(leg["held"] for call in server.call("calls.list")["calls"] for leg in call["legs"])
