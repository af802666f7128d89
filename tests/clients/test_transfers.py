# SPDX-License-Identifier: Apache-2.0
"""Transfers between real phones, and between a phone and a trunk that knows nothing of them: the exchange does them
itself, the right pair hears each other afterwards, and the CDRs say who was in which call."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.conftest import need_pjsua
from tests.clients.phones import HZ, Phones, assert_heard, assert_not_heard, assert_talked, length_s, parties
from tests.clients.pjsua import Pjsua
from tests.clients.script import Script, answered
from tests.clients.server import HOST, MUSIC_HZ, ServerProcess
from tests.clients.sipp import Sipp
from tests.clients.watcher import Watcher

TALK_S = 2.0
LEAST_S = TALK_S - 0.5
"""How much of them must be heard."""


@pytest.fixture(scope="module")
def desk(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phones]:
    phones = Phones(server, tmp_path_factory.mktemp("phones"))
    yield phones
    phones.stop()


@pytest.fixture
def phones(desk: Phones) -> Phones:
    desk.begin()
    return desk


@pytest.fixture
def consulter(phones: Phones, tmp_path: Path) -> Iterator[Pjsua]:
    """1004 at a phone that can ask for an attended transfer."""
    need_pjsua()
    phone = Pjsua(tmp_path / "pjsua", phones.server, "1004", hz=HZ["1004"])
    try:
        phone.start()
        yield phone
    finally:
        phone.stop()


@pytest.mark.parametrize("asker", ["caller", "called"])
def test_blind(phones: Phones, asker: str) -> None:
    one, two, three = phones.of("1001", "1002", "1003")
    phones.call(one, two)
    one.rest(1.0)
    who, stays = (one, two) if asker == "caller" else (two, one)
    who.command("transfer", f"sip:{three.user}@{HOST}:{phones.server.sip}")
    who.wait("CALL_CLOSED")
    three.wait("CALL_ESTABLISHED")
    three.rest(TALK_S)
    three.command("hangup")
    stays.wait("CALL_CLOSED")
    assert_talked(stays, three, LEAST_S)
    assert_not_heard(three, who.hz)
    (cdr,) = phones.cdrs()
    assert cdr["result"] == "answered"
    assert parties(cdr) == [("1001", "in", 200), ("1002", "out", 200), ("1003", "out", 200)]
    assert length_s(cdr, who.user) < length_s(cdr, stays.user) - LEAST_S


def test_a_transfer_to_nobody_joins_the_two_again(phones: Phones) -> None:
    one, two = phones.of("1001", "1002")
    phones.call(one, two)
    [call] = phones.server.call("calls.list")["calls"]
    phones.server.call("calls.transfer", leg=call["legs"][0]["leg"], to="9004")  # baresip would hang up by itself
    one.rest(TALK_S + 1)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    assert_talked(one, two, LEAST_S)
    (cdr,) = phones.cdrs()
    assert parties(cdr) == [("1001", "in", 200), ("1002", "out", 200)]


def test_after_a_consultation_by_an_operators_hand(phones: Phones) -> None:
    one, two, three = phones.of("1001", "1002", "1003")
    phones.call(one, two)
    phones.call(two, three)
    legs = {
        (call["dialled"], leg["party"]): leg["leg"]
        for call in phones.server.call("calls.list")["calls"]
        for leg in call["legs"]
    }
    phones.server.call("calls.transfer", leg=legs["1002", "1002"], consulted=legs["1003", "1002"])
    two.wait("CALL_CLOSED")
    three.rest(TALK_S)
    one.command("hangup")
    three.wait("CALL_CLOSED")
    assert_talked(one, three, LEAST_S)
    first, second = phones.cdrs(2)
    assert parties(first) == [("1001", "in", 200), ("1002", "out", 200)]
    assert parties(second) == [("1002", "in", 200), ("1003", "out", 200)]
    assert length_s(first, "1001") > length_s(first, "1002") + LEAST_S
    assert length_s(second, "1003") > length_s(second, "1002") + LEAST_S


def test_attended_by_a_refer_that_names_the_other_call(phones: Phones) -> None:
    """baresip cannot name its other call by itself: what its lamp tells of that one stands in its Refer-To."""
    one, two, three = phones.of("1001", "1002", "1003")
    lamp = Watcher(phones.server, two.user)
    phones.call(one, two)
    waiting = lamp.wait("confirmed")
    two.command("hold")
    phones.call(two, three)
    two.rest(0.5)
    two.command("transfer", f"sip:{one.user}@{HOST}:{phones.server.sip}?Replaces={waiting.escaped()}")
    two.wait("CALL_CLOSED")
    two.wait("CALL_CLOSED")
    lamp.close()
    three.rest(TALK_S)
    one.command("hangup")
    three.wait("CALL_CLOSED")
    assert_talked(one, three, LEAST_S)
    first, second = phones.cdrs(2)
    assert parties(first) == [("1001", "in", 200), ("1002", "out", 200)]
    assert parties(second) == [("1002", "in", 200), ("1003", "out", 200)]
    assert length_s(first, "1001") > length_s(first, "1002") + LEAST_S
    assert length_s(second, "1003") > length_s(second, "1002") + LEAST_S


def test_a_transfer_into_a_call_that_is_not_there_is_refused(phones: Phones) -> None:
    one, two = phones.of("1001", "1002")
    phones.call(one, two)
    nobody = "Replaces=nobody%40nowhere%3Bto-tag%3D1%3Bfrom-tag%3D2"
    two.command("transfer", f"sip:{one.user}@{HOST}:{phones.server.sip}?{nobody}")
    assert "481" in two.wait("TRANSFER_FAILED")["param"]
    one.wait("CALL_CLOSED")  # baresip hangs up by itself then
    (cdr,) = phones.cdrs()
    assert parties(cdr) == [("1001", "in", 200), ("1002", "out", 200)]


def test_attended_by_a_phone_that_can_do_it_itself(phones: Phones, consulter: Pjsua) -> None:
    one, two = phones.of("1001", "1002")
    phones.dial(one, consulter.user)
    one.wait("CALL_ESTABLISHED")
    consulter.command("hold")
    one.rest(1.0)
    consulter.command("dial", f"sip:{two.user}@{HOST}:{phones.server.sip}")
    two.wait("CALL_ESTABLISHED")
    two.rest(1.0)
    consulter.command("transfer_to_call", "0")
    consulter.wait("CALL_CLOSED")
    one.rest(TALK_S)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    assert_talked(one, two, LEAST_S)
    assert_heard(one, MUSIC_HZ, 0.5)  # who waits hears music
    assert_heard(two, consulter.hz, 0.5)
    first, second = phones.cdrs(2)
    assert parties(first) == [("1001", "in", 200), (consulter.user, "out", 200)]
    assert parties(second) == [(consulter.user, "in", 200), ("1002", "out", 200)]
    assert length_s(second, "1002") > length_s(second, consulter.user) + LEAST_S


def trunk_call() -> Script:
    """A call of the trunk up to the exchange's BYE; any request but that one ends the script with an error."""
    return answered().get("BYE").reply()


def test_a_trunk_that_knows_no_refer_is_put_through(phones: Phones, tmp_path: Path) -> None:
    one, two = phones.of("1001", "1002")
    trunk = Sipp(tmp_path, phones.server, trunk_call(), number=one.user, media=40200)
    one.wait("CALL_ESTABLISHED")
    one.rest(1.5)
    one.command("transfer", f"sip:{two.user}@{HOST}:{phones.server.sip}")
    one.wait("CALL_CLOSED")
    two.wait("CALL_ESTABLISHED")
    two.rest(TALK_S)
    two.command("hangup")
    trunk.end()
    assert_heard(one, one.hz, 0.3)  # the trunk sends back what it hears
    assert_heard(two, two.hz, LEAST_S)
    assert Heard(two.recording(), one.hz).seconds < 0.2  # what was on its way back when they were parted
    (cdr,) = phones.cdrs()
    assert [leg[1:] for leg in parties(cdr)] == [("in", 200), ("out", 200), ("out", 200)]


def test_a_trunk_that_is_called_is_put_through_too(phones: Phones, tmp_path: Path) -> None:
    one, two = phones.of("1001", "1002")
    script = Script().get("INVITE").ring().answer().get("ACK").get("BYE").reply()
    trunk = Sipp(tmp_path, phones.server, script, media=40210)
    phones.dial(one, "7100")
    one.wait("CALL_ESTABLISHED")
    one.command("transfer", f"sip:{two.user}@{HOST}:{phones.server.sip}")
    one.wait("CALL_CLOSED")
    two.wait("CALL_ESTABLISHED")
    two.rest(TALK_S)
    two.command("hangup")
    trunk.end()
    assert_heard(two, two.hz, LEAST_S)
    (cdr,) = phones.cdrs()
    assert [leg[1:] for leg in parties(cdr)] == [("in", 200), ("out", 200), ("out", 200)]


def test_a_trunk_is_put_through_after_a_consultation(phones: Phones, consulter: Pjsua, tmp_path: Path) -> None:
    two = phones["1002"]
    trunk = Sipp(tmp_path, phones.server, trunk_call(), number=consulter.user, media=40220)
    consulter.wait("CALL_ESTABLISHED")
    consulter.command("hold")
    consulter.command("dial", f"sip:{two.user}@{HOST}:{phones.server.sip}")
    two.wait("CALL_ESTABLISHED")
    two.rest(0.5)
    consulter.command("transfer_to_call", "0")
    consulter.wait("CALL_CLOSED")
    two.rest(TALK_S)
    two.command("hangup")
    trunk.end()
    assert_heard(two, two.hz, LEAST_S)
    assert len(phones.cdrs(2)) == 2
