# SPDX-License-Identifier: Apache-2.0
"""Names looked up at a real (small) name server: what is asked, kept, and used when no server answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from switchroom.pbx.io import dns as module
from switchroom.pbx.io.address import Listener
from switchroom.pbx.io.dns import Dns
from switchroom.pbx.io.stack import SipStack, Unreachable
from switchroom.pbx.io.transports import Transports
from tests.sim.dns_server import DnsServer
from tests.sim.network import SeededIds

HOST = "127.0.32.1"
RECORDS = {
    ("example.com", "NAPTR"): ['10 5 "s" "SIP+D2T" "" _sip._tcp.example.com', '20 5 "s" "SIP+D2U" "" udp.example.com'],
    ("_sip._tcp.example.com", "SRV"): ["20 0 5071 two.example", "10 0 5070 one.example"],
    ("one.example", "A"): ["127.0.32.7"],
    ("two.example", "A"): ["127.0.32.8"],
    ("two.example", "AAAA"): ["::1"],
}


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    server = DnsServer(dict(RECORDS))
    server.address = await server.start(HOST)  # type: ignore[attr-defined]
    yield server
    server.stop()


@pytest.fixture
async def dns(server: DnsServer) -> AsyncIterator[Dns]:
    dns = Dns([server.address])  # type: ignore[attr-defined]
    yield dns
    await dns.close()


@pytest.fixture
async def stack(dns: Dns) -> AsyncIterator[SipStack]:
    stack = SipStack(Transports(), SeededIds(1), dns=dns)
    await stack.start([Listener("UDP", HOST, 0), Listener("TCP", HOST, 0)])
    yield stack
    await stack.close()


async def test_a_domain_becomes_targets_in_order(stack: SipStack) -> None:
    targets = await stack.resolve_all("sip:1@example.com")
    assert [target[:3] for target in targets if ":" not in target.host] == [
        ("TCP", "127.0.32.7", 5070), ("TCP", "127.0.32.8", 5071),
    ]  # fmt: skip
    assert {target.name for target in targets} == {"example.com"}


async def test_ways_open_one_after_the_other(stack: SipStack) -> None:
    flow, others = await stack.ways("sip:1@example.com")
    assert flow.remote == ("127.0.32.7", 5070)
    reached = [other() for other in others]
    # There is no IPv6 socket of ours, but a TCP connection needs none.
    assert [flow.remote[1] for flow in reached if flow is not None] == [5071] * len(others)


async def test_answers_are_kept_as_long_as_they_say(
    dns: Dns, server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.ttl_s = 0  # the library keeps nothing then, and we for a second
    for _ in range(3):
        assert list(await dns.addresses("one.example")) == ["127.0.32.7"]
    assert server.asked.count(("one.example", "A")) == 1
    monkeypatch.setattr(dns, "_loop", _Later(dns._loop, dns._loop.time() + 1.1))
    server.records[("one.example", "A")] = ["127.0.32.9"]
    assert list(await dns.addresses("one.example")) == ["127.0.32.9"]


async def test_many_who_wait_ask_once_and_one_may_leave(dns: Dns, server: DnsServer) -> None:
    waiting = [asyncio.create_task(dns.srv("_sip._tcp.example.com")) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    found = await asyncio.gather(*waiting[1:])
    assert all(len(records) == 2 for records in found)
    assert server.asked == [("_sip._tcp.example.com", "SRV")]


async def test_nothing_is_an_answer_too(dns: Dns, server: DnsServer, stack: SipStack) -> None:
    assert list(await dns.srv("nothing.example")) == []
    assert list(await dns.srv("nothing.example")) == []
    assert len(server.asked) == 1
    with pytest.raises(Unreachable, match=r"nothing\.example: no address"):
        await stack.resolve("sip:nothing.example;transport=udp")


async def test_a_dead_server_costs_no_call_that_was_possible_before(
    dns: Dns, server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.1)
    server.ttl_s = 0
    assert list(await dns.addresses("one.example")) == ["127.0.32.7"]
    server.silent, server.asked = True, []
    monkeypatch.setattr(dns, "_loop", _Later(dns._loop, dns._loop.time() + 61))
    assert list(await dns.addresses("one.example")) == ["127.0.32.7"]
    assert server.asked
    assert list(await dns.addresses("one.example")) == ["127.0.32.7"]


def test_the_cache_is_bounded() -> None:
    assert module.MAX_ENTRIES <= 10_000


class _Later:
    """A loop whose clock is ahead."""

    def __init__(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        self._loop, self._now = loop, now

    def time(self) -> float:
        return self._now

    def __getattr__(self, name: str) -> object:
        return getattr(self._loop, name)
