# SPDX-License-Identifier: Apache-2.0
"""Linphone over UDP, TCP and TLS: it calls a phone of another make and is called by it, and both hear each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.linphone import Linphone
from tests.clients.server import HOST, ServerProcess
from tests.clients.test_baresip import SENT_DBFS

TALK_S = 3.0


@pytest.fixture(params=["udp", "tcp", "tls"])
def phones(request: pytest.FixtureRequest, server: ServerProcess, tmp_path: Path) -> Iterator[tuple[Linphone, Baresip]]:
    need("baresip")
    linphone = Linphone(tmp_path / "linphone", server, "1002", hz=900, transport=request.param)
    other = Baresip(tmp_path / "other", server, "1001", hz=500)
    try:
        linphone.start()
        other.start()
        wanted = {("1002", request.param.upper()), ("1001", "UDP")}
        server.wait_for("both registrations", lambda: wanted <= registered(server))
        yield linphone, other
    finally:
        linphone.stop()
        other.stop()


def registered(server: ServerProcess) -> set[tuple[str, str]]:
    return {(each["user"], each["transport"]) for each in server.call("registrations.list")["registrations"]}


def test_it_calls_and_is_called(phones: tuple[Linphone, Baresip], server: ServerProcess) -> None:
    linphone, other = phones
    linphone.command("dial", "1001")
    linphone.wait("CALL_ESTABLISHED")
    other.wait("CALL_ESTABLISHED")
    linphone.rest(TALK_S)
    linphone.command("hangup")
    other.wait("CALL_CLOSED")
    assert Heard(other.recording(), 900).seconds >= TALK_S - 1
    other.command("dial", f"sip:1002@{HOST}:{server.sip}")
    other.wait("CALL_ESTABLISHED")
    linphone.wait("CALL_ESTABLISHED")
    other.rest(TALK_S)
    other.command("hangup")
    linphone.wait("CALL_CLOSED")
    heard = Heard(linphone.recording(), 500)  # of both calls
    assert heard.seconds >= 2 * (TALK_S - 1), heard
    assert abs(heard.level_dbfs - SENT_DBFS) < 1.0, heard
