# SPDX-License-Identifier: Apache-2.0
"""Supervisors on real RTP: who hears whom, and that the call itself stays what it is."""

from collections.abc import AsyncIterator

import pytest

from switchroom.pbx.control import CallError, Digit, TapEnded
from switchroom.pbx.events import CallBridged, CallUnbridged
from tests.pbx.calls.audio_rig import Exchange, Phone, exchange, levels

HEARD = pytest.approx(0, abs=1.0)
NOT = -50.0


@pytest.fixture
async def office() -> AsyncIterator[Exchange]:
    async with exchange(23_000) as rig:
        yield rig


async def three(office: Exchange) -> tuple[Phone, Phone, Phone]:
    caller, agent, supervisor = [await office.phone(hz) for hz in (433.0, 769.0, 1223.0)]
    office.board.bridge(caller.leg, agent.leg)
    return caller, agent, supervisor


async def test_monitor_whisper_and_barge(office: Exchange) -> None:
    board = office.board
    caller, agent, supervisor = await three(office)
    await office.talk(400)
    assert caller.leg.media is not None
    assert caller.leg.media.stats().feed == "relay"

    board.tap(supervisor.leg, agent.leg)
    await office.talk(1_000)
    assert levels(supervisor, [caller, agent]) == [HEARD, HEARD]
    at_caller, at_agent = levels(caller, [agent, supervisor]), levels(agent, [caller, supervisor])
    assert (at_caller[0], at_agent[0]) == (HEARD, HEARD)
    assert at_caller[1] < NOT
    assert at_agent[1] < NOT

    board.tap(supervisor.leg, agent.leg, "whisper")
    await office.talk(1_000)
    at_caller, at_agent = levels(caller, [agent, supervisor]), levels(agent, [caller, supervisor])
    assert (at_caller[0], at_agent) == (HEARD, [HEARD, HEARD])
    assert at_caller[1] < NOT
    assert levels(supervisor, [caller, agent]) == [HEARD, HEARD]

    board.tap(supervisor.leg, agent.leg, "barge")
    await office.talk(1_000)
    assert levels(caller, [agent, supervisor]) + levels(agent, [caller, supervisor]) == [HEARD] * 4

    board.untap(supervisor.leg)
    await office.talk(800)
    assert caller.leg.media.stats().feed == "relay"
    assert levels(caller, [agent]) + levels(agent, [caller]) == [HEARD, HEARD]
    assert max(levels(supervisor, [caller, agent])) < NOT

    assert caller.leg.partner is agent.leg
    assert [type(record) for record in office.records if isinstance(record, CallBridged | CallUnbridged)] == [
        CallBridged
    ]


async def test_the_tap_follows_its_leg(office: Exchange) -> None:
    board = office.board
    caller, agent, supervisor = await three(office)
    other = await office.phone(1613.0)
    board.tap(supervisor.leg, agent.leg)
    board.bridge(agent.leg, other.leg)
    await office.talk(1_000)
    heard = levels(supervisor, [agent, other, caller])
    assert heard[:2] == [HEARD, HEARD]
    assert heard[2] < NOT

    board.unbridge(agent.leg)
    await office.talk(1_000)
    heard = levels(supervisor, [agent, other])
    assert heard[0] == HEARD
    assert heard[1] < NOT

    room = board.room()
    for phone in (agent, caller, other):
        room.join(phone.leg)
    await office.talk(1_000)
    assert levels(supervisor, [agent, caller, other]) == [HEARD] * 3
    assert max(level for phone in (agent, caller, other) for level in levels(phone, [supervisor])) < NOT
    assert supervisor.leg not in room.legs
    room.leave(agent.leg)
    board.bridge(agent.leg, caller.leg)
    await office.talk(1_000)
    assert levels(supervisor, [agent, caller]) == [HEARD, HEARD]


async def test_keys_and_hold_pass_a_call_that_is_listened_to(office: Exchange) -> None:
    caller, agent, supervisor = await three(office)
    office.board.tap(supervisor.leg, agent.leg)
    await office.talk(200)
    caller.press(5)
    await office.talk(200)
    assert [event[0] for event in agent.events] == [5]
    assert [fact for fact in caller.facts if isinstance(fact, Digit)] == [Digit("5", 100)]
    agent.connect("sendonly")
    await office.talk(200)
    assert caller.leg.media is not None
    assert caller.leg.media.stats().feed == "hold"
    agent.connect("sendrecv")
    await office.talk(400)
    assert caller.leg.media.stats().feed == "mix"


async def test_two_supervisors_and_the_end_of_the_call(office: Exchange) -> None:
    board = office.board
    caller, agent, first = await three(office)
    second = await office.phone(1613.0)
    board.tap(first.leg, agent.leg)
    board.tap(second.leg, caller.leg, "whisper")
    await office.talk(1_000)
    assert levels(first, [caller, agent]) + levels(second, [caller, agent]) == [HEARD] * 4
    heard = levels(agent, [caller, first, second])
    assert heard[0] == HEARD
    assert max(heard[1:]) < NOT
    assert levels(caller, [second]) == [HEARD]
    for listener, leg in ((first, first), (first, second)):
        with pytest.raises(CallError):
            board.tap(listener.leg, leg.leg)
    agent.leg.hangup()
    assert TapEnded() in first.facts
    caller.leg.hangup()
    assert TapEnded() in second.facts
    with pytest.raises(CallError):
        board.tap(first.leg, agent.leg)
    assert board.taps._laid == board.taps._taps == {}
