# SPDX-License-Identifier: Apache-2.0
"""The state of a user's calls for those who watch him (busy lamp field, RFC 4235), out of the legs of his phones."""

from collections.abc import Iterable

from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.watch.hub import DialogPhase, Dialogs, DialogState


def dialogs_of(legs: Iterable[Leg]) -> Dialogs:
    """The calls that these legs are."""
    return Dialogs(tuple(map(_dialog, legs)))


def _dialog(leg: Leg) -> DialogState:
    phase: DialogPhase = "confirmed" if leg.state == "answered" else "early" if leg.state == "ringing" else "trying"
    session = leg.sip
    ours, theirs = (session.local_tag, "") if session is not None else ("", "")
    if session is not None and session.dialog is not None:
        theirs = session.dialog.remote_tag
    elif isinstance(session, ClientSession):
        theirs = session.early_tag
    partner = leg.partner
    other = (
        partner.party.number if partner is not None else leg.story.caller.number if leg.called else leg.story.dialled
    )
    return DialogState(
        id=leg.id.replace("/", "-"), phase=phase, direction="recipient" if leg.called else "initiator", other=other,
        call_id=session.call_id if session is not None else "", local_tag=theirs, remote_tag=ours,
    )  # fmt: skip
