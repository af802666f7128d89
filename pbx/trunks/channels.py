# SPDX-License-Identifier: Apache-2.0
"""How many calls a trunk may carry: in, out and together, and how many new ones a second. Changed while calls go on."""

from collections.abc import Callable
from typing import Literal

Way = Literal["in", "out"]


class Channels:
    """Counts the calls of one trunk. A limit of 0 is none. `clock` is the event loop's.

    A limit that is lowered ends no call: new ones wait until there is room again.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        both: int = 0,
        incoming: int = 0,
        outgoing: int = 0,
        per_second: float = 0.0,
    ) -> None:
        self._clock = clock
        self.both = 0
        self.limits: dict[Way, int] = {"in": 0, "out": 0}
        self.per_second = 0.0
        self.used: dict[Way, int] = {"in": 0, "out": 0}
        self.peak = 0
        self.blocked: dict[Way, int] = {"in": 0, "out": 0}
        """Calls that found no channel, since the start."""
        self.limit(both=both, incoming=incoming, outgoing=outgoing, per_second=per_second)
        self._tokens = max(1.0, self.per_second)
        self._filled_s = clock()

    def limit(
        self,
        *,
        both: int | None = None,
        incoming: int | None = None,
        outgoing: int | None = None,
        per_second: float | None = None,
    ) -> None:
        """Set limits; None leaves one as it is."""
        if both is not None:
            self.both = both
        if incoming is not None:
            self.limits["in"] = incoming
        if outgoing is not None:
            self.limits["out"] = outgoing
        if per_second is not None:
            self.per_second = per_second

    @property
    def all_used(self) -> int:
        return self.used["in"] + self.used["out"]

    def free(self, way: Way) -> bool:
        """Whether there is a channel; the rate of new calls is not looked at."""
        return not (0 < self.both <= self.all_used) and not (0 < self.limits[way] <= self.used[way])

    def take(self, way: Way) -> bool:
        """Occupy a channel; False, and counted as blocked, where there is none or calls come too fast."""
        if not self.free(way) or not self._in_time():
            self.blocked[way] += 1
            return False
        self.used[way] += 1
        self.peak = max(self.peak, self.all_used)
        return True

    def give_back(self, way: Way) -> None:
        """The call is over."""
        assert self.used[way] > 0, "more channels given back than taken"
        self.used[way] -= 1

    def _in_time(self) -> bool:
        """A bucket that holds one second's calls."""
        if not self.per_second:
            return True
        now_s = self._clock()
        self._tokens = min(max(1.0, self.per_second), self._tokens + (now_s - self._filled_s) * self.per_second)
        self._filled_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
