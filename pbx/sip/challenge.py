# SPDX-License-Identifier: Apache-2.0
"""A request within a dialog that was challenged goes out once more, with the answer (RFC 3261 section 22.2).

Carriers challenge not only the INVITE that begins a call: a re-INVITE that goes unanswered costs the hold, a BYE the
bill. One answer is given to one request; a second challenge means that our password is wrong.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.transaction import Transaction

if TYPE_CHECKING:
    from switchroom.pbx.sip.session import Session

Credentials = Callable[[Response, str, str], Headers | None]
"""Answers one challenge to a method and URI; None where it cannot."""
Digest = Callable[[], Credentials]
"""Makes the Credentials for a request."""


def answered(session: "Session", transaction: Transaction, response: Response) -> bool:
    """Whether a response was a challenge, and the request is under way again with the answer."""
    request, dialog = transaction.request, session.dialog
    if response.status not in (401, 407) or session.digest is None or dialog is None:
        return False
    if "authorization" in request.headers or "proxy-authorization" in request.headers:
        return False
    answer = session.digest()(response, request.method, request.uri)
    if answer is None:
        return False
    dialog.number += 1
    headers = {**request.headers, "via": [], "cseq": [f"{dialog.number} {request.method}"], **answer}
    again = session.agent.send_in_dialog(session, Request(request.method, request.uri, headers, request.body))
    if transaction is session._outgoing:
        session._outgoing = again
    return True
