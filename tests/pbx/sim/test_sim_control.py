# SPDX-License-Identifier: Apache-2.0
"""The simulated CallControl: who hears whom, in bridges, rooms and taps, and recordings with their times."""

import asyncio

from switchroom.pbx.control import Fact, Leg, Recorded
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl
from switchroom.pbx.sim.leg import SimLeg


def answered(board: SimControl, number: str) -> SimLeg:
    leg = board.incoming(number)
    leg.answer()
    return leg


def hearers(board: SimControl, speaker: SimLeg) -> set[str]:
    return {leg.party.number for leg in board.legs if leg.can_hear(speaker)}


def test_a_supervisor_listens_whispers_and_barges() -> None:
    board = SimControl()
    caller, agent, supervisor = (answered(board, number) for number in ("caller", "agent", "supervisor"))
    board.bridge(caller, agent)
    board.tap(supervisor, agent)
    assert hearers(board, caller) == {"agent", "supervisor"}
    assert hearers(board, agent) == {"caller", "supervisor"}
    assert hearers(board, supervisor) == set()
    board.tap(supervisor, agent, "whisper")
    assert hearers(board, supervisor) == {"agent"}
    board.tap(supervisor, agent, "barge")
    assert hearers(board, supervisor) == {"agent", "caller"}
    board.untap(supervisor)
    assert hearers(board, supervisor) == hearers(board, caller) - {"agent"} == set()


def test_a_tap_ends_with_the_leg_that_it_is_on() -> None:
    board = SimControl()
    agent, supervisor = answered(board, "agent"), answered(board, "supervisor")
    board.tap(supervisor, agent)
    agent.leave()
    assert supervisor.tapped is None


def test_a_room_has_muted_parties_and_gains() -> None:
    board = SimControl()
    room = board.room()
    one, two, listener = (answered(board, number) for number in ("1", "2", "3"))
    room.join(one)
    room.join(two)
    room.join(listener, speaks=False)
    assert hearers(board, one) == {"2", "3"}
    assert hearers(board, listener) == set()
    room.hears(one, listener, 1.0)
    assert hearers(board, listener) == {"1"}
    board.bridge(one, two)
    assert room.legs == [listener]
    assert hearers(board, one) == {"2"}


def test_a_recording_tells_how_long_it_was() -> None:
    facts: list[Fact] = []

    def listen(leg: Leg, fact: Fact) -> None:
        facts.append(fact)

    async def story() -> None:
        leg = answered(SimControl(), "1")
        leg.listener = listen
        recording = leg.record("a.rec")
        await asyncio.sleep(3)
        recording.stop()
        recording.stop()

    run(story())
    assert facts == [Recorded("a.rec", "a.rec", 3000)]
