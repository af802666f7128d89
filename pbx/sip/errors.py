# SPDX-License-Identifier: Apache-2.0
"""Errors of the SIP core; each carries the status that the peer is answered with.

SwitchroomError
└── SipError            status, reason
    ├── ParseError      bytes that are not a SIP message (usually 400); keeps what could be read
    └── StateError      a verb that the session's state does not allow (a fault on our side)
"""

from typing import TYPE_CHECKING

from switchroom.pbx.errors import SwitchroomError

if TYPE_CHECKING:
    from switchroom.pbx.sip.message import Request


class SipError(SwitchroomError):
    """A SIP-level failure with the response that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class ParseError(SipError):
    """The peer sent what RFC 3261 does not allow.

    `partial` is the request as far as it could be read, for the answer; None where no answer is possible or allowed
    (a response, or bytes without a readable request line).
    """

    def __init__(self, reason: str, status: int = 400, partial: "Request | None" = None) -> None:
        super().__init__(status, reason)
        self.partial = partial


class StateError(SwitchroomError):
    """The session is not in a state in which this can be done."""
