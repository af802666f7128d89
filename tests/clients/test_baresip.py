# SPDX-License-Identifier: Apache-2.0
"""Two baresips through the exchange: both hear the other's tone; hold and resume; who hangs up is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, MUSIC_HZ, ServerProcess

TALK_S = 4.0
SENT_DBFS = -12.0


@pytest.fixture(params=["udp", "tcp"])
def phones(request: pytest.FixtureRequest, server: ServerProcess, tmp_path: Path) -> Iterator[tuple[Baresip, Baresip]]:
    need("baresip")
    one = Baresip(tmp_path / "one", server, "1001", hz=500, transport=request.param)
    two = Baresip(tmp_path / "two", server, "1002", hz=900, transport=request.param)
    try:
        one.start()
        two.start()
        server.wait_for("both registrations", lambda: len(server.call("registrations.list")["registrations"]) >= 2)
        yield one, two
    finally:
        one.stop()
        two.stop()


def talk(one: Baresip, two: Baresip, server: ServerProcess, seconds: float) -> None:
    one.command("dial", f"sip:1002@{HOST}:{server.sip}")
    one.wait("CALL_ESTABLISHED")
    two.wait("CALL_ESTABLISHED")
    one.rest(seconds)


def assert_heard(phone: Baresip, hz: int, at_least_s: float) -> None:
    heard = Heard(phone.recording(), hz)
    assert heard.seconds >= at_least_s, heard
    assert abs(heard.level_dbfs - SENT_DBFS) < 1.0, heard
    assert heard.longest_gap_ms <= 40, heard


def test_both_hear_each_other_and_both_see_the_end(phones: tuple[Baresip, Baresip], server: ServerProcess) -> None:
    one, two = phones
    talk(one, two, server, TALK_S)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    assert_heard(one, 900, TALK_S - 1)
    assert_heard(two, 500, TALK_S - 1)
    cdr = server.wait_for("the CDR", lambda: server.call("cdr.list", limit=1)["cdrs"])[0]
    assert (cdr["caller"], cdr["dialled"], cdr["result"], cdr["ended_by"]) == ("1001", "1002", "answered", "caller")
    assert abs(cdr["talk_ms"] - 1000 * TALK_S) < 1500


def test_the_called_phone_hangs_up(phones: tuple[Baresip, Baresip], server: ServerProcess) -> None:
    one, two = phones
    talk(one, two, server, 1.0)
    two.command("hangup")
    one.wait("CALL_CLOSED")
    server.wait_for("no call", lambda: server.call("system.status")["calls"] == 0)


def test_hold_and_resume(phones: tuple[Baresip, Baresip], server: ServerProcess) -> None:
    one, two = phones
    talk(one, two, server, 1.5)
    one.command("hold")
    server.wait_for(
        "the hold", lambda: any(leg["held"] for call in server.call("calls.list")["calls"] for leg in call["legs"])
    )
    one.rest(1.5)
    one.command("resume")
    server.wait_for(
        "the resume",
        lambda: not any(leg["held"] for call in server.call("calls.list")["calls"] for leg in call["legs"]),
    )
    one.rest(2.0)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    heard = Heard(two.recording(), 500)
    assert heard.seconds >= 2.5, heard
    assert 1000 <= heard.longest_gap_ms <= 3000, heard
    music = Heard(two.recording(), MUSIC_HZ)
    assert music.seconds >= 1.0, music


def test_an_echo_comes_back(phones: tuple[Baresip, Baresip], server: ServerProcess) -> None:
    one, _ = phones
    one.command("dial", f"sip:9000@{HOST}:{server.sip}")
    one.wait("CALL_ESTABLISHED")
    one.rest(3.0)
    one.command("hangup")
    one.wait("CALL_CLOSED")
    assert_heard(one, 500, 2.0)


def test_a_busy_number_and_an_unknown_one(phones: tuple[Baresip, Baresip], server: ServerProcess) -> None:
    one, _ = phones
    for number, status in (("9004", 486), ("9999", 404)):
        one.command("dial", f"sip:{number}@{HOST}:{server.sip}")
        event = one.wait("CALL_CLOSED")
        assert str(status) in event["param"], event
