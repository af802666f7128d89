# SPDX-License-Identifier: Apache-2.0
"""Calls and their legs."""

from typing import Literal

import msgspec

from switchroom.pbx.events.record import Record

EndedBy = Literal["caller", "callee", "exchange", "operator"]
"""Who ended a leg or call: the calling party, the called party, the exchange itself (limits, failures), an operator."""

CallResult = Literal[
    "answered", "busy", "no-answer", "cancelled", "rejected", "not-found", "unavailable", "failed", "refused"
]
"""How a call came out. `refused`: by a limit of the exchange; `failed`: by an error on the way."""


class CallStarted(Record, frozen=True, tag="call.started"):
    """A call came in, or an operator or application began one."""

    call: str
    caller: str
    """The calling number or user, as the exchange will show it."""
    dialled: str
    source: str = ""
    """host:port from which the call came; empty for a call that the exchange began."""
    user: str = ""
    """The authenticated user; empty for trusted peers and for calls that the exchange began."""
    peer: str = ""
    """The trunk or other peer that it came over."""


class CallBlocked(Record, frozen=True, tag="call.blocked"):
    """A call that found all lines of a trunk taken."""

    peer: str
    source: str = ""
    reason: str = ""


class CallRouted(Record, frozen=True, tag="call.routed"):
    call: str
    destination: str
    """Kind and name, as in the dial plan: `user:1002`, `sip:1002@203.0.113.9`, `echo`."""
    rule: str = ""


class LegStarted(Record, frozen=True, tag="leg.started"):
    call: str
    leg: str
    direction: Literal["in", "out"]
    party: str
    sip_call_id: str = ""


class LegRinging(Record, frozen=True, tag="leg.ringing"):
    call: str
    leg: str
    early_media: bool = False


class LegAnswered(Record, frozen=True, tag="leg.answered"):
    call: str
    leg: str
    codec: str = ""
    srtp: str = ""
    """The SRTP suite; empty: the audio is not encrypted."""


class LegHeld(Record, frozen=True, tag="leg.held"):
    call: str
    leg: str


class LegResumed(Record, frozen=True, tag="leg.resumed"):
    call: str
    leg: str


class LegEnded(Record, frozen=True, tag="leg.ended"):
    call: str
    leg: str
    status: int
    """The SIP status that says how it ended; 200 for an answered leg ended by BYE."""
    reason: str
    ended_by: EndedBy
    media: dict[str, float] = msgspec.field(default_factory=dict)
    """The media plane's figures for the leg: packets, loss, jitter and so on."""
    trunk: str = ""
    """The trunk that the leg went by, or came by; of several that were tried, the last."""
    cause: int = 0
    """The ISDN cause (ITU-T Q.850) that its peer named; 0: none."""


class CallBridged(Record, frozen=True, tag="call.bridged"):
    call: str
    legs: tuple[str, ...]


class CallUnbridged(Record, frozen=True, tag="call.unbridged"):
    call: str
    legs: tuple[str, ...]


class CallEnded(Record, frozen=True, tag="call.ended"):
    call: str
    result: CallResult
    status: int
    reason: str
    ended_by: EndedBy


class CallTransferred(Record, frozen=True, tag="call.transferred"):
    """A party had its partner put through elsewhere, or tried to."""

    call: str
    leg: str
    """Who asked for it."""
    target: str
    """The number or URI; where it consulted first, that of the consultation."""
    status: int
    """200, or why not."""
    to_call: str = ""
    """The call whose party the partner now talks to, where the one who asked consulted first."""
    to_leg: str = ""
    """The leg there whose place the partner took."""
