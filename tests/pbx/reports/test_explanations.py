# SPDX-License-Identifier: Apache-2.0
"""Explanations out of the stored journal: of calls that memory has long forgotten, and of what agents did."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.cdr import CdrFold
from switchroom.pbx.cdr_sink import stored
from switchroom.pbx.events import (
    AgentStateSet,
    AgentStatusSet,
    AnyRecord,
    CallEnded,
    CallStarted,
    Entry,
    OfferEnded,
    QueueAnswered,
    QueueEntered,
    QueueOffered,
    QueueWaits,
)
from switchroom.pbx.journal import Journal
from switchroom.pbx.reports import explanations
from switchroom.pbx.reports.explanations import Explanations
from switchroom.pbx.storage.memory import MemoryStore

T0_MS = 1_800_000_000_000
MINUTE_MS = 60_000


def forgotten(call: str, now_ms: int) -> Any:
    raise AcdError("memory knows nothing")


class Past:
    """A journal whose clock the test sets, and explanations out of it."""

    def __init__(self) -> None:
        self.now_ms = T0_MS
        self.store = MemoryStore()
        self.waiting: dict[str, Any] = {}
        floor: Any = SimpleNamespace(
            explain_call=forgotten,
            desk=SimpleNamespace(scheduler=SimpleNamespace(callers=self.waiting), now=lambda: self.now_ms / 1000),
        )
        self.floor = floor

    async def open(self) -> "Past":
        self.journal = await Journal.open(self.store.journal, lambda: self.now_ms * 1_000_000)
        self.explanations = Explanations(
            self.floor, self.journal, self.store.journal, self.store.cdrs, lambda: self.now_ms
        )
        return self

    def at(self, after_ms: int, *records: AnyRecord) -> None:
        self.now_ms = T0_MS + after_ms
        for record in records:
            self.journal.append(record)

    async def keep_cdrs(self) -> None:
        await self.journal.flush()
        entries: list[Entry] = await self.store.journal.read(0, 100_000)
        await self.store.cdrs.write([stored(cdr) for cdr in CdrFold().feed(entries)], 0)


@pytest.fixture
async def past() -> AsyncIterator[Past]:
    past = await Past().open()
    past.at(0, AgentStatusSet(agent="a", status="available", by="phone"), AgentStateSet(agent="a", state="busy"))
    past.at(MINUTE_MS, CallStarted(call="other", caller="1", dialled="8000"))
    past.at(
        MINUTE_MS, QueueEntered(call="other", queue="q", caller="1"), QueueWaits(queue="q", reason="busy", waiting=1)
    )
    past.at(
        5 * MINUTE_MS, CallStarted(call="c", caller="5", dialled="8000"), QueueEntered(call="c", queue="q", caller="5")
    )
    past.at(
        7 * MINUTE_MS,
        QueueOffered(call="c", queue="q", offer=1, agents=("b",), waited_ms=1, rule="even", passed={"a": "busy"}),
    )
    past.at(
        7 * MINUTE_MS + 3000, OfferEnded(call="c", queue="q", offer=1, agent="b", outcome="no-answer", rang_ms=3000)
    )
    past.at(8 * MINUTE_MS, QueueOffered(call="c", queue="q", offer=2, agents=("a",), waited_ms=1, rule="even"))
    past.at(8 * MINUTE_MS + 2000, OfferEnded(call="c", queue="q", offer=2, agent="a", outcome="answered", rang_ms=2000))
    past.at(8 * MINUTE_MS + 2000, QueueAnswered(call="c", queue="q", agent="a", caller="5", waited_ms=182_000))
    past.at(9 * MINUTE_MS, CallEnded(call="c", result="answered", status=200, reason="", ended_by="caller"))
    past.at(30 * MINUTE_MS, AgentStatusSet(agent="a", status="logged-out", by="boss"))
    yield past
    await past.journal.close()


async def test_a_call_of_long_ago_is_explained_second_by_second(past: Past) -> None:
    await past.keep_cdrs()
    story = await past.explanations.of_call("c")
    assert (story.ended, story.agent, story.waited_ms) == ("answered", "a", 182_000)
    assert [(part.reason, part.to_ms - part.from_ms) for part in story.intervals] == [
        ("busy", 120_000), ("offered", 3_000), ("busy", 57_000), ("offered", 2_000),
    ]  # fmt: skip
    assert [(one.agents, one.outcomes, one.passed) for one in story.decisions] == [
        (("b",), {"b": "no-answer"}, {"a": "busy"}), (("a",), {"a": "answered"}, {}),
    ]  # fmt: skip


async def test_a_call_that_goes_on_and_that_memory_has_forgotten(past: Past) -> None:
    past.waiting["other"] = SimpleNamespace(entered_s=(T0_MS + MINUTE_MS) / 1000)
    past.at(31 * MINUTE_MS)
    story = await past.explanations.of_call("other")
    assert (story.ended, [part.reason for part in story.intervals]) == ("", ["busy"])


async def test_a_call_that_was_in_no_queue_is_not_explained(past: Past) -> None:
    past.at(40 * MINUTE_MS, CallStarted(call="x", caller="5", dialled="1001"))
    past.at(41 * MINUTE_MS, CallEnded(call="x", result="answered", status=200, reason="", ended_by="caller"))
    await past.keep_cdrs()
    for call in ("x", "nobody's"):
        with pytest.raises(AcdError):
            await past.explanations.of_call(call)


async def test_what_an_agent_did_and_why_it_was_passed_over_page_by_page(past: Past) -> None:
    log = await past.explanations.of_agent("a", T0_MS, T0_MS + 20 * MINUTE_MS, 0, 100)
    assert log.next == 0
    assert [(fact.what, fact.text) for fact in log.facts] == [
        ("agent.status", "available, set by phone"), ("agent.state", "busy"),
        ("passed-over", "b by even; this agent: busy"), ("queue.offered", "chosen by even"),
        ("offer.ended", "answered after 2.0 s"), ("queue.answered", "5 after 182.0 s of waiting"),
    ]  # fmt: skip
    paged, after = [], 0
    while True:
        page = await past.explanations.of_agent("a", T0_MS, T0_MS + 20 * MINUTE_MS, after, 2)
        paged += page.facts
        if not (after := page.next):
            break
    assert paged == log.facts
    later = await past.explanations.of_agent("a", T0_MS + 20 * MINUTE_MS, T0_MS + 90 * MINUTE_MS, 0, 100)
    assert [fact.text for fact in later.facts] == ["logged-out, set by boss"]


async def test_so_much_is_read_and_no_more(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    await past.keep_cdrs()
    monkeypatch.setattr(explanations, "MAX_ENTRIES", 6)
    with pytest.raises(AcdError, match="more records"):
        await past.explanations.of_call("c")
    log = await past.explanations.of_agent("a", T0_MS, T0_MS + 90 * MINUTE_MS, 0, 100)
    assert log.next == 6
