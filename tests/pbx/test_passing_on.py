# SPDX-License-Identifier: Apache-2.0
"""Agents pass callers on to each other: whoever talks has the talk time, whichever way the transfer was asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from switchroom.pbx.control import TransferAsked
from switchroom.pbx.events import AgentStateSet, AgentWrappedUp, QueueCompleted, QueuePassed
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimPhone
from switchroom.pbx.sim.leg import SimLeg
from tests.pbx.exchange import Exchange
from tests.story import CALLER, FIRST, SECOND

Script = Callable[[Exchange, SimLeg, SimLeg], Awaitable[None]]


def play(folder: Path, script: Script, *, second: str = "available") -> Exchange:
    """The script begins 10 s into the talk of the caller and the first agent, and is given both legs."""
    exchange = Exchange(folder)

    async def main() -> None:
        exchange.board.phones = {f"user:{name}": SimPhone(answers_after_s=1.0) for name in (FIRST, SECOND, "1004")}
        centre = await exchange.open()
        centre.desk.set_status(FIRST, "available", by="test")
        centre.desk.set_status(SECOND, second, by="test")  # type: ignore[arg-type]
        caller = exchange.dial(CALLER, "8000")
        await asyncio.sleep(11)
        assert caller.partner is not None
        await script(exchange, caller, caller.partner)
        await asyncio.sleep(100)
        assert [leg.id for leg in exchange.board.legs if leg.state != "ended"] == []
        assert {agent.state for agent in centre.desk.scheduler.agents.values()} == {"idle"}
        assert centre.desk.visits == centre.desk.conversations == centre.desk.scheduler.callers == {}
        assert all(task.done() for task in exchange.tasks)
        await centre.desk.close()
        await exchange.office.close()

    run(main())
    return exchange


def talks(exchange: Exchange) -> list[tuple[str, str, int, str]]:
    return [(done.agent, done.queue, done.talk_ms, done.reason) for done in exchange.told(QueueCompleted)]


@pytest.mark.parametrize("asks", ["on the caller's line", "on the other line"])
def test_after_a_consultation_asked_for_on_either_line(tmp_path: Path, asks: str) -> None:
    """A phone may send its REFER in the call to be transferred, or in the one with whom it consulted."""

    async def script(exchange: Exchange, caller: SimLeg, first: SimLeg) -> None:
        consulting = exchange.dial(FIRST, SECOND)
        await asyncio.sleep(5)
        second = consulting.partner
        assert second is not None
        if asks == "on the caller's line":
            first.say(TransferAsked(SECOND, consulting))
        else:
            consulting.say(TransferAsked(CALLER, first))
        await asyncio.sleep(20)
        assert caller.can_hear(second)
        assert second.can_hear(caller)
        assert first.state == consulting.state == "ended"
        assert exchange.desk.scheduler.agents[SECOND].state == "talking"
        assert exchange.desk.conversations[SECOND].leg is second
        caller.leave()

    exchange = play(tmp_path, script)
    assert talks(exchange) == [(FIRST, "sales", 15_000, "transferred"), (SECOND, "sales", 20_000, "caller")]
    [passed] = exchange.told(QueuePassed)
    assert (passed.agent, passed.by) == (SECOND, FIRST)
    assert [(one.agent, one.duration_ms) for one in exchange.told(AgentWrappedUp)] == [
        (FIRST, 60_000), (SECOND, 60_000),
    ]  # fmt: skip


@pytest.mark.parametrize("leaves", [False, True])
def test_without_a_consultation_and_further_on(tmp_path: Path, leaves: bool) -> None:
    """The first one may leave before the second one has answered."""

    async def script(exchange: Exchange, caller: SimLeg, first: SimLeg) -> None:
        first.say(TransferAsked(SECOND))
        if leaves:
            first.leave()
        await asyncio.sleep(11)
        second = caller.partner
        assert second is not None
        assert second.user == SECOND
        second.say(TransferAsked("8000"))  # into the queue again, where the first one wraps up still
        await asyncio.sleep(5)
        assert exchange.desk.scheduler.queues["sales"].waiting == 1
        exchange.desk.wrap_up_done(FIRST)
        await asyncio.sleep(11)
        caller.leave()

    exchange = play(tmp_path, script)
    assert talks(exchange) == [
        (FIRST, "sales", 11_000, "transferred"), (SECOND, "sales", 10_000, "transferred"),
        (FIRST, "sales", 10_000, "caller"),
    ]  # fmt: skip
    assert [passed.agent for passed in exchange.told(QueuePassed)] == [SECOND]


def test_an_agent_who_was_consulted_through_its_queue_is_done_with_that(tmp_path: Path) -> None:
    async def script(exchange: Exchange, caller: SimLeg, first: SimLeg) -> None:
        consulting = exchange.dial(FIRST, "8001")
        await asyncio.sleep(6)
        assert exchange.desk.conversations[SECOND].call == consulting.call_id
        first.say(TransferAsked("8001", consulting))
        await asyncio.sleep(10)
        consulting.leave()
        assert exchange.desk.conversations[SECOND].call == caller.call_id
        caller.leave()

    exchange = play(tmp_path, script)
    assert talks(exchange) == [
        (SECOND, "support", 5_000, "agent"), (FIRST, "sales", 16_000, "transferred"),
        (SECOND, "sales", 10_000, "caller"),
    ]  # fmt: skip
    states = [one.state for one in exchange.told(AgentStateSet) if one.agent == SECOND]
    assert states == ["offered", "talking", "wrap-up", "busy", "talking", "wrap-up", "idle"]


def test_somebody_who_is_not_logged_in_is_no_agent(tmp_path: Path) -> None:
    async def script(exchange: Exchange, caller: SimLeg, first: SimLeg) -> None:
        first.say(TransferAsked(SECOND))
        await asyncio.sleep(11)
        assert caller.partner is not None
        assert caller.partner.user == SECOND
        caller.leave()

    exchange = play(tmp_path, script, second="logged-out")
    assert talks(exchange) == [(FIRST, "sales", 11_000, "transferred")]
    assert exchange.told(QueuePassed) == []


def test_a_caller_who_leaves_at_that_moment_is_gone(tmp_path: Path) -> None:
    async def script(exchange: Exchange, caller: SimLeg, first: SimLeg) -> None:
        consulting = exchange.dial(FIRST, SECOND)
        await asyncio.sleep(5)
        first.say(TransferAsked(SECOND, consulting))
        caller.leave()

    exchange = play(tmp_path, script)
    assert [(agent, reason) for agent, _, _, reason in talks(exchange)] == [
        (FIRST, "transferred"), (SECOND, "caller"),
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["to an agent", "into a queue"])
def test_who_is_called_back_is_passed_on_too(tmp_path: Path, how: str) -> None:
    async def script(exchange: Exchange, caller: SimLeg, first: SimLeg) -> None:
        desk = exchange.desk
        caller.leave()
        desk.call_back("asked", "sales", "1004", desk.now())
        await asyncio.sleep(0.1)
        desk.wrap_up_done(FIRST)
        await asyncio.sleep(10)
        agent = desk.conversations[FIRST].leg
        customer = agent.partner
        assert isinstance(agent, SimLeg)
        assert isinstance(customer, SimLeg)
        assert customer.user == "1004"
        if how == "to an agent":
            consulting = exchange.dial(FIRST, SECOND)
            await asyncio.sleep(3)
            agent.say(TransferAsked(SECOND, consulting))
        else:
            agent.say(TransferAsked("8001"))
        await asyncio.sleep(5)
        assert agent.state == "ended"
        assert customer.partner is not None
        assert customer.partner.user == SECOND
        assert exchange.desk.scheduler.agents[SECOND].state == "talking"
        customer.leave()

    exchange = play(tmp_path, script)
    last = [(agent, queue, reason) for agent, queue, _, reason in talks(exchange)][1:]
    queue = "sales" if how == "to an agent" else "support"
    assert last == [(FIRST, "sales", "transferred"), (SECOND, queue, "caller")]
    assert exchange.desk.asked == {}
