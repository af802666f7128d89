# SPDX-License-Identifier: Apache-2.0
"""Which stream connections may stay: limits in all and per source, deadlines, and who goes first when it gets tight.

A connection is *proven* once it has carried a whole message. An unproven one is cheap to open for an attacker, so it is
the first to go; a proven one belongs to a phone and goes only when it has long been idle. Pure: `now` is given.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Generic, TypeVar

import msgspec

C = TypeVar("C", bound=Hashable)


class TcpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on stream connections. Seconds and bytes."""

    connections: int = 2_000
    connections_per_source: int = 100
    message_s: float = 10.0
    """From the opening, or from a message's first byte, to its last: no slow loris stays longer."""
    idle_s: float = 3_900.0
    """Longer than the longest registration, which thus keeps its connection."""
    spare_s: float = 60.0
    """A proven connection idle for this long gives way to a new one when all places are taken."""
    connect_s: float = 10.0
    queue_bytes: int = 65_536
    """What may wait for a connection that is being opened."""
    body_bytes: int = 65_536
    """A message with a larger body is refused with 513 and costs the connection."""
    unsent_bytes: int = 262_144
    """What may wait for a peer that does not read."""


@dataclass(slots=True)
class _Source(Generic[C]):
    count: int = 0
    unproven: dict[C, None] = field(default_factory=dict)  # oldest first


class Connections(Generic[C]):
    """The places, in the order in which they are lost. Every operation costs the same however many there are."""

    def __init__(self, limits: TcpLimits) -> None:
        self._limits = limits
        self._sources: dict[str, _Source[C]] = {}
        self._source_of: dict[C, str | None] = {}
        self._unfinished: dict[C, float] = {}  # deadline of a message, soonest first: all have the same time
        self._unproven: dict[C, None] = {}  # oldest first
        self._idle: dict[C, float] = {}  # proven ones: last activity, longest ago first

    def __len__(self) -> int:
        return len(self._source_of)

    def admit(self, connection: C, source: str | None, now: float) -> C | None:
        """Give the connection a place. Returns the one that must go for it: itself when there is no place.

        `source` is the peer's host; None for a connection that we open, which counts as proven.
        """
        victim = self._victim(connection, source, now)
        if victim is not None:
            if victim == connection:
                return victim
            self.remove(victim)
        self._source_of[connection] = source
        if source is None:
            self._idle[connection] = now
        else:
            place = self._sources.setdefault(source, _Source())
            place.count += 1
            place.unproven[connection] = None
            self._unproven[connection] = None
            self._unfinished[connection] = now + self._limits.message_s
        return victim

    def _victim(self, newcomer: C, source: str | None, now: float) -> C | None:
        place = self._sources.get(source) if source is not None else None
        if place is not None and place.count >= self._limits.connections_per_source:
            return next(iter(place.unproven), newcomer)
        if len(self) >= self._limits.connections:
            return self._give_way(now, newcomer)
        return None

    def _give_way(self, now: float, newcomer: C) -> C:
        for connection in self._unproven:
            return connection
        for connection, since in self._idle.items():
            if now - since >= self._limits.spare_s:
                return connection
            break
        return newcomer

    def completed(self, connection: C, unfinished: bool, now: float) -> None:
        """A message was completed: the connection is proven; `unfinished`: the next message has begun."""
        source = self._source_of.get(connection)
        if connection in self._unproven:
            del self._unproven[connection]
            if source is not None:
                self._sources[source].unproven.pop(connection, None)
            self._idle[connection] = now
        self._unfinished.pop(connection, None)
        self.alive(connection, now)
        if unfinished:
            self.begun(connection, now)

    def alive(self, connection: C, now: float) -> None:
        """A sign of life, such as a keep-alive: it counts on a proven connection only."""
        if self._idle.pop(connection, None) is not None:
            self._idle[connection] = now

    def begun(self, connection: C, now: float) -> None:
        """Bytes of an incomplete message arrived; only the first of them sets the deadline."""
        if connection in self._source_of and connection not in self._unfinished:
            self._unfinished[connection] = now + self._limits.message_s

    def remove(self, connection: C) -> None:
        """The connection is gone; a second time does nothing."""
        if connection not in self._source_of:
            return
        source = self._source_of.pop(connection)
        place = self._sources.get(source) if source is not None else None
        if place is not None and source is not None:
            place.count -= 1
            place.unproven.pop(connection, None)
            if place.count == 0:
                del self._sources[source]
        self._unproven.pop(connection, None)
        self._unfinished.pop(connection, None)
        self._idle.pop(connection, None)

    def late(self, now: float) -> list[C]:
        """The connections whose message is not complete in time; to be closed."""
        return _up_to(self._unfinished, now)

    def idle(self, now: float) -> list[C]:
        """The proven connections that have been idle for too long; to be closed, or to be kept `alive`."""
        return _up_to(self._idle, now - self._limits.idle_s)


def _up_to(times: dict[C, float], limit: float) -> list[C]:
    """The first entries of a table that is in the order of its times."""
    return [connection for connection, _ in takewhile(lambda entry: entry[1] <= limit, times.items())]
