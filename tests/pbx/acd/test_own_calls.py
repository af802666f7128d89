# SPDX-License-Identifier: Apache-2.0
"""Calls of agents' phones, at whichever phone an agent sits: who is in one is offered nobody."""

from switchroom.pbx.acd.own_calls import OwnCalls
from switchroom.pbx.events import AnyRecord, CallEnded, CallStarted, LegEnded, LegStarted


def begins(call: str, user: str, party: str) -> list[AnyRecord]:
    """A user calls somebody."""
    return [
        CallStarted(call=call, caller=user, dialled=party, user=user),
        LegStarted(call=call, leg=f"{call}/1", direction="in", party=user),
        LegStarted(call=call, leg=f"{call}/2", direction="out", party=party),
    ]


def ends(call: str) -> list[AnyRecord]:
    legs: list[AnyRecord] = [
        LegEnded(call=call, leg=f"{call}/{n}", status=200, reason="", ended_by="caller") for n in (1, 2)
    ]
    return [*legs, CallEnded(call=call, result="answered", status=200, reason="", ended_by="caller")]


def test_who_calls_and_who_is_called() -> None:
    calls = OwnCalls({"1001": "a", "1002": "b"})
    assert [calls.observe(record) for record in begins("c", "1001", "1002")] == [None, "a", "b"]
    assert [calls.observe(record) for record in begins("d", "1003", "0139")] == [None, None, None]
    assert (calls.call_of("a"), calls.call_of("b"), sorted(calls.busy())) == ("c", "c", ["a", "b"])
    assert [calls.observe(record) for record in ends("c")] == ["a", "b", None]
    assert (calls.call_of("a"), calls.busy()) == ("", [])


def test_an_agent_at_another_phone_is_busy_when_that_one_is() -> None:
    calls = OwnCalls({"1001": "a", "1002": "b"})
    for record in begins("c", "1009", "0139"):
        calls.observe(record)
    assert calls.call_of("a") == ""
    calls.sit("a", "1009")  # in the very call by which it logs in
    assert (calls.call_of("a"), calls.busy(), calls.at("1009")) == ("c", ["a"], "a")
    assert calls.at("1001") == "", "its own phone rings for nobody"
    assert [calls.observe(record) for record in ends("c")] == ["a", None, None]
    calls.sit("a", "1002")
    assert (calls.at("1002"), calls.at("1009")) == ("a", "")
    calls.sit("a", "")
    assert (calls.at("1001"), calls.at("1002"), calls.at("1009")) == ("a", "b", "")


def test_two_after_each_other_at_one_phone() -> None:
    calls = OwnCalls({"1001": "a", "1002": "b"})
    calls.sit("a", "1009")
    calls.sit("b", "1009")
    calls.sit("a", "")
    assert (calls.at("1009"), calls.at("1001")) == ("b", "a")
    calls.apply({"1001": "a"})
    assert (calls.at("1009"), calls.at("1002")) == ("", "")
