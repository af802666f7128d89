# SPDX-License-Identifier: Apache-2.0
"""Session timers on the real server over three refreshes, in both roles (RFC 4028), with SIPp; and after silence."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import need
from tests.clients.script import PLAIN, Script, answered
from tests.clients.server import HOST, ServerProcess
from tests.ports import free_port

PEER = "127.0.0.9"
SHORT = "session_expires_s = 2\nmin_se_s = 1"
TIMER = "Supported: timer\nAllow: INVITE, ACK, BYE, UPDATE\nMin-SE: 2\n"
UPDATED = "Supported: timer\nSession-Expires: 2;refresher=uac\nMin-SE: 2\n"


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("brief"), sip_more=SHORT).start()
    yield server
    server.stop()


def run(folder: Path, server: ServerProcess, script: Script) -> None:
    need("sipp")
    (folder / "script.xml").write_text(str(script))
    done = subprocess.run(
        ["sipp", "-sf", "script.xml", "-m", "1", "-nostdin", "-timeout", "25s", "-timeout_error", "-trace_err",
         "-error_file", "errors.log", "-s", "9002", "-i", PEER, "-p", str(free_port(host=PEER)),
         f"{HOST}:{server.sip}"],
        cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    errors = folder / "errors.log"
    assert done.returncode == 0, errors.read_text() if errors.exists() else done.stdout[-2000:]


def test_we_refresh_by_update(brief: ServerProcess, tmp_path: Path) -> None:
    script = answered(PLAIN, TIMER + "Session-Expires: 2;refresher=uas\n", "Session-Expires: 2;refresher=uas")
    for _ in range(3):
        script.get("UPDATE", "Session-Expires: 2;refresher=uac").reply(headers="Session-Expires: 2;refresher=uac\n")
    run(tmp_path, brief, script.send("BYE").get(200))


def test_the_caller_refreshes(brief: ServerProcess, tmp_path: Path) -> None:
    script = answered(PLAIN, TIMER + "Session-Expires: 2;refresher=uac\n", "Session-Expires: 2;refresher=uac")
    for _ in range(3):
        script.rest(1000).send("UPDATE", UPDATED).get(200, "Session-Expires: 2;refresher=uac")
    run(tmp_path, brief, script.send("BYE").get(200))


def test_a_caller_that_falls_silent_is_hung_up(brief: ServerProcess, tmp_path: Path) -> None:
    script = answered(PLAIN, TIMER + "Session-Expires: 2;refresher=uac\n").get("BYE").reply()
    run(tmp_path, brief, script)
