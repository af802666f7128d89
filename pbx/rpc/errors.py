# SPDX-License-Identifier: Apache-2.0
"""Errors of the operators' interface: the codes of JSON-RPC 2.0 section 5.1, and our own.

Our own codes lie in the range that the specification leaves to servers (-32000 to -32099).
"""

import re
from typing import Final

import msgspec

from switchroom.pbx.errors import SwitchroomError

PARSE_ERROR: Final = -32700
"""The body is not JSON."""
INVALID_REQUEST: Final = -32600
"""JSON, but no request: section 4, an empty or too long batch, a body that is too long."""
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
"""`data` holds `path`, the JSON path of the wrong parameter, and `reason`."""
INTERNAL_ERROR: Final = -32603
"""A fault of ours; what it was stands in the log only."""
REFUSED: Final = -32000
"""Understood, but it cannot be done; `data` holds `status`, as a SIP status, and `reason`."""
UNAUTHORIZED: Final = -32001
"""The bearer token is missing or wrong; over HTTP the status is 401."""
FORBIDDEN: Final = -32003
"""The token's role may not use the method."""
NEEDS_WEBSOCKET: Final = -32004
"""The method answers with notifications, so it works over WebSocket only."""

_AT_PATH = re.compile(r"(.*) - at `(.*)`", re.DOTALL)
_FIELD = re.compile(r"field `(.*)`", re.DOTALL)


class RpcError(SwitchroomError):
    """What the caller is told: `code`, a message, and `data` (None: no such member)."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def refused(status: int, reason: str) -> RpcError:
    """The operation was refused; `status` is a SIP status."""
    return RpcError(REFUSED, reason, {"status": status, "reason": reason})


def invalid_params(path: str, reason: str) -> RpcError:
    """The parameter at `path` (such as `$.limit`) cannot be taken."""
    return RpcError(INVALID_PARAMS, "Invalid params", {"path": path, "reason": reason})


def from_validation(error: msgspec.ValidationError) -> RpcError:
    """The same out of msgspec's text, which names the path at its end, and a missing or unknown field within."""
    text = str(error)
    path = "$"
    if located := _AT_PATH.fullmatch(text):
        text, path = located[1], located[2]
    if ("missing" in text or "unknown" in text) and (field := _FIELD.search(text)):
        path = f"{path}.{field[1]}"
    return invalid_params(path, text)
