# SPDX-License-Identifier: Apache-2.0
"""Which trusted peer a message comes from, by its source address."""

from collections.abc import Iterable
from ipaddress import ip_address

from switchroom.pbx.config import Peer

_REMEMBERED = 10_000
"""Answers kept for sources seen before; a stranger's packets cannot make the table grow beyond it."""


class PeerTable:
    """The peers of the configuration; single addresses come before ranges, narrower ranges before wider ones."""

    def __init__(self, peers: Iterable[Peer]) -> None:
        ranges = [(address.range, peer) for peer in peers for address in peer.addresses]
        self._ranges = sorted(ranges, key=lambda pair: pair[0].max_prefixlen - pair[0].prefixlen)
        self._remembered: dict[str, Peer | None] = {}

    def find(self, host: str) -> Peer | None:
        """The peer whose address `host` (numeric) is, or None for a stranger."""
        try:
            return self._remembered[host]
        except KeyError:
            pass
        address = ip_address(host)
        peer = next((peer for network, peer in self._ranges if address in network), None)
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[host] = peer
        return peer
