# SPDX-License-Identifier: Apache-2.0
"""The legs of one story: what becomes one call in the journal and one CDR."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from switchroom.pbx.control import LegState, Party
from switchroom.pbx.events import (
    AnyRecord,
    CallBridged,
    CallEnded,
    CallResult,
    CallRouted,
    CallStarted,
    CallUnbridged,
    EndedBy,
)


class StoryLeg(Protocol):
    """What the story asks of its legs; the real and the simulated one have it."""

    id: str
    state: LegState
    was_answered: bool
    status: int
    """How it ended, as a SIP status; 200 for one that was answered."""
    reason: str
    ended_by: EndedBy


L = TypeVar("L", bound=StoryLeg)

_RESULTS: dict[int, CallResult] = {
    401: "rejected", 403: "rejected", 404: "not-found", 407: "rejected", 408: "no-answer", 410: "not-found",
    480: "unavailable", 484: "not-found", 486: "busy", 487: "cancelled", 488: "rejected", 600: "busy", 603: "rejected",
    604: "not-found", 606: "rejected",
}  # fmt: skip


class Story(Generic[L]):
    """One call: its parties, its legs, its records. The first leg is the caller's (or, where an operator or program
    began the call, the first party's)."""

    __slots__ = (
        "_failure",
        "_on_over",
        "_write",
        "began_s",
        "caller",
        "cause",
        "counted_as",
        "dialled",
        "id",
        "legs",
        "over",
        "result",
        "user",
    )

    def __init__(
        self,
        call_id: str,
        caller: Party,
        dialled: str,
        *,
        source: str,
        user: str,
        counted_as: str,
        began_s: float,
        write: Callable[[AnyRecord], object],
        on_over: Callable[["Story[L]"], None],
    ) -> None:
        self.id = call_id
        self.caller = caller
        self.dialled = dialled
        self.user = user
        self.counted_as = counted_as
        """Whose limit of simultaneous calls it counts against; empty: nobody's."""
        self.legs: list[L] = []
        self.result: CallResult | None = None
        """Set where the status of the first leg does not name the outcome."""
        self.cause = 0, 0
        """The last Q.850 cause that a party named, and the SIP status with which it came."""
        self.over = False
        self.began_s = began_s
        """When it began, by the clock of the event loop."""
        self._failure: tuple[int, str, CallResult] | None = None
        self._write = write
        self._on_over = on_over
        peer = counted_as.removeprefix("peer ") if counted_as.startswith("peer ") else ""
        write(CallStarted(call=call_id, caller=caller.number, dialled=dialled, source=source, user=user, peer=peer))

    def write(self, record: AnyRecord) -> None:
        """Put a record of this call into the journal."""
        self._write(record)

    def put_first(self, leg: L) -> None:
        """Make `leg` the one whose outcome is the call's: of several contacts that were rung, the one that answered."""
        self.legs.remove(leg)
        self.legs.insert(0, leg)

    def routed(self, destination: str, rule: str) -> None:
        self._write(CallRouted(call=self.id, destination=destination, rule=rule))

    def bridged(self, one: L, other: L) -> None:
        self._write(CallBridged(call=self.id, legs=(one.id, other.id)))

    def unbridged(self, one: L, other: L) -> None:
        self._write(CallUnbridged(call=self.id, legs=(one.id, other.id)))

    def came_to_nothing(self, status: int, reason: str, result: CallResult | None) -> None:
        """The party that the call was for was not reached, though the first one, for whom we called, had answered."""
        self._failure = status, reason, result or _RESULTS.get(status, "failed")

    def role(self, leg: L) -> EndedBy:
        """Who it is that ends a leg from outside."""
        return "caller" if self.legs and leg is self.legs[0] else "callee"

    def leg_ended(self) -> None:
        """A leg is over; with the last one, so is the call."""
        if self.over or any(leg.state != "ended" for leg in self.legs):
            return
        self.over = True
        first = self.legs[0]
        result: CallResult = "answered" if first.was_answered else (self.result or _RESULTS.get(first.status, "failed"))
        status, reason = first.status, first.reason
        if self._failure is not None:
            status, reason, result = self._failure
        self._write(CallEnded(call=self.id, result=result, status=status, reason=reason, ended_by=first.ended_by))
        self.legs.clear()
        self._on_over(self)
