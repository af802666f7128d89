# SPDX-License-Identifier: Apache-2.0
"""Locating servers (RFC 3263) with tables for names: every rule for the transport, the port and the order."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from switchroom.pbx.sip.locating import MAX_TARGETS, Naptr, Srv, Target, locate, ordered
from switchroom.pbx.sip.uri import parse_uri

ALL = frozenset({"UDP", "TCP", "TLS"})


class Table:
    """Names out of dictionaries."""

    def __init__(self) -> None:
        self.naptrs: dict[str, list[Naptr]] = {}
        self.srvs: dict[str, list[Srv]] = {}
        self.hosts: dict[str, list[str]] = {"a.example": ["192.0.2.1", "2001:db8::1"], "b.example": ["192.0.2.2"]}

    async def naptr(self, name: str) -> Sequence[Naptr]:
        return self.naptrs.get(name, [])

    async def srv(self, name: str) -> Sequence[Srv]:
        return self.srvs.get(name, [])

    async def addresses(self, name: str) -> Sequence[str]:
        return self.hosts.get(name, [])

    async def close(self) -> None: ...


async def found(uri: str, table: Table, supported: frozenset[str] = ALL) -> list[str]:
    targets = await locate(parse_uri(uri), table, supported, random.Random(1).randrange)
    return [f"{target.transport} {target.host} {target.port} {target.name}" for target in targets]


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:192.0.2.9", "UDP 192.0.2.9 5060 192.0.2.9"),
    ("sip:192.0.2.9:5070", "UDP 192.0.2.9 5070 192.0.2.9"),
    ("sip:192.0.2.9;transport=tcp", "TCP 192.0.2.9 5060 192.0.2.9"),
    ("sips:192.0.2.9", "TLS 192.0.2.9 5061 192.0.2.9"),
    ("sips:192.0.2.9;transport=tcp", "TLS 192.0.2.9 5061 192.0.2.9"),
    ("sip:[2001:db8::9]", "UDP 2001:db8::9 5060 2001:db8::9"),
    ("sip:x@a.example;maddr=192.0.2.9", "UDP 192.0.2.9 5060 192.0.2.9"),
    ("sip:b.example:5070", "UDP 192.0.2.2 5070 b.example"),
    ("sips:b.example:5070", "TLS 192.0.2.2 5070 b.example"),
    ("sip:b.example", "UDP 192.0.2.2 5060 b.example"),
    ("sip:B.Example;transport=tls", "TLS 192.0.2.2 5061 b.example"),
])  # fmt: skip
async def test_without_records_of_services(uri: str, expected: str) -> None:
    assert await found(uri, Table()) == [expected]


async def test_all_addresses_of_a_host_are_targets() -> None:
    assert await found("sip:a.example", Table()) == [
        "UDP 192.0.2.1 5060 a.example", "UDP 2001:db8::1 5060 a.example",
    ]  # fmt: skip
    assert await found("sip:nowhere.example", Table()) == []


async def test_naptr_chooses_the_transport_and_we_what_we_can() -> None:
    table = Table()
    table.naptrs["example.com"] = [
        Naptr(20, 50, "s", "SIP+D2U", "udp.example.com"),
        Naptr(10, 60, "s", "SIP+D2T", "tcp.example.com"),
        Naptr(10, 50, "s", "SIPS+D2T", "tls.example.com"),
        Naptr(5, 5, "u", "E2U+sip", ""),
        Naptr(5, 5, "s", "SIP+D2S", "sctp.example.com"),
    ]
    table.srvs["udp.example.com"] = [Srv(1, 1, 5070, "a.example")]
    table.srvs["tcp.example.com"] = [Srv(1, 1, 5071, "b.example")]
    table.srvs["tls.example.com"] = [Srv(1, 1, 5072, "b.example")]
    assert await found("sip:example.com", table) == ["TLS 192.0.2.2 5072 example.com"]
    without_tls = await found("sip:example.com", table, frozenset({"UDP", "TCP"}))
    assert without_tls == ["TCP 192.0.2.2 5071 example.com"]
    assert (await found("sip:example.com", table, frozenset({"UDP"})))[0] == "UDP 192.0.2.1 5070 example.com"
    assert await found("sip:example.com;transport=tls", table, frozenset({"UDP"})) == []


async def test_without_naptr_srv_says_which_transports_there_are() -> None:
    table = Table()
    table.hosts["example.com"] = ["192.0.2.9"]
    table.srvs["_sip._tcp.example.com"] = [Srv(1, 1, 5080, "b.example")]
    table.srvs["_sips._tcp.example.com"] = [Srv(1, 1, 5081, "b.example")]
    assert await found("sip:example.com", table) == ["TCP 192.0.2.2 5080 example.com"]
    assert await found("sips:example.com", table) == ["TLS 192.0.2.2 5081 example.com"]
    assert await found("sip:example.com;transport=tls", table) == ["TLS 192.0.2.2 5081 example.com"]
    assert await found("sip:example.com;transport=udp", table) == ["UDP 192.0.2.9 5060 example.com"]
    assert await found("sip:example.com:5062", table) == ["UDP 192.0.2.9 5062 example.com"]


async def test_a_service_that_is_decidedly_not_there_is_passed_over() -> None:
    table = Table()
    table.srvs["_sip._udp.example.com"] = [Srv(0, 0, 0, ".")]
    table.srvs["_sip._tcp.example.com"] = [Srv(1, 1, 5080, "b.example")]
    assert await found("sip:example.com", table) == ["TCP 192.0.2.2 5080 example.com"]


async def test_priorities_come_in_order_and_one_without_address_is_left_out() -> None:
    table = Table()
    table.srvs["_sip._udp.example.com"] = [
        Srv(20, 0, 5060, "b.example"), Srv(10, 0, 5062, "a.example"), Srv(5, 0, 5060, "gone.example"),
    ]  # fmt: skip
    assert await found("sip:example.com;transport=udp", table) == [
        "UDP 192.0.2.1 5062 example.com", "UDP 2001:db8::1 5062 example.com", "UDP 192.0.2.2 5060 example.com",
    ]  # fmt: skip


async def test_the_number_of_targets_is_bounded() -> None:
    table = Table()
    table.srvs["_sip._udp.example.com"] = [Srv(1, 1, port, "a.example") for port in range(1000, 3000)]
    assert len(await found("sip:example.com", table)) == MAX_TARGETS


def test_weights_are_chances() -> None:
    records = [Srv(1, 60, 1, "a"), Srv(1, 30, 2, "b"), Srv(1, 10, 3, "c"), Srv(0, 0, 4, "first")]
    below = random.Random(7).randrange
    firsts = Counter(ordered(records, below)[1].port for _ in range(6000))
    assert {port: round(firsts[port] / 6000, 1) for port in (1, 2, 3)} == {1: 0.6, 2: 0.3, 3: 0.1}
    assert all(ordered(records, below)[0].target == "first" for _ in range(20))


@pytest.mark.parametrize(("drawn", "order"), [(0, [9, 1, 2]), (1, [1, 9, 2]), (10, [1, 9, 2]), (11, [2, 9, 1])])
def test_weight_zero_has_its_small_chance(drawn: int, order: list[int]) -> None:
    draws = iter([drawn, 0, 0])
    records = [Srv(1, 10, 1, "a"), Srv(1, 20, 2, "b"), Srv(1, 0, 9, "zero")]
    assert [record.port for record in ordered(records, lambda limit: next(draws))] == order


def test_every_record_stands_in_the_order_once() -> None:
    records = [Srv(number % 3, number % 5, number, "h") for number in range(30)]
    result = ordered(records, random.Random(3).randrange)
    assert sorted(result) == sorted(records)
    assert [record.priority for record in result] == sorted(record.priority for record in records)


def test_a_target_is_what_a_flow_is_opened_with() -> None:
    assert Target("TLS", "192.0.2.1", 5061, "example.com")._fields == ("transport", "host", "port", "name")
