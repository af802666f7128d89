# SPDX-License-Identifier: Apache-2.0
"""What the call centre knows over a restart, and what is no longer configured."""

import asyncio

import msgspec

from switchroom.pbx.acd.restart import Kept, KeptAgent, KeptCallback, capture, restore
from switchroom.pbx.events import QueueEntered
from switchroom.pbx.sim.control import SimPhone
from tests.pbx.acd.sim_desk import SimCentre

AGENTS = {"a": {"logged_in": False}, "b": {"logged_in": False}, "c": {"logged_in": False}}


def test_agents_callbacks_and_memories_come_back() -> None:
    kept: list[Kept] = []

    async def before(centre: SimCentre) -> None:
        centre.desk.set_status("a", "available", by="phone", at="sip:home")
        caller, task = centre.caller("555")
        await asyncio.sleep(10)
        caller.leave()
        await task
        centre.desk.set_status("a", "break", "lunch", by="phone")
        centre.desk.set_status("b", "break", by="phone")
        wants, two = centre.caller("556")
        await asyncio.sleep(5)
        wants.press("1")
        await two
        await asyncio.sleep(20)
        kept.append(capture(centre.desk, 1_000.0 + centre.desk.now()))

    async def after(centre: SimCentre) -> None:
        restore(centre.desk, msgspec.json.decode(msgspec.json.encode(kept[0]), type=Kept), 1_100.0)
        agents = centre.desk.scheduler.agents
        assert [agent.status for agent in agents.values()] == ["break", "break", "logged-out"]
        assert (agents["a"].reason, agents["a"].at) == ("lunch", "sip:home")
        assert centre.desk.last_agents == {"555": "a"}
        centre.desk.set_status("c", "available", by="phone")
        await asyncio.sleep(10)
        assert centre.control.legs[-1].party.number == "556"

    phones = {"556": SimPhone(), "sip:home": SimPhone()}
    SimCentre(AGENTS, phones, choices={"1": "callback"}).run(before)
    centre = SimCentre(AGENTS, phones, choices={"1": "callback"}).run(after)
    entered = centre.told(QueueEntered)[0]
    asked_s = 1_000 + 10
    assert entered.waited_ms == (1_100 - asked_s) * 1000


def test_who_is_no_longer_configured_is_passed_over() -> None:
    async def script(centre: SimCentre) -> None:
        kept = Kept(
            agents=(KeptAgent("x", "break"),),
            callbacks=(KeptCallback("1", "x", "2", 0),),
            last_agents=(("5", "x"),),
        )
        restore(centre.desk, kept, 0.0)
        assert centre.desk.callbacks == centre.desk.last_agents == {}

    centre = SimCentre(AGENTS).run(script)
    assert len(centre.faults) == 2
