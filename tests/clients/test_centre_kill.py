# SPDX-License-Identifier: Apache-2.0
"""The exchange is killed while one caller talks, one waits and one wants to be called back; the next one goes on with
what the journal says, and its records end what died."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from switchroom.pbx.demo_phone import Phone, Talk
from tests.clients.server import HOST, ServerProcess

PEER = "127.0.0.9"
RULES = """
  { number = "8000", to = "queue:sales" },
  { number = "*11", to = "agent:login" },
  { number = "*13X", to = "agent:break:{number:3}" },
"""
CENTRE = """
[acd]
break_reasons = ["break", "lunch"]
[queue.sales]
wrap_up_s = 120.0
announce_every_s = 0
choices = { "1" = "callback" }
[[agent]]
name = "1001"
queues = { sales = 1 }
[[agent]]
name = "1002"
queues = { sales = 1 }
"""


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path, rtp=29000, rules=RULES, more=CENTRE).start()
    yield process
    process.stop()


def records(exchange: ServerProcess, *types: str) -> list[dict[str, Any]]:
    events = exchange.call("events.list", after=0, limit=1000)["events"]
    return [event["record"] for event in events if event["record"]["type"] in types]


async def until(exchange: ServerProcess, kind: str, count: int = 1) -> None:
    for _ in range(200):
        if len(records(exchange, kind)) >= count:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"no {kind} x {count}:\n{exchange.log()}")


async def fill(exchange: ServerProcess) -> None:
    """The floor as it is when the exchange dies."""
    draw = Random(1)
    there = (HOST, exchange.sip)
    agents = [await Phone(user, there, draw, f"pw{user}").open(HOST) for user in ("1001", "1002")]
    callers = [await Phone(number, there, draw).open(PEER) for number in ("01", "02", "03")]
    answering: list[asyncio.Task[None]] = []

    def ring(talk: Talk) -> None:
        answering.append(asyncio.get_running_loop().create_task(talk.answer()))

    try:
        for phone in agents:
            phone.on_call = ring
            await phone.register()
        for user, code in ((1, "*11"), (1, "*132"), (0, "*11")):
            talk = await agents[user].call(code)
            await asyncio.wait({talk.over}, timeout=10)
        await callers[0].call("8000")
        await until(exchange, "queue.answered")
        await callers[1].call("8000")
        asks = await callers[2].call("8000")
        await until(exchange, "queue.entered", 3)
        asks.audio.press("1")
        await until(exchange, "callback.asked")
        await asyncio.sleep(1.0)  # a batch of the journal takes 250 ms to be on disk
        assert exchange.process is not None
        exchange.process.kill()
        exchange.process.wait()
    finally:
        for phone in (*agents, *callers):
            phone.close()


def test_killed_and_started_again(exchange: ServerProcess) -> None:
    asyncio.run(fill(exchange))
    exchange.start()
    agents = {agent["agent"]: agent for agent in exchange.call("agents.list")["agents"]}
    assert [(a["status"], a["reason"], a["state"]) for a in agents.values()] == [
        ("available", "", "wrap-up"), ("break", "lunch", "idle"),
    ]  # fmt: skip
    assert agents["1001"]["calls"] == 1
    [waiting] = exchange.call("queues.waiting")["waiting"]
    assert (waiting["caller"], waiting["callback"]) == ("03", True)
    entered = {record["call"]: record["caller"] for record in records(exchange, "queue.entered")}
    left = [record for record in records(exchange, "queue.left") if record["reason"] == "restart"]
    assert sorted(entered[record["call"]] for record in left) == ["02", "03"]
    [completed] = records(exchange, "queue.completed")
    assert (completed["agent"], completed["reason"], entered[completed["call"]]) == ("1001", "restart", "01")
    events = exchange.call("events.list", after=0, limit=1000)["events"]
    kinds = [event["record"]["type"] for event in events]
    at_ms = [event["at_ns"] / 1e6 for event in events]
    died_ms = at_ms[len(kinds) - 1 - kinds[::-1].index("server.started") - 1]
    assert completed["talk_ms"] == pytest.approx(died_ms - at_ms[kinds.index("queue.answered")], abs=2)
    [row] = exchange.call("reports.queues", since_ms=0, until_ms=4_000_000_000_000)["rows"]
    counts = row["counts"]
    assert counts["offered"] == counts["answered"] + counts["abandoned"] + counts["left"] + len([waiting])
