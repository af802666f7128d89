# SPDX-License-Identifier: Apache-2.0
"""The scheduler: who is offered to whom, in which order, and what happens when nobody answers."""

import pytest

from switchroom.pbx.acd.config import Overflow, QueueConfig
from switchroom.pbx.acd.decisions import Overflowed, Refusal, Withdrawn
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.events import (
    AgentStateSet,
    AgentStatusSet,
    AgentWrappedUp,
    OfferEnded,
    OfferJoined,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueOffered,
    QueueWaits,
)
from tests.pbx.acd.centre import Centre

TWO = {"a": {}, "b": {}}
THREE = {"a": {}, "b": {}, "c": {}}


def test_a_caller_is_offered_answered_talks_and_the_agent_wraps_up() -> None:
    centre = Centre({"a": {}}, wrap_up_s=10)
    centre.log_in("a")
    assert centre.enter("1", number="555") is None
    assert centre.offers() == {"1": "a"}
    centre.now = 4
    assert centre.answer("1")
    centre.now = 64
    centre.scheduler.finished(64, "1", "caller")
    assert centre.scheduler.agents["a"].state == "wrap-up"
    assert centre.offers() == {}
    centre.wait(10)
    assert [record.state for record in centre.told(AgentStateSet)] == ["offered", "talking", "wrap-up", "idle"]
    assert centre.told(QueueAnswered)[0].waited_ms == 4000
    assert centre.told(QueueCompleted)[0].talk_ms == 60_000
    assert centre.scheduler.callers == centre.scheduler.offers == {}


def test_the_first_in_the_order_of_all_queues_goes_first() -> None:
    queues = {"low": {}, "high": {"priority": 5}}
    centre = Centre({"a": {"queues": {"low": 1, "high": 1}}}, queues=queues)
    for now, call, queue, priority in ((0, "1", "low", 0), (1, "2", "low", 0), (2, "3", "high", 0), (3, "4", "low", 9)):
        centre.now = now
        centre.enter(call, queue, priority=priority)
    centre.log_in("a")
    order = []
    for _ in range(4):
        [call] = centre.offers()
        order.append(call)
        centre.talk(call, 1)
    assert order == ["4", "3", "1", "2"]


def test_who_moves_to_another_queue_keeps_its_place_in_the_order() -> None:
    centre = Centre({"a": {"queues": {"one": 1, "two": 1}}}, queues={"one": {}, "two": {}})
    centre.enter("early", "one")
    centre.now = 10
    centre.enter("late", "two")
    centre.now = 20
    centre.scheduler.leave(20, "early", "moved", "queue:two")
    centre.enter("early", "two", entered_s=0.0)
    centre.log_in("a")
    assert centre.offers() == {"early": "a"}
    assert centre.told(QueueEntered)[-1].waited_ms == 20_000


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        ("longest-idle", ["a", "b", "c", "a", "b", "c"]),
        ("round-robin", ["a", "b", "c", "a", "b", "c"]),
        ("priority", ["a", "b", "c", "a", "b", "c"]),
        ("fewest-calls", ["a", "b", "c", "a", "b", "c"]),
        ("even", ["a", "b", "c", "a", "b", "c"]),
    ],
)
def test_strategies_share_alike_when_all_are_alike(strategy: str, order: list[str]) -> None:
    centre = Centre(THREE, strategy=strategy)
    for agent in THREE:
        centre.now += 1
        centre.log_in(agent)
    chosen = []
    for call in map(str, range(6)):
        centre.now += 1
        centre.enter(call)
        chosen += centre.offers().values()
        centre.talk(call, 5)
    assert chosen == order


def test_least_talk_and_fewest_calls_differ() -> None:
    for strategy, expected in (("least-talk", "b"), ("fewest-calls", "a")):
        centre = Centre(TWO, strategy=strategy)
        centre.log_in("a", "b")
        for call, seconds in (("1", 600), ("2", 10), ("3", 10)):
            centre.enter(call)
            centre.offers()
            centre.talk(call, seconds)  # a: 600; b: 10, then
            if strategy == "fewest-calls" and call == "2":
                break
        centre.enter("last")
        assert centre.offers() == {"last": expected}


def test_who_logs_in_late_does_not_get_all_calls_with_even_but_does_with_fewest_calls() -> None:
    for strategy, expected in (("even", 5), ("fewest-calls", 9)):
        centre = Centre(TWO, strategy=strategy)
        centre.log_in("a")
        for call in map(str, range(20)):
            if call == "10":
                centre.log_in("b")
            centre.now += 1
            centre.enter(call)
            centre.offers()
            centre.talk(call, 1)
        taken = [record.agent for record in centre.told(QueueAnswered)]
        assert taken.count("b") in (expected, expected + 1)


def test_random_is_seeded_and_reaches_everybody() -> None:
    def chosen(seed: int) -> list[str]:
        centre = Centre(THREE, seed=seed, strategy="random")
        centre.log_in(*THREE)
        found: list[str] = []
        for call in map(str, range(60)):
            centre.enter(call)
            found += centre.offers().values()
            centre.talk(call, 1)
        return found

    assert chosen(7) == chosen(7) != chosen(8)
    assert min(chosen(7).count(agent) for agent in THREE) >= 10


def test_lower_tiers_come_first_whatever_the_strategy() -> None:
    centre = Centre({"a": {"queues": {"q": 2}}, "b": {"queues": {"q": 1}}})
    centre.log_in("a")
    centre.now = 5
    centre.log_in("b")
    centre.enter("1")
    centre.enter("2")
    assert centre.offers() == {"1": "b", "2": "a"}


def test_the_skilled_are_preferred_and_less_is_asked_as_time_passes() -> None:
    agents = {"low": {"skills": {"en": 2}}, "high": {"skills": {"en": 8}}, "none": {}}
    centre = Centre(agents, strategy="skill", skills={"en": 5}, widen=({"after_s": 30, "skills": {"en": 1}},))
    centre.log_in("low", "high", "none")
    centre.enter("1")
    centre.enter("2")
    assert centre.offers() == {"1": "high"}
    [offered] = centre.told(QueueOffered)
    assert offered.passed == {"low": "skills", "none": "skills"}
    assert centre.told(QueueWaits)[-1].reason == "skills"
    centre.wait(29)
    assert centre.scheduler.callers["2"].offer is None
    centre.wait(1)
    assert centre.scheduler.callers["2"].offer.agents == ("low",)  # type: ignore[union-attr]


def test_a_call_may_ask_for_skills_of_its_own() -> None:
    centre = Centre({"a": {}, "b": {"skills": {"zh": 3}}})
    centre.log_in("a", "b")
    centre.enter("1", skills={"zh": 3})
    assert centre.offers() == {"1": "b"}
    centre.enter("2", skills={"zh": 4})
    centre.enter("3")
    assert centre.offers() == {"3": "a"}
    assert centre.told(QueueWaits)[-1].reason == "no-agents"
    centre.scheduler.set_skills("a", {"zh": 9})
    centre.talk("3", 5)
    centre.step()
    assert centre.scheduler.callers["2"].offer is not None


def test_ring_all_rings_several_and_the_first_to_answer_wins() -> None:
    centre = Centre(THREE, strategy="ring-all")
    centre.log_in(*THREE)
    centre.enter("1")
    assert centre.offers() == {"1": ("a", "b", "c")}
    assert centre.answer("1", "b")
    assert not centre.scheduler.answered(0, 1, "a"), "it is no longer to be had"
    assert centre.step() == [Withdrawn(1, ("a", "c"))]
    assert {end.agent: end.outcome for end in centre.told(OfferEnded)} == {
        "a": "answered-elsewhere", "b": "answered", "c": "answered-elsewhere",
    }  # fmt: skip
    assert [agent.state for agent in centre.scheduler.agents.values()] == ["idle", "talking", "idle"]


def test_ring_all_rings_those_too_who_become_ready_meanwhile() -> None:
    centre = Centre(THREE, strategy="ring-all", ring_most=2, ring_s=15, retry_s=5)
    centre.log_in("a")
    centre.enter("1")
    assert centre.offers() == {"1": ("a")}
    centre.wait(10)
    centre.log_in("b", "c")
    assert centre.offers() == {"1": "b"}, "one more may ring at one time"
    centre.miss("1")
    assert centre.offers() == {"1": "c"}
    centre.wait(7)
    assert centre.offers() == {}, "who has not answered this caller is not rung again for it"
    assert [joined.agent for joined in centre.told(OfferJoined)] == ["b", "c"]
    centre.enter("2")
    assert centre.offers() == {"2": "a"}, "somebody who waits goes before one who is being offered"
    assert centre.scheduler.answered(centre.now, 1, "c")
    centre.wait(30)
    assert [(end.offer, end.agent, end.outcome) for end in centre.told(OfferEnded)][:3] == [
        (1, "a", "no-answer"), (1, "c", "answered"), (1, "b", "answered-elsewhere"),
    ]  # fmt: skip


def test_not_answered_goes_to_the_next_and_after_some_the_agent_is_on_break() -> None:
    centre = Centre(TWO, no_answers=2, retry_s=10)
    centre.log_in("a", "b")
    centre.enter("1")
    assert centre.offers() == {"1": "a"}
    centre.miss("1")
    assert centre.offers() == {"1": "b"}
    centre.miss("1")
    assert centre.offers() == {}
    centre.wait(10)
    assert centre.scheduler.callers["1"].offer.agents == ("a",)  # type: ignore[union-attr]
    centre.miss("1")
    status = centre.told(AgentStatusSet)[-1]
    assert (status.agent, status.status, status.reason, status.by) == ("a", "break", "no-answer", "system")


def test_an_offer_of_which_nothing_is_heard_ends_by_itself() -> None:
    centre = Centre({"a": {}}, ring_s=15)
    centre.log_in("a")
    centre.enter("1")
    centre.offers()
    assert Withdrawn(1, ("a",)) in centre.wait(21)
    assert centre.told(OfferEnded)[0].outcome == "failed"
    assert centre.scheduler.agents["a"].state == "paused"


def test_who_hangs_up_while_it_rings_takes_the_offer_back() -> None:
    centre = Centre({"a": {}})
    centre.log_in("a")
    centre.enter("1")
    centre.offers()
    centre.now = 7
    centre.scheduler.leave(7, "1")
    assert centre.step() == [Withdrawn(1, ("a",))]
    assert not centre.scheduler.answered(8, 1, "a")
    assert (centre.told(QueueAbandoned)[0].waited_ms, centre.scheduler.agents["a"].standing) == (7000, "ready")


def test_the_same_agent_is_waited_for_and_then_no_longer() -> None:
    centre = Centre(TWO)
    centre.log_in("a", "b")
    centre.enter("busy")
    centre.offers()
    centre.answer("busy")
    centre.enter("1", agent="a", agent_wait_s=30)
    assert centre.offers() == {}
    assert centre.told(QueueWaits)[-1].reason == "agent"
    centre.wait(29)
    assert centre.scheduler.callers["1"].offer is None
    centre.wait(1)
    assert centre.scheduler.callers["1"].offer.agents == ("b",)  # type: ignore[union-attr]


def test_whom_a_caller_waits_for_logs_out() -> None:
    centre = Centre(TWO)
    centre.log_in("a", "b")
    centre.enter("busy")
    centre.offers()
    centre.answer("busy")
    centre.enter("1", agent="a")
    centre.offers()
    centre.scheduler.set_status(1, "a", "logged-out")
    assert centre.offers() == {"1": "b"}


def test_default_agents_serve_when_nobody_else_can() -> None:
    centre = Centre({"a": {"skills": {"x": 1}}, "chief": {"queues": {}}}, skills={"x": 1}, default_agents=("chief",))
    centre.log_in("a", "chief")
    centre.enter("1")
    centre.enter("2")
    assert centre.offers() == {"1": "a", "2": "chief"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"max_waiting": 1}, "full"), ({"max_calls": 1}, "lines"), ({"open": False}, "closed")],
)
def test_limits_refuse(options: dict[str, object], reason: str) -> None:
    centre = Centre({"a": {}}, **options)
    if reason != "closed":
        assert centre.enter("1") is None
    assert centre.enter("2") == Refusal(reason)


def test_limits_and_strategy_are_changed_live() -> None:
    centre = Centre(TWO, max_waiting=1)
    centre.enter("1")
    centre.scheduler.put_queue("q", QueueConfig(max_waiting=2, strategy="ring-all"))
    assert centre.enter("2") is None
    centre.log_in("a", "b")
    assert centre.offers() == {"1": ("a", "b")}
    with pytest.raises(AcdError):
        centre.scheduler.put_queue("q", QueueConfig(skills={"x": 1}))


def test_overflow_when_the_wait_is_over_and_when_nobody_is_left() -> None:
    rules = (Overflow(when="wait", after_s=60, to="queue:other"), Overflow(when="nobody", to="voicemail:q"))
    centre = Centre({"a": {}}, overflow=rules)
    assert centre.enter("0") == Refusal("nobody", "voicemail:q")
    centre.log_in("a")
    centre.enter("1")
    centre.offers()
    centre.answer("1")
    centre.enter("2")
    assert Overflowed("2", "q", "wait", "queue:other") in centre.wait(60)
    centre.enter("3")
    centre.scheduler.set_status(centre.now, "a", "logged-out")
    assert centre.step() == [Overflowed("3", "q", "nobody", "voicemail:q")]
    assert [left.reason for left in centre.told(QueueLeft)] == ["wait", "nobody"]


def test_what_is_due_while_it_rings_comes_when_the_ringing_has_ended() -> None:
    centre = Centre({"a": {}}, overflow=(Overflow(when="wait", after_s=5, to="busy"),), ring_s=15)
    centre.log_in("a")
    centre.enter("1")
    centre.offers()
    assert centre.wait(10) == []
    centre.miss("1")
    assert centre.step() == [Overflowed("1", "q", "wait", "busy")]


def test_a_phone_that_is_not_there_is_not_offered_anything() -> None:
    centre = Centre(TWO)
    centre.log_in("a", "b")
    centre.scheduler.set_reachable("a", False)
    centre.enter("1")
    assert centre.offers() == {"1": "b"}
    centre.enter("2")
    centre.offers()
    centre.scheduler.set_reachable("a", True)
    assert centre.offers() == {"2": "a"}


def test_who_is_in_another_call_is_not_offered_anything() -> None:
    centre = Centre({"a": {}})
    centre.log_in("a")
    centre.scheduler.set_busy(0, "a", "own")
    centre.enter("1")
    assert centre.offers() == {}
    centre.scheduler.set_busy(9, "a", "")
    assert centre.offers() == {"1": "a"}


def test_logging_out_takes_an_offer_back_and_a_talk_goes_on() -> None:
    centre = Centre(TWO)
    centre.log_in("a", "b")
    centre.enter("1")
    centre.offers()
    centre.scheduler.set_status(1, "a", "logged-out", "", "boss")
    assert centre.offers() == {"1": "b"}
    centre.answer("1")
    centre.scheduler.set_status(2, "b", "break", "lunch")
    assert centre.scheduler.agents["b"].state == "talking"
    centre.now = 5
    centre.scheduler.finished(5, "1")
    centre.wait(10)
    assert (centre.scheduler.agents["b"].state, centre.scheduler.agents["b"].standing) == ("idle", "break")


def test_position_and_estimate() -> None:
    centre = Centre(TWO, expected_handling_s=100)
    centre.log_in("a", "b")
    for call in ("1", "2", "3", "4"):
        centre.enter(call)
        centre.offers()
    queue = centre.scheduler.queues["q"]
    assert queue.position(centre.scheduler.callers["4"].rank) == 2
    assert queue.estimate_s(2) == 100.0
    assert [record.position for record in centre.told(QueueEntered)] == [1, 1, 1, 2]


def test_a_supervisor_takes_a_waiting_caller_and_gives_another_to_an_agent() -> None:
    centre = Centre(TWO)
    centre.enter("1")
    centre.enter("2")
    assert centre.scheduler.take(3, "1", "boss")
    assert not centre.scheduler.take(3, "1", "boss")
    assert not centre.scheduler.prefer(3, "2", "b"), "who is logged out is not waited for"
    centre.log_in("b", "a")
    assert centre.scheduler.prefer(3, "2", "b")
    assert centre.offers() == {"2": "b"}
    centre.scheduler.finished(9, "1")
    assert centre.told(QueueCompleted)[0].agent == "boss"


def test_wrap_up_codes() -> None:
    centre = Centre({"a": {}}, wrap_up_codes=("sold", "not"), wrap_up_s=60)
    centre.log_in("a")
    with pytest.raises(AcdError):
        centre.scheduler.wrap_up_done(0, "a", "sold")
    centre.enter("1")
    centre.offers()
    centre.answer("1")
    centre.scheduler.finished(0, "1")
    with pytest.raises(AcdError, match="wrap-up codes"):
        centre.scheduler.wrap_up_done(0, "a", "other")
    centre.scheduler.wrap_up_done(0, "a", "sold")
    assert centre.scheduler.agents["a"].standing == "ready"


@pytest.mark.parametrize("callback", [False, True])
def test_after_some_unanswered_offers_the_caller_goes_to_the_attendant(callback: bool) -> None:
    rule = {"when": "no-answer", "after_offers": 2, "to": "user:attendant"}
    centre = Centre(THREE, overflow=[rule])
    centre.log_in(*THREE)
    centre.enter("1", callback=callback)
    centre.step()
    centre.miss("1")
    centre.step()
    centre.miss("1", "unreachable")  # nobody has let it ring
    centre.step()
    centre.miss("1", "refused")
    if callback:
        assert centre.told(QueueLeft) == [], "it keeps its place"
        return
    assert centre.step() == [Overflowed("1", "q", "no-answer", "user:attendant")]
    [left] = centre.told(QueueLeft)
    assert (left.reason, left.to) == ("no-answer", "user:attendant")
    assert centre.scheduler.callers == {}


def test_wrap_up_survives_a_call_of_the_agents_own() -> None:
    centre = Centre({"a": {}}, wrap_up_s=30)
    centre.log_in("a")
    centre.enter("1")
    centre.step()
    assert centre.answer("1")
    centre.now += 60
    centre.scheduler.finished(centre.now, "1")
    agent = centre.scheduler.agents["a"]
    centre.wait(10)
    centre.scheduler.set_busy(centre.now, "a", "own")
    centre.wait(5)
    centre.scheduler.set_busy(centre.now, "a", "")
    assert (agent.state, agent.call) == ("wrap-up", "1")
    centre.wait(14.9)
    assert agent.state == "wrap-up"
    centre.wait(0.2)
    assert agent.state == "idle"
    [wrapped] = centre.told(AgentWrappedUp)
    assert (wrapped.call, wrapped.duration_ms) == ("1", 25_000)


def test_a_call_longer_than_the_wrap_up_ends_it() -> None:
    centre = Centre({"a": {}}, wrap_up_s=30, wrap_up_codes=("sold",))
    centre.log_in("a")
    for call in ("1", "2"):
        centre.enter(call)
        centre.step()
        assert centre.answer(call)
        centre.scheduler.finished(centre.now, call)
        centre.wait(10)
        centre.scheduler.set_busy(centre.now, "a", "own")
        if call == "2":  # its code may be given meanwhile
            centre.scheduler.wrap_up_done(centre.now, "a", "sold")
        centre.wait(50)
        centre.scheduler.set_busy(centre.now, "a", "")
        assert centre.scheduler.agents["a"].standing == "ready"
    assert [(done.call, done.code, done.duration_ms) for done in centre.told(AgentWrappedUp)] == [
        ("1", "", 10_000), ("2", "sold", 10_000),
    ]  # fmt: skip
