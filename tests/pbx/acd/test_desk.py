# SPDX-License-Identifier: Apache-2.0
"""Callers and agents on the simulated CallControl: what each hears, who is joined, and what is left behind."""

import asyncio
from collections.abc import Callable

import pytest

from switchroom.pbx.control import CallError, Leg, PickedUp, Presentation, SendOn, SentOn, TransferAsked
from switchroom.pbx.events import (
    AgentStatusSet,
    CallbackTried,
    OfferEnded,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueLeft,
)
from switchroom.pbx.sim.control import SimPhone
from tests.pbx.acd.sim_desk import SimCentre


def clean(centre: SimCentre) -> None:
    """Nothing is left: no caller, no offer, no leg, no agent in a call."""
    assert centre.desk.scheduler.callers == centre.desk.scheduler.offers == {}
    assert centre.desk.visits == centre.desk.conversations == {}
    assert [leg.id for leg in centre.control.legs if leg.state != "ended"] == []
    assert {agent.state for agent in centre.desk.scheduler.agents.values()} <= {"idle", "wrap-up", "paused"}
    assert centre.faults == []


def test_the_caller_hears_music_until_an_agent_answers_and_the_agent_hears_who_it_is() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555")
        await asyncio.sleep(1)
        assert caller.told == ["answered"]
        assert caller.heard == ["music.wav"]
        await asyncio.sleep(2)
        assert caller.partner is None, "the whisper lasts until 4"
        await asyncio.sleep(2)
        agent = centre.control.legs[1]
        assert caller.partner is agent
        assert agent.heard == ["en:call from sales"]
        await asyncio.sleep(5)
        caller.leave()
        await task
        assert agent.told == ["ended 200"]

    centre = SimCentre({"a": {}}, music="music.wav", whisper="speak:call from sales").run(script)
    clean(centre)
    assert centre.served == {"555": "gone"}
    assert (centre.told(QueueAnswered)[0].waited_ms, centre.told(QueueCompleted)[0].reason) == (2000, "caller")


def test_the_agents_phone_is_told_who_sent_the_call_on() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555", presentation=Presentation(private=True, diverted_by=("1007",)))
        await asyncio.sleep(5)
        agent = centre.control.legs[1].presentation
        assert (agent.diverted_by, agent.private, agent.auto_answer) == (("1007",), True, True)
        caller.leave()
        await task

    clean(SimCentre({"a": {}}, auto_answer=True).run(script))


def test_when_the_agent_hangs_up_the_caller_stays_for_the_flow() -> None:
    async def script(centre: SimCentre) -> None:
        _, task = centre.caller("555")
        await asyncio.sleep(10)
        centre.control.legs[1].leave()
        await task

    centre = SimCentre({"a": {}}).run(script)
    served = centre.served["555"]
    assert not isinstance(served, str)
    assert (served.result, served.agent, served.talk_s) == ("answered", "a", 8.0)
    clean(centre)


def test_an_agent_that_does_not_answer_is_passed_over_and_its_mobile_rings_first() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555")
        await asyncio.sleep(60)
        caller.leave()
        await task

    phones = {"user:a": SimPhone(answers_after_s=None), "sip:mobile": SimPhone(answers_after_s=None)}
    agents = {"a": {"mobile": "sip:mobile"}, "b": {}}
    centre = SimCentre(agents, phones, ring_s=15, then_mobile=True).run(script)
    assert [leg.party.number for leg in centre.control.legs] == ["555", "a", "sip:mobile", "b"]
    assert [(end.agent, end.outcome, end.rang_ms) for end in centre.told(OfferEnded)] == [
        ("a", "no-answer", 30_000), ("b", "answered", 2000),
    ]  # fmt: skip
    clean(centre)


@pytest.mark.parametrize(
    ("phone", "outcome"),
    [
        (SimPhone(answers_after_s=None, refuses_after_s=1, status=486), "busy"),
        (SimPhone(answers_after_s=None, refuses_after_s=1, status=603), "refused"),
        (SimPhone(answers_after_s=None, refuses_after_s=1, status=503), "failed"),
    ],
)
def test_refusals_have_names(phone: SimPhone, outcome: str) -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555")
        await asyncio.sleep(5)
        caller.leave()
        await task

    centre = SimCentre({"a": {}}, {"user:a": phone}).run(script)
    assert centre.told(OfferEnded)[0].outcome == outcome
    clean(centre)


def test_hanging_up_at_any_moment_leaves_nothing_behind() -> None:
    async def script(centre: SimCentre) -> None:
        for tenth in range(0, 80, 3):
            caller, task = centre.caller(f"c{tenth}")
            await asyncio.sleep(tenth / 10)
            caller.leave()
            await task
            await asyncio.sleep(20)

    centre = SimCentre({"a": {}, "b": {}}, {"user:a": SimPhone(answers_after_s=3)}, whisper="hello.wav").run(script)
    assert set(centre.served.values()) == {"gone"}
    assert len(centre.told(QueueAbandoned)) + len(centre.told(QueueAnswered)) == len(centre.served)
    clean(centre)


def test_the_agent_hanging_up_during_the_whisper_does_not_lose_the_caller_in_silence() -> None:
    async def script(centre: SimCentre) -> None:
        _, task = centre.caller("555")
        await asyncio.sleep(3)
        centre.control.legs[1].leave()
        await task

    centre = SimCentre({"a": {}}, whisper="hello.wav").run(script)
    clean(centre)


def test_place_adverts_and_choice() -> None:
    async def script(centre: SimCentre) -> None:
        first, one = centre.caller("1")
        await asyncio.sleep(5)
        second, two = centre.caller("2")
        await asyncio.sleep(40)
        assert second.heard[:4] == ["hello.wav", "music.wav", "ad.wav", "zh:place 1 wait 90.0"]
        second.press("7")
        second.press("2")
        await two
        first.leave()
        await one

    options = {
        "music": "music.wav", "greeting": "hello.wav", "adverts": ("ad.wav",), "language": "zh",
        "choices": {"2": "voicemail:q"}, "expected_handling_s": 90,
    }  # fmt: skip
    centre = SimCentre({"a": {}}, **options).run(script)
    assert centre.ways.sent == [("2", "voicemail:q")]
    assert centre.told(QueueLeft)[0].reason == "choice 2"
    clean(centre)


def test_overflow_to_another_queue_keeps_the_time_of_entry() -> None:
    async def script(centre: SimCentre) -> None:
        _, task = centre.caller("555")
        await asyncio.sleep(100)
        centre.control.legs[1].leave()
        await task

    agents = {"a": {"queues": {"other": 1}}}
    centre = SimCentre(agents, overflow=({"when": "wait", "after_s": 30, "to": "queue:other"},)).run(script)
    [answered] = centre.told(QueueAnswered)
    assert (answered.queue, answered.waited_ms) == ("other", 32_000)
    clean(centre)


def test_a_transfer_by_the_agent_leads_back_into_a_queue() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555")
        await asyncio.sleep(5)
        centre.control.legs[1].say(TransferAsked("other"))
        await asyncio.sleep(5)
        assert caller.partner is centre.control.legs[2]
        caller.leave()
        await task

    centre = SimCentre({"a": {"queues": {"q": 1}}, "b": {"queues": {"other": 1}}}).run(script)
    assert centre.control.legs[1].told == ["transferred 200", "ended 200"]
    assert [(done.agent, done.queue, done.reason) for done in centre.told(QueueCompleted)] == [
        ("a", "q", "transferred"), ("b", "other", "caller"),
    ]  # fmt: skip
    assert [answered.waited_ms for answered in centre.told(QueueAnswered)] == [2000, 2000], "the talk was no waiting"
    clean(centre)


def test_a_callback_keeps_its_place_and_the_agent_is_rung_first() -> None:
    async def script(centre: SimCentre) -> None:
        busy, one = centre.caller("1")
        await asyncio.sleep(5)
        wants, two = centre.caller("2")
        await asyncio.sleep(5)
        wants.press("1")
        await two
        third, three = centre.caller("3")
        await asyncio.sleep(5)
        busy.leave()
        await asyncio.sleep(10)
        agent, customer = centre.control.legs[-2:]
        assert (agent.party.number, customer.party.number) == ("a", "2")
        assert customer.partner is agent
        customer.leave()
        await asyncio.sleep(5)
        third.leave()
        await asyncio.gather(one, three)

    centre = SimCentre({"a": {}}, {"2": SimPhone()}, choices={"1": "callback"}).run(script)
    assert [tried.outcome for tried in centre.told(CallbackTried)] == ["answered"]
    assert [answered.caller for answered in centre.told(QueueAnswered)] == ["1", "2", "3"]
    assert centre.desk.callbacks == {}
    clean(centre)


def test_a_callback_that_is_not_answered_is_tried_again() -> None:
    async def script(centre: SimCentre) -> None:
        wants, task = centre.caller("2")
        await asyncio.sleep(1)
        centre.desk.scheduler.set_status(centre.desk.now(), "a", "break")
        wants.press("1")
        await task
        centre.desk.scheduler.set_status(centre.desk.now(), "a", "available")
        centre.desk.step()
        await asyncio.sleep(1000)

    phones = {"2": SimPhone(answers_after_s=None), "user:a": SimPhone(answers_after_s=3)}
    centre = SimCentre(
        {"a": {}}, phones, choices={"1": "callback"}, callback_attempts=2, callback_retry_s=60
    ).run(script)  # fmt: skip
    assert [(tried.attempt, tried.outcome) for tried in centre.told(CallbackTried)] == [
        (1, "no-answer"), (2, "no-answer"),
    ]  # fmt: skip
    clean(centre)


def test_the_last_agent_is_offered_where_the_caller_wants_it() -> None:
    async def script(centre: SimCentre) -> None:
        for key in ("", "1", "2"):
            caller, task = centre.caller("555")
            await asyncio.sleep(1)
            if key:
                assert caller.heard == ["en:same-agent"]
                caller.press(key)
            await asyncio.sleep(10)
            caller.leave()
            await task
            await asyncio.sleep(1)

    centre = SimCentre({"a": {}, "b": {}}, same_agent="ask").run(script)
    assert [answered.agent for answered in centre.told(QueueAnswered)] == ["a", "a", "b"]
    clean(centre)


def test_after_some_unanswered_offers_the_agent_is_on_break() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555")
        await asyncio.sleep(200)
        caller.leave()
        await task

    centre = SimCentre({"a": {}}, {"user:a": SimPhone(answers_after_s=None)}, no_answers=2).run(script)
    assert centre.told(AgentStatusSet)[-1].reason == "no-answer"
    assert len(centre.told(OfferEnded)) == 2
    clean(centre)


def test_two_phones_of_an_agent_ring_and_the_busy_one_does_not_end_it() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555")
        await asyncio.sleep(10)
        assert caller.partner is centre.control.legs[2]
        caller.leave()
        await task

    phones = {
        "user:a/desk": SimPhone(answers_after_s=None, refuses_after_s=0.5, status=486),
        "user:a/soft": SimPhone(answers_after_s=4),
    }
    agents = {"a": {}}
    centre = SimCentre(agents, phones)
    del centre.control.phones["user:a"]
    centre.run(script)
    assert [end.outcome for end in centre.told(OfferEnded)] == ["answered"]
    clean(centre)


def test_an_agent_puts_the_caller_through_to_somebody_else() -> None:
    async def script(centre: SimCentre) -> None:
        async def put_through(leg: Leg, asked: TransferAsked, by: Leg, on_answer: Callable[[], None]) -> None:
            [endpoint] = centre.control.endpoints(asked.target)
            other = await centre.control.originate(endpoint, caller=leg.party, beside=leg)
            await asyncio.sleep(5)
            if other.state != "answered":
                other.hangup()
                raise CallError(480, "no answer")
            on_answer()
            centre.control.bridge(leg, other)
            await asyncio.sleep(10)
            other.hangup()

        centre.control.put_through = put_through  # type: ignore[attr-defined]
        caller, task = centre.caller("555")
        await asyncio.sleep(5)
        agent = centre.control.legs[1]
        agent.say(TransferAsked("nobody"))
        await asyncio.sleep(7)
        assert agent.told == ["transferred 100", "transferred 480"]
        assert caller.partner is agent, "they are joined again"
        agent.say(TransferAsked("boss"))
        await asyncio.sleep(7)
        assert agent.told[2:] == ["transferred 100", "transferred 200", "ended 200"]
        assert caller.partner is not None
        assert caller.partner.party.number == "boss"
        assert centre.desk.scheduler.agents["a"].standing == "ready"
        await asyncio.sleep(20)
        assert caller.told == ["answered", "ended 200"]
        await task

    phones = {"user:nobody": SimPhone(answers_after_s=None), "user:boss": SimPhone()}
    centre = SimCentre({"a": {}}, phones)
    known = centre.control.endpoints
    centre.control.endpoints = lambda target, codecs=(): known(f"user:{target.removeprefix('user:')}")  # type: ignore[method-assign]
    centre.run(script)
    [completed] = centre.told(QueueCompleted)
    assert (completed.reason, completed.talk_ms) == ("transferred", 15_000)
    clean(centre)


def test_a_caller_who_talks_is_wanted_elsewhere() -> None:
    """As when the agent joins it to whom it has consulted: the talk is over, and nobody hangs up the caller."""
    went: list[str] = []

    async def script(centre: SimCentre) -> None:
        async def elsewhere(leg: Leg) -> None:
            went.append(leg.id)

        caller, task = centre.caller("555")
        await asyncio.sleep(5)
        agent = centre.control.legs[1]
        assert caller.listener is not None
        caller.listener(caller, SendOn(elsewhere))
        with pytest.raises(SentOn) as sent_on:
            await task
        assert agent.told == ["ended 200"]
        await sent_on.value.serve(caller)
        assert went == [caller.id]

    centre = SimCentre({"a": {}}).run(script)
    [completed] = centre.told(QueueCompleted)
    assert (completed.agent, completed.reason, completed.talk_ms) == ("a", "transferred", 3_000)
    clean(centre)


def test_an_agent_who_talks_is_wanted_elsewhere() -> None:
    async def script(centre: SimCentre) -> None:
        async def elsewhere(leg: Leg) -> None:
            await asyncio.sleep(10)

        _, task = centre.caller("555")
        await asyncio.sleep(5)
        agent = centre.control.legs[1]
        assert agent.listener is not None
        agent.listener(agent, SendOn(elsewhere))
        await asyncio.sleep(5)
        assert (agent.state, agent.partner) == ("answered", None)
        await asyncio.sleep(6)
        assert agent.state == "ended"
        await task

    centre = SimCentre({"a": {}}).run(script)
    assert [(done.agent, done.reason) for done in centre.told(QueueCompleted)] == [("a", "agent")]
    clean(centre)


def test_a_call_of_the_queue_is_picked_up_at_another_phone() -> None:
    async def script(centre: SimCentre) -> None:
        caller, task = centre.caller("555")
        await asyncio.sleep(1)
        ringing, other = centre.control.legs[1], centre.control.incoming("1009")
        other.answer()
        await asyncio.sleep(0.1)
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        assert ringing.listener is not None
        ringing.listener(ringing, PickedUp(other, over))
        await asyncio.sleep(1)
        assert caller.partner is other
        assert ringing.state == "ended"
        caller.leave()
        await task
        await over
        assert other.state == "ended"

    centre = SimCentre({"a": {}}, {"user:a": SimPhone(answers_after_s=None)}).run(script)
    assert [done.agent for done in centre.told(QueueCompleted)] == ["a"]
    clean(centre)
