# SPDX-License-Identifier: Apache-2.0
"""STUN on the SIP port: phones behind NAT keep their way open with it, and learn when it has moved (RFC 5626, 4.4.2).

Only the Binding request of RFC 8489, without authentication; everything else that looks like STUN is dropped.
"""

import struct
from ipaddress import ip_address
from typing import Final

REQUEST: Final = b"\x00\x01"
"""How a Binding request begins; no SIP message does."""
_COOKIE: Final = b"\x21\x12\xa4\x42"
_HEADER_BYTES: Final = 20
_RESPONSE: Final = 0x0101
_XOR_MAPPED_ADDRESS: Final = 0x0020


def answer(data: bytes, host: str, port: int) -> bytes | None:
    """The response to a Binding request that came from there; None for anything else."""
    if len(data) < _HEADER_BYTES or data[:2] != REQUEST or data[4:8] != _COOKIE:
        return None
    if int.from_bytes(data[2:4]) != len(data) - _HEADER_BYTES:
        return None
    address = ip_address(host).packed
    hidden = bytes(a ^ b for a, b in zip(address, data[4:20], strict=False))  # from NATs that rewrite what they know
    value = struct.pack("!BBH", 0, 1 if len(address) == 4 else 2, port ^ 0x2112) + hidden
    attribute = struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(value)) + value
    return struct.pack("!HH", _RESPONSE, len(attribute)) + data[4:20] + attribute
