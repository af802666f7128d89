# SPDX-License-Identifier: Apache-2.0
"""Offences and bans on a clock in hand."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import msgspec
import pytest

from switchroom.pbx.config_security import SecurityConfig
from switchroom.pbx.events import Record, SourceBanned, SourceUnbanned
from switchroom.pbx.io.flood import FloodGate
from switchroom.pbx.security.guard import ANSWER_S, MAX_PENDING, MAX_SOURCES, Guard
from switchroom.pbx.security.kept_bans import KeptBans
from switchroom.pbx.storage.base import StoredDocument

BAD, PHONE, PEER = "192.0.2.7", "192.0.2.50", "192.0.2.99"


class Rig:
    def __init__(self, **settings: Any) -> None:
        self.now = 1000.0
        self.records: list[Record] = []
        self.gate = FloodGate(1000)
        self.phones = {PHONE}
        self.guard = Guard(
            msgspec.structs.replace(SecurityConfig(), **settings),
            lambda: self.now,
            exempt=lambda host: host == PEER,
            registered=lambda host: host in self.phones,
            block=self.gate.block,
            unblock=self.gate.unblock,
            write=self.records.append,
        )

    def banned(self, host: str) -> bool:
        return not self.gate.passes(host, self.now)

    def wrong(self, count: int, host: str = BAD) -> None:
        for number in range(count):
            self.guard.wrong(host, str(number))


def test_twenty_wrong_passwords_are_a_ban_and_it_ends() -> None:
    rig = Rig()
    rig.wrong(19)
    assert not rig.banned(BAD)
    rig.wrong(1)
    assert rig.banned(BAD)
    assert rig.gate.refused == 1
    assert not rig.banned("192.0.2.8")
    rig.now += 299
    rig.guard.sweep()
    assert rig.banned(BAD)
    rig.now += 1
    rig.guard.sweep()
    assert not rig.banned(BAD)
    assert rig.records == [
        SourceBanned(source="192.0.2.7/32", reason="wrong password", times=1, for_s=300.0),
        SourceUnbanned(source="192.0.2.7/32", reason="expired"),
    ]


def test_bans_grow_longer_up_to_a_day_and_a_good_day_forgets() -> None:
    rig = Rig()
    lengths = []
    for _ in range(12):
        rig.wrong(20)
        ban = next(iter(rig.guard.bans.values()))
        assert ban.until_s is not None
        lengths.append(ban.until_s - ban.since_s)
        rig.now = ban.until_s
        rig.guard.sweep()
    assert lengths[:4] == [300, 600, 1200, 2400]
    assert lengths[-1] == 86_400
    rig.now += 86_401
    rig.wrong(20)
    assert next(iter(rig.guard.bans.values())).times == 1


def test_time_forgives() -> None:
    rig = Rig()
    for _ in range(100):  # a phone with an old password, once in four seconds
        rig.wrong(1)
        rig.now += 4
    assert not rig.banned(BAD)


def test_who_fails_is_slowed_before_he_is_banned() -> None:
    rig = Rig()
    rig.wrong(4)
    assert rig.guard.delay_s(BAD) == 0
    rig.wrong(1)
    assert rig.guard.delay_s(BAD) == 1.0
    assert rig.guard.delay_s(PHONE) == 0
    rig.now += 10
    assert rig.guard.delay_s(BAD) == 0


def test_a_scan_for_users_is_banned_once_its_challenges_stay_unanswered() -> None:
    rig = Rig()
    for number in range(100, 170):
        rig.guard.challenged(BAD, str(number))
        rig.now += 0.1
        if rig.banned(BAD):
            break
    assert next(iter(rig.guard.bans.values())).reason == "unanswered challenge"
    assert rig.now - 1000 < ANSWER_S + 3


def test_an_office_behind_one_address_may_start_all_its_phones_at_once() -> None:
    rig = Rig()
    for number in range(200):
        rig.guard.challenged("203.0.113.1", str(number))
    rig.now += 0.5
    for number in range(200):
        rig.guard.accepted("203.0.113.1", str(number))
    rig.now += 10
    rig.guard.sweep()
    assert not rig.banned("203.0.113.1")


def test_the_same_name_again_and_again_counts_once_per_answer_time() -> None:
    rig = Rig()
    for _ in range(1000):
        rig.guard.challenged(BAD, "1001")
        rig.now += 0.05
    assert not rig.banned(BAD)


def test_more_pending_challenges_than_any_office_has_are_offences() -> None:
    rig = Rig()
    for number in range(MAX_PENDING + 25):
        rig.guard.challenged(BAD, str(number))
    assert rig.banned(BAD)


def test_nobody_can_have_a_phone_banned_by_forging_its_address() -> None:
    rig = Rig()
    for number in range(500):
        rig.guard.challenged(PHONE, str(number))
        assert rig.guard.unwanted(PHONE, "friendly-scanner")
        rig.now += 0.1
    assert not rig.banned(PHONE)
    rig.wrong(20, PHONE)  # these answer our own challenges
    assert rig.banned(PHONE)


def test_peers_and_allowed_are_never_banned() -> None:
    rig = Rig()
    rig.wrong(1000, PEER)
    assert not rig.guard.unwanted(PEER, "sipvicious")
    assert rig.guard.bans == {}


@pytest.mark.parametrize(("agent", "dropped"), [
    ("friendly-scanner", True), ("SIPVicious 0.3", True), ("sipcli/v1.8", True), ("baresip v1.0", False), ("", False),
])  # fmt: skip
def test_scanners_by_name(agent: str, dropped: bool) -> None:
    rig = Rig()
    assert rig.guard.unwanted(BAD, agent) is dropped
    for _ in range(3):
        rig.guard.unwanted(BAD, agent)
    assert rig.banned(BAD) is dropped


def test_a_neighbourhood_of_ipv6_is_one_source() -> None:
    rig = Rig()
    for number in range(20):
        rig.guard.wrong(f"2001:db8:1:2::{number:x}", "1001")
    assert rig.banned("2001:db8:1:2:ffff::1")
    assert not rig.banned("2001:db8:1:3::1")
    rig.guard.unban(ip_network("2001:db8:1:2::/64"))
    assert not rig.banned("2001:db8:1:2:ffff::1")


def test_an_operator_bans_and_lifts() -> None:
    rig = Rig()
    rig.guard.ban(ip_network("198.51.100.0/24"), "operator", None)
    rig.now += 10**6
    rig.guard.sweep()
    assert rig.banned("198.51.100.77")
    assert rig.guard.unban(ip_network("198.51.100.0/24"))
    assert not rig.guard.unban(ip_network("198.51.100.0/24"))
    assert not rig.banned("198.51.100.77")


def test_switched_off() -> None:
    rig = Rig(enabled=False)
    rig.wrong(1000)
    assert not rig.guard.unwanted(BAD, "friendly-scanner")
    assert not rig.banned(BAD)
    assert rig.guard.delay_s(BAD) == 0


def test_what_is_remembered_is_bounded() -> None:
    rig = Rig()
    for number in range(MAX_SOURCES + 100):
        rig.guard.challenged(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "x")
    assert len(rig.guard._sources) == MAX_SOURCES
    rig.now += 100
    rig.guard.sweep()
    assert len(rig.guard._sources) > 0  # each has an offence now
    rig.now += 100
    rig.guard.sweep()
    assert rig.guard._sources == {}


class Documents:
    """A store in memory; `saved` counts what was written."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredDocument] = {}
        self.saved = 0

    async def load(self, kind: str) -> list[StoredDocument]:
        return list(self.kept.values())

    async def save(self, kind: str, put: Sequence[StoredDocument], removed: Sequence[str]) -> None:
        self.saved += len(put) + len(removed)
        self.kept |= {document.key: document for document in put}
        for key in removed:
            del self.kept[key]


async def test_bans_go_on_after_a_restart() -> None:
    rig, store = Rig(), Documents()
    bans = await KeptBans.load(rig.guard, store)
    rig.wrong(20)
    rig.guard.ban(ip_network("192.0.2.64/28"), "operator", None)
    rig.guard.ban(ip_network(f"{PEER}/32"), "operator")
    await bans.save()
    await bans.save()
    assert store.saved == 3
    rig.guard.unban(ip_network("192.0.2.64/28"))
    await bans.save()
    assert store.saved == 4

    again = Rig()
    again.now = rig.now + 100
    (await KeptBans.load(again.guard, store)).restore()
    assert again.banned(BAD)
    assert not again.banned("192.0.2.65")  # lifted before
    assert not again.banned(PEER)  # which has become a peer meanwhile
    again.now += 200
    again.guard.sweep()
    assert not again.banned(BAD)
    again.wrong(20)
    assert again.guard.bans[ip_network(f"{BAD}/32")].times == 2  # its past is known too

    late = Rig()
    late.now = rig.now + 300
    (await KeptBans.load(late.guard, store)).restore()
    assert late.guard.bans == {}
