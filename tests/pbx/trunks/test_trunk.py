# SPDX-License-Identifier: Apache-2.0
"""Trunks: numbers both ways, channels, the order of addresses, and which carrier a call takes."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.pbx.config_reader import Reader
from switchroom.pbx.control import Party
from switchroom.pbx.dialplan import Clockwork
from switchroom.pbx.trunks.channels import Channels
from switchroom.pbx.trunks.config import GATEWAYS, Carrier, TrunkConfig
from switchroom.pbx.trunks.numbers import Country, NumberRule, change
from switchroom.pbx.trunks.routes import Routes
from switchroom.pbx.trunks.targets import Target, Targets
from switchroom.pbx.trunks.trunk import Trunk, profile


def read(kind: Any, **values: Any) -> Any:
    reader = Reader("")
    found = reader.read(kind, values)
    assert reader.mistakes == []
    return found


def trunk(name: str = "a", **values: Any) -> Trunk:
    values.setdefault("targets", ["sip:192.0.2.10"])
    return Trunk(read(TrunkConfig, name=name, **values), lambda: 0.0, random.Random(1).randrange)


# ---- numbers


def test_rules_are_read_at_sight() -> None:
    rules = [NumberRule.from_text(text) for text in ("00. -> +{number:2}", "0Z. -> +86{number:1}", "9X -> {number}#")]
    assert [change(number, rules) for number in ("0044201", "01012345678", "95", "12345")] == [
        "+44201", "+861012345678", "95#", "12345"]  # fmt: skip


@pytest.mark.parametrize("wrong", ["", "0.", "-> 1", "0. -> {x}", "0. -> a b", "[ -> 1", "0. -> {number:123}"])
def test_a_rule_that_cannot_be_read(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        NumberRule.from_text(wrong)


@pytest.mark.parametrize(
    ("country", "dialled", "e164"),
    [
        ("86", "01088889999", "+861088889999"),
        ("86", "13800138000", "+8613800138000"),
        ("86", "00442071234567", "+442071234567"),
        ("86", "12345", "12345"),
        ("1", "12125551234", "+12125551234"),
        ("1", "01144207123456", "+44207123456"),
        ("44", "02071234567", "+442071234567"),
        ("49", "+49301234", "+49301234"),
    ],
)
def test_numbers_of_a_country(country: str, dialled: str, e164: str) -> None:
    assert Country.from_text(country).e164(dialled) == e164


def test_numbers_both_ways() -> None:
    carrier = trunk(country="86", called_in=["+861088880XXX -> {number:9}"])
    assert carrier.called_out("01088889999") == "+861088889999"
    assert carrier.called_in("+861088880123") == "0123"
    assert carrier.called_in("+8613800138000") == "013800138000"
    assert carrier.caller_in(Party("+442071234567", "Ada")) == Party("00442071234567", "Ada")


@pytest.mark.parametrize(
    ("values", "shown", "private"),
    [
        ({}, "1001", False),
        ({"caller_out": ["1XXX -> 0108888{number}"]}, "01088881001", False),
        ({"caller_policy": "fixed", "caller_fixed": "4001"}, "4001", False),
        ({"caller_policy": "anonymous"}, "", True),
        ({"caller_policy": "own-only", "caller_fixed": "4001", "own_numbers": ["10XX"]}, "1001", False),
        ({"caller_policy": "own-only", "caller_fixed": "4001", "own_numbers": ["20XX"]}, "4001", False),
    ],
)
def test_whom_the_outside_is_shown(values: dict[str, Any], shown: str, private: bool) -> None:
    party, hidden = trunk(**values).caller_out(Party("1001", "Ada"), False)
    assert (party.number, hidden) == (shown, private)


# ---- channels


def test_the_thirty_first_call_of_an_e1_finds_no_channel() -> None:
    line = trunk(spans=1, gateway="generic")
    assert [line.channels.take("in") for _ in range(31)] == [True] * 30 + [False]
    assert line.why_not() == "all channels are in use"
    line.channels.give_back("in")
    assert line.channels.take("out")
    assert (line.channels.blocked["in"], line.channels.peak) == (1, 30)


def test_limits_change_while_calls_go_on() -> None:
    channels = Channels(lambda: 0.0, both=3, outgoing=1)
    assert [channels.take("out"), channels.take("out"), channels.take("in")] == [True, False, True]
    channels.limit(both=1, outgoing=5)
    assert not channels.take("out")
    assert channels.all_used == 2  # nobody is cut off
    channels.give_back("in")
    channels.give_back("out")
    assert channels.take("out")


def test_calls_a_second() -> None:
    now = [0.0]
    channels = Channels(lambda: now[0], per_second=2.0)
    assert [channels.take("out") for _ in range(3)] == [True, True, False]
    now[0] = 0.5
    assert [channels.take("out") for _ in range(2)] == [True, False]


@given(st.lists(st.tuples(st.sampled_from(["take", "give"]), st.sampled_from(["in", "out"]))), st.integers(1, 5))
def test_no_channel_is_lost_or_made(steps: list[tuple[str, Any]], limit: int) -> None:
    channels = Channels(lambda: 0.0, both=limit)
    held = Counter[str]()
    for what, way in steps:
        if what == "take":
            held[way] += channels.take(way)
        elif held[way]:
            channels.give_back(way)
            held[way] -= 1
        assert channels.all_used == sum(held.values()) <= limit


# ---- targets and routes


def test_targets_by_priority_weight_and_health() -> None:
    made = [
        Target.from_text(f"sip:192.0.2.{n} priority {p} weight {w}") for n, p, w in ((1, 1, 30), (2, 1, 10), (3, 2, 1))
    ]
    targets = Targets(made, random.Random(3).randrange)
    first = Counter(targets.order()[0].uri for _ in range(4000))
    assert 2800 < first["sip:192.0.2.1"] < 3200
    assert first["sip:192.0.2.3"] == 0
    assert targets.set(made[0], "down")
    assert not targets.set(made[0], "down")
    assert [target.uri[-1] for target in targets.order()] == ["2", "3", "1"]
    assert made[2].with_user("0123") == "sip:0123@192.0.2.3"


@pytest.mark.parametrize("wrong", ["192.0.2.1", "sip:bob@192.0.2.1", "sip:192.0.2.1 weight", "tel:123"])
def test_a_target_that_cannot_be_read(wrong: str) -> None:
    with pytest.raises(ValueError, match="expected a target"):
        Target.from_text(wrong)


def test_least_cost_and_time_of_day() -> None:
    trunks = {name: trunk(name) for name in ("cheap", "dear", "night", "abroad")}
    carriers = [
        read(Carrier, trunk="dear", cost=3),
        read(Carrier, trunk="cheap", cost=1),
        read(Carrier, trunk="night", cost=0.5, when="night"),
        read(Carrier, trunk="abroad", cost=0.1, number="00."),
    ]
    switches: dict[str, Any] = {"night": "off"}
    routes = Routes({"outside": carriers}, trunks, Clockwork({}, switches))

    def chosen(number: str) -> list[str]:
        return [found.name for found in routes.choose("outside", number, 0.0)]

    assert chosen("010123") == ["cheap", "dear"]
    assert chosen("0044123") == ["abroad", "cheap", "dear"]
    switches["night"] = "on"
    assert chosen("010123") == ["night", "cheap", "dear"]
    trunks["cheap"].enabled = False
    for target in trunks["night"].targets.states:
        trunks["night"].targets.set(target, "down")
    assert chosen("010123") == ["dear"]
    reasons = {found.trunk: found.reason for found in routes.explain("outside", "010123", 0.0)}
    assert reasons == {
        "dear": "",
        "cheap": "out of service",
        "night": "no target answers",
        "abroad": "only for 00.",
    }


def test_every_profile_can_be_read() -> None:
    names = sorted(path.stem for path in GATEWAYS.glob("*.toml"))
    assert len(names) >= 4
    assert all(profile(name).title for name in names)
    assert trunk(gateway="patton-smartnode").overlap
    assert not trunk(gateway="patton-smartnode", overlap=False).overlap
