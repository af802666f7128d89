# SPDX-License-Identifier: Apache-2.0
"""The flows that come with the exchange: every step and every way out of a menu, by callers of all kinds."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from switchroom.ivr import document
from switchroom.ivr.document import Document
from switchroom.ivr.lint import lint
from switchroom.ivr.shelf import READY
from switchroom.pbx.events import CallRated, FlowEnded
from switchroom.testing import Bench, Coverage

FLOWS: dict[str, Document] = {}
for _path in sorted(READY.glob("*.toml")):
    _found, _mistakes = document.read(_path.read_text(encoding="utf-8"), _path.name)
    assert _found is not None, _mistakes
    FLOWS[_found.name] = _found

COVERED = Coverage()
MEMBER = {"number": "4711", "pin": "1234", "name": "Ada", "class": "VIP"}
Story = Callable[[Bench], object]


def busy(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("person-or-self").press("1").expects_queue("hotline", "timeout", after_s=60).hears("all-busy")
    caller.hears("after-the-tone").hears("tone:beep").speaks(10).press("#").expects_message("hotline").hears("good-bye")
    caller.expects_hangup()


def closed(bench: Bench) -> None:
    bench.times["hotline"] = False
    caller = bench.call()
    caller.hears("closed").hears("tone:beep").speaks(0.2).press("#").hears("good-bye").expects_hangup()


def states(bench: Bench) -> None:
    bench.outside.queries["request-state"] = lambda asked: (
        [{"zh": "已受理", "en": "received"}] if asked["number"] == "20261" else []
    )
    caller = bench.call()
    caller.hears("person-or-self").press("2").hears("self-service").press("1").hears("request-number").press("20261#")
    caller.hears("已受理").hears("self-service").press("1").press("9999#").hears("request-unknown")
    caller.hears("self-service").press("2").hears("announcements").hears("self-service").press("*")
    caller.hears("person-or-self").hangs_up()


def languages(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("欢迎致电服务热线").press("3").hears("en|person-or-self").press("3").hears("zh|person-or-self")
    caller.waits(60).expects_queue("hotline", "served", agent="1003").hears("please-rate").press("1")
    caller.expects_rating("satisfied").hears("good-bye").expects_hangup()


def lost_in_self_service(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("person-or-self").press("2").waits(40).expects_queue("hotline").hangs_up()


def no_request_number(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("person-or-self").press("21").waits(60).expects_queue("hotline").hangs_up()


def vip(bench: Bench) -> None:
    bench.outside.queries["member"] = [MEMBER]
    caller = bench.call()
    caller.hears("member-number").press("4711#").hears("member-pin").press("1234#").hears("Ada")
    caller.expects_queue("members")
    assert bench.queues.waiting[0].wishes == {"priority": 10}
    assert caller.said[-2:] == ["Ada", ",您好。"]
    assert "1234" not in repr(bench.records)
    caller.expects_queue("members", "served").hears("please-rate").press("2").expects_rating("not satisfied")
    caller.expects_hangup()


def wrong_pin(bench: Bench) -> None:
    bench.outside.queries["member"] = lambda asked: [MEMBER] if asked["number"] == "4711" else []
    caller = bench.call()
    caller.hears("member-number").press("4711#").hears("member-pin").press("9999#").hears("wrong-pin")
    caller.hears("member-number").press("8888#").hears("member-pin").press("1234#").hears("wrong-pin")
    caller.hears("member-number").press("4711#1234")  # typed ahead, ended by silence
    caller.hears("Ada").expects_queue("members", "full").expects_queue("members", "closed")
    caller.hears("message-or-callback").press("2").expects_callback("office").hears("will-call-back").expects_hangup()


def three_wrong_pins(bench: Bench) -> None:
    bench.outside.queries["member"] = [MEMBER | {"class": "normal"}]
    caller = bench.call()
    for _ in range(3):
        caller.hears("member-number").press("4711#0000#")
    caller.expects_queue("members")
    assert bench.queues.waiting[0].wishes == {}
    caller.hangs_up()


def plain_member(bench: Bench) -> None:
    bench.outside.queries["member"] = [MEMBER | {"class": "normal"}]
    caller = bench.call()
    caller.press("4711#1234#").expects_queue("members").hangs_up()


def silent_member(bench: Bench) -> None:
    caller = bench.call()
    caller.waits(80).expects_queue("members").hangs_up()


def day(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("office-welcome").expects_queue("office", "served").hears("please-rate").press("3")
    caller.expects_rating("average").expects_hangup()


def tired_of_waiting(bench: Bench) -> None:
    caller = bench.call()
    caller.expects_queue("office", "left", key="*").hears("message-or-callback").waits(30)
    caller.hears("tone:beep").speaks(5).hangs_up().expects_message("office")


def called_back(bench: Bench) -> None:
    caller = bench.call()
    caller.expects_queue("office", "callback").expects_hangup()


def night(bench: Bench) -> None:
    bench.times["office"] = False
    caller = bench.call()
    caller.hears("office-night").expects_transfer("user:duty").expects_hangup()


def nobody_on_duty(bench: Bench) -> None:
    bench.times["office"] = False
    bench.unreachable["user:duty"] = "no answer"
    bench.queues.refuses_callbacks = True
    caller = bench.call()
    caller.hears("message-or-callback").press("2").hears("tone:beep").speaks(3).press("#").hears("message-kept")
    caller.expects_hangup()


def holiday(bench: Bench) -> None:
    bench.times |= {"office": True, "holidays": True}
    caller = bench.call()
    caller.hears("office-holiday").hears("message-or-callback").press("1").hears("tone:beep").press("#")
    caller.expects_hangup()


def orders(bench: Bench) -> None:
    caller = bench.call()
    shop = "http://127.0.0.1:8090/orders/"
    bench.outside.urls = {
        f"{shop}2026": {"state": "shipped", "date": "2026-10-01", "total": 120.5},
        f"{shop}2027": {"state": "packing"},
        f"{shop}2028": {},
    }
    caller.hears("order-number").press("2026#").hears("you-entered").hears("二零二六").hears("confirm").press("1")
    caller.hears("二零二六年十月一日").hears("一百二十元五角").hears("order-more").press("1")
    caller.hears("order-number").press("2027#").press("2").hears("order-number").press("2027#1").hears("order-open")
    caller.hears("order-more").press("1").press("2028#1").hears("order-unknown").hears("order-more").press("0")
    caller.expects_queue("orders", "served").hears("please-rate").waits(30).expects_hangup()
    assert bench.records_of(CallRated, caller.leg.call_id) == []


def shop_is_down(bench: Bench) -> None:
    caller = bench.call()
    caller.press("2026#1").hears("order-trouble").expects_queue("orders", "timeout").hears("message-or-callback")
    caller.press("1").hears("tone:beep").speaks(4).press("#").expects_message("office").expects_hangup()


def shop_is_slow(bench: Bench) -> None:
    bench.outside.delay_s = 30
    caller = bench.call()
    caller.press("2026#1").hears("order-trouble", within_s=10).expects_queue("orders").hangs_up()


def no_order_number(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("order-number").waits(60).expects_queue("orders").hangs_up()


def enough_of_orders(bench: Bench) -> None:
    bench.outside.urls["http://127.0.0.1:8090/orders/2027"] = {"state": "packing"}
    caller = bench.call()
    caller.press("2027#1").hears("order-open").hears("order-more").waits(40).expects_hangup()


def demo_in_both_languages(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("demo-welcome").hears("demo-menu").press("8").hears("zh|demo-menu").press("8").hears("en|demo-menu")
    caller.press("3").hears("demo-self").press("1").hears("demo-hours").hears("demo-self").press("*")
    caller.hears("demo-menu").press("1").expects_queue("sales", "served", agent="1003").hears("please-rate").press("1")
    caller.expects_rating("satisfied").hears("good-bye").expects_hangup()


def nobody_at_the_demo(bench: Bench) -> None:
    caller = bench.call()
    caller.hears("demo-menu").press("2").expects_queue("support", "timeout").hears("demo-busy").hears("good-bye")
    caller.expects_hangup()


def silent_at_the_demo(bench: Bench) -> None:
    caller = bench.call()
    caller.press("3").hears("demo-self").waits(30).hears("demo-menu").waits(30).expects_queue("support").hangs_up()


STORIES: dict[str, tuple[Story, ...]] = {
    "demo": (demo_in_both_languages, nobody_at_the_demo, silent_at_the_demo),
    "hotline": (busy, closed, states, languages, lost_in_self_service, no_request_number),
    "member": (vip, wrong_pin, three_wrong_pins, plain_member, silent_member),
    "office-hours": (day, tired_of_waiting, called_back, night, nobody_on_duty, holiday),
    "order-status": (orders, shop_is_down, shop_is_slow, no_order_number, enough_of_orders),
}


@pytest.mark.parametrize(
    ("flow", "story"),
    [(flow, story) for flow, stories in STORIES.items() for story in stories],
    ids=lambda x: x if isinstance(x, str) else x.__name__,
)
def test_stories(flow: str, story: Story) -> None:
    with Bench(FLOWS[flow]) as bench:
        story(bench)
        COVERED.add(bench.records)
        (ended,) = [record for record in bench.records if isinstance(record, FlowEnded) and record.flow == flow]
        assert ended.outcome in ("done", "hung-up")


def test_every_step_is_covered() -> None:
    """After the stories, in the order of this file."""
    missing: dict[str, Any] = {name: COVERED.missing(flow) for name, flow in FLOWS.items()}
    assert missing == {name: [] for name in FLOWS}


@pytest.mark.parametrize("name", FLOWS)
def test_nothing_is_wrong_with_them(name: str) -> None:
    assert lint(FLOWS[name]) == []


@pytest.mark.slow
def test_five_hundred_stories_take_seconds() -> None:
    """What a company's own IVR tests cost; CPU time, for the machine may be busy."""
    began_s, told = time.process_time(), 0
    for flow, story in itertools.islice(
        itertools.cycle((flow, story) for flow, stories in STORIES.items() for story in stories), 500
    ):
        with Bench(FLOWS[flow]) as bench:
            story(bench)
        told += 1
    took_s = time.process_time() - began_s
    print(f"{told} IVR tests in {took_s:.2f} s of CPU time: {told / took_s:.0f} a second")
    assert took_s < 5.0
