# SPDX-License-Identifier: Apache-2.0
"""Calls that come to another phone than the one that was dialled, with real phones: forwarding of each kind, find-me
with a mobile whose voicemail must not win, and pickup. 1003 rings until it is told to answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.phones import Phones, assert_heard, assert_not_heard, assert_talked, parties
from tests.clients.script import Script
from tests.clients.server import ServerProcess
from tests.clients.sipp import Sipp

TALK_S = 1.2
LEAST_S = 0.8
MORE = """
[group.sales]
members = ["1002", "1003"]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phones]:
    server = ServerProcess(tmp_path_factory.mktemp("server"), rtp=24_000, users=5, more=MORE, sip_more="trace = true")
    phones = Phones(server.start(), tmp_path_factory.mktemp("phones"), by_hand=("1003",))
    yield phones
    phones.stop()
    server.stop()


@pytest.fixture
def phones(desk: Phones) -> Iterator[Phones]:
    desk.begin()
    yield desk
    desk.server.call("desks.reset", user="1003")


def talk(phones: Phones, one: str, two: str) -> None:
    first, second = phones.of(one, two)
    first.wait("CALL_ESTABLISHED")
    second.wait("CALL_ESTABLISHED")
    first.rest(TALK_S)
    first.command("hangup")
    second.wait("CALL_CLOSED")
    assert_talked(first, second, LEAST_S)


@pytest.mark.parametrize(
    ("on", "number", "legs"),
    [
        ("always", "1003", [("1001", "in", 200), ("1002", "out", 200)]),
        ("busy", "1003", [("1001", "in", 200), ("1002", "out", 200)]),
        ("no-answer", "1003", [("1001", "in", 200), ("1003", "out", 487), ("1002", "out", 200)]),
        ("unregistered", "1005", [("1001", "in", 200), ("1002", "out", 200)]),
    ],
)
def test_forwarding(phones: Phones, on: str, number: str, legs: list[tuple[str, str, int]]) -> None:
    one, forwards, _ = phones.of("1001", "1003", "1002")
    change = {"forward": [{"on": on, "to": "1002"}], "call_waiting": on != "busy", "ring_s": 1.0}
    phones.server.call("desks.set", user=number, set=change)
    before = phones.server.call("events.list", after=0, limit=1)["last"]
    if on == "busy":
        phones.dial(forwards, "9000")
        forwards.wait("CALL_ESTABLISHED")
    phones.dial(one, number)
    talk(phones, "1001", "1002")
    if on == "busy":
        forwards.command("hangup")
        assert_not_heard(forwards, one.hz)
    cdr = phones.cdrs(2 if on == "busy" else 1)[-1]
    assert cdr["dialled"] == number
    assert parties(cdr) == legs
    told = [e["record"] for e in phones.server.call("events.list", after=before, limit=1000)["events"]]
    assert [(r["user"], r["on"], r["to"]) for r in told if r["type"] == "call.forwarded"] == [(number, on, "1002")]


def test_forwarding_by_dial_code(phones: Phones) -> None:
    one, forwards = phones.of("1001", "1003")
    phones.dial(forwards, "*721002")
    forwards.wait("CALL_CLOSED")  # once it has been told
    phones.dial(one, "1003")
    talk(phones, "1001", "1002")
    phones.dial(forwards, "*73")
    forwards.wait("CALL_CLOSED")
    assert phones.server.call("desks.get", user="1003")["desk"]["forward"] == []


def test_find_me_a_voicemail_that_answers_first_does_not_win(phones: Phones, tmp_path: Path) -> None:
    one, desk = phones.of("1001", "1003")
    phones.server.call("desks.set", user="1003", set={"find_me": ["7100"], "find_me_mode": "at-once"})
    mobile = Sipp(tmp_path, phones.server, Script().get("INVITE").answer().get("ACK").get("BYE").reply(), media=40400)
    phones.dial(one, "1003")
    desk.wait("CALL_INCOMING")
    desk.rest(1.5)  # the voicemail hears that it is to press 1
    desk.command("accept")
    talk(phones, "1001", "1003")
    mobile.end()
    (cdr,) = phones.cdrs()
    assert [leg[1:] for leg in parties(cdr)] == [("in", 200), ("out", 200), ("out", 200)]
    assert cdr["talk_ms"] < cdr["duration_ms"] - 1000, "the caller was answered by the phone, not by the voicemail"


def test_find_me_in_turn_is_confirmed_by_a_key(phones: Phones) -> None:
    one, mobile = phones.of("1001", "1002")
    phones.server.call("desks.set", user="1003", set={"find_me": ["1002"], "ring_s": 1.0})
    phones.dial(one, "1003")
    mobile.wait("CALL_ESTABLISHED")
    mobile.rest(1.0)
    assert [call["legs"][0]["state"] for call in phones.server.call("calls.list")["calls"]] == ["ringing"]
    mobile.command("sndcode", "1")
    one.wait("CALL_ESTABLISHED")
    one.rest(TALK_S)
    one.command("hangup")
    mobile.wait("CALL_CLOSED")
    assert_talked(one, mobile, LEAST_S)
    (cdr,) = phones.cdrs()
    assert parties(cdr) == [("1001", "in", 200), ("1003", "out", 487), ("1002", "out", 200)]


@pytest.mark.parametrize("code", ["*8", "**1003"])
def test_a_call_that_rings_is_picked_up_by_the_group_and_by_number(phones: Phones, code: str) -> None:
    one, two, rings = phones.of("1001", "1002", "1003")
    phones.dial(one, "1003")
    rings.wait("CALL_INCOMING")
    phones.dial(two, code)
    rings.wait("CALL_CLOSED")
    talk(phones, "1001", "1002")
    first, second = phones.cdrs(2)
    assert parties(first) == [("1001", "in", 200), ("1003", "out", 487)]
    assert parties(second) == [("1002", "in", 200)]
    assert first["result"] == second["result"] == "answered"
    assert_heard(two, one.hz, LEAST_S)
