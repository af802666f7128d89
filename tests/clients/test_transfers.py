# SPDX-License-Identifier: Apache-2.0
"""Transfers between real phones: the exchange does them itself, and the right pair hears each other afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

TALK_S = 3.0
SEEN: set[str] = set()
HZ = {"1001": 500, "1002": 900, "1003": 1300}


@pytest.fixture
def phones(server: ServerProcess, tmp_path: Path) -> Iterator[list[Baresip]]:
    need("baresip")
    phones = [Baresip(tmp_path / user, server, user, hz=hz) for user, hz in HZ.items()]
    try:
        for phone in phones:
            phone.start()
        server.wait_for("registrations", lambda: len(server.call("registrations.list")["registrations"]) >= 3)
        yield phones
    finally:
        for phone in phones:
            phone.stop()


def dial(one: Baresip, two: Baresip, server: ServerProcess) -> None:
    one.command("dial", f"sip:{two.user}@{HOST}:{server.sip}")
    one.wait("CALL_ESTABLISHED")
    two.wait("CALL_ESTABLISHED")


def newest_cdr(server: ServerProcess, **query: object) -> dict[str, Any]:
    """The CDR of the call that just ended; those before it are forgotten calls."""

    def found() -> list[dict[str, Any]]:
        idle = server.call("system.status")["calls"] == 0
        cdrs: list[dict[str, Any]] = server.call("cdr.list", limit=1, **query)["cdrs"]
        return [cdr for cdr in cdrs if idle and cdr["call"] not in SEEN]

    cdr: dict[str, Any] = server.wait_for("the CDR", found)[0]
    SEEN.add(cdr["call"])
    return cdr


def answered(cdr: dict[str, Any]) -> list[dict[str, Any]]:
    """Its legs but those to phones of earlier tests, which are still registered."""
    return [leg for leg in cdr["legs"] if leg.get("answered_at_ms")]


def seconds_heard(phone: Baresip, other: Baresip) -> float:
    return Heard(phone.recording(), other.hz).seconds


@pytest.mark.parametrize("asker", ["caller", "called"])
def test_blind(phones: list[Baresip], server: ServerProcess, asker: str) -> None:
    one, two, three = phones
    dial(one, two, server)
    one.rest(1.0)
    who, stays = (one, two) if asker == "caller" else (two, one)
    who.command("transfer", f"sip:{three.user}@{HOST}:{server.sip}")
    who.wait("CALL_CLOSED")
    three.wait("CALL_ESTABLISHED")
    three.rest(TALK_S)
    three.command("hangup")
    stays.wait("CALL_CLOSED")
    assert seconds_heard(stays, three) >= TALK_S - 1
    assert seconds_heard(three, stays) >= TALK_S - 1
    assert seconds_heard(three, who) == 0
    cdr = newest_cdr(server)
    legs = answered(cdr)
    assert [leg["party"] for leg in legs] == ["1001", "1002", "1003"]
    assert cdr["result"] == "answered"
    length_ms = {leg["party"]: leg["ended_at_ms"] - leg["answered_at_ms"] for leg in legs}
    assert length_ms[who.user] < length_ms[stays.user] - 1000 * (TALK_S - 1)
    assert all(leg["status"] == 200 for leg in legs)


def test_a_transfer_to_nobody_joins_the_two_again(phones: list[Baresip], server: ServerProcess) -> None:
    one, two, _ = phones
    dial(one, two, server)
    [call] = server.call("calls.list")["calls"]
    server.call("calls.transfer", leg=call["legs"][0]["leg"], to="9004")  # baresip would hang up by itself
    one.rest(TALK_S)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    assert seconds_heard(two, one) >= TALK_S - 1


def test_after_a_consultation(phones: list[Baresip], server: ServerProcess) -> None:
    """1001 takes the place of 1002's second leg: by an operator's hand here, by REFER with Replaces from a phone."""
    one, two, three = phones
    dial(one, two, server)
    dial(two, three, server)
    legs = {
        (call["dialled"], leg["party"]): leg["leg"]
        for call in server.call("calls.list")["calls"]
        for leg in call["legs"]
    }
    server.call("calls.transfer", leg=legs["1002", "1002"], consulted=legs["1003", "1002"])
    two.wait("CALL_CLOSED")
    three.rest(TALK_S)
    one.command("hangup")
    three.wait("CALL_CLOSED")
    assert seconds_heard(one, three) >= TALK_S - 1
    assert seconds_heard(three, one) >= TALK_S - 1
    cdr = newest_cdr(server, number="1003")
    assert [leg["party"] for leg in answered(cdr)] == ["1002", "1003"]
