# SPDX-License-Identifier: Apache-2.0
"""Conferences and the sound checks, on the simulated CallControl."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from switchroom.pbx.apps.conferences import Conferences
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.sound_check import SoundCheck
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.events import AnyRecord, ConferenceJoined, ConferenceLeft
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl, SimLeg


class Hall:
    def __init__(self) -> None:
        self.control = SimControl()
        self.records: list[AnyRecord] = []
        self.conferences = Conferences(self.control, self.records.append)
        self.refused: list[CallError] = []

    def dial(self, number: str, name: str = "team") -> SimLeg:
        leg = self.control.incoming(number)

        async def serve() -> None:
            try:
                await self.conferences.serve(Call(self.control, leg, "9010"), name)
            except CallError as error:
                self.refused.append(error)
            except CallerGone:
                pass

        asyncio.get_running_loop().create_task(serve())
        return leg


def play(script: Callable[[Hall], Awaitable[None]]) -> Hall:
    halls: list[Hall] = []

    async def main() -> None:
        halls.append(Hall())
        await script(halls[0])

    run(main())
    return halls[0]


def test_all_hear_all_but_themselves_and_the_last_ends_it() -> None:
    async def script(hall: Hall) -> None:
        one, two, three = (hall.dial(number) for number in ("1", "2", "3"))
        other = hall.dial("4", "other")
        await asyncio.sleep(1)
        assert {(a.party.number, b.party.number) for a in (one, two, three) for b in (one, two, three)
                if a.can_hear(b)} == {(a, b) for a in "123" for b in "123" if a != b}  # fmt: skip
        assert not other.can_hear(one)
        room = hall.control.legs[0].room
        assert room is not None
        two.leave()
        await asyncio.sleep(1)
        assert room.tones == ["beep", "beep", "beep", "leave"]
        one.leave()
        three.leave()
        other.leave()
        await asyncio.sleep(1)
        assert hall.conferences.running == {}

    hall = play(script)
    kinds = [type(record) for record in hall.records]
    assert (kinds.count(ConferenceJoined), kinds.count(ConferenceLeft)) == (4, 4)


def test_operators_mute_kick_lock_record_and_end() -> None:
    async def script(hall: Hall) -> None:
        one, two = hall.dial("1"), hall.dial("2")
        await asyncio.sleep(1)
        hall.conferences.mute("team", one.id)
        assert not two.can_hear(one)
        hall.conferences.mute("team", one.id, False)
        assert two.can_hear(one)
        recording = hall.conferences.record("team")
        assert hall.conferences.record("team") is recording
        hall.conferences.lock("team")
        late = hall.dial("3")
        await asyncio.sleep(1)
        assert [error.status for error in hall.refused] == [403]
        assert late.room is None
        hall.conferences.kick("team", two.id)
        await asyncio.sleep(1)
        assert two.state == "ended"
        assert [member.leg for member in hall.conferences.find("team").members] == [one]
        hall.conferences.record("team", False)
        with pytest.raises(CallError):
            hall.conferences.record("team", False)
        hall.conferences.end("team")
        await asyncio.sleep(1)
        for work in (hall.conferences.find, hall.conferences.end):
            with pytest.raises(CallError):
                work("team")

    play(script)


def test_what_was_said_is_played_back_and_keys_are_read_back() -> None:
    async def script(hall: Hall) -> None:
        async def speak(text: str) -> str:
            return text

        destinations = Destinations({}, speak, 60)
        SoundCheck(destinations, speak)
        loop = asyncio.get_running_loop()
        leg = hall.control.incoming("1")
        loop.call_later(8, leg.press, "#")
        loop.call_later(20, leg.leave)
        with pytest.raises(CallerGone):
            await destinations.send(Call(hall.control, leg, "9011"), "repeat", "")
        assert leg.heard[1] == "tone:beep"
        assert leg.heard[2].endswith("1.wav")
        keys = hall.control.incoming("2")
        loop.call_later(5, keys.press, "7#")
        await destinations.send(Call(hall.control, keys, "9012"), "keys", "")
        assert keys.heard[-1] == "7"
        listener = hall.control.incoming("3")
        loop.call_later(5, listener.leave)
        with pytest.raises(CallerGone):
            await destinations.send(Call(hall.control, listener, "9013"), "music", "default")
        assert listener.heard == ["music:default"]

    play(script)
