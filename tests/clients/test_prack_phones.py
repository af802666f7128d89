# SPDX-License-Identifier: Apache-2.0
"""A phone that insists on reliable provisional responses (RFC 3262): pjsua with --use-100rel, both ways."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.conftest import need_pjsua
from tests.clients.phones import HZ, Phones, parties
from tests.clients.pjsua import Pjsua
from tests.clients.server import HOST, ServerProcess

TALK_S = 1.5
LEAST_S = 1.0


@pytest.fixture(scope="module")
def phones(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phones]:
    phones = Phones(server, tmp_path_factory.mktemp("phones"), by_hand=("1003",))
    yield phones
    phones.stop()


@pytest.fixture
def insists(phones: Phones, tmp_path: Path) -> Iterator[Pjsua]:
    need_pjsua()
    phones.begin()
    phone = Pjsua(tmp_path, phones.server, "1004", hz=HZ["1004"], more=("--use-100rel",))
    try:
        yield phone.start()
    finally:
        phone.stop()


def test_its_own_call_rings_reliably(phones: Phones, insists: Pjsua) -> None:
    called = phones["1003"]
    insists.command("dial", f"sip:1003@{HOST}:{phones.server.sip}")
    called.wait("CALL_INCOMING")
    called.rest(0.5)
    called.command("accept")
    called.wait("CALL_ESTABLISHED")
    called.rest(TALK_S)
    called.command("hangup")
    called.wait("CALL_CLOSED")
    assert Heard(called.recording(), insists.hz).seconds >= LEAST_S
    assert Heard(insists.recording(), called.hz).seconds >= LEAST_S
    log = (phones.server.folder / "server.log").read_text()
    assert re.search(r"SIP/2.0 180 [^}]*RSeq: \d+", log), "it rang reliably"
    assert re.search(r"PRACK sip:[^}]*RAck: \d+ \d+ INVITE", log), "and was acknowledged"
    (cdr,) = phones.cdrs()
    assert parties(cdr) == [("1004", "in", 200), ("1003", "out", 200)]


def test_it_is_called(phones: Phones, insists: Pjsua) -> None:
    caller = phones["1001"]
    phones.dial(caller, "1004")
    caller.wait("CALL_ESTABLISHED")
    caller.rest(TALK_S)
    caller.command("hangup")
    caller.wait("CALL_CLOSED")
    assert Heard(caller.recording(), insists.hz).seconds >= LEAST_S
    assert Heard(insists.recording(), caller.hz).seconds >= LEAST_S
