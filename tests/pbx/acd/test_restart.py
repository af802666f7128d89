# SPDX-License-Identifier: Apache-2.0
"""The process dies between any two records: what the journal says is what the next one goes on with, and it adds up."""

import asyncio
from collections import Counter

import msgspec

from switchroom.pbx.acd.config import QueueConfig
from switchroom.pbx.acd.restart import Kept, KeptAgent, KeptCallback, KeptFold, lost, restore
from switchroom.pbx.events import (
    AgentStateSet,
    AgentStatusSet,
    AnyRecord,
    CallbackAsked,
    CallbackTried,
    CallEnded,
    Entry,
    OfferEnded,
    OfferJoined,
    OfferOutcome,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueOffered,
    QueuePassed,
    ServerStarted,
)
from switchroom.pbx.sim.control import SimPhone
from tests.pbx.acd.sim_desk import SimCentre

AGENTS = {"a": {"logged_in": False}, "b": {"logged_in": False}, "c": {"logged_in": False}}
PHONES = {"556": SimPhone(), "sip:home": SimPhone(), "user:c": SimPhone(answers_after_s=None)}
OPTIONS = {"choices": {"1": "callback"}, "wrap_up_s": 20, "retry_s": 5, "no_answers": 3}
T0_S = 1_000_000.0


def entries_of(centre: SimCentre) -> list[Entry]:
    timed = zip(centre.records, centre.times, strict=True)
    return [Entry(i, round((T0_S + at_s) * 1e9), record) for i, (record, at_s) in enumerate(timed, 1)]


def folded(entries: list[Entry]) -> Kept:
    """Half of it from a file, as a start does it."""
    fold = KeptFold(Kept(), lambda queue: 3)
    for entry in entries[: len(entries) // 2]:
        fold.add(entry)
    fold = KeptFold(msgspec.json.decode(msgspec.json.encode(fold.kept), type=Kept), lambda queue: 3)
    for entry in entries[len(entries) // 2 :]:
        fold.add(entry)
    return fold.kept


async def before(centre: SimCentre) -> None:
    """Log-ins, a break, talks, somebody who does not answer, somebody who gives up, a callback, one passed on."""
    desk = centre.desk
    desk.set_status("a", "available", by="phone", at="sip:home")
    one, task_one = centre.caller("555")
    await asyncio.sleep(10)
    desk.set_status("b", "available", by="phone")
    desk.set_status("b", "break", "lunch", by="phone")
    desk.scheduler.pass_on(desk.now(), one.call_id, "b")
    await asyncio.sleep(5)
    one.leave()
    await task_one
    desk.set_status("a", "break", "lunch", by="phone")
    desk.set_status("c", "available", by="phone")
    wants, two = centre.caller("556")
    gives_up, three = centre.caller("557")
    await asyncio.sleep(3)
    wants.press("1")
    await two
    await asyncio.sleep(20)
    gives_up.leave()
    await three
    desk.set_status("b", "available", by="phone")
    await asyncio.sleep(30)
    desk.set_status("c", "logged-out", by="boss")
    _, four = centre.caller("558")
    await asyncio.sleep(60)
    four.cancel()


def story() -> list[Entry]:
    return entries_of(SimCentre(AGENTS, PHONES, **OPTIONS).run(before))


def added_up(records: list[AnyRecord]) -> None:
    def of(*kinds: type[AnyRecord]) -> Counter[str]:
        return Counter(record.call for record in records if isinstance(record, kinds))  # type: ignore[union-attr]

    assert of(QueueEntered) == of(QueueAnswered, QueueAbandoned, QueueLeft)
    assert of(QueueAnswered, QueuePassed) == of(QueueCompleted)
    rung = Counter((r.offer, agent) for r in records if isinstance(r, QueueOffered) for agent in r.agents)
    rung += Counter((r.offer, r.agent) for r in records if isinstance(r, OfferJoined))
    assert rung == Counter((r.offer, r.agent) for r in records if isinstance(r, OfferEnded))


def test_whenever_it_dies_the_records_add_up_with_those_of_the_next_start() -> None:
    entries = story()
    kinds = {type(entry.record) for entry in entries}
    assert {QueueAnswered, QueueAbandoned, QueueLeft, QueuePassed, CallbackAsked, CallbackTried} <= kinds
    for at in range(len(entries) + 1):
        so_far = entries[:at]
        added_up([entry.record for entry in so_far] + lost(folded(so_far)))


def test_whenever_it_dies_agents_and_callbacks_are_as_they_were() -> None:
    entries = story()
    for at in range(1, len(entries) + 1):
        so_far = entries[:at]
        kept = folded(so_far)
        later_s = so_far[-1].at_ns / 1e9 + 2.0

        async def after(centre: SimCentre, kept: Kept = kept, later_s: float = later_s) -> None:
            restore(centre.desk, kept, later_s)
            centre.desk.start()

        centre = SimCentre(AGENTS, PHONES, **OPTIONS).run(after)
        agents = centre.desk.scheduler.agents
        said: dict[str, tuple[str, str, str]] = dict.fromkeys(AGENTS, ("logged-out", "", ""))
        states: dict[str, tuple[str, float]] = {}
        for entry in so_far:
            if isinstance(entry.record, AgentStatusSet):
                record = entry.record
                said[record.agent] = record.status, record.reason, "" if record.status == "logged-out" else record.at
            elif isinstance(entry.record, AgentStateSet):
                states[entry.record.agent] = entry.record.state, entry.at_ns / 1e9
        assert {name: (agent.status, agent.reason, agent.at) for name, agent in agents.items()} == said, at
        for name, (state, since_s) in states.items():
            ends_s = later_s + 20 if state == "talking" else since_s + 20 if state == "wrap-up" else 0.0
            if said[name][0] != "logged-out" and ends_s > later_s:
                wrap_up = agents[name].wrap_up
                assert wrap_up is not None, at
                assert abs(wrap_up.until_s - (ends_s - later_s)) < 0.01, at
            else:
                assert agents[name].state in ("idle", "offered"), at
        asked = {entry.record.call for entry in so_far if isinstance(entry.record, CallbackAsked)}
        done = {
            entry.record.call
            for entry in so_far
            if isinstance(entry.record, CallbackTried) and entry.record.outcome == "answered"
        }
        assert set(centre.desk.asked) == asked - done, at


def test_a_callback_keeps_its_place_and_counts_go_on() -> None:
    entries = story()
    [asked] = [entry for entry in entries if isinstance(entry.record, CallbackAsked)]
    came_ns = next(
        e.at_ns for e in entries if isinstance(e.record, QueueEntered) and e.record.call == asked.record.call
    )
    kept = folded(entries[: asked.number + 2])
    assert kept.last_agents == {"555": "b"}

    async def after(centre: SimCentre) -> None:
        restore(centre.desk, kept, asked.at_ns / 1e9 + 100)
        centre.desk.start()
        assert centre.desk.last_agents == {"555": "b"}
        a = centre.desk.scheduler.agents["a"]
        assert (a.calls, a.talk_s) == (1, 8.0)
        centre.desk.set_status("c", "logged-out", by="boss")
        centre.desk.set_status("a", "available", by="phone")
        await asyncio.sleep(10)
        assert centre.control.legs[-1].party.number == "556"

    centre = SimCentre(AGENTS, PHONES, **OPTIONS).run(after)
    [entered] = centre.told(QueueEntered)
    assert entered.waited_ms == round((asked.at_ns - came_ns) / 1e6) + 100_000
    assert centre.told(CallbackAsked) == [], "that was told before"


def test_the_offer_of_a_callback_is_not_forgotten_while_it_is_tried() -> None:
    fold = KeptFold(Kept(), lambda queue: 2)
    tried = [
        CallbackTried(call="1", queue="q", agent="a", number="5", attempt=attempt, outcome="busy") for attempt in (1, 2)
    ]
    for number, record in enumerate([CallbackAsked(call="1", queue="q", number="5"), *tried], 1):
        assert list(fold.kept.callbacks) == (["1"] if number > 1 else [])
        fold.add(Entry(number, number * 10**9, record))
    assert fold.kept.callbacks == {}


def test_who_was_passed_on_elsewhere_is_forgotten() -> None:
    fold = KeptFold(Kept(), lambda queue: 2)
    for number, record in enumerate(
        (
            QueueAnswered(call="1", queue="q", agent="a", caller="5", waited_ms=1),
            QueueCompleted(call="1", queue="q", agent="a", talk_ms=1, reason="transferred"),
            CallEnded(call="1", result="answered", status=200, reason="", ended_by="caller"),
        ),
        1,
    ):
        fold.add(Entry(number, number * 10**9, record))
    assert fold.kept.talks == {}


def test_no_answers_are_counted_on() -> None:
    fold = KeptFold(Kept(), lambda queue: 3)
    outcomes: list[OfferOutcome] = ["no-answer", "busy", "refused"]
    ended = [OfferEnded(call="1", queue="q", offer=n, agent="a", outcome=o, rang_ms=1) for n, o in enumerate(outcomes)]
    for number, record in enumerate([AgentStatusSet(agent="a", status="available"), *ended], 1):
        fold.add(Entry(number, number * 10**9, record))
    assert fold.kept.agents["a"].no_answers == 2


def test_who_is_no_longer_configured_is_passed_over() -> None:
    async def script(centre: SimCentre) -> None:
        kept = Kept(
            agents={"x": KeptAgent("break", 0)},
            callbacks={"1": KeptCallback("x", "2", 0)},
            last_agents={"5": "x"},
        )
        restore(centre.desk, kept, 0.0)
        assert centre.desk.callbacks == centre.desk.last_agents == {}

    centre = SimCentre(AGENTS).run(script)
    assert len(centre.faults) == 2


def test_the_last_sign_of_life_is_none_of_the_new_process() -> None:
    entries = [
        Entry(1, 1_000 * 10**6, QueueEntered(call="1", queue="q", caller="5")),
        Entry(2, 4_000 * 10**6, AgentStatusSet(agent="a", status="available")),
        Entry(3, 900_000 * 10**6, ServerStarted(version="1")),
    ]
    [left] = lost(folded(entries))
    assert (left.reason, left.waited_ms) == ("restart", 3_000)  # type: ignore[union-attr]
    assert QueueConfig().callback_attempts == 3
