# SPDX-License-Identifier: Apache-2.0
"""Who may begin a call now: rates and counts that keep the exchange serving under a flood, and its load.

Checks are made before a call costs anything. All limits answer 503 with Retry-After, so that honest callers come back.
"""

from collections.abc import Callable

from switchroom.pbx.config import Limits

MAX_SOURCES = 10_000
OVERLOAD_S = 0.25
"""An event loop that is so late twice in a row has more work than it can do: what it has begun comes first."""
MAX_WAIT_S = 0.3
"""Nor is a call begun that had to wait so long behind older work; its caller sends it again only after T1 (0.5 s)."""


class Bucket:
    """A rate with a burst of one second: a token bucket."""

    __slots__ = ("_at_s", "_rate", "_tokens")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._at_s = 0.0

    def take(self, now_s: float) -> bool:
        """Use one token; False when there is none."""
        self._tokens = min(self._rate, self._tokens + (now_s - self._at_s) * self._rate)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Admission:
    """The gate in front of new calls. `calls` counts those there are; `lateness_s` is how late the loop runs, and
    `waited_s` tells how long the call in question had to wait."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        calls: Callable[[], int],
        waited_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._calls = calls
        self._waited_s = waited_s
        self._rate = Bucket(limits.calls_per_second)
        self._sources: dict[str, Bucket] = {}
        self.closed = False
        """Set while the exchange drains."""
        self.lateness_s = 0.0
        self._overloaded = False

    def apply(self, limits: Limits) -> None:
        """New limits."""
        self._limits = limits
        self._rate = Bucket(limits.calls_per_second)
        self._sources.clear()

    def note_lateness(self, late_s: float) -> None:
        """How late the loop came just now. Once may be the machine's fault, and is over when it is noticed."""
        self._overloaded = min(late_s, self.lateness_s) > OVERLOAD_S
        self.lateness_s = late_s

    def refusal(self, host: str) -> str:
        """Why a new call from this address is refused; empty when it is not."""
        if self.closed:
            return "shutting down"
        if self._overloaded or self._waited_s() > MAX_WAIT_S:
            return "overload"
        if self._calls() >= self._limits.calls:
            return "calls"
        now_s = self._clock()
        if not self._source(host).take(now_s):
            return "calls_per_second_per_source"
        if not self._rate.take(now_s):
            return "calls_per_second"
        return ""

    def _source(self, host: str) -> Bucket:
        bucket = self._sources.get(host)
        if bucket is None:
            if len(self._sources) >= MAX_SOURCES:  # full buckets forget nothing that matters
                self._sources.clear()
            bucket = self._sources[host] = Bucket(self._limits.calls_per_second_per_source)
        return bucket
