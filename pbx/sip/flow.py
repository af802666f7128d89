# SPDX-License-Identifier: Apache-2.0
"""Where a message came from, and where one goes: transport, our end, the far end (the flow of RFC 5626)."""

from typing import NamedTuple


class Flow(NamedTuple):
    """One UDP address pair or one stream connection."""

    transport: str
    """`UDP`, `TCP`, `TLS`, `WS` or `WSS`, as in a Via."""
    local: tuple[str, int]
    remote: tuple[str, int]
    key: int = 0
    """Tells stream connections apart; 0 for UDP."""

    @property
    def reliable(self) -> bool:
        return self.transport != "UDP"

    def __str__(self) -> str:
        return f"{self.transport.lower()}:{self.remote[0]}:{self.remote[1]}"
