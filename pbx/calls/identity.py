# SPDX-License-Identifier: Apache-2.0
"""Who calls, as a peer tells it: From, and from a peer of our trust domain P-Asserted-Identity (RFC 3325)."""

from switchroom.pbx.control import Party
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.header import NameAddr, parse_name_addr
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.uri import parse_uri

PRIVATE = frozenset({"id", "user", "header"})


def party_of(request: Request, trusted: bool) -> Party:
    """The caller of a peer's INVITE."""
    asserted = request.all("p-asserted-identity") if trusted else []
    for value in asserted:
        try:
            party = _party(parse_name_addr(value))
        except ParseError:
            continue
        if party.number:
            return party
    return _party(request.from_)


def wants_privacy(request: Request) -> bool:
    """Whether the caller wants its identity kept from who is called (RFC 3323 section 4.2)."""
    return "privacy" in request.headers and any(
        word.strip().lower() in PRIVATE for value in request.headers["privacy"] for word in value.split(";")
    )


def _party(named: NameAddr) -> Party:
    uri = parse_uri(named.uri)
    if uri.scheme == "tel":
        return Party(uri.opaque.partition(";")[0].replace("-", "").replace(".", ""), named.display)
    return Party(uri.user or "", named.display)
