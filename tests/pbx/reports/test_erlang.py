# SPDX-License-Identifier: Apache-2.0
"""Erlang C against figures of record, Erlang A against a simulation of its own and against C in the limit."""

import heapq
import math
import random

import pytest

from switchroom.pbx.reports.erlang import Load, agents_needed, erlang_b, service


@pytest.mark.parametrize(
    ("calls", "handle_s", "agents", "waits", "within", "asa_s"),
    [(200, 180, 14, 0.1741, 0.8884, 7.84), (1000, 120, 40, 0.1907, 0.9372, 3.43)],
)
def test_erlang_c(calls: int, handle_s: float, agents: int, waits: float, within: float, asa_s: float) -> None:
    found = service(Load(calls_per_hour=calls, handle_s=handle_s), agents)
    assert (round(found.waits, 4), round(found.within, 4), round(found.asa_s, 2)) == (waits, within, asa_s)


def test_a_queue_that_only_grows_says_so() -> None:
    found = service(Load(calls_per_hour=200, handle_s=180), 10)
    assert (found.within, found.asa_s, found.occupancy) == (0.0, math.inf, 1.0)


def test_trunks_by_erlang_b() -> None:
    assert round(erlang_b(10.0, 18), 4) == 0.0071
    assert erlang_b(0.0, 5) == 0.0


def test_endless_patience_is_erlang_c() -> None:
    patient = service(Load(calls_per_hour=200, handle_s=180, patience_s=1e7), 14)
    endless = service(Load(calls_per_hour=200, handle_s=180), 14)
    for figure in ("waits", "within", "asa_s", "occupancy"):
        assert getattr(patient, figure) == pytest.approx(getattr(endless, figure), rel=1e-3)
    assert patient.abandons < 1e-4


@pytest.mark.parametrize(("calls", "agents", "patience_s"), [(240, 12, 60), (400, 16, 120), (100, 7, 30)])
def test_erlang_a_agrees_with_a_simulation(calls: int, agents: int, patience_s: float) -> None:
    load = Load(calls_per_hour=calls, handle_s=180, patience_s=patience_s)
    expected, found = service(load, agents), simulate(load, agents, 60_000)
    assert found["within"] == pytest.approx(expected.within, abs=0.01)
    assert found["abandons"] == pytest.approx(expected.abandons, abs=0.01)
    assert found["asa_s"] == pytest.approx(expected.asa_s, rel=0.06)


def simulate(load: Load, agents: int, calls: int) -> dict[str, float]:
    """First come, first served: the agent who is free first takes the caller, if he still waits."""
    chance = random.Random(7)
    free_at = [0.0] * agents
    now = waited = 0.0
    answered = soon = 0
    for _ in range(calls):
        now += chance.expovariate(load.calls_per_hour / 3600)
        start = max(now, free_at[0])
        if start - now > chance.expovariate(1 / load.patience_s):
            continue
        heapq.heapreplace(free_at, start + chance.expovariate(1 / load.handle_s))
        answered += 1
        waited += start - now
        soon += start - now <= 20
    return {"within": soon / calls, "abandons": 1 - answered / calls, "asa_s": waited / answered}


def test_the_fewest_agents_that_reach_the_target() -> None:
    load = Load(calls_per_hour=200, handle_s=180)
    agents = agents_needed(load, 0.8)
    assert service(load, agents).within >= 0.8 > service(load, agents - 1).within


@pytest.mark.parametrize("wrong", [{"calls_per_hour": -1, "handle_s": 1}, {"calls_per_hour": 1, "handle_s": 0}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Load(**wrong)
    with pytest.raises(ValueError, match="agents"):
        service(Load(calls_per_hour=1, handle_s=1), 0)
