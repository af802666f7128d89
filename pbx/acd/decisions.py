# SPDX-License-Identifier: Apache-2.0
"""What the scheduler decides, for whoever carries it out."""

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """Why a caller could not enter, and where the queue sends such callers (empty: nowhere)."""

    reason: str
    to: str = ""


class Offered(msgspec.Struct, frozen=True):
    """Ring these agents for this caller; then say `answered` or `ended` for each."""

    offer: int
    call: str
    queue: str
    agents: tuple[str, ...]
    ring_s: float


class Withdrawn(msgspec.Struct, frozen=True):
    """Stop ringing these agents."""

    offer: int
    agents: tuple[str, ...]


class Overflowed(msgspec.Struct, frozen=True):
    """The caller has left the queue; it goes on at `to` (empty: nowhere)."""

    call: str
    queue: str
    reason: str
    to: str


class Overdue(msgspec.Struct, frozen=True):
    """An agent has been talking or busy for a while: look whether that is still so."""

    agent: str
    call: str


Decision = Offered | Withdrawn | Overflowed | Overdue
