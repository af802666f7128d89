# SPDX-License-Identifier: Apache-2.0
"""Who gets a place, who loses it: floods, slow peers and idle phones, on a clock that the test holds."""

import pytest

from switchroom.pbx.io.connections import Connections, TcpLimits

LIMITS = TcpLimits(connections=10, connections_per_source=4, message_s=10.0, idle_s=1_000.0, spare_s=60.0)


def proven(places: Connections[str], name: str, source: str, now: float) -> None:
    assert places.admit(name, source, now) is None
    places.completed(name, False, now)


def closed(places: Connections[str], now: float) -> dict[str, str]:
    """What the transport does twice a second."""
    gone = dict.fromkeys(places.late(now), "late") | dict.fromkeys(places.idle(now), "idle")
    for name in gone:
        places.remove(name)
    return gone


def test_a_flood_from_one_source_takes_its_own_places_only() -> None:
    places: Connections[str] = Connections(LIMITS)
    proven(places, "phone", "192.0.2.1", 0.0)
    victims = [places.admit(f"flood{i}", "198.51.100.1", 1.0) for i in range(10_000)]
    assert victims[:4] == [None] * 4
    assert victims[4:] == [f"flood{i}" for i in range(9_996)], "its own oldest goes each time"
    assert len(places) == 5
    assert places.admit("other phone", "192.0.2.2", 2.0) is None


def test_a_phone_behind_the_floods_address_still_gets_in() -> None:
    places: Connections[str] = Connections(LIMITS)
    for i in range(100):
        places.admit(f"flood{i}", "198.51.100.1", 0.0)
    assert places.admit("phone", "198.51.100.1", 0.0) == "flood96"
    places.completed("phone", False, 0.1)
    for i in range(100, 200):
        assert places.admit(f"flood{i}", "198.51.100.1", 0.2) != "phone"


def test_a_source_whose_connections_all_work_gets_no_more() -> None:
    places: Connections[str] = Connections(LIMITS)
    for i in range(4):
        proven(places, f"phone{i}", "192.0.2.1", 0.0)
    assert places.admit("fifth", "192.0.2.1", 5_000.0) == "fifth"
    assert len(places) == 4
    places.remove("phone0")
    assert places.admit("fifth", "192.0.2.1", 5_000.0) is None


def test_when_all_places_are_taken_the_unproven_go_first_then_the_long_idle() -> None:
    places: Connections[str] = Connections(LIMITS)
    for i in range(9):
        proven(places, f"phone{i}", f"192.0.2.{i}", float(i))
    places.admit("silent", "198.51.100.1", 9.0)
    assert places.admit("new1", "198.51.100.2", 10.0) == "silent"
    places.completed("new1", False, 10.0)
    assert places.admit("new2", "198.51.100.3", 11.0) == "new2", "nobody has been idle long enough"
    places.alive("phone0", 30.0)
    assert places.admit("new2", "198.51.100.3", 61.0) == "phone1"
    assert len(places) == 10


def test_a_slow_peer_is_closed_at_the_deadline_however_often_it_sends() -> None:
    places: Connections[str] = Connections(LIMITS)
    places.admit("silent", "192.0.2.1", 0.0)
    places.admit("loris", "192.0.2.2", 1.0)
    for second in range(2, 10):
        places.begun("loris", float(second))
        places.alive("loris", float(second))
    assert closed(places, 9.99) == {}
    assert list(closed(places, 10.0)) == ["silent"]
    assert closed(places, 11.0) == {"loris": "late"}
    assert len(places) == 0


def test_a_later_message_has_the_same_deadline() -> None:
    places: Connections[str] = Connections(LIMITS)
    places.admit("loris", "192.0.2.2", 0.0)
    places.completed("loris", True, 5.0)
    places.begun("loris", 14.0)
    assert closed(places, 14.99) == {}
    assert list(closed(places, 15.0)) == ["loris"]


def test_an_idle_connection_is_closed_and_a_keep_alive_keeps_it() -> None:
    places: Connections[str] = Connections(LIMITS)
    proven(places, "gone", "192.0.2.1", 0.0)
    proven(places, "alive", "192.0.2.2", 0.0)
    places.alive("alive", 500.0)
    assert closed(places, 1_000.0) == {"gone": "idle"}
    assert list(closed(places, 1_500.0)) == ["alive"]


def test_connections_that_we_open_have_no_deadline_for_a_first_message() -> None:
    places: Connections[str] = Connections(LIMITS)
    for i in range(10):
        assert places.admit(f"ours{i}", None, 0.0) is None
    assert closed(places, 500.0) == {}
    assert places.admit("eleventh", None, 30.0) == "eleventh"
    places.completed("ours0", True, 30.0)
    assert list(closed(places, 40.0)) == ["ours0"]


@pytest.mark.parametrize("source", ["192.0.2.1", None])
def test_removing_twice_and_strangers_do_no_harm(source: str | None) -> None:
    places: Connections[str] = Connections(LIMITS)
    places.admit("a", source, 0.0)
    places.remove("a")
    places.remove("a")
    places.completed("stranger", True, 0.0)
    places.begun("stranger", 0.0)
    places.alive("stranger", 0.0)
    assert (len(places), closed(places, 9_999.0)) == (0, {})
    assert places._sources == {}
