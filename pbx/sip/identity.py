# SPDX-License-Identifier: Apache-2.0
"""Who calls, in headers: P-Asserted-Identity (RFC 3325), Privacy (RFC 3323), Remote-Party-ID, Diversion (RFC 5806) and
History-Info (RFC 7044), read and written; and how the phone is to ring.

What a request says of identities is believed of those in our trust domain only; a wish for privacy is heard from all.
"""

import msgspec

from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.header import NameAddr, format_params, parse_name_addr
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.uri import parse_uri

ANONYMOUS = NameAddr("Anonymous", "sip:anonymous@anonymous.invalid", {})
MAX_DIVERSIONS = 10
_PRIVATE = frozenset({"header", "id", "user"})
_ASSERTED = "p-asserted-identity", "remote-party-id", "p-preferred-identity"
"""Where a trusted peer names the caller, the best word first; From comes after them."""


class Identity(msgspec.Struct, frozen=True):
    """The caller as a request tells it."""

    number: str
    name: str = ""
    private: bool = False
    """Its number is to be kept from whom it calls."""
    diverted_by: tuple[str, ...] = ()
    """Who sent the call on before it came to us, the last one first."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What one called party is to know. `host` is ours, as it sees it."""

    host: str
    number: str
    name: str = ""
    private: bool = False
    trusted: bool = False
    """It belongs to our trust domain: it may know even what is private."""
    diverted_by: tuple[str, ...] = ()
    auto_answer: bool = False
    alert: str = ""


def read(request: Request, trusted: bool) -> Identity:
    """Who calls. Raises ParseError where From cannot be read."""
    named, private = request.from_, wants_privacy(request)
    if not trusted:
        return Identity(number_of(named), named.display, private)
    for header in _ASSERTED:
        for value in _addresses(request, header):
            if header == "remote-party-id":
                if (value.params.get("party") or "calling").lower() != "calling":
                    continue
                private = private or (value.params.get("privacy") or "off").lower() != "off"
            if number := number_of(value):
                name = value.display or (named.display if number == number_of(named) else "")
                return Identity(number, name, private, diversions(request))
    return Identity(number_of(named), named.display, private, diversions(request))


def wants_privacy(request: Request) -> bool:
    """Whether the caller wants its identity kept from whom it calls (RFC 3323 section 4.2)."""
    values = request.headers.get("privacy", ())
    return any(word.strip().lower() in _PRIVATE for value in values for word in value.split(";"))


def diversions(request: Request) -> tuple[str, ...]:
    """Who sent a call on, the last one first: Diversion, or all but the last entry of History-Info."""
    found = [number_of(value) for value in _addresses(request, "diversion")]
    if not found:
        found = [number_of(value) for value in _addresses(request, "history-info")][-2::-1]
    return tuple(number for number in found if number)[:MAX_DIVERSIONS]


def number_of(value: NameAddr) -> str:
    """The number that an address names; empty where it names none."""
    try:
        uri = parse_uri(value.uri)
    except ParseError:
        return ""
    if uri.scheme == "tel":
        return uri.opaque.partition(";")[0].replace("-", "").replace(".", "")
    return uri.user or ""


def from_of(shown: Shown) -> NameAddr:
    """The From of a call (RFC 3323 section 4.1.1.3: one that gives nothing away)."""
    return ANONYMOUS if shown.private else _address(shown)


def headers_of(shown: Shown, target: str) -> Headers:
    """The other headers of an INVITE to the number `target`; whatever is private goes to the trusted alone."""
    headers: Headers = {}
    if shown.private:
        headers["privacy"] = ["id"]
    if shown.trusted and shown.number:
        headers["p-asserted-identity"] = [str(_address(shown))]
    if shown.diverted_by and (shown.trusted or not shown.private):
        headers["diversion"] = [f"<sip:{number}@{shown.host}>" for number in shown.diverted_by]
        headers["history-info"] = list(_history((*reversed(shown.diverted_by), target), shown.host))
    if shown.auto_answer:
        headers["call-info"] = [f"<sip:{shown.host}>;answer-after=0"]
    if ring := "alert-autoanswer" if shown.auto_answer else shown.alert:
        headers["alert-info"] = [
            f"<{ring}>" if ":" in ring else f"<http://{shown.host}>{format_params({'info': ring})}"
        ]
    return headers


def _history(numbers: tuple[str, ...], host: str) -> list[str]:
    """Each number was retargeted from the one before it (RFC 7044 section 10.3)."""
    index, entries = "1", []
    for place, number in enumerate(numbers):
        entries.append(f"<sip:{number}@{host}>;index={index}" + (f";mp={index.rpartition('.')[0]}" if place else ""))
        index += ".1"
    return entries


def _address(shown: Shown) -> NameAddr:
    return NameAddr(shown.name, f"sip:{shown.number}@{shown.host}" if shown.number else f"sip:{shown.host}", {})


def _addresses(request: Request, header: str) -> list[NameAddr]:
    """Those of a header that can be read."""
    found = []
    for value in request.all(header) if header in request.headers else ():
        try:
            found.append(parse_name_addr(value))
        except ParseError:
            continue
    return found
