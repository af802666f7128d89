# SPDX-License-Identifier: Apache-2.0
"""The dial plan: what patterns match, which rule wins, and why."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.pbx.dialplan import Destination, DialPlan, Pattern, Rule, UnknownContext


def plan(*rules: tuple[str, str]) -> DialPlan:
    return DialPlan({"default": [rule(number, to) for number, to in rules]})


def rule(number: str, to: str) -> Rule:
    return Rule(number=Pattern.from_text(number), to=Destination.from_text(to))


def went(plan: DialPlan, number: str) -> str | None:
    route = plan.route(number)
    return str(route.to) if route else None


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("1XXX", ["1001", "1999"], ["100", "10011", "2001", "1a01"]),
        ("N00", ["200", "900"], ["100", "000"]),
        ("Z0", ["10", "90"], ["00"]),
        ("[2-46]1", ["21", "31", "61"], ["51", "11"]),
        ("00.", ["001", "0049301234"], ["00", "0"]),
        ("*98#", ["*98#"], ["98", "*98"]),
        ("+86.", ["+8613800000000"], ["8613800000000"]),
        ("alice", ["alice"], ["Alice", "alic"]),
        ("[X]1", ["X1"], ["11"]),
        (".", ["a", "anything at all"], [""]),
    ],
)
def test_patterns(pattern: str, matches: list[str], misses: list[str]) -> None:
    tested = plan((pattern, "echo"))
    assert [number for number in matches if went(tested, number) != "echo"] == []
    assert [number for number in misses if went(tested, number) is not None] == []


@pytest.mark.parametrize("pattern", ["", "1.2", "[12", "[]", "[9-1]", "[a|b]"])
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        Pattern.from_text(pattern)


def test_the_first_rule_that_matches_wins_whatever_is_longer() -> None:
    ordered = plan(("10.", "busy"), ("1001", "echo"), (".", "reject:404"))
    assert went(ordered, "1001") == "busy"
    assert went(ordered, "2001") == "reject:404"


def test_the_number_is_filled_in() -> None:
    filled = plan(("1XXX", "user:{number}"), ("0.", "sip:{number:1}@192.0.2.7:5090"))
    assert went(filled, "1005") == "user:1005"
    assert went(filled, "0030123") == "sip:030123@192.0.2.7:5090"


def test_a_destination_without_the_number_is_made_once() -> None:
    fixed = plan(("9XXX", "echo"))
    assert fixed.route("9000") is fixed.route("9001")


def test_nothing_matches_and_no_rules() -> None:
    assert plan(("1", "echo")).route("2") is None
    assert plan().route("2") is None
    with pytest.raises(UnknownContext, match="no context 'sales'"):
        plan().route("2", "sales")


@pytest.mark.parametrize(
    "to",
    [
        "user:{number}",
        "sip:{number}@127.0.0.23:5090",
        "sip:[::1]:5060",
        "sip:a@example.org;transport=tcp",
        "echo",
        "tone:1000",
        "play:hello.wav",
        "speak:Good morning: all is well",
        "ring",
        "busy",
        "reject:404",
        "digits",
        "app:sales",
    ],
)
def test_destinations_read_as_they_are_written(to: str) -> None:
    assert str(Destination.from_text(to)) == to


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("usr:1", "unknown destination"),
        ("user", "needs an argument"),
        ("user:", "needs an argument"),
        ("echo:1", "has no argument"),
        ("echo:", "has"),
        ("tone:9000", "20 to 3900 Hz"),
        ("reject:200", "400 to 699"),
        ("sip:a b@c", "expected sip:"),
        ("user:{n}", "can be filled in"),
    ],
)
def test_wrong_destinations_say_why(to: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Destination.from_text(to)


def test_explain_says_who_won_and_why_the_others_did_not() -> None:
    explained = plan(("2.", "busy"), ("1XXX", "user:{number}"), (".", "echo")).explain("1001")
    assert [(line.rule, line.to, line.verdict) for line in explained] == [
        ("2.", "busy", "does not match"),
        ("1XXX", "user:1001", "wins"),
        (".", "echo", "matches too, but comes later"),
    ]


def test_two_equal_rules_have_one_winner() -> None:
    twice = rule("1", "echo")
    explained = DialPlan({"default": [twice, twice]}).explain("1")
    assert [line.verdict for line in explained] == ["wins", "matches too, but comes later"]


PATTERNS = st.lists(st.sampled_from(["1XXX", "1.", "ZX", "N", "[1-3]X", "12", "100X", "."]), max_size=6)


@given(PATTERNS, st.text("0123456789", min_size=1, max_size=5))
def test_one_expression_agrees_with_trying_rule_after_rule(patterns: list[str], number: str) -> None:
    compiled = plan(*((pattern, f"reject:{400 + index}") for index, pattern in enumerate(patterns)))
    slow = next(
        (index for index, text in enumerate(patterns) if re.fullmatch(Pattern.from_text(text).expression, number)), None
    )
    assert went(compiled, number) == (None if slow is None else f"reject:{400 + slow}")


def test_routing_is_quick(benchmark) -> None:  # type: ignore[no-untyped-def]
    large = plan(*((f"{index}", "echo") for index in range(1000, 1100)), ("9XXX", "echo"))
    assert benchmark(large.route, "9123") is not None
