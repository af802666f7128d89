# SPDX-License-Identifier: Apache-2.0
"""SIPp on both sides of the exchange: many calls, all answered, and nothing left behind."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess
from tests.ports import free_port

PEER = "127.0.0.9"
CALLS = 100
SCENARIOS = Path(__file__).parent / "scenarios"


def sipp(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    need("sipp")
    with open(folder / "sipp.log", "ab") as log:
        return subprocess.Popen(
            ["sipp", "-i", PEER, "-nostdin", "-timeout", "60s", *arguments],
            cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture(params=["u1", "t1"])
def transport(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture
def called(server: ServerProcess, tmp_path: Path) -> Iterator[None]:
    """SIPp as the called side, where numbers beginning with 7 go."""
    process = sipp(tmp_path, "-sn", "uas", "-p", str(server.peer), "-mp", "40000")
    yield
    process.terminate()
    process.wait(10)


def call(server: ServerProcess, folder: Path, number: str, transport: str, calls: int, scenario: str = "") -> int:
    """SIPp as the caller; its exit status is 0 when every call succeeded."""
    which = ("-sf", str(SCENARIOS / scenario)) if scenario else ("-sn", "uac")
    process = sipp(
        folder, *which, "-s", number, "-p", str(free_port(host=PEER)), "-t", transport, "-m", str(calls),
        "-r", "25", "-d", "300", "-mp", "42000", f"{HOST}:{server.sip}",
    )  # fmt: skip
    return process.wait(90)


def test_a_caller_without_password_reaches_the_echo(server: ServerProcess, tmp_path: Path, transport: str) -> None:
    assert call(server, tmp_path, "9000", transport, 5) == 0


def test_every_bridged_call_completes_and_has_its_cdr(
    server: ServerProcess, tmp_path: Path, transport: str, called: None
) -> None:
    before = server.call("cdr.list", number="7001", limit=1000)["cdrs"]
    assert call(server, tmp_path, "7001", transport, CALLS) == 0
    server.wait_for("the last call's end", lambda: server.call("system.status")["calls"] == 0)

    def found() -> list[dict[str, Any]]:
        cdrs: list[dict[str, Any]] = server.call("cdr.list", number="7001", limit=1000)["cdrs"]
        return cdrs if len(cdrs) == len(before) + CALLS else []

    cdrs = server.wait_for("the CDRs", found)
    assert {(cdr["result"], cdr["ended_by"], len(cdr["legs"])) for cdr in cdrs} == {("answered", "caller", 2)}
    assert len({cdr["call"] for cdr in cdrs}) == len(cdrs)


def test_a_busy_number(server: ServerProcess, tmp_path: Path) -> None:
    assert call(server, tmp_path, "9004", "u1", 1) != 0
    cdr = server.wait_for("the CDR", lambda: server.call("cdr.list", number="9004", limit=1)["cdrs"])[0]
    assert (cdr["result"], cdr["status"], cdr["ended_by"]) == ("busy", 486, "exchange")


@pytest.mark.parametrize("scenario", ["delayed_offer.xml", "two_offers.xml"])
def test_offers_out_of_the_ordinary(server: ServerProcess, tmp_path: Path, scenario: str) -> None:
    assert call(server, tmp_path, "9000", "u1", 3, scenario) == 0


def test_a_delayed_offer_through_to_the_called_side(server: ServerProcess, tmp_path: Path, called: None) -> None:
    assert call(server, tmp_path, "7001", "u1", 3, "delayed_offer.xml") == 0


def test_a_redirected_call_reaches_the_place_that_it_was_sent_to(server: ServerProcess, tmp_path: Path) -> None:
    elsewhere = free_port(host=PEER)
    first = sipp(
        tmp_path, "-sf", str(SCENARIOS / "redirecting.xml"), "-key", "elsewhere", str(elsewhere),
        "-p", str(server.peer), "-mp", "40000",
    )  # fmt: skip
    second = sipp(tmp_path, "-sn", "uas", "-p", str(elsewhere), "-mp", "41000")
    try:
        assert call(server, tmp_path, "7001", "u1", 3) == 0
    finally:
        for process in (first, second):
            process.terminate()
            process.wait(10)
