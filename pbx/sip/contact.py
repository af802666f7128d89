# SPDX-License-Identifier: Apache-2.0
"""Our own Contact, as the peer at the other end of a flow can use it (RFC 3261 section 12.1.1)."""

from typing import Final

# RFC 7118 section 5.2 has one value for both kinds of WebSocket.
_TRANSPORT_PARAMS: Final = {
    "UDP": "", "TCP": ";transport=tcp", "TLS": ";transport=tls", "WS": ";transport=ws", "WSS": ";transport=ws"
}  # fmt: skip


def contact(host: str, port: int, transport: str, user: str = "", sips: bool = False) -> str:
    """The value of the header. `sips`: the peer asked by a SIPS URI, and so is to ask again by one."""
    who = f"{user}@" if user.isalnum() else ""
    if sips and transport in ("TLS", "WSS"):
        return f"<sips:{who}{host}:{port}{';transport=ws' if transport == 'WSS' else ''}>"
    return f"<sip:{who}{host}:{port}{_TRANSPORT_PARAMS[transport]}>"
