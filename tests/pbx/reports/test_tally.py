# SPDX-License-Identifier: Apache-2.0
"""Queues and agents are counted right to the second: by hand, on the simulated desk, and however time is cut."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchroom.pbx.acd.service_level import Board
from switchroom.pbx.events import (
    AgentReachable,
    AgentStateSet,
    AgentStatusSet,
    AnyRecord,
    CallRated,
    CallStarted,
    Entry,
    LegHeld,
    LegResumed,
    OfferEnded,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueOffered,
    ServerStarted,
)
from switchroom.pbx.reports.counts import AgentCounts, Counts, QueueCounts, total
from switchroom.pbx.reports.intervals import Book, Span
from switchroom.pbx.reports.kpis import KPIS, attendance, kpis
from switchroom.pbx.reports.tally import Tally
from tests.pbx.acd.sim_desk import SimCentre
from tests.pbx.reports.made import START_S, entries, ms

TARGETS = {"q": (20_000, 5_000)}
QUARTER, DAY = 900_000, 86_400_000


def tallied(facts: list[tuple[float, AnyRecord]], span: Span | None = None, until_s: float = 0) -> Tally:
    tally = Tally(TARGETS, span)
    for entry in entries(facts):
        tally.add(entry)
    tally.until(ms(until_s))
    return tally


def whole(book: Book[QueueCounts] | Book[AgentCounts], name: str) -> Counts:
    page = list(book.pages[name].values())
    return total(type(page[0]), page)  # type: ignore[arg-type]


def talk(
    call: str, agent: str, at_s: float, wait_s: float, talk_s: float, wrap_s: float
) -> list[tuple[float, AnyRecord]]:
    """A caller comes, waits, is offered 2 s before it is answered, talks; the agent wraps up."""
    answered, over = at_s + wait_s, at_s + wait_s + talk_s
    return [
        (at_s, QueueEntered(call=call, queue="q", caller="555")),
        (answered - 2, QueueOffered(call=call, queue="q", offer=1, agents=(agent,), waited_ms=0, rule="even")),
        (answered - 2, AgentStateSet(agent=agent, state="offered", call=call, queue="q")),
        (answered, OfferEnded(call=call, queue="q", offer=1, agent=agent, outcome="answered", rang_ms=2000)),
        (answered, QueueAnswered(call=call, queue="q", agent=agent, caller="555", waited_ms=round(wait_s * 1000))),
        (answered, AgentStateSet(agent=agent, state="talking", call=call, queue="q")),
        (over, QueueCompleted(call=call, queue="q", agent=agent, talk_ms=round(talk_s * 1000), reason="caller")),
        (over, AgentStateSet(agent=agent, state="wrap-up", call=call, queue="q")),
        (over + wrap_s, AgentStateSet(agent=agent, state="idle")),
    ]  # fmt: skip


HOUR = [
    (0, AgentStatusSet(agent="ann", status="available")),
    *talk("1", "ann", 100, 12, 180, 20),  # talks from 112 to 292, wraps up to 312
    *talk("2", "ann", 800, 30, 200, 10),  # from 830 to 1030 over the quarter at 900, wraps up to 1040
    (1100, AgentStatusSet(agent="ann", status="break", reason="lunch")),
    (1400, AgentStatusSet(agent="ann", status="available")),
    (1500, QueueEntered(call="3", queue="q", caller="556")),
    (1503, QueueAbandoned(call="3", queue="q", waited_ms=3000)),
    (1510, QueueEntered(call="4", queue="q", caller="557")),
    (1525, QueueAbandoned(call="4", queue="q", waited_ms=15_000)),
    (1600, AgentReachable(agent="ann", reachable=False)),
    (1700, AgentReachable(agent="ann", reachable=True)),
    (3600, AgentStatusSet(agent="ann", status="logged-out")),
]


def test_an_hour_right_to_the_second() -> None:
    tally = tallied(HOUR, until_s=5000)
    agent, queue = whole(tally.agents, "ann"), whole(tally.queues, "q")
    assert isinstance(agent, AgentCounts)
    assert isinstance(queue, QueueCounts)
    assert (agent.logged_in_ms, agent.talk_ms, agent.wrap_up_ms) == (3_600_000, 380_000, 30_000)
    assert (agent.break_ms, agent.away_ms, agent.ringing_ms, agent.hold_ms) == (300_000, 100_000, 4_000, 0)
    assert agent.ready_ms == 3_600_000 - 380_000 - 30_000 - 300_000 - 100_000 - 4_000
    assert (queue.talk_ms, queue.wrap_up_ms) == (380_000, 30_000)
    assert (queue.offered, queue.answered, queue.abandoned, queue.abandoned_short, queue.queued) == (4, 2, 2, 1, 4)
    figures = kpis(queue)
    assert figures["service_level"] == 1 / 3
    assert figures["service_level_answered"] == 1 / 2
    assert figures["service_level_all"] == 3 / 4
    assert (figures["asa"], figures["aht"], figures["acw"]) == (21_000, 205_000, 15_000)
    assert (figures["longest_wait"], figures["mean_wait_before_abandon"]) == (30_000, 9_000)
    assert (figures["connect_rate"], figures["abandon_rate"], figures["csi"]) == (0.5, 0.5, None)
    own = kpis(agent)
    assert own["occupancy"] == 410_000 / (410_000 + agent.ready_ms)
    assert own["utilisation"] == 410_000 / 3_600_000
    assert own["calls_per_hour"] == 2


def test_talk_belongs_to_the_intervals_in_which_it_was() -> None:
    tally = tallied(HOUR, Span(ms(0), ms(3600), QUARTER), until_s=3600)
    assert [counts.talk_ms for counts in tally.agents.pages["ann"].values()] == [250_000, 130_000, 0, 0]
    assert {counts.logged_in_ms for counts in tally.agents.pages["ann"].values()} == {900_000}
    assert list(tally.agents.pages["ann"]) == [ms(0), ms(900), ms(1800), ms(2700)]


def test_days_begin_at_midnight_where_the_centre_is() -> None:
    span = Span(0, 2**60, DAY, 8 * 3_600_000)
    assert (span.start(ms(0)) + span.offset_ms) % DAY == 0
    assert list(span.pieces(ms(0), ms(0) + DAY)) == [
        (ms(0), 8 * 3_600_000), (ms(0) + 8 * 3_600_000, 16 * 3_600_000),
    ]  # fmt: skip


def test_hold_and_ratings() -> None:
    facts: list[tuple[float, AnyRecord]] = [
        (0, AgentStatusSet(agent="ann", status="available")),
        (1, QueueEntered(call="1", queue="q", caller="5")),
        (2, QueueAnswered(call="1", queue="q", agent="ann", caller="5", waited_ms=1000)),
        (10, LegHeld(call="1", leg="a")),
        (12, LegHeld(call="1", leg="b")),
        (15, LegResumed(call="1", leg="a")),
        (20, LegResumed(call="1", leg="b")),
        (32, QueueCompleted(call="1", queue="q", agent="ann", talk_ms=30_000, reason="transferred")),
        (33, CallRated(call="1", grade="satisfied", score=100, agent="ann", queue="q")),
        (34, CallRated(call="2", grade="average", score=60.5, agent="ann", queue="q")),
    ]
    tally = tallied(facts, until_s=40)
    for counts in (whole(tally.agents, "ann"), whole(tally.queues, "q")):
        assert (counts.talk_ms, counts.hold_ms, counts.transferred) == (20_000, 10_000, 1)  # type: ignore[attr-defined]
        assert kpis(counts)["csi"] == 80.25  # type: ignore[arg-type]
        assert kpis(counts)["transferred_rate"] == 1  # type: ignore[arg-type]


def test_one_story_over_transfers() -> None:
    """Each agent and queue has its own part of the talk; the second queue sees a wait of its own."""
    facts: list[tuple[float, AnyRecord]] = [
        (0, AgentStatusSet(agent="ann", status="available")),
        (0, AgentStatusSet(agent="bob", status="available")),
        (0, QueueEntered(call="1", queue="q", caller="5")),
        (10, QueueAnswered(call="1", queue="q", agent="ann", caller="5", waited_ms=10_000)),
        (70, QueueCompleted(call="1", queue="q", agent="ann", talk_ms=60_000, reason="transferred")),
        (70, QueueEntered(call="1", queue="r", caller="5", waited_ms=10_000)),
        (100, QueueAnswered(call="1", queue="r", agent="bob", caller="5", waited_ms=40_000)),
        (220, QueueCompleted(call="1", queue="r", agent="bob", talk_ms=120_000, reason="caller")),
    ]
    tally = tallied(facts, until_s=220)
    talks = {name: whole(tally.agents, name).talk_ms for name in ("ann", "bob")}  # type: ignore[attr-defined]
    assert talks == {"ann": 60_000, "bob": 120_000}
    assert [whole(tally.queues, name).talk_ms for name in "qr"] == [60_000, 120_000]  # type: ignore[attr-defined]


def test_a_crash_ends_what_went_on_at_its_last_record() -> None:
    facts: list[tuple[float, AnyRecord]] = [
        (0, AgentStatusSet(agent="ann", status="available")),
        (0, QueueEntered(call="1", queue="q", caller="5")),
        (0, QueueEntered(call="2", queue="q", caller="6")),
        (10, QueueAnswered(call="1", queue="q", agent="ann", caller="5", waited_ms=10_000)),
        (60, CallStarted(call="9", caller="7", dialled="8")),
        (600, ServerStarted(version="1")),
        (601, AgentStatusSet(agent="ann", status="available", by="restart")),
        (611, AgentStatusSet(agent="ann", status="logged-out")),
    ]
    tally = tallied(facts, until_s=700)
    agent = whole(tally.agents, "ann")
    assert isinstance(agent, AgentCounts)
    assert (agent.talk_ms, agent.ready_ms, agent.logged_in_ms) == (50_000, 20_000, 70_000)
    assert (tally.stays, tally.talks) == ({}, {})


def test_adherence_and_attendance() -> None:
    shifts = {"ann": [(ms(0), ms(1000)), (ms(2000), ms(3000))], "bob": [(ms(0), ms(1000))]}
    tally = Tally(TARGETS, Span(ms(0), ms(3600)), shifts=shifts)
    for entry in entries([
        (-100, AgentStatusSet(agent="ann", status="available")),
        (600, AgentStatusSet(agent="ann", status="break")),
        (2500, AgentStatusSet(agent="ann", status="available")),
    ]):  # fmt: skip
        tally.add(entry)
    tally.until(ms(3600))
    counts = [whole(tally.agents, "ann"), whole(tally.agents, "bob")]
    assert kpis(counts[0])["adherence"] == (600 + 500) / 2000  # type: ignore[arg-type]
    assert attendance(counts) == 0.5  # type: ignore[arg-type]


def test_what_an_agent_dials() -> None:
    facts: list[tuple[float, AnyRecord]] = [
        (0, AgentStatusSet(agent="ann", status="available")),
        (5, CallStarted(call="1", caller="ann", dialled="8", user="ann")),
        (5, AgentStateSet(agent="ann", state="busy", call="1")),
        (45, AgentStateSet(agent="ann", state="idle")),
    ]
    counts = whole(tallied(facts, until_s=60).agents, "ann")
    assert isinstance(counts, AgentCounts)
    assert (counts.dialled, counts.busy_ms, counts.ready_ms) == (1, 40_000, 20_000)


# ---- however it is cut


@st.composite
def journals(draw: st.DrawFn) -> list[tuple[float, AnyRecord]]:
    """A day of one or two agents and queues, consistent or not."""
    steps = draw(st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 11), st.integers(0, 3)), max_size=60))
    facts: list[tuple[float, AnyRecord]] = []
    at_ms = 0
    for gap_ms, kind, pick in steps:
        at_ms += gap_ms
        agent, queue, call = f"a{pick % 2}", f"q{pick // 2}", str(pick)
        record: AnyRecord = [
            AgentStatusSet(agent=agent, status="available"),
            AgentStatusSet(agent=agent, status="break"),
            AgentStatusSet(agent=agent, status="logged-out"),
            AgentStateSet(agent=agent, state="idle"),
            AgentStateSet(agent=agent, state="wrap-up", call=call, queue=queue),
            QueueEntered(call=call, queue=queue, caller="5"),
            QueueAnswered(call=call, queue=queue, agent=agent, caller="5", waited_ms=gap_ms),
            QueueCompleted(call=call, queue=queue, agent=agent, talk_ms=gap_ms, reason="transferred"),
            QueueAbandoned(call=call, queue=queue, waited_ms=gap_ms),
            LegHeld(call=call, leg="x"),
            LegResumed(call=call, leg="x"),
            QueueLeft(call=call, queue=queue, reason="wait", waited_ms=1),
        ][kind]
        facts.append((at_ms / 1000, record))
    return facts


def figures(tally: Tally) -> dict[str, Counts]:
    books: list[Book[QueueCounts] | Book[AgentCounts]] = [tally.queues, tally.agents]
    found = {name: whole(book, name) for book in books for name in book.pages}
    return {name: counts for name, counts in found.items() if counts != type(counts)()}


@settings(max_examples=150, deadline=None)
@given(journals(), st.sampled_from([QUARTER, 4 * QUARTER, DAY]), st.lists(st.integers(0, 60), max_size=5))
def test_live_is_the_past_is_the_sum_of_its_intervals(
    facts: list[tuple[float, AnyRecord]], interval_ms: int, looked_at: list[int]
) -> None:
    end_s = (facts[-1][0] if facts else 0) + 100
    once = tallied(facts, until_s=end_s)
    cut = tallied(facts, Span(ms(-DAY), ms(DAY), interval_ms), until_s=end_s)
    assert figures(cut) == figures(once)

    live, board = Tally(TARGETS), Board(TARGETS)
    for index, entry in enumerate(entries(facts)):
        live.add(entry)
        board.add(entry)
        if index in looked_at:
            live.until(entry.at_ns // 1_000_000)  # somebody looks at the figures meanwhile
            assert board.number == entry.number
    live.until(ms(end_s))
    assert figures(live) == figures(once)
    for name, shown in board.queues.items():
        if name in once.queues.pages:
            assert shown.answered == whole(once.queues, name).answered  # type: ignore[attr-defined]

    middle = ms(end_s / 2)
    halves = [tallied(facts, Span(*half), until_s=end_s) for half in ((0, middle), (middle, 2**60))]
    for name, counts in figures(once).items():
        parts = [figures(half)[name] for half in halves if name in figures(half)]
        assert total(type(counts), parts) == counts  # type: ignore[type-var]


def test_on_the_simulated_desk_nothing_is_lost() -> None:
    """What agents did adds up to the time that they were logged in, whoever came and gave up."""
    chance = random.Random(6)

    async def script(centre: SimCentre) -> None:
        tasks = []
        for number in range(40):
            caller, task = centre.caller(str(number))
            asyncio.get_running_loop().call_later(chance.uniform(1, 200), caller.leave)
            tasks.append(task)
            await asyncio.sleep(chance.uniform(0, 40))
            if number % 10 == 5:
                centre.desk.set_status("a", "break", by="test")
                await asyncio.sleep(30)
                centre.desk.set_status("a", "available", by="test")
        await asyncio.gather(*tasks)
        await asyncio.sleep(60)

    centre = SimCentre({"a": {}, "b": {}}, wrap_up_s=15).run(script)
    made = [
        Entry(number, round((START_S + at_s) * 1e9), record)
        for number, (at_s, record) in enumerate(zip(centre.times, centre.records, strict=True), 1)
    ]
    tally = Tally(TARGETS, Span(0, 2**60, QUARTER))
    for entry in made:
        tally.add(entry)
    queue = whole(tally.queues, "q")
    assert isinstance(queue, QueueCounts)
    assert queue.offered == 40 == queue.answered + queue.abandoned + queue.left
    told = sum(record.talk_ms for record in centre.told(QueueCompleted))
    assert abs(queue.talk_ms - told) <= queue.answered
    for name in "ab":
        one = whole(tally.agents, name)
        assert isinstance(one, AgentCounts)
        spent = one.talk_ms + one.hold_ms + one.wrap_up_ms + one.ready_ms + one.ringing_ms + one.break_ms
        assert spent + one.busy_ms + one.away_ms == one.logged_in_ms


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("service_level", "(A within T) / (A + Ab - short Ab)"),
        ("first_call_resolution", "contacts with no repeat from the same caller id in 7 days / contacts"),
        ("occupancy", "(talk + hold + wrap-up) / (talk + hold + wrap-up + ready)"),
        ("blocked_rate", "Bl / (Bl + O), per trunk"),
        ("attendance", "agents logged in / agents scheduled"),
    ],
)
def test_every_figure_tells_its_formula(name: str, formula: str) -> None:
    (kpi,) = [kpi for kpi in KPIS if kpi.id == name]
    assert (kpi.formula, kpi.version) == (formula, 1)
    assert len({kpi.id for kpi in KPIS}) == len(KPIS)


def test_the_documentation_has_every_figure() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")
    for kpi in KPIS:
        assert f"| `{kpi.id}` {kpi.chinese} | {kpi.formula} | {', '.join(kpi.of)} |" in text
