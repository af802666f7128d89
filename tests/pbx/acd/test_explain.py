# SPDX-License-Identifier: Apache-2.0
"""Every second of waiting has a reason, and the figures of the board are those of the story."""

import asyncio

from switchroom.pbx.acd.explain import explain, why_idle
from switchroom.pbx.acd.service_level import Board
from switchroom.pbx.events import Entry
from switchroom.pbx.sim.control import SimPhone
from tests.pbx.acd.centre import Centre
from tests.pbx.acd.sim_desk import SimCentre


def entries(centre: SimCentre) -> list[Entry]:
    return [
        Entry(number, round(at_s * 1e9), record)
        for number, (at_s, record) in enumerate(zip(centre.times, centre.records, strict=True), 1)
    ]


def test_a_reason_for_every_second() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("1")
        await asyncio.sleep(10)
        centre.desk.set_status("a", "available", by="test")
        await asyncio.sleep(3)
        second, two = centre.caller("2")
        await asyncio.sleep(20)
        centre.desk.set_status("b", "available", by="test")
        await asyncio.sleep(20)
        caller.leave()
        await asyncio.sleep(30)
        second.leave()
        await asyncio.gather(task, two)

    agents = {"a": {"logged_in": False}, "b": {"logged_in": False}}
    centre = SimCentre(agents, {"user:b": SimPhone(answers_after_s=None)}, ring_s=15).run(script)
    first, second = explain("call1", entries(centre)), explain("call2", entries(centre))
    assert first is not None
    assert second is not None
    assert [(part.reason, part.to_ms - part.from_ms) for part in first.intervals] == [
        ("nobody", 10_000), ("offered", 2_000),
    ]  # fmt: skip
    assert (first.ended, first.agent, first.waited_ms) == ("answered", "a", 12_000)
    assert [(part.reason, part.to_ms - part.from_ms) for part in second.intervals] == [
        ("busy", 20_000), ("offered", 15_000), ("busy", 5_000), ("offered", 2_000),
    ]  # fmt: skip
    assert sum(part.to_ms - part.from_ms for part in second.intervals) == second.waited_ms
    assert [(made.agents, made.passed, made.outcomes) for made in second.decisions] == [
        (("b",), {"a": "talking"}, {"b": "no-answer"}),
        (("a",), {"b": "paused"}, {"a": "answered"}),
    ]


def test_the_figures_live_are_those_of_the_past() -> None:
    async def script(centre: SimCentre) -> None:
        for number in range(5):
            caller, task = centre.caller(str(number))
            await asyncio.sleep(1.0 if number % 2 else 12.0)
            caller.leave()
            await task

    centre = SimCentre({"a": {}}).run(script)
    board = Board({"q": (20_000, 5_000), "other": (20_000, 5_000)})
    for entry in entries(centre):
        board.add(entry)
    figures = board.queues["q"]
    assert (figures.offered, figures.answered, figures.abandoned, figures.abandoned_short) == (5, 3, 2, 2)
    assert (figures.waiting, figures.talking, figures.service_level, figures.asa_ms) == (0, 0, 1.0, 2000)
    agent = board.agents["a"]
    assert (agent.answered, agent.talk_ms) == (3, 30_000)
    assert agent.talk_ms == figures.talk_ms


def test_why_an_agent_is_idle() -> None:
    centre = Centre({"a": {"skills": {"x": 1}}, "b": {"queues": {}}}, skills={"x": 3})
    agent = centre.scheduler
    assert why_idle(agent, "a", 0) == ["it is logged out, for 0 s"]
    centre.log_in("a", "b")
    centre.now = 9
    assert why_idle(agent, "a", 9) == ["it is ready for 9 s", "nobody waits in q"]
    centre.enter("1")
    centre.step()
    assert why_idle(agent, "a", 9)[1] == "1 wait in q, and it lacks x 3"
    assert why_idle(agent, "b", 9) == ["it serves no queue"]
    centre.scheduler.set_status(9, "a", "break", "lunch")
    assert why_idle(agent, "a", 12) == ["it is on break (lunch) for 3 s"]
