# SPDX-License-Identifier: Apache-2.0
"""Office features with real phones: a message is left and heard again, a forwarded call is talked on, parking."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

OFFICE = """
[[user]]
name = "1012"
password = "pw1012"
mailbox = true
[[user]]
name = "1013"
password = "pw1013"
forward = [{ on = "always", to = "1002" }]
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    need("baresip")
    process = ServerProcess(tmp_path_factory.mktemp("office"), rtp=23000)
    process.file.write_text(process.file.read_text() + OFFICE)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def phone(office: ServerProcess, tmp_path: Path) -> Iterator[object]:
    """Makes registered phones."""
    phones: list[Baresip] = []

    def make(user: str, hz: int) -> Baresip:
        made = Baresip(tmp_path / user, office, user, hz=hz)
        phones.append(made)
        made.start()
        office.wait_for(
            f"the registration of {user}",
            lambda: office.call("registrations.list", user=user)["registrations"],
        )
        return made

    yield make
    for made in phones:
        made.stop()


def dial(phone: Baresip, office: ServerProcess, number: str) -> None:
    phone.command("dial", f"sip:{number}@{HOST}:{office.sip}")
    phone.wait("CALL_ESTABLISHED")


def test_a_message_is_left_for_somebody_who_is_not_there_and_heard_later(office: ServerProcess, phone) -> None:  # type: ignore[no-untyped-def]
    caller = phone("1001", 500)
    dial(caller, office, "1012")
    caller.rest(11)
    caller.command("hangup")
    (message,) = office.wait_for("the message", lambda: office.call("voicemail.list", box="1012")["messages"])
    assert message["caller"] == "1001"
    owner = phone("1012", 900)
    dial(owner, office, "*97")
    owner.rest(16)
    owner.command("hangup")
    owner.wait("CALL_CLOSED")
    heard = Heard(owner.recording(), 500)
    assert heard.seconds >= 0.8 * message["duration_ms"] / 1000, heard
    assert office.call("voicemail.list", box="1012")["counts"] == {"new": 0, "saved": 1}


def test_a_forwarded_call_is_talked_at_the_other_phone(office: ServerProcess, phone) -> None:  # type: ignore[no-untyped-def]
    caller, other = phone("1001", 500), phone("1002", 900)
    dial(caller, office, "1013")
    other.wait("CALL_ESTABLISHED")
    caller.rest(3)
    caller.command("hangup")
    other.wait("CALL_CLOSED")
    assert Heard(caller.recording(), 900).seconds >= 2.0
    assert Heard(other.recording(), 500).seconds >= 2.0


def test_a_call_is_parked_and_taken_up_by_another_phone(office: ServerProcess, phone) -> None:  # type: ignore[no-untyped-def]
    caller, parker, taker = phone("1001", 500), phone("1002", 900), phone("1003", 1300)
    dial(caller, office, "1002")
    parker.wait("CALL_ESTABLISHED")
    parker.command("hold")
    dial(parker, office, "700")
    office.wait_for("the parked call", lambda: office.call("parking.list")["parked"])
    dial(taker, office, "701")
    caller.rest(3)
    caller.command("hangup")
    taker.wait("CALL_CLOSED")
    assert Heard(taker.recording(), 500).seconds >= 2.0
    assert Heard(caller.recording(), 1300).seconds >= 2.0
