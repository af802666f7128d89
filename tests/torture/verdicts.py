# SPDX-License-Identifier: Apache-2.0
"""What must become of each torture message of RFC 4475 and RFC 5118, with the section and the reason."""

from typing import NamedTuple

ANSWERED: tuple[int, ...] = ()
"""Understood: any answer but a 400."""
IGNORED = (0,)
"""No answer, no harm."""
AUTH = (401, 403, 404, 407)


class Verdict(NamedTuple):
    """What the core may answer: `statuses`, or anything but 400 where they are empty; 0 stands for no answer.

    `parses`: True where the parser must take it, False where it must refuse it, None where either is right.
    """

    section: str
    statuses: tuple[int, ...]
    parses: bool | None
    why: str


def _valid(section: str, why: str, *statuses: int) -> Verdict:
    return Verdict(section, statuses, True, why)


def _invalid(section: str, why: str, *statuses: int) -> Verdict:
    return Verdict(section, statuses or (400,), False, why)


def _liberal(section: str, why: str) -> Verdict:
    return Verdict(section, ANSWERED, None, why)


VERDICTS = {
    "wsinv": _valid("3.1.1.1", "a short tortuous INVITE: folding, compact forms, odd spaces"),
    "intmeth": _valid("3.1.1.2", "a method and values of odd but allowed characters", 501, 405, 404),
    "esc01": _valid("3.1.1.3", "percent-escapes in URIs"),
    "escnull": _valid("3.1.1.4", "escaped nulls in users"),
    "esc02": _valid("3.1.1.5", "a method that looks escaped is another method", 501, 405),
    "lwsdisp": _valid("3.1.1.6", "no space between display name and <"),
    "longreq": _valid("3.1.1.7", "long values"),
    "dblreq": _valid("3.1.1.8", "a second message in the datagram is ignored"),
    "semiuri": _valid("3.1.1.9", "a semicolon in the user part"),
    "transports": _valid("3.1.1.10", "unknown transports in Vias below"),
    "mpart01": _valid("3.1.1.11", "a multipart body with nulls", 405, 415),
    "unreason": _valid("3.1.1.12", "a stray response with a UTF-8 reason", *IGNORED),
    "noreason": _valid("3.1.1.13", "a stray response without reason", *IGNORED),
    "badinv01": _invalid("3.1.2.1", "extra separators in Via and Contact"),
    "clerr": _invalid("3.1.2.2", "Content-Length beyond the datagram"),
    "ncl": _invalid("3.1.2.3", "a negative Content-Length"),
    "scalar02": _invalid("3.1.2.4", "scalars out of range"),
    "scalarlg": Verdict("3.1.2.5", IGNORED, None, "a stray response with scalars out of range"),
    "quotbal": _invalid("3.1.2.6", "a quote without its end"),
    "ltgtruri": _invalid("3.1.2.7", "angle brackets around the Request-URI"),
    "lwsruri": _invalid("3.1.2.8", "white space within the Request-URI"),
    "lwsstart": _invalid("3.1.2.9", "several spaces in the request line"),
    "trws": _invalid("3.1.2.10", "spaces after the request line"),
    "escruri": _invalid("3.1.2.11", "headers in the Request-URI"),
    "baddate": _liberal("3.1.2.12", "a Date that nobody needs"),
    "regbadct": _invalid("3.1.2.13", "a Contact whose question mark needs angle brackets"),
    "badaspec": _invalid("3.1.2.14", "spaces within an address"),
    "baddn": _liberal("3.1.2.15", "an unquoted comma in a display name"),
    "baddn-unterminated": _liberal("3.1.2.15", "the same without the empty line after the headers"),
    "badvers": _invalid("3.1.2.16", "a version of SIP that is not ours", 505),
    "mismatch01": _invalid("3.1.2.17", "the CSeq names another method"),
    "mismatch02": _invalid("3.1.2.18", "the same with an unknown method", 400, 501),
    "bigcode": _invalid("3.1.2.19", "a stray response with a status beyond all bounds", *IGNORED),
    "badbranch": _invalid("3.2.1", "a branch of the magic cookie alone"),
    "insuf": _invalid("3.3.1", "no Call-ID, From and To"),
    "unkscm": _valid("3.3.2", "a Request-URI of an unknown scheme", 416),
    "novelsc": _valid("3.3.3", "a Request-URI of a scheme that is not for SIP", 416),
    "unksm2": _valid("3.3.4", "REGISTER for an address of record that no registrar has", 400, *AUTH),
    "bext01": _valid("3.3.5", "Require of what nobody knows", 420),
    "invut": _valid("3.3.6", "a body of an unknown type", 415, *AUTH),
    "regaut01": _valid("3.3.7", "credentials of an unknown scheme get a fresh challenge", 401),
    "multi01": _invalid("3.3.8", "several values where one is allowed"),
    "mcl01": _invalid("3.3.9", "two Content-Lengths"),
    "bcast": _valid("3.3.10", "a stray response that points at the broadcast address", *IGNORED),
    "zeromf": _valid("3.3.11", "Max-Forwards 0 at its destination"),
    "cparam01": _valid("3.3.12", "an unknown Contact parameter"),
    "cparam02": _valid("3.3.13", "an unknown URI parameter"),
    "regescrt": _valid("3.3.14", "a Route within a Contact URI"),
    "sdp01": _valid("3.3.15", "an Accept without session descriptions", 406, *AUTH),
    "inv2543": _valid("3.4.1", "an INVITE of RFC 2543"),
    "ipv6-good": _valid("5118 4.1", "an IPv6 reference"),
    "ipv6-bad": _invalid("5118 4.2", "an IPv6 address without brackets"),
    "port-ambiguous": _valid("5118 4.3", "what looks like a port is a part of the address"),
    "port-unambiguous": _valid("5118 4.4", "a port after the brackets"),
    "via-received-param-with-delim": _valid("5118 4.5", "received in brackets"),
    "via-received-param-no-delim": _valid("5118 4.5", "received without brackets"),
    "ipv6-in-sdp": _valid("5118 4.6", "IP6 in a session description"),
    "mult-ip-in-header": _valid("5118 4.7", "Vias of both families"),
    "mult-ip-in-sdp": _valid("5118 4.8", "one stream of each family"),
    "ipv4-mapped-ipv6": _valid("5118 4.9", "IPv4 addresses in IPv6 form"),
    "ipv6-bug-abnf-3-colons": _liberal("5118 4.10", "three colons"),
    "ipv6-correct-abnf-2-colons": _valid("5118 4.10", "two colons"),
}
