# SPDX-License-Identifier: Apache-2.0
"""Supervisors on the simulated CallControl: who hears whom, who may, and what becomes of the agent."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from switchroom.pbx.acd.codes import Codes
from switchroom.pbx.acd.config import TeamConfig
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.floor import Floor
from switchroom.pbx.acd.supervisor import Supervisors
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone
from switchroom.pbx.events import (
    AgentStatusSet,
    AgentWrappedUp,
    QueueAnswered,
    QueueCompleted,
    SupervisorJoined,
    SupervisorLeft,
    SupervisorTookOver,
)
from switchroom.pbx.sim.control import SimPhone
from switchroom.pbx.sim.leg import SimLeg
from tests.pbx.acd.sim_desk import SimCentre
from tests.pbx.acd.test_desk import clean

TEAMS = (TeamConfig(name="t", agents=("a",), supervisors=("boss",)),)
Script = Callable[[SimCentre, Codes, SimLeg], Awaitable[None]]


def run(script: Script, **options: object) -> SimCentre:
    """A caller talks to agent a; then the script."""

    async def main(centre: SimCentre) -> None:
        supervisors = Supervisors(centre.desk)
        caller, task = centre.caller("555")
        await asyncio.sleep(10)
        await script(centre, Codes(centre.desk, supervisors), caller)
        caller.leave()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(1)

    agents = {"a": {"queues": {"q": 1}}, "b": {"queues": {"q": 1}, "logged_in": False}}
    return SimCentre(agents, {"user:boss": SimPhone()}, teams=TEAMS, **options).run(main)


def dial(centre: SimCentre, codes: Codes, user: str, kind: str, argument: str) -> tuple[SimLeg, "asyncio.Task[None]"]:
    """A user dials a code."""
    leg = centre.control.incoming(user)
    call = Call(centre.control, leg, "*21", user)

    async def serve() -> None:
        try:
            await getattr(codes, kind)(call, argument, None)
        except CallerGone:
            pass
        finally:
            leg.hangup()

    return leg, asyncio.create_task(serve())


def hearers(centre: SimCentre, speaker: SimLeg) -> set[str]:
    return {leg.party.number for leg in centre.control.legs if leg.can_hear(speaker)}


def test_listen_whisper_barge_by_keys_and_the_next_call_too() -> None:
    async def script(centre: SimCentre, codes: Codes, caller: SimLeg) -> None:
        agent = centre.control.legs[1]
        boss, task = dial(centre, codes, "boss", "supervise", "a")
        await asyncio.sleep(1)
        assert hearers(centre, caller) == {"a", "boss"}
        assert hearers(centre, boss) == set()
        boss.press("5")
        await asyncio.sleep(1)
        assert hearers(centre, boss) == {"a"}
        boss.press("6")
        await asyncio.sleep(1)
        assert hearers(centre, boss) == {"a", "555"}
        boss.press("4")
        caller.leave()
        second, serving = centre.caller("556")
        await asyncio.sleep(10)
        assert agent.state == "ended"
        assert hearers(centre, second) == {"a", "boss"}
        boss.leave()
        await task
        assert hearers(centre, second) == {"a"}
        second.leave()
        await serving

    centre = run(script)
    assert [joined.mode for joined in centre.told(SupervisorJoined)] == ["listen", "whisper", "barge", "listen"]
    assert len(centre.told(SupervisorLeft)) == 1
    clean(centre)


def test_taking_over_cuts_the_agent_off_and_the_talk_is_counted_for_each() -> None:
    async def script(centre: SimCentre, codes: Codes, caller: SimLeg) -> None:
        boss, task = dial(centre, codes, "boss", "supervise", "a")
        await asyncio.sleep(2)
        boss.press("7")
        await asyncio.sleep(5)
        assert centre.control.legs[1].told == ["ended 200"]
        assert caller.partner is boss
        assert centre.desk.scheduler.agents["a"].standing == "ready"
        caller.leave()
        await task

    centre = run(script)
    assert centre.told(SupervisorTookOver)[0].supervisor == "boss"
    assert [(done.agent, done.reason) for done in centre.told(QueueCompleted)] == [("a", "taken-over")]
    clean(centre)


def test_who_does_not_supervise_hears_nothing() -> None:
    async def script(centre: SimCentre, codes: Codes, caller: SimLeg) -> None:
        leg, task = dial(centre, codes, "thief", "supervise", "a")
        await task
        assert leg.heard == ["en:not-allowed"]

    centre = run(script)
    assert [fault for fault, _ in centre.faults] == ["acd.code"]
    assert centre.told(SupervisorJoined) == []


def test_picking_the_first_caller_out_of_a_queue() -> None:
    async def script(centre: SimCentre, codes: Codes, caller: SimLeg) -> None:
        waits, serving = centre.caller("556")
        await asyncio.sleep(1)
        boss, task = dial(centre, codes, "boss", "pick", "q")
        await asyncio.sleep(5)
        assert waits.partner is boss
        waits.leave()
        await asyncio.gather(task, serving)

    centre = run(script)
    assert [answered.agent for answered in centre.told(QueueAnswered)] == ["a", "boss"]
    clean(centre)


def test_operators_and_supervisors_over_the_interface() -> None:
    async def script(centre: SimCentre, codes: Codes, caller: SimLeg) -> None:
        floor = Floor(centre.desk, codes._supervisors)
        await floor.watch("boss", "a", "whisper")
        await asyncio.sleep(5)
        boss = centre.control.legs[-1]
        assert hearers(centre, boss) == {"a"}
        assert floor.agents("boss")[0].watched_by == ["boss"]
        await floor.watch("boss", "a", "listen")
        assert hearers(centre, boss) == set()
        boss.leave()
        assert floor.agents()[0].watched_by == []
        waits, serving = centre.caller("556")
        await asyncio.sleep(1)
        [waiting] = floor.waiting("q")
        assert (waiting.caller, waiting.offered_to) == ("556", [])
        with pytest.raises(AcdError, match="supervises no agent"):
            floor.move(waiting.call, "other", "thief")
        floor.move(waiting.call, "other", "boss")
        await asyncio.sleep(1)
        assert [view.caller for view in floor.waiting("other")] == ["556"]
        with pytest.raises(AcdError, match="does not supervise"):
            floor.set_status("b", "available", "", by="x", who="boss")
        with pytest.raises(AcdError, match="max_waitng cannot be changed"):
            floor.change_queue("q", {"max_waitng": 3}, "op")
        with pytest.raises(AcdError, match="Expected `int`"):
            floor.change_queue("q", {"max_waiting": "3"}, "op")
        floor.change_queue("q", {"max_waiting": 3}, "op")
        assert floor.queues()[0].max_waiting == 3
        floor.set_status("a", "logged-out", "", by="boss", who="boss")
        assert centre.told(AgentStatusSet)[-1].by == "boss"
        waits.leave()
        await serving

    clean(run(script))


def test_agents_log_in_and_out_by_telephone_at_other_phones_by_their_pin() -> None:
    async def main(centre: SimCentre) -> None:
        codes = Codes(centre.desk, Supervisors(centre.desk))

        async def do(user: str, argument: str, keys: str = "") -> list[str]:
            leg, task = dial(centre, codes, user, "agent", argument)
            if keys:
                await asyncio.sleep(1)
                leg.press(keys)
            await task
            return leg.heard

        agents = centre.desk.scheduler.agents
        assert await do("a", "login") == ["en:logged-in"]
        assert agents["a"].status == "available"
        assert await do("a", "break:2") == ["en:break"]
        assert agents["a"].reason == "lunch"
        assert await do("a", "break:9") == ["en:nothing"]
        assert await do("a", "available") == ["en:available"]
        assert await do("b", "login:a", "1234") == ["en:pin", "en:logged-in"]
        assert agents["a"].at == "user:b"
        assert await do("b", "login:a", "9999") == ["en:pin", "en:pin", "en:pin", "en:wrong-pin"]
        assert await do("b", "logout") == ["en:logged-out"]
        assert (agents["a"].status, agents["a"].at) == ("logged-out", "")
        assert await do("stranger", "login") == ["en:no-agent"]
        desk = centre.desk
        desk.set_status("a", "available", by="test")
        caller, task = centre.caller("555")
        await asyncio.sleep(5)
        caller.leave()
        await task
        assert await do("a", "done:3") == ["en:nothing"], "there are two codes"
        assert await do("a", "done:2") == ["en:available"]
        [wrapped] = centre.told(AgentWrappedUp)
        assert (wrapped.call, wrapped.code) == (caller.call_id, "follow-up")

    phones = {"user:b": SimPhone()}
    SimCentre(
        {"a": {"pin": "1234", "logged_in": False}}, phones, wrap_up_s=60, wrap_up_codes=("sold", "follow-up")
    ).run(main)
