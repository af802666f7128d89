# SPDX-License-Identifier: Apache-2.0
"""Queues and agents that change while callers wait and talk: nobody loses a place, and what is gone is forgotten."""

import asyncio
from typing import Any

import msgspec

from switchroom.pbx.acd.config import AgentConfig, QueueConfig
from switchroom.pbx.acd.decisions import Refusal
from switchroom.pbx.acd.desk import Centre as DeskCentre
from switchroom.pbx.acd.own_calls import OwnCalls
from switchroom.pbx.events import AgentStatusSet
from switchroom.pbx.sim.control import SimPhone
from tests.pbx.acd.centre import Centre
from tests.pbx.acd.sim_desk import SimCentre


def queue(**options: Any) -> QueueConfig:
    return msgspec.convert(options, QueueConfig)


def agent(name: str, **options: Any) -> AgentConfig:
    return msgspec.convert({"name": name, "queues": {"q": 1}} | options, AgentConfig)


def apply(centre: Centre, queues: dict[str, QueueConfig], *agents: AgentConfig) -> None:
    centre.scheduler.changes.apply(centre.now, queues, agents)


def test_callers_keep_their_order_through_other_skills_and_are_served_by_who_has_them_now() -> None:
    centre = Centre({"a": {}, "b": {}})
    centre.log_in("a", "b")
    centre.scheduler.set_status(0.0, "b", "break")
    centre.scheduler.set_status(0.0, "a", "break")
    for call in ("1", "2"):
        centre.now += 1
        assert centre.enter(call) is None
    assert centre.offers() == {}
    apply(centre, {"q": queue(skills={"french": 5})}, agent("a"), agent("b", skills={"french": 7}))
    centre.log_in("a", "b")
    assert centre.offers() == {"1": "b"}
    centre.talk("1", 10)
    assert centre.offers() == {"2": "b"}


def test_a_queue_that_is_gone_takes_nobody_in_and_is_forgotten_when_it_is_empty() -> None:
    centre = Centre({"a": {"queues": {"q": 1, "old": 1}}}, queues={"q": {}, "old": {"wrap_up_s": 0}})
    assert centre.enter("1", "old") is None
    apply(centre, {"q": queue()}, agent("a"))
    centre.step()
    assert centre.enter("2", "old") == Refusal("closed")
    centre.log_in("a")
    assert centre.offers() == {"1": "a"}
    centre.talk("1", 30)
    centre.step()
    assert list(centre.scheduler.queues) == ["q"]
    assert centre.scheduler.agents["a"].queues == ["q"]
    assert centre.enter("3") is None
    assert centre.offers() == {"3": "a"}


def test_an_agent_who_is_gone_ends_its_talk_and_is_forgotten() -> None:
    centre = Centre({"a": {}, "b": {}}, wrap_up_s=5)
    centre.log_in("a", "b")
    centre.enter("1")
    (taker,) = centre.offers().values()
    assert centre.answer("1")
    other = "b" if taker == "a" else "a"
    apply(centre, {"q": queue(wrap_up_s=5)}, agent("c"))
    centre.step()
    assert sorted(centre.scheduler.agents) == sorted([taker, "c"]), "who talks is still there"
    centre.now += 30
    centre.scheduler.finished(centre.now, "1")
    centre.now += 10
    centre.step()
    assert list(centre.scheduler.agents) == ["c"]
    assert list(centre.scheduler.queues["q"].members) == ["c"]
    assert sum(centre.scheduler.queues["q"].counts.values()) == 1
    out = [r.agent for r in centre.records if isinstance(r, AgentStatusSet) and r.status == "logged-out"]
    assert sorted(out) == sorted([taker, other])
    centre.log_in("c")
    centre.enter("2")
    assert centre.offers() == {"2": "c"}


def test_who_is_being_offered_stays_so_and_a_shorter_wait_counts_for_those_who_wait() -> None:
    centre = Centre({"a": {}}, max_wait_s=600)
    centre.log_in("a")
    centre.enter("1")
    centre.enter("2")
    assert centre.offers() == {"1": "a"}
    apply(centre, {"q": queue(max_wait_s=5, widen=[{"after_s": 2, "skills": {}}])}, agent("a"))
    assert centre.offers() == {}
    assert centre.answer("1")
    centre.now += 6
    centre.step()
    assert list(centre.scheduler.callers) == ["1"]


def test_members_tiers_and_last_resorts_are_changed() -> None:
    centre = Centre({"a": {}, "b": {}})
    centre.log_in("a", "b")
    apply(centre, {"q": queue(default_agents=["b"], default_after_s=10)}, agent("a"), agent("b", queues={}))
    centre.scheduler.set_status(centre.now, "a", "break")
    centre.enter("1")
    assert centre.offers() == {}
    centre.now += 11
    assert centre.offers() == {"1": "b"}
    apply(centre, {"q": queue()}, agent("a"), agent("b", queues={}))
    assert centre.scheduler.queues["q"].members.keys() == {"a"}


def test_the_desk_takes_new_agents_in_and_keeps_what_an_operator_changed() -> None:
    async def script(centre: SimCentre) -> None:
        centre.desk.scheduler.put_queue("q", queue(wrap_up_s=0, max_waiting=7))
        caller, task = centre.caller("555")
        await asyncio.sleep(1)
        before = centre.centre
        new = agent("b", queues={"q": 1}, logged_in=True)
        centre.desk.apply(DeskCentre(queues=before.queues, agents=[*before.agents, new]))
        assert centre.desk.queue_config("q").max_waiting == 7
        await asyncio.sleep(5)
        assert caller.partner is not None
        assert centre.desk.conversations.keys() == {"b"}
        caller.leave()
        await task

    centre = SimCentre({"a": {"logged_in": False}}, {"user:b": SimPhone()}).run(script)
    assert centre.faults == []


def test_own_calls_of_agents_who_are_gone_are_nobodys() -> None:
    calls = OwnCalls({"1001": "a"})
    calls.apply({"1002": "b"})
    assert (calls.agent_of("1001"), calls.agent_of("1002")) == ("", "b")
