# SPDX-License-Identifier: Apache-2.0
"""Reaching a user: who rings, and where a call goes on that is not answered."""

from pathlib import Path

import pytest

from switchroom.pbx.events import CallForwarded
from tests.pbx.apps.rig import OfficeRig, after, play

NEVER = {"answers_after_s": None}


def test_a_call_reaches_the_phone(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002")
        caller = rig.calls("1001", "1002")
        await after(5)
        assert caller.partner is rig.to("1002")[0]

    play(tmp_path, script)


@pytest.mark.parametrize(
    ("desk", "phone", "on"),
    [
        ('forward = [{ on = "always", to = "1003" }]', {}, "always"),
        ('forward = [{ on = "busy", to = "1003" }]', {"answers_after_s": None, "refuses_after_s": 1}, "busy"),
        ('forward = [{ on = "busy", to = "1003" }]\ndnd = true', {}, "busy"),
        ('forward = [{ on = "no-answer", to = "1003" }]\nring_s = 10.0', NEVER, "no-answer"),
        ('forward = [{ on = "unregistered", to = "1003" }]', None, "unregistered"),
        ('mobile = "1003"', None, "unregistered"),
        ('forward = [{ on = "always", to = "1004", when = "night" }, { on = "always", to = "1003" }]', {}, "always"),
    ],
)
def test_each_kind_of_forwarding_rings_the_other_phone(
    tmp_path: Path, desk: str, phone: dict[str, object] | None, on: str
) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1003")
        if phone is None:
            rig.control.unreachable.add("user:1002")
        else:
            rig.phone("1002", **phone)
        caller = rig.calls("1001", "1002")
        await after(25)
        (third,) = rig.to("1003")
        assert caller.partner is third
        assert third.presentation.diverted_by == ("1002",)
        assert [leg.state for leg in rig.to("1002")] == (
            [] if on in ("always", "unregistered") or "dnd" in desk else ["ended"]
        )

    rig = play(tmp_path, script, '[times.night]\nwhen = ["22:00-06:00"]\nzone = "UTC"', ("", desk, "", ""))
    (forwarded,) = [record for record in rig.records if isinstance(record, CallForwarded)]
    assert (forwarded.user, forwarded.on, forwarded.to) == ("1002", on, "1003")


def test_two_who_forward_to_each_other_are_a_loop(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002")
        rig.phone("1003")
        caller = rig.calls("1001", "1002")
        await after(1)
        assert caller.told == ["ended 482"]

    lines = tuple(f'forward = [{{ on = "always", to = "{to}" }}]' for to in ("1002", "1003", "1002"))
    play(tmp_path, script, desks=("", lines[1], lines[0], ""))


def test_without_call_waiting_a_second_call_finds_it_busy(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002")
        rig.calls("1001", "1002")
        await after(5)
        second = rig.calls("1003", "1002")
        await after(1)
        assert second.told == ["ended 486"]
        rig.control.legs[0].leave()
        await after(1)
        third = rig.calls("1003", "1002")
        await after(5)
        assert third.partner is not None

    play(tmp_path, script, desks=("", "call_waiting = false", "", ""))


FIND_ME = 'find_me = ["0111", "0222"]\nring_s = 10.0'


def test_find_me_in_turn_rings_the_next_where_nobody_answers(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002", answers_after_s=None)
        rig.phone("sip:0111@carrier", answers_after_s=None)
        rig.phone("sip:0222@carrier", answers_after_s=2)
        caller = rig.calls("1001", "1002")
        await after(11)
        assert [leg.state for leg in rig.to("1002")] == ["ended"]
        (first,) = rig.to("sip:0111@carrier")
        assert first.state == "ringing"
        await after(12)
        (second,) = rig.to("sip:0222@carrier")
        assert second.state == "answered"
        assert caller.state == "ringing"  # nobody has pressed anything yet
        second.press("1")
        await after(0)
        assert caller.partner is second

    play(tmp_path, script, desks=("", FIND_ME, "", ""))


def test_a_mobiles_voicemail_does_not_win(tmp_path: Path) -> None:
    """The mobile's machine answers at once and presses nothing; the office phone is taken later, and wins."""

    async def script(rig: OfficeRig) -> None:
        rig.phone("1002", answers_after_s=9)
        rig.phone("sip:0111@carrier", answers_after_s=0.5)
        rig.phone("sip:0222@carrier", answers_after_s=None)
        caller = rig.calls("1001", "1002")
        await after(8)
        (machine,) = rig.to("sip:0111@carrier")
        assert machine.state == "answered"
        assert machine.heard == ["There is a call for you. Press 1 to take it."]
        await after(2)
        assert caller.partner is rig.to("1002")[0]
        assert machine.state == "ended"

    play(tmp_path, script, desks=("", FIND_ME + '\nfind_me_mode = "at-once"', "", ""))


def test_who_answers_late_may_think_longer_than_it_rings(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002", answers_after_s=None)
        rig.phone("sip:0111@carrier", answers_after_s=9)
        caller = rig.calls("1001", "1002")
        await after(25)  # ten for the phone, ten for the mobile
        (mobile,) = rig.to("sip:0111@carrier")
        assert mobile.state == "answered"
        mobile.press("1")
        await after(0)
        assert caller.partner is mobile
        caller.leave()
        await after(1)
        silent = rig.calls("1001", "1002")
        await after(45)
        assert [leg.state for leg in rig.to("sip:0111@carrier")] == ["ended", "ended"]
        assert silent.state == "ended"

    play(tmp_path, script, desks=("", 'find_me = ["0111"]\nring_s = 10.0', "", ""))


def test_whoever_presses_another_key_declines(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002", answers_after_s=None, refuses_after_s=3, status=480)
        rig.phone("sip:0111@carrier", answers_after_s=1)
        caller = rig.calls("1001", "1002")
        await after(2)
        rig.to("sip:0111@carrier")[0].press("2")
        await after(2)
        assert caller.state == "ended"

    play(tmp_path, script, desks=("", 'find_me = ["0111"]\nfind_me_mode = "at-once"', "", ""))


def test_a_mailbox_takes_what_nobody_answers(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1002", answers_after_s=None)
        caller = rig.calls("1001", "1002")
        await after(30)
        assert "tone:beep" in caller.heard
        caller.leave()
        await after(1)
        assert rig.office.boxes.counts("1002").new == 1

    play(tmp_path, script, desks=("", "mailbox = true", "", ""))


def test_an_unknown_user_is_not_found(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        caller = rig.calls("1001", "1099")
        await after(1)
        assert caller.told == ["ended 404"]

    play(tmp_path, script)
