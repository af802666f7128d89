# SPDX-License-Identifier: Apache-2.0
"""Calls, trunks, and callers who come again."""

from switchroom.pbx.events import (
    AnyRecord,
    CallBlocked,
    CallEnded,
    CallRouted,
    CallStarted,
    LegAnswered,
    LegStarted,
    QueueAnswered,
    QueueEntered,
    ServerStarted,
)
from switchroom.pbx.reports.callers import ALL, CallTally
from switchroom.pbx.reports.counts import CallCounts, TrunkCounts, total
from switchroom.pbx.reports.intervals import Span
from switchroom.pbx.reports.kpis import kpis
from tests.pbx.reports.made import entries, ms

DAY_S = 86_400


def tallied(facts: list[tuple[float, AnyRecord]], span: Span | None = None) -> CallTally:
    tally = CallTally(span)
    for entry in entries(facts):
        tally.add(entry)
    return tally


def contact(call: str, caller: str, at_s: float) -> list[tuple[float, AnyRecord]]:
    return [
        (at_s, CallStarted(call=call, caller=caller, dialled="8000")),
        (at_s + 1, QueueEntered(call=call, queue="q", caller=caller)),
        (at_s + 5, QueueAnswered(call=call, queue="q", agent="a", caller=caller, waited_ms=4000)),
        (at_s + 6, QueueEntered(call=call, queue="r", caller=caller)),  # passed on: still the same contact
        (at_s + 7, QueueAnswered(call=call, queue="r", agent="b", caller=caller, waited_ms=1000)),
        (at_s + 9, CallEnded(call=call, result="answered", status=200, reason="", ended_by="caller")),
    ]


def test_who_comes_again_within_seven_days() -> None:
    facts = [
        *contact("1", "555", 0),
        *contact("2", "666", 100),
        *contact("3", "555", 2 * DAY_S),
        *contact("4", "555", 12 * DAY_S),  # long after: another matter
    ]
    counts = total(CallCounts, list(tallied(facts).calls.pages[ALL].values()))
    assert (counts.callers, counts.repeated, counts.contacts, counts.followed) == (4, 1, 4, 1)
    assert kpis(counts)["first_call_resolution"] == 0.75
    assert kpis(counts)["repeat_call_rate"] == 0.25
    days = tallied(facts, Span(ms(0), ms(20 * DAY_S), DAY_S * 1000)).calls.pages[ALL]
    assert [counts.followed for counts in days.values()] == [1, 0, 0]


def test_trunks_and_calls() -> None:
    facts: list[tuple[float, AnyRecord]] = [
        (0, CallStarted(call="1", caller="5", dialled="8", peer="gw")),
        (0, LegStarted(call="1", leg="1/1", direction="in", party="5")),
        (4, LegAnswered(call="1", leg="1/1")),
        (5, LegAnswered(call="1", leg="1/2")),
        (64, CallEnded(call="1", result="answered", status=200, reason="", ended_by="caller")),
        (70, CallBlocked(peer="gw", reason="calls_per_peer")),
        (80, CallStarted(call="2", caller="1001", dialled="0139", user="1001")),
        (80, CallRouted(call="2", destination="trunk:carrier")),
        (90, CallEnded(call="2", result="busy", status=486, reason="", ended_by="callee")),
        (95, CallStarted(call="3", caller="1001", dialled="0139", user="1001")),
        (99, ServerStarted(version="1")),
    ]
    tally = tallied(facts)
    gateway = total(TrunkCounts, list(tally.trunks.pages["gw"].values()))
    assert (gateway.offered, gateway.blocked, gateway.answered, gateway.talk_ms) == (1, 1, 1, 60_000)
    assert kpis(gateway)["blocked_rate"] == 0.5
    assert total(TrunkCounts, list(tally.trunks.pages["carrier"].values())).offered == 1
    calls = total(CallCounts, list(tally.calls.pages[ALL].values()))
    assert (calls.calls, calls.answered, calls.lost, calls.longest_talk_ms) == (3, 1, 2, 60_000)
