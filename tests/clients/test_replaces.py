# SPDX-License-Identifier: Apache-2.0
"""INVITE with Replaces (RFC 3891) from outside, with SIPp: it takes the place of a phone that rings or that talks, and
is refused where it may not. SIPp sends back what it hears, so whoever talks to it hears itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.phones import Phones, assert_heard, length_s, parties
from tests.clients.script import PLAIN, Script, answered
from tests.clients.server import ServerProcess
from tests.clients.sipp import Sipp
from tests.clients.watcher import Watcher

TALK_S = 1.5
LEAST_S = 1.0
FREE = 'state="full"[^>]*>[^<]*</dialog-info>'


@pytest.fixture(scope="module")
def desk(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phones]:
    phones = Phones(server, tmp_path_factory.mktemp("phones"), by_hand=("1003",))
    yield phones
    phones.stop()


@pytest.fixture
def phones(desk: Phones) -> Phones:
    desk.begin()
    return desk


@pytest.fixture
def lamp(phones: Phones) -> Iterator[Watcher]:
    """The lamp of 1003, whose phone rings until it is told to answer."""
    phones["1003"]
    watcher = Watcher(phones.server, "1003")
    yield watcher
    watcher.close()


def take_over(folder: Path, phones: Phones, replaces: str) -> Sipp:
    script = answered(PLAIN, f"Require: replaces\nReplaces: {replaces}\n").get("BYE").reply()
    return Sipp(folder, phones.server, script, number="1003", media=40300)


def refused(folder: Path, phones: Phones, headers: str, status: int) -> None:
    script = Script().send("INVITE", headers, PLAIN, within=False).get(100, optional=True).get(status).send("ACK")
    Sipp(folder, phones.server, script, number="1003", media=40310).end()


def test_pickup_by_the_lamp_of_a_phone_that_rings(phones: Phones, lamp: Watcher, tmp_path: Path) -> None:
    one, rings = phones.of("1001", "1003")
    phones.dial(one, "1003")
    rings.wait("CALL_INCOMING")
    taker = take_over(tmp_path, phones, lamp.wait("early").replaces(";early-only"))
    rings.wait("CALL_CLOSED")
    one.wait("CALL_ESTABLISHED")
    one.rest(TALK_S)
    one.command("hangup")
    taker.end()
    assert_heard(one, one.hz, LEAST_S)
    lamp.until_told("early")
    lamp.until_told(FREE)
    first, second = phones.cdrs(2)
    assert parties(first) == [("1001", "in", 200), ("1003", "out", 487)]
    assert first["result"] == second["result"] == "answered"
    assert [leg[1:] for leg in parties(second)] == [("in", 200)]
    assert length_s(first, "1001") >= LEAST_S


def test_the_place_of_a_phone_that_talks_is_taken(phones: Phones, lamp: Watcher, tmp_path: Path) -> None:
    one, two = phones.of("1001", "1003")
    phones.dial(one, "1003")
    two.wait("CALL_INCOMING")
    two.command("accept")
    one.wait("CALL_ESTABLISHED")
    one.rest(1.0)
    taker = take_over(tmp_path, phones, lamp.wait("confirmed").replaces())
    two.wait("CALL_CLOSED")
    one.rest(TALK_S)
    one.command("hangup")
    taker.end()
    assert_heard(one, one.hz, LEAST_S)
    assert_heard(one, two.hz, 0.5)
    first, second = phones.cdrs(2)
    assert parties(first) == [("1001", "in", 200), ("1003", "out", 200)]
    assert length_s(first, "1001") > length_s(first, "1003") + LEAST_S
    assert second["result"] == "answered"


def test_what_is_refused(phones: Phones, lamp: Watcher, tmp_path: Path) -> None:
    one, two = phones.of("1001", "1003")
    refused(tmp_path / "unknown", phones, "Replaces: nobody@nowhere;to-tag=1;from-tag=2\n", 481)
    refused(tmp_path / "bad", phones, "Replaces: nobody@nowhere;to-tag=1\n", 400)
    phones.dial(one, "1003")
    two.wait("CALL_INCOMING")
    early = lamp.wait("early")
    calling = Watcher(phones.server, "1001")
    refused(tmp_path / "own", phones, f"Replaces: {calling.wait('early', 'initiator').replaces()}\n", 481)
    calling.close()
    two.command("accept")
    one.wait("CALL_ESTABLISHED")
    talking = lamp.wait("confirmed")
    assert talking.call_id == early.call_id
    refused(tmp_path / "early", phones, f"Replaces: {talking.replaces(';early-only')}\n", 486)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    refused(tmp_path / "over", phones, f"Replaces: {talking.replaces()}\n", 603)
