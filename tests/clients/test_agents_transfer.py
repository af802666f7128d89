# SPDX-License-Identifier: Apache-2.0
"""An agent's phone asks for an attended transfer by REFER with Replaces (RFC 3891), on either of its lines: the second
agent has the caller, the talk time, and the first one is out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need, need_pjsua
from tests.clients.pjsua import Pjsua
from tests.clients.server import HOST, ServerProcess
from tests.clients.test_queue import records

RULES = '  { number = "8000", to = "queue:sales" },\n'
CENTRE = """
[queue.sales]
wrap_up_s = 1.0
announce_every_s = 0
[[agent]]
name = "1001"
queues = { sales = 1 }
logged_in = true
[[agent]]
name = "1002"
queues = {}
logged_in = true
"""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("transfers"), rtp=20000, rules=RULES, more=CENTRE).start()
    yield process
    process.stop()


@pytest.mark.parametrize("line", ["the caller's", "the other"])
def test_attended_by_the_phone(centre: ServerProcess, tmp_path: Path, line: str) -> None:
    need("baresip")
    need_pjsua()
    before = len(records(centre, "queue.completed"))
    first = Pjsua(tmp_path / "first", centre, "1001", hz=900)
    second = Baresip(tmp_path / "second", centre, "1002", hz=700)
    caller = Baresip(tmp_path / "caller", centre, "1003", hz=500)
    try:
        for phone in (first, second, caller):
            phone.start()
        centre.wait_for("registrations", lambda: len(centre.call("registrations.list")["registrations"]) >= 3)
        caller.command("dial", f"sip:8000@{HOST}:{centre.sip}")
        first.wait("CALL_ESTABLISHED")
        caller.rest(2.0)
        first.command("dial", f"sip:1002@{HOST}:{centre.sip}")
        first.wait("CALL_ESTABLISHED")
        caller.rest(1.5)
        if line == "the caller's":
            first.command("next")
            caller.rest(0.3)
        first.command("transfer_to_call", "1" if line == "the caller's" else "0")
        centre.wait_for("the transfer", lambda: len(records(centre, "queue.passed")) > before / 2)
        caller.rest(3.0)
        second.command("hangup")
        caller.wait("CALL_CLOSED")
        centre.wait_for("its end", lambda: len(records(centre, "queue.completed")) == before + 2)
    finally:
        for phone in (first, second, caller):
            phone.stop()
    assert Heard(caller.recording(), 900).seconds >= 1.5
    assert Heard(caller.recording(), 700).seconds >= 2.0
    assert Heard(second.recording(), 500).seconds >= 2.0
    completed = records(centre, "queue.completed")[-2:]
    assert [(record["agent"], record["reason"]) for record in completed] == [("1001", "transferred"), ("1002", "agent")]
    assert completed[1]["talk_ms"] >= 2500
