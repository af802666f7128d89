# SPDX-License-Identifier: Apache-2.0
"""The CDR of every way that a call can end, and a table that is right whenever its writer was stopped."""

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchroom.pbx import cdr as cdr_module
from switchroom.pbx.cdr import CUT_OFF, END_LOST, Cdr, CdrFold, fold
from switchroom.pbx.cdr_sink import CdrSink
from switchroom.pbx.events import (
    AnyRecord,
    CallBridged,
    CallEnded,
    CallRouted,
    CallStarted,
    CallTransferred,
    Entry,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    LegStarted,
    ServerStarted,
)
from switchroom.pbx.journal import Journal
from switchroom.pbx.storage.base import CdrQuery
from switchroom.pbx.storage.memory import MemoryStore

T0_MS = 1_800_000_000_000


def journal(*timed: tuple[int, AnyRecord]) -> list[Entry]:
    return [Entry(i + 1, (T0_MS + at_ms) * 1_000_000, record) for i, (at_ms, record) in enumerate(timed)]


def began(call: str = "c1") -> CallStarted:
    return CallStarted(call=call, caller="1001", dialled="1002", source="127.0.33.1:5060", user="1001")


def leg(name: str, direction: str, party: str) -> LegStarted:
    return LegStarted(call="c1", leg=name, direction=direction, party=party, sip_call_id=f"id-{name}")  # type: ignore[arg-type]


def leg_ended(name: str, status: int, reason: str, by: str) -> LegEnded:
    return LegEnded(call="c1", leg=name, status=status, reason=reason, ended_by=by, media={"lost": 1.0})  # type: ignore[arg-type]


def ended(result: str, status: int, reason: str, by: str, call: str = "c1") -> CallEnded:
    return CallEnded(call=call, result=result, status=status, reason=reason, ended_by=by)  # type: ignore[arg-type]


ROUTED = CallRouted(call="c1", destination="user:1002", rule="1XXX")
RANG = [(0, began()), (1, leg("a", "in", "1001")), (2, ROUTED), (3, leg("b", "out", "1002"))]


def folded(*timed: tuple[int, AnyRecord]) -> Cdr:
    cdr = fold(journal(*timed))
    assert cdr is not None
    return cdr


def test_an_answered_call() -> None:
    cdr = folded(
        *RANG,
        (100, LegRinging(call="c1", leg="b")),
        (2100, LegAnswered(call="c1", leg="b", codec="PCMA")),
        (2110, LegAnswered(call="c1", leg="a", codec="PCMU")),
        (2110, CallBridged(call="c1", legs=("a", "b"))),
        (3000, LegHeld(call="c1", leg="b")),
        (4000, LegResumed(call="c1", leg="b")),
        (5000, LegHeld(call="c1", leg="b")),
        (62110, leg_ended("b", 200, "OK", "callee")),
        (62110, leg_ended("a", 200, "OK", "callee")),
        (62110, ended("answered", 200, "OK", "callee")),
    )
    assert (cdr.caller, cdr.dialled, cdr.destination, cdr.rule, cdr.user) == (
        "1001", "1002", "user:1002", "1XXX", "1001",
    )  # fmt: skip
    assert (cdr.started_at_ms, cdr.ringing_at_ms, cdr.answered_at_ms, cdr.ended_at_ms) == tuple(
        T0_MS + at_ms for at_ms in (0, 100, 2110, 62110)
    )
    assert (cdr.ring_ms, cdr.talk_ms, cdr.duration_ms) == (2010, 60_000, 62_110)
    assert (cdr.result, cdr.status, cdr.ended_by, cdr.source) == ("answered", 200, "callee", "127.0.33.1:5060")
    caller, called = cdr.legs
    assert (caller.party, caller.direction, caller.codec, caller.held_ms) == ("1001", "in", "PCMU", 0)
    assert (called.party, called.codec, called.media, called.sip_call_id) == ("1002", "PCMA", {"lost": 1.0}, "id-b")
    assert called.held_ms == 1000 + 57_110


@pytest.mark.parametrize(
    ("result", "status", "reason", "by", "rings"),
    [
        ("busy", 486, "Busy Here", "callee", False),
        ("rejected", 603, "Decline", "callee", True),
        ("no-answer", 408, "Request Timeout", "exchange", True),
        ("cancelled", 487, "Request Terminated", "caller", True),
        ("not-found", 404, "Not Found", "exchange", False),
        ("unavailable", 480, "Temporarily Unavailable", "exchange", False),
        ("failed", 500, "Server Internal Error", "exchange", False),
        ("refused", 503, "Service Unavailable", "exchange", False),
    ],
)
def test_a_call_that_was_not_answered(result: str, status: int, reason: str, by: str, rings: bool) -> None:
    ringing = [(50, LegRinging(call="c1", leg="b"))] if rings else []
    cdr = folded(*RANG, *ringing, (950, leg_ended("b", status, reason, by)), (1000, ended(result, status, reason, by)))
    assert (cdr.result, cdr.status, cdr.reason, cdr.ended_by) == (result, status, reason, by)
    assert (cdr.answered_at_ms, cdr.talk_ms, cdr.duration_ms) == (None, 0, 1000)
    assert cdr.ring_ms == (950 if rings else 0)


def test_a_call_refused_before_it_had_legs() -> None:
    cdr = folded((0, began()), (1, ended("refused", 503, "Service Unavailable", "exchange")))
    assert (cdr.legs, cdr.destination, cdr.duration_ms) == ((), "", 1)


def test_a_call_that_the_exchange_began_is_answered_when_its_parties_are_joined() -> None:
    two = (
        (0, began()),
        (1, leg("a", "out", "1001")),
        (500, LegAnswered(call="c1", leg="a")),
        (501, leg("b", "out", "1002")),
        (900, LegAnswered(call="c1", leg="b")),
        (901, CallBridged(call="c1", legs=("a", "b"))),
    )
    assert folded(*two, (1901, ended("answered", 200, "OK", "caller"))).talk_ms == 1000
    alone = folded(*two[:3], (1500, ended("answered", 200, "OK", "callee")))
    assert alone.talk_ms == 1000


def test_a_call_that_goes_on_has_no_cdr() -> None:
    assert fold(journal(*RANG)) is None


def test_records_of_calls_and_legs_that_never_began_are_passed_over() -> None:
    stray: list[tuple[int, AnyRecord]] = [
        (5, LegAnswered(call="c1", leg="x")),
        (5, LegEnded(call="c9", leg="a", status=1, reason="", ended_by="caller")),
    ]
    assert folded(*RANG, *stray, (9, ended("busy", 486, "Busy Here", "callee"))).result == "busy"


def test_a_crash_ends_its_calls_at_the_last_sign_of_life() -> None:
    entries = journal(
        *RANG,
        (10, LegAnswered(call="c1", leg="a")),
        (20, began("c2")),
        (3010, ended("busy", 486, "Busy Here", "callee", call="c2")),
        (90_000, ServerStarted(version="1")),
        (90_001, began("c3")),
    )
    whole = CdrFold()
    cdrs = list(whole.feed(entries))
    assert [cdr.call for cdr in cdrs] == ["c2", "c1"]
    cut = cdrs[1]
    assert (cut.result, cut.reason, cut.ended_by, cut.talk_ms) == ("failed", CUT_OFF, "exchange", 3000)
    assert whole.resume == entries[-1].number - 1


def test_open_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdr_module, "MAX_OPEN_CALLS", 10)
    cdrs = list(CdrFold().feed(journal(*((i, began(f"c{i}")) for i in range(15)))))
    assert [(cdr.call, cdr.reason) for cdr in cdrs] == [(f"c{i}", END_LOST) for i in range(5)]


def calls(count: int) -> list[AnyRecord]:
    """Overlapping calls: each ends after the next began."""
    records: list[AnyRecord] = []
    for i in range(count):
        records.append(began(f"c{i}"))
        if i:
            records.append(ended("answered", 200, "OK", "caller", call=f"c{i - 1}"))
    return records


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 59), max_size=6), st.integers(1, 9))
def test_a_sink_stopped_anywhere_writes_every_cdr_once(stops: list[int], batch: int) -> None:
    entries = [Entry(i + 1, i * 1_000_000, record) for i, record in enumerate(calls(30))]
    table: dict[str, Cdr] = {}
    resume = 0
    for stop in [*sorted(stops), len(entries)]:
        fold = CdrFold(resume)
        position = resume
        while position < stop:  # a kill between fold and write loses what was folded; what was written stays
            part = entries[position : position + batch]
            found = {cdr.call: cdr for cdr in fold.feed(part)}
            position += len(part)
            if position > stop and stop < len(entries):
                break
            assert all(table.get(call, cdr) == cdr for call, cdr in found.items())
            table |= found
            resume = fold.resume
    assert sorted(table) == sorted(f"c{i}" for i in range(29))


async def test_the_sink_fills_the_table_and_resumes() -> None:
    store = MemoryStore()
    for run in range(3):
        book = await Journal.open(store.journal, lambda: T0_MS * 1_000_000, batch_records=2)
        sink = CdrSink(book, store.cdrs)
        task = asyncio.create_task(sink.run())
        book.append(ServerStarted(version="1"))
        book.append(began(f"r{run}"))
        book.append(ended("busy", 486, "Busy Here", "callee", call=f"r{run}"))
        book.append(began(f"open{run}"))
        await book.close()
        await task
    rows = [msgspec.json.decode(row, type=Cdr) for row in await store.cdrs.find(CdrQuery())]
    assert sorted((row.call, row.result) for row in rows) == [
        ("open0", "failed"),
        ("open1", "failed"),
        ("r0", "busy"),
        ("r1", "busy"),
        ("r2", "busy"),
    ]


def test_calls_that_a_consultation_has_joined_are_one_conversation() -> None:
    def passed(call: str, to: str, status: int = 200) -> CallTransferred:
        return CallTransferred(call=call, leg=f"{call}/1", target="1003", status=status, to_call=to, to_leg=f"{to}/1")

    calls = ("c1", "c2", "c3", "c4")
    entries = journal(
        *[(i, began(call)) for i, call in enumerate(calls)],
        (10, passed("c4", "c3")),
        (11, passed("c2", "c1", 480)),  # nobody took it
        (12, passed("c1", "c4")),
        (13, passed("c1", "gone")),
        *[(20 + i, ended("answered", 200, "", "caller", call)) for i, call in enumerate(calls)],
    )
    assert {cdr.call: cdr.conversation for cdr in CdrFold().feed(entries)} == {
        "c1": "c1", "c2": "c2", "c3": "c1", "c4": "c1",
    }  # fmt: skip
