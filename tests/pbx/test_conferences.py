# SPDX-License-Identifier: Apache-2.0
"""Conference rooms and the sound checks, on the simulated CallControl."""

import asyncio
from pathlib import Path

import pytest

from switchroom.pbx.apps.conferences import Member
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.sound_check import SoundCheck
from switchroom.pbx.call import Call
from switchroom.pbx.config import loads
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.events import ConferenceChanged, ConferenceJoined, ConferenceLeft
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl, SimLeg
from tests.pbx.apps.rig import OfficeRig, play

BOARD = """
[conference.board]
number = "820"
pin = "2580"
moderator_pin = "1357"
moderators = ["1001"]
max_parties = 4
"""
LED = (
    BOARD
    + """
wait_for_moderator = true
end_with_moderator = true
mute_on_entry = true
record = true
announce = false
"""
)
OPEN = "[conference.open]\n"


def members(rig: OfficeRig, name: str = "board") -> list[Member]:
    running = rig.office.conferences.running
    return running[name].members if name in running else []


def parties(rig: OfficeRig, name: str = "board") -> list[str]:
    return [member.leg.party.number for member in members(rig, name)]


async def enters(rig: OfficeRig, caller: str, *keys: str, number: str = "820") -> SimLeg:
    """Somebody dials, and presses keys, each some seconds after the other."""
    leg = rig.calls(caller, number)
    for pressed in keys:
        await asyncio.sleep(1)
        leg.press(pressed)
    await asyncio.sleep(1)
    return leg


async def presses(leg: SimLeg, keys: str) -> str:
    """What the party heard last after it pressed them."""
    leg.press(keys)
    await asyncio.sleep(3)
    return leg.heard[-1] if leg.heard else ""


def test_all_hear_all_but_themselves_and_the_last_ends_it(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        one, two, three = [await enters(rig, number, number="conference:team") for number in ("1", "2", "3")]
        other = await enters(rig, "4", number="conference:other")
        assert {(a.party.number, b.party.number) for a in (one, two, three) for b in (one, two, three)
                if a.can_hear(b)} == {(a, b) for a in "123" for b in "123" if a != b}  # fmt: skip
        assert not other.can_hear(one)
        room = one.room
        assert room is not None
        two.leave()
        await asyncio.sleep(1)
        assert room.tones == ["beep", "beep", "beep", "leave"]
        for leg in (one, three, other):
            leg.leave()
        await asyncio.sleep(1)
        assert rig.office.conferences.running == {}

    rig = play(tmp_path, script)
    kinds = [type(record) for record in rig.records]
    assert (kinds.count(ConferenceJoined), kinds.count(ConferenceLeft)) == (4, 4)


def test_operators_mute_kick_lock_record_and_end(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        conferences = rig.office.conferences
        one, two = [await enters(rig, number, number="conference:team") for number in ("1", "2")]
        conferences.mute("team", one.id)
        assert not two.can_hear(one)
        conferences.mute("team", one.id, False)
        assert two.can_hear(one)
        recording = conferences.record("team")
        assert conferences.record("team") is recording
        conferences.lock("team")
        late = await enters(rig, "3", number="conference:team")
        assert late.told[-1] == "ended 403"
        conferences.kick("team", two.id)
        await asyncio.sleep(1)
        assert two.state == "ended"
        assert parties(rig, "team") == ["1"]
        conferences.record("team", False)
        with pytest.raises(CallError):
            conferences.record("team", False)
        conferences.end("team")
        await asyncio.sleep(1)
        for work in (conferences.find, conferences.end):
            with pytest.raises(CallError):
                work("team")

    rig = play(tmp_path, script)
    changes = [record.what for record in rig.records if isinstance(record, ConferenceChanged)]
    assert changes == ["recording", "locked", "recorded"]


def test_a_pin_lets_in_and_three_wrong_ones_do_not(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        right = await enters(rig, "1002", "2580#")
        wrong = await enters(rig, "1003", "1111#", "2222#", "3333#")
        moderator = await enters(rig, "1001")
        by_pin = await enters(rig, "1004", "1357#")
        await asyncio.sleep(10)
        assert parties(rig) == ["1002", "1001", "1004"]
        assert [member.moderator for member in members(rig)] == [False, True, True]
        assert wrong.state == "ended"
        assert all(a.can_hear(b) for a in (right, moderator, by_pin) for b in (right, moderator, by_pin) if a is not b)
        await enters(rig, "1003", "2580#")
        full = await enters(rig, "1003", "2580#")
        await asyncio.sleep(5)
        assert full.heard[-1] == "The conference is full."
        assert full.state == "ended"

    play(tmp_path, script, BOARD)


def test_all_wait_with_music_for_the_moderator_and_go_when_he_does(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        one, two = await enters(rig, "1002", "2580#"), await enters(rig, "1003", "2580#")
        await asyncio.sleep(5)
        assert one.heard[-1] == two.heard[-1] == "music:default"
        assert not one.can_hear(two)
        await presses(one, "*6")
        assert not two.can_hear(one)
        leader = await enters(rig, "1001")
        assert rig.office.conferences.running["board"].recording is not None
        assert one.can_hear(leader)
        assert two.can_hear(one), "who unmuted himself while he waited is heard"
        assert not one.can_hear(two), "muted on entry"
        assert await presses(two, "*6") == "You can be heard."
        assert one.can_hear(two)
        assert leader.room is not None
        assert leader.room.tones == []
        leader.leave()
        await asyncio.sleep(1)
        assert (one.state, two.state) == ("ended", "ended")

    play(tmp_path, script, LED)


def test_a_moderator_locks_kicks_mutes_records_and_ends_by_keys(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        leader, one = await enters(rig, "1001"), await enters(rig, "1002", "2580#")
        two = await enters(rig, "1003", "2580#")
        conference = rig.office.conferences.running["board"]
        before = len(one.heard)
        await presses(one, "*5*7*1*3*8")
        assert (len(one.heard), conference.locked, len(conference.members)) == (before, False, 3), "no moderator"
        assert await presses(leader, "*2") == "three are here."
        assert await presses(leader, "*5") == "The conference is locked."
        late = await enters(rig, "1004", "2580#")
        await asyncio.sleep(4)
        assert late.heard[-1] == "The conference is locked."
        assert await presses(leader, "*5") == "The conference is open."
        assert await presses(leader, "*3") == "All others are muted."
        assert one.can_hear(leader)
        assert not leader.can_hear(one)
        await presses(leader, "*3")
        assert leader.can_hear(one)
        assert await presses(leader, "*1") == "Recording is on."
        assert conference.recording is not None
        assert await presses(leader, "*1") == "Recording is off."
        await presses(leader, "*7")
        assert (two.state, one.state) == ("ended", "answered")
        await presses(one, "*#")
        assert one.state == "ended"
        await presses(leader, "*8")
        assert leader.state == "ended"
        assert rig.office.conferences.running == {}

    play(tmp_path, script, BOARD)


def test_users_are_called_in_and_outside_numbers_press_1_first(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1004", answers_after_s=2)
        rig.phone("sip:08001@carrier", answers_after_s=2)
        rig.phone("sip:08002@carrier", answers_after_s=2)
        rig.phone("sip:08003@carrier", answers_after_s=None, refuses_after_s=1)
        leader = await enters(rig, "1001")
        leader.press("*9")
        await asyncio.sleep(1)
        leader.press("1004#")
        await asyncio.sleep(4)
        assert parties(rig) == ["1001", "1004"]
        await rig.office.door.invite("board", "08001", "default")
        await rig.office.door.invite("board", "08002", "default")
        await asyncio.sleep(3)
        (mobile,) = rig.to("sip:08001@carrier")
        assert len(parties(rig)) == 2, "not before 1 is pressed: it may be an answering machine"
        mobile.press("1")
        await asyncio.sleep(30)
        assert parties(rig) == ["1001", "1004", "sip:08001@carrier"]
        assert mobile.can_hear(leader)
        assert [leg.state for leg in rig.to("sip:08002@carrier")] == ["ended"]
        leader.press("*908003#")
        await asyncio.sleep(10)
        assert leader.heard[-1] == "zero eight zero zero three does not answer."
        leader.press("*9777#")
        await asyncio.sleep(10)
        assert leader.heard[-1] == "That number cannot be called."
        with pytest.raises(CallError):
            await rig.office.door.invite("board", "777", "default")

    play(tmp_path, script, BOARD)


def test_strangers_come_by_the_access_number_but_not_by_guessing(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        guest = await enters(rig, "0301", "820#", "2580#", number="8100")
        named = await enters(rig, "0302", "board#", "820#", "2580#", number="8100")
        assert parties(rig)[:1] == ["0301"]
        without = await enters(rig, "0303", "open#", "#", number="8100")
        assert "open" not in rig.office.conferences.running, "no PIN, no strangers"
        for leg in (guest, named, without):
            leg.leave()
        await asyncio.sleep(1)
        for _ in range(7):
            await enters(rig, "0304", "820#", "1111#", "820#", "1112#", "820#", "1113#", number="8100")
            await asyncio.sleep(10)
        await enters(rig, "0305", "820#", "2580#", number="8100")
        assert parties(rig) == [], "after so many wrong ones no PIN of a stranger counts"
        await enters(rig, "1002", "820#", "2580#", number="8100")
        assert parties(rig) == ["1002"], "but that of a user does"
        await asyncio.sleep(700)
        await enters(rig, "0305", "820#", "2580#", number="8100")
        assert parties(rig) == ["1002", "0305"]

    play(tmp_path, script, BOARD + OPEN)


def test_rooms_change_while_the_exchange_runs_and_mistakes_are_told(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        config, _ = loads(
            BOARD.replace("2580", "9999").replace(
                "[conf", '[dial_plan]\ndefault = [{number = "8100", to = "meet-me"}]\n[conf'
            )
        )
        assert config is not None
        rig.office.apply(config)
        await enters(rig, "0301", "820#", "2580#", "820#", "9999#", number="8100")
        assert parties(rig) == ["0301"]

    play(tmp_path, script, BOARD)
    _, mistakes = loads('[conference.x]\npin = "12"\nwait_for_moderator = true\nmax_partys = 3\n', "office.toml")
    assert {mistake.key for mistake in mistakes} == {"conference.x.max_partys"}
    _, mistakes = loads('[conference.x]\npin = "12"\nwait_for_moderator = true\n', "office.toml")
    assert {mistake.key for mistake in mistakes} == {"conference.x.pin", "conference.x.moderators"}


def test_what_was_said_is_played_back_and_keys_are_read_back() -> None:
    async def script(control: SimControl) -> None:
        async def speak(text: str) -> str:
            return text

        destinations = Destinations({}, speak, 60)
        SoundCheck(destinations, speak)
        loop = asyncio.get_running_loop()
        leg = control.incoming("1")
        loop.call_later(8, leg.press, "#")
        loop.call_later(20, leg.leave)
        with pytest.raises(CallerGone):
            await destinations.send(Call(control, leg, "9011"), "repeat", "")
        assert leg.heard[1] == "tone:beep"
        assert leg.heard[2].endswith("1.wav")
        keys = control.incoming("2")
        loop.call_later(5, keys.press, "7#")
        await destinations.send(Call(control, keys, "9012"), "keys", "")
        assert keys.heard[-1] == "7"
        listener = control.incoming("3")
        loop.call_later(5, listener.leave)
        with pytest.raises(CallerGone):
            await destinations.send(Call(control, listener, "9013"), "music", "default")
        assert listener.heard == ["music:default"]

    async def main() -> None:
        await script(SimControl())

    run(main())
