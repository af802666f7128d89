# SPDX-License-Identifier: Apache-2.0
"""The wallboard's figures: what there is now, and what came since the exchange began.

Counted by pbx/reports/tally.py, as every report of the past is; here it is only shown.
"""

from collections.abc import Mapping

from switchroom.pbx.events import AgentState, AgentStatus, Entry
from switchroom.pbx.reports.counts import AgentCounts, QueueCounts, total
from switchroom.pbx.reports.kpis import kpis
from switchroom.pbx.reports.tally import Tally


class QueueFigures(QueueCounts, kw_only=True):
    """One queue."""

    queue: str
    waiting: int = 0
    talking: int = 0

    @property
    def service_level(self) -> float | None:
        """(A within T) / (A + Ab - short Ab)."""
        return kpis(self)["service_level"]

    @property
    def asa_ms(self) -> float | None:
        """Mean wait of those answered."""
        return kpis(self)["asa"]


class AgentFigures(AgentCounts, kw_only=True):
    """One agent."""

    agent: str
    status: AgentStatus = "logged-out"
    reason: str = ""
    status_since_ms: int = 0
    state: AgentState = "idle"
    state_since_ms: int = 0
    call: str = ""
    queue: str = ""
    reachable: bool = True


class Board:
    """A fold. `targets` says for each queue how soon callers are to be answered, and what counts as a short abandon,
    in milliseconds."""

    def __init__(self, targets: Mapping[str, tuple[int, int]]) -> None:
        self._targets = dict(targets)
        self._tally = Tally(self._targets)

    def retarget(self, targets: Mapping[str, tuple[int, int]]) -> None:
        """Other queues and targets, for what is counted from now on."""
        self._targets.clear()
        self._targets.update(targets)

    @property
    def number(self) -> int:
        """The last entry taken; a reader of the journal goes on from it."""
        return self._tally.number

    def add(self, entry: Entry) -> None:
        """Take one entry."""
        self._tally.add(entry)

    @property
    def queues(self) -> dict[str, QueueFigures]:
        """By name."""
        tally = self._tally
        found = {name: QueueFigures(queue=name) for name in [*self._targets, *tally.queues.pages]}
        for name, figures in found.items():
            figures.add(total(QueueCounts, list(tally.queues.pages.get(name, {}).values())))
        for stay in tally.stays.values():
            found[stay.queue].waiting += 1
        for queue, _ in tally.talks.values():
            found[queue].talking += 1
        return found

    @property
    def agents(self) -> dict[str, AgentFigures]:
        """By name; their times are those up to their last change."""
        found = {}
        for name in [*self._tally.clocks, *self._tally.agents.pages]:
            if name in found:
                continue
            figures = found[name] = AgentFigures(agent=name)
            figures.add(total(AgentCounts, list(self._tally.agents.pages.get(name, {}).values())))
            if (clock := self._tally.clocks.get(name)) is not None:
                figures.status, figures.reason, figures.status_since_ms = (
                    clock.status, clock.reason, clock.status_since_ms,
                )  # fmt: skip
                figures.state, figures.state_since_ms = clock.state, clock.state_since_ms
                figures.call, figures.queue, figures.reachable = clock.call, clock.queue, clock.reachable
        return found

    def oldest_ms(self, queue: str) -> int | None:
        """When the caller came who has waited longest of those who wait."""
        return min((stay.since_ms for stay in self._tally.stays.values() if stay.queue == queue), default=None)
