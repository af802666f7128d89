# SPDX-License-Identifier: Apache-2.0
"""Who is heard at all, before anything is read: nobody that is blocked, and of one source only so much in a second.

What comes from a blocked source, and what a flood brings beyond its share, costs next to nothing.
"""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

MAX_SOURCES: Final = 65_536
ORDINARY_BYTES: Final = 4_096


class FloodGate:
    """Counts messages by source in windows of one second. `dropped` and `refused` are for the metrics."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._counts: dict[str, int] = {}
        self._window_ends_s = 0.0
        self.dropped = 0
        self.refused = 0
        """Messages of blocked sources."""
        self._blocked: set[str] = set()
        self._networks: dict[tuple[int, int], set[int]] = {}  # (version, bits that do not count): the others

    def passes(self, host: str, now_s: float, size: int = 0) -> bool:
        """Count a message of `size` bytes; False for one too many. A long one costs more, so it counts for several."""
        if host in self._blocked or (self._networks and self._within(host)):
            self.refused += 1
            return False
        if now_s >= self._window_ends_s or len(self._counts) >= MAX_SOURCES:
            self._counts.clear()
            self._window_ends_s = now_s + 1.0
        count = self._counts[host] = self._counts.get(host, 0) + 1 + size // ORDINARY_BYTES
        if count <= self._per_second:
            return True
        self.dropped += 1
        return False

    def block(self, source: IPv4Network | IPv6Network) -> None:
        """Hear nothing of an address or network."""
        if source.num_addresses == 1:
            self._blocked.add(str(source.network_address))
        else:
            key, bits = _split(source)
            self._networks.setdefault(key, set()).add(bits)

    def unblock(self, source: IPv4Network | IPv6Network) -> None:
        self._blocked.discard(str(source.network_address))
        key, bits = _split(source)
        if (networks := self._networks.get(key)) is not None:
            networks.discard(bits)
            if not networks:
                del self._networks[key]

    def blocks(self, host: str) -> bool:
        return host in self._blocked or (bool(self._networks) and self._within(host))

    def _within(self, host: str) -> bool:
        version, number = _number(host)
        return any(number >> shift in networks for (kind, shift), networks in self._networks.items() if kind == version)


def _split(source: IPv4Network | IPv6Network) -> tuple[tuple[int, int], int]:
    shift = source.max_prefixlen - source.prefixlen
    return (source.version, shift), int(source.network_address) >> shift


@lru_cache(maxsize=16_384)
def _number(host: str) -> tuple[int, int]:
    address = ip_address(host)
    return address.version, int(address)
