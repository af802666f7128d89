# SPDX-License-Identifier: Apache-2.0
"""Which legs each user has at this time, and since when he has none."""

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

LegT = TypeVar("LegT")


class Lines(Generic[LegT]):
    """Times are those of the event loop."""

    def __init__(self) -> None:
        self._legs: dict[str, list[LegT]] = {}
        self._idle_since_s: dict[str, float] = {}

    def add(self, user: str, leg: LegT) -> None:
        if user:
            self._legs.setdefault(user, []).append(leg)

    def remove(self, user: str, leg: LegT) -> None:
        """The leg is over."""
        legs = self._legs.get(user)
        if legs is not None and leg in legs:
            legs.remove(leg)
            if not legs:
                del self._legs[user]
                self._idle_since_s[user] = asyncio.get_running_loop().time()

    def of(self, user: str) -> Sequence[LegT]:
        """The oldest first."""
        return tuple(self._legs.get(user, ()))

    def idle_since(self, user: str) -> float:
        """0: he has not had any."""
        return self._idle_since_s.get(user, 0.0)
