# SPDX-License-Identifier: Apache-2.0
"""The leg whose dialog a Replaces names, and whether its place may be taken (RFC 3891 section 3)."""

from collections import deque
from typing import TYPE_CHECKING

from switchroom.pbx.sip.errors import SipError
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.refer import Replaces, parse_replaces

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg
    from switchroom.pbx.calls.switchboard import Switchboard

REMEMBERED = 500
"""Dialogs that are over and still known as such: who wants the place of one is told so, and not that there was none."""

Over = deque[tuple[str, frozenset[str]]]
"""Call-ID and tags of dialogs that are over."""


def find(board: "Switchboard", replaces: Replaces) -> "Leg | None":
    """The leg of that dialog, whichever side's tags are given first."""
    for ours, theirs in ((replaces.to_tag, replaces.from_tag), (replaces.from_tag, replaces.to_tag)):
        session = board.agent.session(replaces.call_id, ours)
        leg = board.leg_of(session) if session is not None and session.knows(theirs) else None
        if leg is not None:
            return leg
    return None


def replaced_by(board: "Switchboard", request: Request) -> "Leg":
    """The leg whose place the caller of an INVITE takes. Raises SipError: it may not."""
    if len(values := request.headers["replaces"]) != 1:
        raise SipError(400, "more than one Replaces")
    replaces = parse_replaces(values[0])
    leg = find(board, replaces)
    if leg is None or leg.state == "ended":
        known = (replaces.call_id, frozenset((replaces.to_tag, replaces.from_tag))) in board.over
        raise SipError(603, "the dialog is over") if known else SipError(481, "no such dialog")
    if replaces.early_only and leg.state == "answered":
        raise SipError(486, "Busy Here")
    if leg.state != "answered" and not leg.called:  # its own call, which rings elsewhere
        raise SipError(481, "no such dialog")
    return leg


def remember(board: "Switchboard", leg: "Leg") -> None:
    """The leg's dialog is over."""
    session = leg.sip
    if leg.was_answered and session is not None and session.dialog is not None:
        board.over.append((session.call_id, frozenset((session.local_tag, session.dialog.remote_tag))))
