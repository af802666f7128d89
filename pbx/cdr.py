# SPDX-License-Identifier: Apache-2.0
"""Call detail records: a pure fold over the journal records of a call, the same live and years later."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec

from switchroom.pbx import events
from switchroom.pbx.events import CallResult, EndedBy, Entry

MAX_OPEN_CALLS = 100_000
"""Calls folded at one time; beyond it the oldest, whose end must have been lost, are closed as failed."""
CUT_OFF = "the exchange stopped during the call"
END_LOST = "the end of the call was not recorded"


class CdrLeg(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One party's part of a call. Times are UTC, milliseconds since 1970."""

    leg: str
    direction: str
    party: str
    started_at_ms: int
    ringing_at_ms: int | None = None
    answered_at_ms: int | None = None
    ended_at_ms: int | None = None
    held_ms: int = 0
    codec: str = ""
    srtp: str = ""
    """The SRTP suite; empty: the audio was not encrypted."""
    status: int = 0
    reason: str = ""
    ended_by: EndedBy | None = None
    media: dict[str, float] = {}
    troubles: tuple[str, ...] = ()
    """What the leg doctor found wrong, each kind once."""
    sip_call_id: str = ""
    trunk: str = ""
    """The trunk that the leg went by, or came by."""
    cause: int = 0
    """The ISDN cause (ITU-T Q.850) that its peer named; 0: none."""


class Cdr(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one call. Times are UTC, milliseconds since 1970; durations are 0 for what did not happen."""

    call: str
    caller: str
    dialled: str
    destination: str
    rule: str
    user: str
    source: str
    started_at_ms: int
    ringing_at_ms: int | None
    answered_at_ms: int | None
    ended_at_ms: int
    ring_ms: int
    """From the first ringing to the answer, or to the end."""
    talk_ms: int
    duration_ms: int
    result: CallResult
    status: int
    reason: str
    ended_by: EndedBy
    legs: tuple[CdrLeg, ...]
    conversation: str = ""
    """The first of the calls that transfers after a consultation have made one story of; mostly this one."""


class CallFold:
    """One call on its way from `call.started` to `call.ended`."""

    def __init__(self, started: events.CallStarted, entry: Entry) -> None:
        self.first_number = entry.number
        self.conversation = started.call
        self._started, self._at_ns = started, entry.at_ns
        self._routed = events.CallRouted(call=started.call, destination="")
        self._bridged_ms: int | None = None
        self._legs: dict[str, dict[str, Any]] = {}
        self._held_since: dict[str, int] = {}

    def add(self, entry: Entry) -> Cdr | None:
        """Take one record of this call; the CDR when it was the last."""
        record = entry.record
        if type(record) is events.CallEnded:
            return self._end(entry.at_ns, record.result, record.status, record.reason, record.ended_by)
        step = _STEPS.get(type(record))
        if step is not None:
            step(self, record, entry.at_ns // 1_000_000)
        return None

    def cut(self, at_ns: int, reason: str) -> Cdr:
        """The CDR of a call whose end nobody saw; `at_ns` is the last time at which it may have lived."""
        return self._end(max(at_ns, self._at_ns), "failed", 500, reason, "exchange")

    def _on_routed(self, record: events.CallRouted, at_ms: int) -> None:
        self._routed = record

    def _on_bridged(self, record: events.CallBridged, at_ms: int) -> None:
        if self._bridged_ms is None:
            self._bridged_ms = at_ms

    def _on_leg_started(self, record: events.LegStarted, at_ms: int) -> None:
        self._legs[record.leg] = {
            "leg": record.leg,
            "direction": record.direction,
            "party": record.party,
            "sip_call_id": record.sip_call_id,
            "started_at_ms": at_ms,
        }

    def _on_leg_ringing(self, record: events.LegRinging, at_ms: int) -> None:
        if (leg := self._legs.get(record.leg)) is not None:
            leg.setdefault("ringing_at_ms", at_ms)

    def _on_leg_answered(self, record: events.LegAnswered, at_ms: int) -> None:
        if (leg := self._legs.get(record.leg)) is not None:
            leg.setdefault("answered_at_ms", at_ms)
            leg["codec"], leg["srtp"] = record.codec, record.srtp

    def _on_leg_held(self, record: events.LegHeld, at_ms: int) -> None:
        if record.leg in self._legs:
            self._held_since.setdefault(record.leg, at_ms)

    def _on_leg_resumed(self, record: events.LegResumed, at_ms: int) -> None:
        self._resume(record.leg, at_ms)

    def _on_leg_ended(self, record: events.LegEnded, at_ms: int) -> None:
        if (leg := self._legs.get(record.leg)) is not None:
            self._resume(record.leg, at_ms)
            leg["ended_at_ms"] = at_ms
            leg["status"], leg["reason"], leg["ended_by"] = record.status, record.reason, record.ended_by
            leg["media"], leg["trunk"], leg["cause"] = record.media, record.trunk, record.cause

    def _on_leg_trouble(self, record: events.LegTrouble, at_ms: int) -> None:
        if record.on and (leg := self._legs.get(record.leg)) is not None:
            known: tuple[str, ...] = leg.get("troubles", ())
            leg["troubles"] = known if record.kind in known else (*known, record.kind)

    def _resume(self, leg: str, at_ms: int) -> None:
        if (since := self._held_since.pop(leg, None)) is not None:
            self._legs[leg]["held_ms"] = self._legs[leg].get("held_ms", 0) + at_ms - since

    def _end(self, at_ns: int, result: CallResult, status: int, reason: str, ended_by: EndedBy) -> Cdr:
        started_ms, ended_ms = self._at_ns // 1_000_000, at_ns // 1_000_000
        for leg in list(self._held_since):
            self._resume(leg, ended_ms)
        legs = tuple([CdrLeg(**leg) for leg in self._legs.values()])
        ringing_ms = min((leg.ringing_at_ms for leg in legs if leg.ringing_at_ms is not None), default=None)
        answered_ms = self._answered_ms(legs)
        return Cdr(
            call=self._started.call,
            caller=self._started.caller,
            dialled=self._started.dialled,
            destination=self._routed.destination,
            rule=self._routed.rule,
            user=self._started.user,
            source=self._started.source,
            started_at_ms=started_ms,
            ringing_at_ms=ringing_ms,
            answered_at_ms=answered_ms,
            ended_at_ms=ended_ms,
            ring_ms=0 if ringing_ms is None else max(0, (answered_ms or ended_ms) - ringing_ms),
            talk_ms=0 if answered_ms is None else ended_ms - answered_ms,
            duration_ms=ended_ms - started_ms,
            result=result,
            status=status,
            reason=reason,
            ended_by=ended_by,
            legs=legs,
            conversation=self.conversation,
        )

    def _answered_ms(self, legs: tuple[CdrLeg, ...]) -> int | None:
        """When the caller was answered; in a call that the exchange began, when its parties were joined."""
        callers = [leg for leg in legs if leg.direction == "in"] or (list(legs) if len(legs) == 1 else [])
        if callers:
            return callers[0].answered_at_ms
        return self._bridged_ms


_STEPS: dict[type, Callable[[CallFold, Any, int], None]] = {
    events.CallRouted: CallFold._on_routed,
    events.CallBridged: CallFold._on_bridged,
    events.LegStarted: CallFold._on_leg_started,
    events.LegRinging: CallFold._on_leg_ringing,
    events.LegAnswered: CallFold._on_leg_answered,
    events.LegHeld: CallFold._on_leg_held,
    events.LegResumed: CallFold._on_leg_resumed,
    events.LegEnded: CallFold._on_leg_ended,
    events.LegTrouble: CallFold._on_leg_trouble,
}
"""A table and no `match`: each record of each call would ask nine cases in vain."""


class CdrFold:
    """All calls of a journal, entry after entry."""

    def __init__(self, after: int = 0) -> None:
        self._open: dict[str, CallFold] = {}
        self._last, self._at_ns = after, 0

    @property
    def resume(self) -> int:
        """Folding again from after this number gives every CDR that was not given yet."""
        oldest = next(iter(self._open.values()), None)
        return self._last if oldest is None else oldest.first_number - 1

    def feed(self, entries: Iterable[Entry]) -> Iterator[Cdr]:
        """The CDRs of the calls that ended with these entries; each must be consumed before the next feed."""
        for entry in entries:
            record = entry.record
            fold = self._open.get(getattr(record, "call", ""))
            if fold is not None:  # nearly always
                if type(record) is events.CallTransferred and record.to_call and record.status == 200:
                    self._join(record.call, record.to_call)
                if cdr := fold.add(entry):
                    del self._open[cdr.call]
                    yield cdr
            elif isinstance(record, events.CallStarted):
                self._open[record.call] = CallFold(record, entry)
                if len(self._open) > MAX_OPEN_CALLS:
                    yield self._open.pop(next(iter(self._open))).cut(entry.at_ns, END_LOST)
            elif isinstance(record, events.ServerStarted):
                yield from self._cut_all()
            self._last, self._at_ns = entry.number, entry.at_ns

    def _join(self, one: str, other: str) -> None:
        """Two calls, and whatever is one story with either, are one from now on: that of whichever began first."""
        if other not in self._open:
            return
        first, later = sorted((self._open[one], self._open[other]), key=lambda fold: fold.first_number)
        for fold in self._open.values() if first.conversation != later.conversation else ():
            if fold.conversation == later.conversation:
                fold.conversation = first.conversation

    def _cut_all(self) -> Iterator[Cdr]:
        cut, self._open = self._open, {}
        for fold in cut.values():
            yield fold.cut(self._at_ns, CUT_OFF)


def fold(entries: Iterable[Entry]) -> Cdr | None:
    """The CDR of one call out of its records; None while it goes on."""
    return next(CdrFold().feed(chain(entries)), None)
