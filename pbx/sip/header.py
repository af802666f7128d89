# SPDX-License-Identifier: Apache-2.0
"""Header names and the header values with a structure: Via, name-addr, CSeq and parameter lists (RFC 3261 section 20).

Everything here reads text that a peer wrote: lenient where RFC 4475 shows that real phones are sloppy, ParseError
(400) where a guess would be dangerous. The plainest shapes are read by the kernel; what it will not read is read here.
"""

import re
from typing import NamedTuple

from switchroom.pbx.sip import kernel
from switchroom.pbx.sip.errors import ParseError

# RFC 3261 section 7.3.3 and the registry's later compact forms.
COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}

PRETTY = {
    "call-id": "Call-ID", "cseq": "CSeq", "mime-version": "MIME-Version", "min-se": "Min-SE", "rack": "RAck",
    "rseq": "RSeq", "sip-etag": "SIP-ETag", "sip-if-match": "SIP-If-Match", "www-authenticate": "WWW-Authenticate",
}  # fmt: skip

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*([^\s;,/]+)\s+(\[[^\]\s]+\]|[^\s;:,\[]+)(?:\s*:\s*(\d{1,5}))?\s*(;.*)?", re.IGNORECASE
)
_BRACKETED = re.compile(r'(?:"((?:[^"\\]|\\.)*)"\s*+|([^<>"]*+))<([^<>]*)>\s*(.*)', re.DOTALL)
_DISPLAY_TOKENS = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\s\x80-\U0010ffff]*")
_BARE = re.compile(r"([^\s;<>\",]+)\s*((?:;.*)?)", re.DOTALL)
_PARAM = re.compile(r';\s*([^\s;=",<>]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;",<>]*)\s*)?')
_CSEQ = re.compile(r"(\d{1,10})\s+([A-Za-z0-9\-.!%*_+`'~]+)")
_UNQUOTE = re.compile(r"\\(.)", re.DOTALL)


def key_of(name: str) -> str:
    """The dictionary key of a header name: full and lower case."""
    name = name.strip().lower()
    return COMPACT.get(name, name)


def pretty(key: str) -> str:
    """The spelling in which a header name is written."""
    found = PRETTY.get(key)
    if found is None:
        found = "-".join(part.capitalize() for part in key.split("-"))
        if len(PRETTY) < 512 and len(key) <= 64:  # names come from peers as well: the table must not grow with them
            PRETTY[key] = found
    return found


def parse_number(text: str, limit: int) -> int | None:
    """A number from 0 to `limit` in ASCII digits; None for anything else, however long it is."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        return None
    value = int(text)
    return value if value <= limit else None


def unquote(text: str) -> str:
    """The content of a quoted-string, or the text itself where it is not quoted."""
    if len(text) >= 2 and text[0] == '"' == text[-1]:
        return _UNQUOTE.sub(r"\1", text[1:-1])
    return text


def quote(text: str) -> str:
    """Text as a quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def split_list(value: str) -> list[str]:
    """Split a header value at its top-level commas: not within quotes or angle brackets."""
    if "," not in value:
        return [value.strip()] if value.strip() else []
    items, start, depth, quoted, escaped = [], 0, 0, False, False
    for i, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            if char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char == "<":
            depth += 1
        elif char == ">":
            depth -= 1
        elif char == "," and depth <= 0:
            items.append(value[start:i].strip())
            start = i + 1
    items.append(value[start:].strip())
    return [item for item in items if item]


def parse_params(text: str) -> dict[str, str | None]:
    """Read `;name=value;flag`; names lower case, quoted values unquoted. Raises ParseError."""
    plain = kernel.params(text)
    if plain is not None:
        return plain
    params: dict[str, str | None] = {}
    end = 0
    for match in _PARAM.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        params[match[1].lower()] = unquote(match[2]) if match[2] is not None else None
    if text[end:].strip() not in ("", ";"):
        raise ParseError(f"bad parameters: {text[:80]!r}")
    return params


def format_params(params: dict[str, str | None]) -> str:
    """Write parameters; a value that is no token, host or number is quoted."""
    out = []
    for name, value in params.items():
        if value is None:
            out.append(f";{name}")
        elif kernel.is_plain(value):
            out.append(f";{name}={value}")
        else:
            out.append(f";{name}={quote(value)}")
    return "".join(out)


class CSeq(NamedTuple):
    """A CSeq value (section 20.16)."""

    number: int
    method: str


def parse_cseq(value: str) -> CSeq:
    """Read a CSeq; the number must be below 2**31 (section 8.1.1.5)."""
    plain = kernel.cseq(value, CSeq)
    if plain is not None:
        return plain
    match = _CSEQ.fullmatch(value)
    if match is None or int(match[1]) >= 2**31:
        raise ParseError("bad CSeq")
    return CSeq(int(match[1]), match[2])


class Via(NamedTuple):
    """One Via value (section 20.42)."""

    transport: str
    host: str
    port: int | None
    params: dict[str, str | None]

    @property
    def branch(self) -> str:
        return self.params.get("branch") or ""

    @property
    def sent_by(self) -> str:
        """Host and port as compared in transaction matching (section 17.2.3)."""
        return f"{self.host}:{self.port}" if self.port else self.host

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"


def parse_via(value: str) -> Via:
    """Read one Via value."""
    plain = kernel.via(value, Via)
    if plain is not None:
        return plain
    match = _VIA.fullmatch(value)
    if match is None:
        raise ParseError(f"bad Via: {value[:80]!r}")
    port = int(match[3]) if match[3] else None
    if port is not None and port > 65535:
        raise ParseError("bad port in Via")
    return Via(match[1].upper(), match[2].lower(), port, parse_params(match[4]) if match[4] else {})


class NameAddr(NamedTuple):
    """A name-addr or addr-spec with its header parameters (section 20.10); the URI is kept as written."""

    display: str
    uri: str
    params: dict[str, str | None]

    @property
    def tag(self) -> str | None:
        return self.params.get("tag")

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"


def parse_name_addr(value: str) -> NameAddr:
    """Read a From, To, Contact, Route or similar value.

    Without angle brackets, parameters belong to the header, and the URI may hold no comma, question mark or semicolon
    (section 20).
    """
    plain = kernel.name_addr(value, NameAddr)
    if plain is not None:
        return plain
    match = _BRACKETED.fullmatch(value)
    if match is not None:
        display = match[1]
        if display is None:
            display = match[2].strip()
            if display and not _DISPLAY_TOKENS.fullmatch(display):
                raise ParseError(f"display name must be quoted: {value[:80]!r}")
        elif "\\" in display:
            display = _UNQUOTE.sub(r"\1", display)
        if not match[3] or match[3] != match[3].strip():
            raise ParseError(f"bad address: {value[:80]!r}")
        return NameAddr(display, match[3], parse_params(match[4]))
    match = _BARE.fullmatch(value)
    if match is None or ":" not in match[1] or "?" in match[1]:
        raise ParseError(f"bad address: {value[:80]!r}")
    return NameAddr("", match[1], parse_params(match[2]))
