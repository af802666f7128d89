# SPDX-License-Identifier: Apache-2.0
"""Deadlines by key: set again or cleared at any time, and handed out in order when they are due."""

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


def ms(seconds: float) -> int:
    """A duration as records have it."""
    return max(0, round(seconds * 1000))


class Deadlines(Generic[K]):
    """Those set at one time come in the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._valid: dict[K, int] = {}
        self._order = 0

    def __len__(self) -> int:
        return len(self._valid)

    def __contains__(self, key: K) -> bool:
        return key in self._valid

    def set(self, key: K, at_s: float) -> None:
        """Let `key` be due at a time; it replaces an earlier deadline of the key."""
        self._order += 1
        self._valid[key] = self._order
        heapq.heappush(self._heap, (at_s, self._order, key))
        if len(self._heap) > 4 * len(self._valid) + 64:  # most are stale
            self._heap = [entry for entry in self._heap if self._valid.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def clear(self, key: K) -> None:
        """Forget the key's deadline."""
        self._valid.pop(key, None)

    def next(self) -> float | None:
        """When the next one is due; None: there is none."""
        heap = self._heap
        while heap and self._valid.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now: float) -> Iterator[K]:
        """The keys that are due, each cleared as it is given; more may be set meanwhile."""
        while (at_s := self.next()) is not None and at_s <= now:
            key = heapq.heappop(self._heap)[2]
            del self._valid[key]
            yield key
