# SPDX-License-Identifier: Apache-2.0
"""Watches the clock of a shard, and tells when its thread comes so late that callers will soon hear it.

Phones bridge 20 ms and more with their jitter buffers, so a shard that is often late by over 2 ms is near its limit and
nobody has noticed. Slots that are left out are heard as gaps.
"""

from collections.abc import Sequence
from typing import Final

from switchroom.media.events import PlaneLate
from switchroom.media.stats import PlaneStats, late_limit_us

LATE_SHARE: Final = 0.1
"""Of the slots between two looks; above it, or when slots were skipped, the shard is overloaded."""
AGAIN_S: Final = 10.0
"""So long it must have been in time to be well again; so often it is told while it lasts."""


class Overload:
    """One shard's watch. `look` is called now and then with fresh figures."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._seen: tuple[PlaneStats, Sequence[int]] | None = None
        self._bad_s = self._told_s = 0.0
        self.on = False
        self._late = self._skipped = self._worst_us = 0

    def look(self, now_s: float, stats: PlaneStats, lateness: Sequence[int]) -> PlaneLate | None:
        """What is to be told, if anything."""
        seen, self._seen = self._seen, (stats, lateness)
        if seen is None:
            return None
        before, steps = seen
        slots = stats.slots - before.slots
        late, skipped = stats.late_slots - before.late_slots, stats.skipped_slots - before.skipped_slots
        worst = max((step for step, count in enumerate(lateness) if count > steps[step]), default=0)
        self._late += late
        self._skipped += skipped
        self._worst_us = max(self._worst_us, late_limit_us(worst) if late else 0)
        if skipped or late > LATE_SHARE * max(slots, 1):
            self._bad_s = now_s
            if not self.on or now_s - self._told_s >= AGAIN_S:
                return self._tell(now_s, True)
        elif self.on and now_s - self._bad_s >= AGAIN_S:
            return self._tell(now_s, False)
        elif not self.on:
            self._late = self._skipped = self._worst_us = 0
        return None

    def _tell(self, now_s: float, on: bool) -> PlaneLate:
        self.on, self._told_s = on, now_s
        event = PlaneLate(self._shard, on, self._late, self._skipped, self._worst_us / 1000)
        self._late = self._skipped = self._worst_us = 0
        return event
