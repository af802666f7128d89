# SPDX-License-Identifier: Apache-2.0
"""The scheduler as an M/M/c queue: Poisson callers, exponential talks, patient callers. It must agree with Erlang C."""

import heapq
import random

import pytest

from switchroom.pbx.acd.config import AgentConfig, QueueConfig
from switchroom.pbx.acd.scheduler import Scheduler
from switchroom.pbx.events import AnyRecord, QueueAnswered
from switchroom.pbx.reports.erlang import Load, service


def simulate(calls_per_hour: float, handle_s: float, agents: int, calls: int, seed: int) -> list[float]:
    """The waits of all callers but the first tenth, in seconds."""
    waits: list[float] = []

    def write(record: AnyRecord) -> None:
        if isinstance(record, QueueAnswered):
            waits.append(record.waited_ms / 1000)

    chance = random.Random(seed)
    scheduler = Scheduler(write, chance.randrange)
    scheduler.put_queue("q", QueueConfig(wrap_up_s=0, max_waiting=100_000, max_wait_s=86_400))
    for number in range(agents):
        scheduler.put_agent(AgentConfig(name=str(number), queues={"q": 1}))
        scheduler.set_status(0.0, str(number), "available")
    ends: list[tuple[float, str]] = []
    arrival_s, number = 0.0, 0
    while number < calls or ends:
        if number < calls and (not ends or arrival_s <= ends[0][0]):
            now, number = arrival_s, number + 1
            arrival_s += chance.expovariate(calls_per_hour / 3600)
            scheduler.enter(now, str(number), "q")
        else:
            now, call = heapq.heappop(ends)
            scheduler.finished(now, call)
        for decision in scheduler.step(now):
            if (offer := getattr(decision, "offer", None)) is not None:
                assert scheduler.answered(now, offer, decision.agents[0])  # type: ignore[union-attr]
                heapq.heappush(ends, (now + chance.expovariate(1 / handle_s), decision.call))  # type: ignore[union-attr]
    return waits[calls // 10 :]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("calls_per_hour", "handle_s", "agents", "golden"),
    [(200, 180, 14, (0.1741, 0.8884, 7.84)), (1000, 120, 40, (0.1907, 0.9372, 3.43))],
)
def test_the_scheduler_agrees_with_erlang_c(
    calls_per_hour: float, handle_s: float, agents: int, golden: tuple[float, float, float]
) -> None:
    waits = simulate(calls_per_hour, handle_s, agents, 250_000, seed=5)
    expected = service(Load(calls_per_hour=calls_per_hour, handle_s=handle_s), agents)
    assert (round(expected.waits, 4), round(expected.within, 4), round(expected.asa_s, 2)) == golden
    assert sum(wait > 0 for wait in waits) / len(waits) == pytest.approx(expected.waits, abs=0.01)
    assert sum(wait <= 20 for wait in waits) / len(waits) == pytest.approx(expected.within, abs=0.01)
    assert sum(waits) / len(waits) == pytest.approx(expected.asa_s, rel=0.08)
