# SPDX-License-Identifier: Apache-2.0
"""A day that was, out of its journal: the same callers at the same times, to be run again with other rules or crews.

Who talked, talks as long again. Who gave up is as patient as he was; who was answered would have waited longer, drawn
from the exponential law, which has no memory.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from switchroom.pbx.config_reader import Mistake
from switchroom.pbx.day.config import DayRefused
from switchroom.pbx.events import Entry, QueueAbandoned, QueueAnswered, QueueCompleted, QueueEntered

_decoder = msgspec.json.Decoder(Entry)
MAX_LINE = 1_000_000


class PastCall(msgspec.Struct, kw_only=True):
    """One caller's stay in a queue."""

    at_s: float
    """After the first record of the journal."""
    number: str
    queue: str
    priority: int = 0
    skills: dict[str, int] = msgspec.field(default_factory=dict)
    waited_s: float = 0.0
    gave_up: bool = False
    talk_s: float | None = None


def read(path: Path) -> Iterator[Entry]:
    """The entries of a journal of lines of JSON. Raises DayRefused with the line that cannot be read."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield _decoder.decode(line)
            except msgspec.MsgspecError as error:
                raise DayRefused([Mistake(str(path), f"line {number}", str(error))]) from error


def past_calls(entries: Iterable[Entry]) -> list[PastCall]:
    """The callers of a journal, in the order in which they came."""
    found: dict[str, PastCall] = {}
    calls: list[PastCall] = []
    start_ns: int | None = None
    for entry in entries:
        start_ns = entry.at_ns if start_ns is None else start_ns
        record = entry.record
        match record:
            case QueueEntered(call=call) if call not in found:
                found[call] = PastCall(
                    at_s=(entry.at_ns - start_ns) / 1e9 - record.waited_ms / 1000, number=record.caller,
                    queue=record.queue, priority=record.priority, skills=record.skills,
                )  # fmt: skip
                calls.append(found[call])
            case QueueAbandoned(call=call) if call in found:
                found[call].waited_s, found[call].gave_up = record.waited_ms / 1000, True
            case QueueAnswered(call=call) if call in found:
                found[call].waited_s = record.waited_ms / 1000
            case QueueCompleted(call=call) if call in found:
                found[call].talk_s = (found[call].talk_s or 0.0) + record.talk_ms / 1000
    return calls
