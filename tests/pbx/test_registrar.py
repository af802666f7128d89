# SPDX-License-Identifier: Apache-2.0
"""The registrar on a clock in hand, with a store in memory."""

import asyncio
from collections.abc import Sequence

import pytest

from switchroom.pbx import registrar as registrar_module
from switchroom.pbx.events import Record, RegistrationAdded, RegistrationRemoved
from switchroom.pbx.registrar import IntervalTooBrief, Registrar, Rules
from switchroom.pbx.sip.errors import SipError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Request
from switchroom.pbx.storage.base import StoredBinding, StoreError
from switchroom.pbx.storage.memory import MemoryStore

PHONE = Flow("UDP", ("192.0.2.1", 5060), ("198.51.100.7", 40000))


class Rig:
    def __init__(self, store: MemoryStore | None = None, **rules: int) -> None:
        self.now = 1000.0
        self.records: list[Record] = []
        self.store = store or MemoryStore()
        self.registrar = Registrar(
            {"1001": 0, "1002": 1}, Rules(**rules), self.store.bindings, self.records.append, lambda: self.now
        )
        self._cseq = 0

    def register(
        self,
        *contacts: str,
        user: str = "1001",
        expires: str | None = None,
        call_id: str = "a",
        cseq: int = 0,
        flow: Flow = PHONE,
    ) -> list[str]:
        self._cseq = cseq or self._cseq + 1
        headers = {"call-id": [call_id], "cseq": [f"{self._cseq} REGISTER"], "contact": list(contacts)}
        if expires is not None:
            headers["expires"] = [expires]
        return self.registrar.register(user, Request("REGISTER", "sip:exchange", headers), flow)["contact"]

    def contacts(self, user: str = "1001") -> list[str]:
        return [binding.contact for binding in self.registrar.lookup(user)]


def test_several_contacts_best_q_first() -> None:
    rig = Rig()
    rig.register("<sip:1001@a>;q=0.3", "<sip:1001@b>;q=0.9")
    assert rig.contacts() == ["sip:1001@b", "sip:1001@a"]
    assert rig.registrar.lookup("1001")[0].flow == PHONE


def test_the_answer_lists_contacts_with_the_time_left() -> None:
    rig = Rig()
    assert rig.register("<sip:1001@a>;expires=100") == ["<sip:1001@a>;expires=100"]
    rig.now += 40
    assert rig.register() == ["<sip:1001@a>;expires=60"]


def test_expiry() -> None:
    rig = Rig()
    rig.register("<sip:1001@a>", expires="100")
    rig.now += 99.9
    assert rig.contacts() == ["sip:1001@a"]
    rig.now += 0.1
    assert rig.contacts() == []
    rig.registrar.sweep()
    assert [type(record) for record in rig.records] == [RegistrationAdded, RegistrationRemoved]


def test_a_renewal_keeps_one_binding_and_outlives_the_first_expiry() -> None:
    rig = Rig()
    rig.register("<sip:1001@a>", expires="100")
    rig.now += 90
    rig.register("<sip:1001@a>", expires="100")
    rig.now += 50
    rig.registrar.sweep()
    assert rig.contacts() == ["sip:1001@a"]


def test_unregister_one_and_all() -> None:
    rig = Rig()
    rig.register("<sip:1001@a>", "<sip:1001@b>")
    rig.register("<sip:1001@a>;expires=0")
    assert rig.contacts() == ["sip:1001@b"]
    rig.register("*", expires="0")
    assert rig.contacts() == []


@pytest.mark.parametrize("expires", [None, "60"])
def test_star_needs_expires_0(expires: str | None) -> None:
    rig = Rig()
    rig.register("<sip:1001@a>")
    with pytest.raises(SipError, match="400"):
        rig.register("*", expires=expires)
    assert rig.contacts() == ["sip:1001@a"]


def test_too_brief_says_the_minimum() -> None:
    rig = Rig(min_expires_s=60)
    with pytest.raises(IntervalTooBrief) as caught:
        rig.register("<sip:1001@a>", expires="59")
    assert caught.value.headers == {"min-expires": ["60"]}
    assert rig.register("<sip:1001@a>", expires="999999") == ["<sip:1001@a>;expires=3600"]


def test_out_of_order_changes_nothing() -> None:
    rig = Rig()
    rig.register("<sip:1001@a>", cseq=5)
    with pytest.raises(SipError, match="500"):
        rig.register("<sip:1001@a>", "<sip:1001@b>", cseq=5)
    assert rig.contacts() == ["sip:1001@a"]
    rig.register("<sip:1001@a>", cseq=1, call_id="rebooted")
    assert rig.contacts() == ["sip:1001@a"]


def test_limits_per_user_and_per_source_change_nothing() -> None:
    rig = Rig(per_source=3)
    with pytest.raises(SipError, match="403"):
        rig.register("<sip:1002@a>", "<sip:1002@b>", user="1002")
    rig.register("<sip:1002@a>", user="1002")
    rig.register("<sip:1001@a>", "<sip:1001@b>")
    with pytest.raises(SipError, match="403"):
        rig.register("<sip:1001@c>")
    assert sorted(rig.contacts()) == ["sip:1001@a", "sip:1001@b"]
    rig.register("<sip:1001@a>;expires=0")
    rig.register("<sip:1001@c>")
    assert len(rig.contacts()) == 2


def test_the_same_phone_with_a_new_port_replaces_itself() -> None:
    rig = Rig()
    rig.register('<sip:1001@10.0.0.9:1111>;+sip.instance="<urn:uuid:1>"')
    rig.register('<sip:1001@10.0.0.9:2222>;+sip.instance="<urn:uuid:1>"')
    assert rig.contacts() == ["sip:1001@10.0.0.9:2222"]


def test_escaped_and_plain_contacts_are_one() -> None:
    rig = Rig()
    rig.register("<sip:%31001@a>")
    rig.register("<sip:1001@a>")
    assert len(rig.contacts()) == 1


async def test_a_restart_loses_no_binding() -> None:
    rig = Rig()
    await rig.registrar.load()
    rig.register('<sip:1001@a>;q=0.5;+sip.instance="<urn:x>"', "<sip:1001@b>;expires=70")
    rig.register("<sip:1001@b>;expires=0")
    await rig.registrar.close()
    again = Rig(rig.store)
    await again.registrar.load()
    assert again.registrar.lookup("1001") == rig.registrar.lookup("1001")
    await again.registrar.close()


async def test_a_store_that_fails_for_a_while_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registrar_module, "SAVE_S", 0.001)
    rig = Rig()
    good, failed, saved, failures = rig.store.bindings.save, asyncio.Event(), asyncio.Event(), 0

    async def full_disk(kept: Sequence[StoredBinding], removed: Sequence[tuple[str, str]]) -> None:
        nonlocal failures
        failures += 1
        if failures == 3:
            failed.set()
        raise StoreError("disk full")

    async def room_again(kept: Sequence[StoredBinding], removed: Sequence[tuple[str, str]]) -> None:
        await good(kept, removed)
        saved.set()

    monkeypatch.setattr(rig.store.bindings, "save", full_disk)
    await rig.registrar.load()
    rig.register("<sip:1001@a>")
    await asyncio.wait_for(failed.wait(), 5)
    monkeypatch.setattr(rig.store.bindings, "save", room_again)
    await asyncio.wait_for(saved.wait(), 5)
    assert [stored.contact for stored in await rig.store.bindings.load()] == ["sip:1001@a"]
    await rig.registrar.close()


async def test_being_closed_in_the_midst_of_a_save_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registrar_module, "SAVE_S", 0.001)
    rig = Rig()
    good, begun = rig.store.bindings.save, asyncio.Event()

    async def slow(kept: Sequence[StoredBinding], removed: Sequence[tuple[str, str]]) -> None:
        begun.set()
        await asyncio.sleep(3_600)

    monkeypatch.setattr(rig.store.bindings, "save", slow)
    await rig.registrar.load()
    rig.register("<sip:1001@a>")
    await asyncio.wait_for(begun.wait(), 5)
    monkeypatch.setattr(rig.store.bindings, "save", good)
    await rig.registrar.close()
    assert [stored.contact for stored in await rig.store.bindings.load()] == ["sip:1001@a"]


def test_a_phone_that_renews_for_ever_takes_no_more_room() -> None:
    rig = Rig()
    for _ in range(5000):
        rig.now += 30
        rig.register("<sip:1001@a>", expires="60")
    assert len(rig.registrar._expiries) <= 1001


def test_a_browser_is_forgotten_with_its_connection_and_a_telephone_is_not() -> None:
    rig = Rig()
    browser, phone = Flow("WSS", PHONE.local, PHONE.remote, 7), Flow("TLS", PHONE.local, PHONE.remote, 8)
    rig.register("<sip:1001@x.invalid;transport=ws>", flow=browser)
    rig.register("<sip:1001@198.51.100.7;transport=tls>", flow=phone)
    rig.registrar.flow_lost(phone)
    rig.registrar.flow_lost(browser)
    assert rig.contacts() == ["sip:1001@198.51.100.7;transport=tls"]
    assert isinstance(rig.records[-1], RegistrationRemoved)
    assert rig.records[-1].reason == "lost"
