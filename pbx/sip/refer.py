# SPDX-License-Identifier: Apache-2.0
"""REFER and Replaces as values: who is to be called, and which dialog that call takes the place of (RFC 3515, 3891)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from switchroom.pbx.sip.errors import ParseError, SipError
from switchroom.pbx.sip.header import parse_name_addr, parse_params
from switchroom.pbx.sip.message import REASONS, Request
from switchroom.pbx.sip.uri import Uri, parse_uri

if TYPE_CHECKING:
    from switchroom.pbx.sip.session import Session

FRAGMENT = "message/sipfrag;version=2.0"
NO_SUBSCRIPTION = "norefersub"


class Replaces(NamedTuple):
    """The dialog that a call takes over; the tags as seen by who gets the header."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False


@dataclass(frozen=True, slots=True)
class Referral:
    """What a REFER asks for."""

    target: Uri
    replaces: Replaces | None
    referred_by: str
    """The URI of who asks, as it says itself; empty when it does not."""
    quiet: bool
    """No subscription: the answer says that there are no NOTIFYs (RFC 4488)."""


def parse_replaces(text: str) -> Replaces:
    """Read a Replaces value. Raises ParseError (400)."""
    call_id, semicolon, rest = text.partition(";")
    params = parse_params(f";{rest}") if semicolon else {}
    to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
    if not call_id.strip() or not to_tag or not from_tag:
        raise ParseError("bad Replaces")
    return Replaces(call_id.strip(), to_tag, from_tag, "early-only" in params)


def read_refer(request: Request) -> Referral:
    """What a REFER asks for. Raises SipError: 400 for what cannot be read, 603 for what is no call."""
    values = request.all("refer-to")
    if len(values) != 1:
        raise SipError(400, "a REFER has one Refer-To")
    # Phones leave the angle brackets out, even where the URI has headers, which section 20 of RFC 3261 forbids.
    bare = "<" not in values[0]
    target = parse_uri(values[0].strip() if bare else parse_name_addr(values[0]).uri)
    headers = {name.lower(): value for name, value in target.headers}
    if (target.params.get("method") or "INVITE").upper() != "INVITE" or target.scheme not in ("sip", "sips", "tel"):
        raise SipError(603, "Decline")
    replaces = parse_replaces(headers["replaces"]) if "replaces" in headers else None
    by = request.get("referred-by")
    quiet = (request.get("refer-sub") or "").strip().lower() == "false"
    plain = Uri(target.scheme, target.user, target.host, target.port, target.params, opaque=target.opaque)
    return Referral(plain, replaces, parse_name_addr(by).uri if by else "", quiet)


def notify(session: "Session", event: str, status: int, over: bool, expires_s: int) -> None:
    """Tell the one who asked how the referred call goes (RFC 3515 section 2.4.4); also after its BYE, as it may ask."""
    state = "terminated;reason=noresource" if over else f"active;expires={expires_s}"
    session.send_apart(
        "NOTIFY",
        {"event": [event], "subscription-state": [state], "content-type": [FRAGMENT]},
        f"SIP/2.0 {status} {REASONS.get(status, 'Unknown')}\r\n".encode(),
    )
