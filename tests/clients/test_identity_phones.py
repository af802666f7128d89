# SPDX-License-Identifier: Apache-2.0
"""Identities through the exchange: from a trusted peer to a trusted one and to a stranger, with SIPp on both sides."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import need
from tests.clients.script import PLAIN, Script, answered
from tests.clients.server import HOST, ServerProcess
from tests.ports import free_port

CARRIER, STRANGER = "127.0.0.10", "127.0.0.9"
FRIEND = f'[[peer]]\nname = "carrier"\naddresses = ["{CARRIER}"]\ntrusted = true\n'
TOLD = 'P-Asserted-Identity: "Ann Other" <sip:4711@carrier.example>\nDiversion: <sip:6@carrier.example>\n'


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, int]]:
    port = free_port(host=CARRIER)
    rules = f'  {{ number = "8.", to = "sip:{{number}}@{CARRIER}:{port}" }},'
    server = ServerProcess(tmp_path_factory.mktemp("trusting"), rules=rules, more=FRIEND).start()
    yield server, port
    server.stop()


def begin(folder: Path, script: Script, *arguments: str) -> subprocess.Popen[bytes]:
    need("sipp")
    folder.mkdir()
    (folder / "script.xml").write_text(str(script))
    with open(folder / "sipp.log", "wb") as log:
        return subprocess.Popen(
            ["sipp", "-sf", "script.xml", "-m", "1", "-nostdin", "-timeout", "20s", "-timeout_error", "-trace_err",
             "-error_file", "errors.log", *arguments],
            cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "number", "headers", "seen"),
    [
        (CARRIER, "81", TOLD, ['From: "Ann Other" <sip:4711@', 'P-Asserted-Identity: "Ann Other" <sip:4711@',
                               "Diversion: <sip:6@", "History-Info: <sip:81@[^>]*>;index=1.1;mp=1"]),
        (CARRIER, "81", TOLD + "Privacy: id\n", ["From: .Anonymous", "P-Asserted-Identity: .*4711@", "Privacy: id"]),
        (CARRIER, "71", TOLD, ['From: "Ann Other" <sip:4711@', "Diversion: <sip:6@"]),
        (CARRIER, "71", TOLD + "Privacy: id\n", ["From: .Anonymous. <sip:anonymous@anonymous.invalid>"]),
        (STRANGER, "81", TOLD, ["From: <sip:sipp@", "P-Asserted-Identity: <sip:sipp@"]),
    ],
)  # fmt: skip
def test_by_trust(
    trusting: tuple[ServerProcess, int], tmp_path: Path, source: str, number: str, headers: str, seen: list[str]
) -> None:
    server, port = trusting
    place = (CARRIER, str(port)) if number == "81" else (STRANGER, str(server.peer))
    called = Script().get("INVITE", *seen).reply(PLAIN).get("ACK").get("BYE").reply()
    other = begin(tmp_path / "called", called, "-i", place[0], "-p", place[1], "-mp", "40000")
    caller = begin(
        tmp_path / "caller", answered(PLAIN, headers).rest(200).send("BYE").get(200), "-i", source, "-p",
        str(free_port(host=source)), "-s", number, "-mp", "42000", f"{HOST}:{server.sip}",
    )  # fmt: skip
    errors = tmp_path / "called" / "errors.log"
    try:
        assert caller.wait(30) == 0, errors.read_text() if errors.exists() else server.log()
        assert other.wait(30) == 0, errors.read_text() if errors.exists() else server.log()
    finally:
        for process in (caller, other):
            if process.poll() is None:
                process.terminate()
                process.wait(10)
