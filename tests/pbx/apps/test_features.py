# SPDX-License-Identifier: Apache-2.0
"""What users dial, and what it does: settings, pick-up, parking, groups, paging, three-way, hot desking, blacklist."""

from pathlib import Path

import pytest

from switchroom.pbx.apps.transfer import Transfers
from switchroom.pbx.control import TransferAsked
from switchroom.pbx.events import CallParked, CallPickedUp, CallUnparked, HoursSwitched, SeatTaken
from tests.pbx.apps.rig import MUSIC, OfficeRig, after, play

SALES = '[group.sales]\nmembers = ["1001", "1002", "1003"]\nnumber = "610"\nring_s = 10.0\n'


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("*78", lambda desk: desk.dnd),
        ("*79", lambda desk: not desk.dnd),
        ("*44", lambda desk: not desk.call_waiting),
        ("*22", lambda desk: desk.find_me_mode == "off"),
        ("*721003", lambda desk: [(line.on, line.to) for line in desk.forward] == [("always", "1003")]),
        ("*901003", lambda desk: [(line.on, line.to) for line in desk.forward] == [("busy", "1003")]),
        ("*921003", lambda desk: [(line.on, line.to) for line in desk.forward] == [("no-answer", "1003")]),
        ("*941003", lambda desk: [(line.on, line.to) for line in desk.forward] == [("unregistered", "1003")]),
    ],
)
def test_settings_by_dial_code_last_over_a_restart(tmp_path: Path, code: str, check: object) -> None:
    async def script(rig: OfficeRig) -> None:
        leg = rig.calls("1002", code)
        await after(5)
        assert leg.told[0] == "answered"
        await rig.open()
        assert check(rig.office.desks.of("1002"))  # type: ignore[operator]

    play(tmp_path, script)


def test_a_forward_is_asked_for_and_taken_away(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        leg = rig.calls("1002", "*72")
        await after(3)
        leg.press("1003#")
        await after(3)
        assert rig.office.desks.forward("1002", "always") == "1003"
        rig.calls("1002", "*73")
        await after(3)
        assert rig.office.desks.forward("1002", "always") == ""
        nowhere = rig.calls("1002", "*727777")
        await after(3)
        assert nowhere.heard == ["That number leads nowhere."]

    play(tmp_path, script)


def test_strangers_have_no_features(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        leg = rig.calls("013912345678", "*78")
        await after(1)
        assert leg.told == ["ended 403"]

    play(tmp_path, script)


@pytest.mark.parametrize("code", ["*8", "**1002"])
def test_a_ringing_call_is_picked_up_by_a_group_member_and_by_number(tmp_path: Path, code: str) -> None:
    config = SALES if code == "*8" else ""

    async def script(rig: OfficeRig) -> None:
        rig.phone("1002", answers_after_s=None)
        caller = rig.calls("1004", "1002")
        await after(3)
        picker = rig.calls("1003", code)
        await after(1)
        assert caller.partner is picker
        assert rig.to("1002")[0].state == "ended"
        caller.leave()
        await after(1)
        assert picker.state == "ended"

    rig = play(tmp_path, script, config)
    (picked,) = [record for record in rig.records if isinstance(record, CallPickedUp)]
    assert (picked.user, picked.by) == ("1002", "1003")


def test_a_call_on_hold_is_parked_and_taken_up_elsewhere(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002")
        caller = rig.calls("0139", "1002")
        await after(3)
        assert caller.partner is rig.to("1002")[0]
        parker = rig.calls("1002", "700")
        await after(1)
        assert parker.heard == ["Parked at seven zero one."]
        assert rig.to("1002")[0].state == "ended"
        assert caller.state == "answered"
        assert caller.heard[-1] == MUSIC
        taker = rig.calls("1003", "701")
        await after(1)
        assert caller.partner is taker
        empty = rig.calls("1004", "701")
        await after(1)
        assert empty.told == ["ended 404"]
        taker.leave()
        await after(1)
        assert caller.state == "ended"

    rig = play(tmp_path, script)
    assert [r.slot for r in rig.records if isinstance(r, CallParked)] == ["701"]
    assert [r.by for r in rig.records if isinstance(r, CallUnparked)] == ["1003"]


def test_whoever_parked_a_call_is_rung_in_time(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002")
        caller = rig.calls("0139", "1002")
        await after(3)
        rig.calls("1002", "700")
        await after(95)
        assert caller.partner is rig.to("1002")[1]

    play(tmp_path, script)


def test_a_group_rings_all_and_goes_on_to_a_mailbox(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        for user in ("1001", "1002", "1003"):
            rig.phone(user, answers_after_s=None)
        caller = rig.calls("0139", "610")
        await after(3)
        assert [rig.to(user)[0].state for user in ("1001", "1002", "1003")] == ["ringing"] * 3
        await after(12)
        assert caller.heard[0].endswith("leave a message after the tone.")

    play(tmp_path, script, SALES + 'then = "voicemail:1001"', ("mailbox = true", "", "", ""))


@pytest.mark.parametrize(
    ("ring", "first", "second"),
    [("rotary", "1001", "1002"), ("in-turn", "1001", "1001"), ("longest-idle", "1001", "1002")],
)
def test_who_is_rung_first(tmp_path: Path, ring: str, first: str, second: str) -> None:
    async def script(rig: OfficeRig) -> None:
        for user in ("1001", "1002", "1003"):
            rig.phone(user, answers_after_s=1)
        for expected in (first, second):
            caller = rig.calls("0139", "610")
            await after(3)
            assert caller.partner is not None
            assert caller.partner.party.number == expected
            caller.leave()
            await after(3)

    play(tmp_path, script, SALES + f'ring = "{ring}"')


def test_a_page_is_heard_by_all_free_phones_and_nobody_answers_back(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        for user in ("1002", "1003"):
            rig.phone(user, answers_after_s=0.5)
        pager = rig.calls("1001", "*81610")
        await after(2)
        phones = [rig.to("1002")[0], rig.to("1003")[0]]
        assert all(phone.presentation.auto_answer and phone.can_hear(pager) for phone in phones)
        assert not any(pager.can_hear(phone) or phones[0].can_hear(phones[1]) for phone in phones)
        pager.leave()
        await after(1)
        assert [phone.state for phone in phones] == ["ended", "ended"]

    play(tmp_path, script, SALES)


def test_a_third_party_is_added_to_the_call_on_hold(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002")
        rig.phone("1003")
        outside = rig.calls("0139", "1002")
        await after(3)
        first = rig.to("1002")[0]
        host = rig.calls("1002", "*331003")
        await after(4)
        third = rig.to("1003")[0]
        assert first.state == "ended"
        for one in (outside, host, third):
            assert all(one.can_hear(other) for other in (outside, host, third) if other is not one)
        host.leave()
        await after(1)
        assert outside.can_hear(third)
        third.leave()
        await after(1)
        assert outside.state == "ended"

    play(tmp_path, script)


def test_a_number_moves_to_another_phone_and_back(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        leg = rig.calls("1003", "*111002")
        await after(3)
        leg.press("1002#")
        await after(3)
        desks = rig.office.desks
        assert (desks.phone_of("1002"), desks.sitting_at("1003"), desks.phone_of("1003")) == ("1003", "1002", "")
        await rig.open()
        desks = rig.office.desks
        assert desks.phone_of("1002") == "1003"
        rig.calls("1002", "*12")  # whoever sits there calls as 1002
        await after(3)
        assert (desks.phone_of("1002"), desks.sitting_at("1003"), desks.phone_of("1003")) == ("1002", "1003", "1003")
        wrong = rig.calls("1003", "*111002")
        await after(3)
        wrong.press("9999#")
        await after(3)
        assert desks.phone_of("1002") == "1002"

    rig = play(tmp_path, script)
    assert [(r.user, r.phone) for r in rig.records if isinstance(r, SeatTaken)] == [("1002", "1003"), ("1003", "1003")]


def test_call_return_calls_the_last_caller(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1001")
        rig.phone("1002", answers_after_s=None)
        rig.calls("1001", "1002").leave()
        nobody = rig.calls("1003", "*69")
        await after(1)
        assert nobody.told == ["ended 404"]
        rig.calls("1001", "1002")
        await after(1)
        back = rig.calls("1002", "*69")
        await after(4)
        assert back.partner is rig.to("1001")[0]

    play(tmp_path, script)


def test_hours_are_switched_by_hand_and_back(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        def open_now() -> bool:
            return rig.office.switches.on("open")

        states = [open_now()]
        for _ in range(2):
            rig.calls("1001", "*28")
            await after(3)
            states.append(open_now())
        assert states == [True, False, True]

    rig = play(tmp_path, script, '[times.open]\nwhen = ["09:00-18:00"]\nzone = "UTC"\nswitch = "*28"')
    assert [record.state for record in rig.records if isinstance(record, HoursSwitched)] == ["off", "auto"]


def test_blacklisted_callers_are_refused(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        refuses = rig.office.blacklist.refuses
        assert (refuses("0901234", "192.0.2.1"), refuses("0801", ""), refuses("anonymous", "")) == (603, 0, 603)
        rig.calls("1001", "*300801")
        await after(3)
        await rig.open()
        assert rig.office.blacklist.refuses("0801", "") == 603
        rig.calls("1001", "*310801")
        await after(3)
        assert rig.office.blacklist.refuses("0801", "") == 0

    play(tmp_path, script, '[blacklist]\nnumbers = ["090."]\nrefuse_anonymous = true')


def test_a_call_that_is_transferred_to_the_lot_rings_whoever_sent_it_there_in_time(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.control.put_through = Transfers(rig.control, rig.office.routing, rig.destinations).put_through
        rig.phone("1002")
        caller = rig.calls("1003", "1002")
        await after(3)
        rig.to("1002")[0].say(TransferAsked("700"))
        await after(5)
        assert caller.heard[-1] == MUSIC
        assert rig.to("1002")[0].state == "ended"
        await after(100)
        assert caller.partner is rig.to("1002")[1]
        caller.leave()

    rig = play(tmp_path, script)
    assert [(r.slot, r.by) for r in rig.records if isinstance(r, CallParked)] == [("701", "1002")]
