# SPDX-License-Identifier: Apache-2.0
"""The dial plan: what patterns match, which rule wins, and why."""

import re
from datetime import datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.pbx.dialplan import (
    Clockwork,
    Condition,
    Destination,
    DialPlan,
    Hours,
    Pattern,
    Rule,
    Span,
    UnknownContext,
    Zone,
)


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


# ---- times and includes


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


OPEN = Hours(
    when=(Span.from_text("Mon-Fri 09:00-18:00"), Span.from_text("Sat 22:00-02:00")),
    except_=(Span.from_text("12-25"), Span.from_text("2026-10-01..2026-10-07")),
    zone=Zone("Asia/Shanghai"),
)


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2026-11-25T09:00+08:00", True),
        ("2026-11-25T08:59:59+08:00", False),
        ("2026-11-25T18:00+08:00", False),
        ("2026-11-25T01:00+00:00", True),
        ("2026-11-28T22:00+08:00", True),
        ("2026-11-29T01:59+08:00", True),
        ("2026-11-29T02:00+08:00", False),
        ("2026-11-28T01:00+08:00", False),
        ("2026-10-07T10:00+08:00", False),
        ("2026-10-08T10:00+08:00", True),
        ("2029-12-25T10:00+08:00", False),
    ],
)
def test_hours_hold_by_weekday_date_and_zone(moment: str, holds: bool) -> None:
    assert OPEN.holds(at(moment)) is holds


@pytest.mark.parametrize(
    ("line", "inside", "outside"),
    [
        ("12-24..01-02", "2026-01-02T12:00", "2026-01-03T00:00"),
        ("Fri-Mon", "2026-11-29T00:00", "2026-11-25T00:00"),
        ("mon,WED 12:00-24:00", "2026-11-25T23:59", "2026-11-25T11:59"),
        ("12:00-13:00", "2026-11-25T12:00", "2026-11-25T13:00"),
        ("2026-11-25 08:00-09:00", "2026-11-25T08:30", "2026-11-26T08:30"),
    ],
)
def test_spans(line: str, inside: str, outside: str) -> None:
    span = Span.from_text(line)
    assert span.holds(datetime.fromisoformat(inside))
    assert not span.holds(datetime.fromisoformat(outside))


@pytest.mark.parametrize(
    "line", ["", "Mo 9-10", "Mon 25:00-26:00", "02-30", "2026-10-07..2026-10-01", "09:00-09:00", "Mon 09:60-10:00"]
)
def test_spans_that_mean_nothing_are_refused(line: str) -> None:
    with pytest.raises(ValueError):
        Span.from_text(line)


def test_a_rule_that_does_not_hold_now_gives_way_to_the_next() -> None:
    rules = (
        Rule(number=Pattern.from_text("8."), to=Destination.from_text("user:1"), when=Condition.from_text("open")),
        Rule(number=Pattern.from_text("9"), to=Destination.from_text("echo")),
        rule("8000", "busy"),
    )
    switches: dict[str, Literal["on", "off"]] = {}
    timed = DialPlan({"default": rules}, Clockwork({"open": OPEN}, switches), lambda: at("2026-11-25T10:00+08:00"))
    assert went(timed, "8000") == "user:1"
    assert str(timed.route("8000", at_s=at("2026-10-01T10:00+08:00")).to) == "busy"  # type: ignore[union-attr]
    switches["open"] = "off"
    assert went(timed, "8000") == "busy"
    first, _, last = timed.explain("8000")
    assert (first.verdict, first.reason) == ("not at this time", "only when open, and open is off by hand")
    assert last.verdict == "wins"
    assert went(timed, "8001") is None


def test_a_context_includes_another_which_keeps_its_name_in_the_explanation() -> None:
    closed = Condition.from_text("not open")
    contexts = {"inside": (rule("1XXX", "user:{number}"),), "default": (Rule(include="inside", when=closed),)}
    included = DialPlan(contexts, Clockwork({"open": OPEN}, {}), lambda: at("2026-11-25T10:00+08:00"))
    assert went(included, "1001") is None
    (only,) = included.explain("1001", at_s=at("2026-11-25T20:00+08:00"))
    assert (only.verdict, only.context, only.to) == ("wins", "inside", "user:1001")


def test_contexts_that_include_each_other_or_nothing_are_refused() -> None:
    with pytest.raises(UnknownContext, match="a > b > a"):
        DialPlan({"a": (Rule(include="b"),), "b": (Rule(include="a"),)})
    with pytest.raises(UnknownContext, match="'b'"):
        DialPlan({"a": (Rule(include="b"),)})
