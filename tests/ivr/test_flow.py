# SPDX-License-Identifier: Apache-2.0
"""Flows written in Python: each verb, with callers who do what callers do."""

from collections.abc import Awaitable, Callable

import pytest

from switchroom.ivr.flow import Flow
from switchroom.ivr.prompts import Prompt, Value
from switchroom.pbx.events import FlowEnded, FlowStep, MessageLeft
from switchroom.testing import Bench, Caller

WELCOME = Prompt("welcome", en="Welcome.", zh="欢迎。")
MENU = Prompt("menu", en="Press 1 or 2.", zh="请按1或2。")


def bench_of(flow: Callable[[Flow], Awaitable[None]]) -> Bench:
    return Bench(("test", flow))


def outcomes(bench: Bench) -> list[tuple[str, str]]:
    return [(record.step, record.outcome) for record in bench.records if isinstance(record, FlowStep)]


async def choose(flow: Flow) -> None:
    await flow.say(WELCOME, barge_in=False)
    chosen = await flow.menu(MENU, choices={"1": "sales", "2": "support"})
    await flow.queue(chosen or "operator")
    await flow.hangup()


@pytest.mark.parametrize(
    ("story", "queue", "asked"),
    [
        (lambda caller: caller.hears("menu").press("1"), "sales", 1),
        (lambda caller: caller.press("2"), "support", 0),  # typed ahead: the menu is not even played
        (lambda caller: caller.hears("menu").press_at_once("11"), "sales", 1),
        (lambda caller: caller.hears("menu").press("9").hears("wrong-key").hears("menu").press("1"), "sales", 2),
        (lambda caller: caller.waits(60), "operator", 3),
        (lambda caller: caller.hears("menu").press("999"), "operator", 1),
    ],
)
def test_a_menu(story: Callable[[Caller], object], queue: str, asked: int) -> None:
    with bench_of(choose) as bench:
        caller = bench.call()
        story(caller)
        caller.expects_queue(queue, "served").expects_hangup()
        assert len([source for source in caller.leg.heard if "|menu|" in source]) == asked


def test_a_key_ends_what_is_said_and_an_announcement_not() -> None:
    async def talk(flow: Flow) -> None:
        await flow.say("A long announcement that everybody must hear to its end, law or no law.", barge_in=False)
        await flow.say("A long announcement that nobody needs to hear to its end, law or no law.")

    with bench_of(talk) as bench:
        began = bench.services.clock()
        caller = bench.call().press("1")
        caller.expects_hangup()
        assert 4 < bench.services.clock() - began < 6
        assert len(caller.leg.heard) == 1  # the key was waiting when the second began


def test_digits_are_collected_checked_and_confirmed() -> None:
    numbers: list[str] = []

    async def ask(flow: Flow) -> None:
        number = await flow.collect(
            "Your number?", least=4, most=8, confirm=True, check=lambda typed: typed.startswith("4")
        )
        numbers.append(number)

    with bench_of(ask) as bench:
        caller = bench.call().hears("Your number?").press("12#").hears("not-understood")
        caller.hears("Your number?").press("5555#").hears("not-understood").hears("Your number?").press("4711")
        caller.hears("you-entered").hears("four seven one one").press("1").expects_hangup()
        bench.call().press("4711#2").hears("Your number?").press("4712#1").expects_hangup()
        bench.call().waits(60).expects_hangup()
        bench.call().press("47114711").hears("you-entered").waits(60).expects_hangup()  # confirms nothing
    assert numbers == ["4711", "4712", "", ""]


def test_hanging_up_ends_a_flow_at_any_step() -> None:
    """After every step that a caller can be in, the flow ends at once, and its records say where."""
    places: list[tuple[str, Callable[[Caller], object]]] = [
        ("welcome", lambda caller: caller),
        ("menu", lambda caller: caller.hears("menu")),
        ("sales", lambda caller: caller.hears("menu").press("1").expects_queue("sales")),
    ]
    for step, story in places:
        with bench_of(choose) as bench:
            caller = bench.call()
            story(caller)
            caller.hangs_up()
            (ended,) = [record for record in bench.records if isinstance(record, FlowEnded)]
            assert (ended.outcome, ended.step) == ("hung-up", step)
            assert outcomes(bench)[-1] == (step, "hung up")


def test_a_message_is_kept_when_the_caller_hangs_up() -> None:
    async def take(flow: Flow) -> None:
        await flow.record("sales")

    with bench_of(take) as bench:
        bench.call(number="4711").hears("tone:beep").speaks(7).hangs_up().expects_message("sales")
        bench.call().hears("tone:beep").hangs_up()
        (message,) = [record for record in bench.records if isinstance(record, MessageLeft)]
        assert (message.caller, message.mailbox) == ("4711", "sales")
        assert 6_500 < message.duration_ms < 7_800


def test_other_systems_answer_fail_or_are_slow() -> None:
    answers: list[object] = []

    async def ask(flow: Flow) -> None:
        answers.append(await flow.http("http://crm/1", fallback="none"))
        answers.append(await flow.http("http://crm/2", {"caller": flow.call.caller}, fallback="none"))
        answers.append(await flow.db("orders", number=1, fallback=[]))

    with bench_of(ask) as bench:
        bench.outside.urls["http://crm/1"] = {"name": "Ada"}
        bench.outside.urls["http://crm/2"] = ConnectionResetError("gone")
        bench.outside.queries["orders"] = lambda values: [dict(values)]
        bench.call(number="5").expects_hangup()
        assert bench.outside.asked == [
            ("GET http://crm/1", None),
            ("POST http://crm/2", {"caller": "5"}),
            ("orders", {"number": 1}),
        ]
        bench.outside.delay_s = 60
        bench.call().expects_hangup()
    assert answers == [{"name": "Ada"}, "none", [{"number": 1}], "none", "none", []]


def test_languages() -> None:
    async def both(flow: Flow) -> None:
        await flow.say(WELCOME)
        flow.language = "zh"
        await flow.say(WELCOME, Value("number", "3"), Prompt("only-english", en="English"))

    with bench_of(both) as bench:
        caller = bench.call().expects_hangup()
        assert caller.leg.heard == ["en|welcome|Welcome.", "zh|welcome|欢迎。", "zh||三", "en|only-english|English"]


def test_a_fault_of_the_flow_is_the_tests() -> None:
    async def broken(flow: Flow) -> None:
        raise KeyError("oops")

    with bench_of(broken) as bench, pytest.raises(KeyError):
        bench.call().expects_hangup()
    (ended,) = [record for record in bench.records if isinstance(record, FlowEnded)]
    assert (ended.outcome, ended.reason) == ("failed", "'oops'")


def test_what_does_not_happen_says_what_did() -> None:
    with bench_of(choose) as bench:
        caller = bench.call()
        with pytest.raises(AssertionError, match=r"in vain for to hear 'nothing of it'; heard: .*menu"):
            caller.hears("nothing of it", within_s=10)
        with pytest.raises(AssertionError, match="the call was over while waiting"):
            caller.hangs_up().hears("menu again")
