# SPDX-License-Identifier: Apache-2.0
"""Trusted peers are found by address, the narrowest range first."""

from switchroom.pbx.config import Peer
from switchroom.pbx.config_values import Network
from switchroom.pbx.peers import _REMEMBERED, PeerTable


def peer(name: str, *addresses: str) -> Peer:
    return Peer(name=name, addresses=tuple(map(Network.from_text, addresses)))


def found(table: PeerTable, host: str) -> str | None:
    match = table.find(host)
    return match.name if match else None


def test_the_narrowest_range_wins() -> None:
    table = PeerTable([peer("wide", "192.0.2.0/24"), peer("one", "192.0.2.7"), peer("six", "2001:db8::/32")])
    assert found(table, "192.0.2.7") == "one"
    assert found(table, "192.0.2.8") == "wide"
    assert found(table, "2001:db8::1") == "six"
    assert found(table, "192.0.3.1") is None


def test_what_is_remembered_is_bounded() -> None:
    table = PeerTable([peer("one", "192.0.2.7")])
    for index in range(_REMEMBERED + 10):
        table.find(f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}")
    assert len(table._remembered) <= _REMEMBERED
    assert found(table, "192.0.2.7") == "one"
