# SPDX-License-Identifier: Apache-2.0
"""SIP and SIPS URIs (RFC 3261 section 19.1), and other schemes as far as an exchange must name them.

Values are held unescaped and are escaped again when written, so `sip:%61lice@h` and `sip:alice@h` are one user.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import quote, unquote_to_bytes

from switchroom.pbx.sip.errors import ParseError

DEFAULT_PORTS: Mapping[str, int] = MappingProxyType({"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443})
"""By the transport of a Via."""

_NO_PARAMS: Mapping[str, str | None] = MappingProxyType({})

# RFC 3261 section 25.1: what may stand unescaped beside the alphanumerics and "-_.~" that quote() always keeps.
_USER_SAFE = "!*'()&=+$,;?/"
_PASSWORD_SAFE = "!*'()&=+$,"
_PARAM_SAFE = "!*'()[]/:&+$"
_HEADER_SAFE = "!*'()[]/?:+$"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?")
_FORBIDDEN = re.compile(r'[\x00-\x20<>"]')


def escape(text: str, safe: str) -> str:
    """Percent-encode what is neither unreserved nor in `safe`; undecodable bytes go out as they came in."""
    return quote(text.encode("utf-8", "surrogateescape"), safe=safe)


def unescape(text: str) -> str:
    """Undo percent-encoding; a bad UTF-8 sequence survives by surrogate escapes."""
    if "%" not in text:
        return text
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Uri:
    """One URI. For schemes other than sip and sips only `scheme` and `opaque` are set."""

    scheme: str
    user: str | None = None
    host: str = ""
    """Lower case; an IPv6 address keeps its brackets."""
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=lambda: _NO_PARAMS)
    headers: tuple[tuple[str, str], ...] = ()
    password: str | None = field(default=None, repr=False)
    opaque: str = ""

    @property
    def transport(self) -> str:
        """The transport that the URI asks for, as in a Via: UDP unless it says otherwise.

        sips means TLS below whatever the parameter names (section 26.2.2, RFC 7118 section 5).
        """
        named = (self.params.get("transport") or "").upper()
        if self.scheme == "sips":
            return "WSS" if named in ("WS", "WSS") else "TLS"
        return named or "UDP"

    @property
    def address(self) -> tuple[str, int]:
        """Host (without brackets) and port, the default port where none is given."""
        return self.host.strip("[]"), self.port or DEFAULT_PORTS.get(self.transport, 5060)

    @property
    def aor(self) -> str:
        """The address of record that this URI names: scheme, user and host, no port or parameters (section 10.3)."""
        return (
            f"{self.scheme}:{escape(self.user, _USER_SAFE)}@{self.host}" if self.user else f"{self.scheme}:{self.host}"
        )

    def __str__(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        out = [self.scheme, ":"]
        if self.user is not None:
            out.append(escape(self.user, _USER_SAFE))
            if self.password is not None:
                out += (":", escape(self.password, _PASSWORD_SAFE))
            out.append("@")
        out.append(self.host)
        if self.port is not None:
            out.append(f":{self.port}")
        for name, value in self.params.items():
            out.append(f";{escape(name, _PARAM_SAFE)}")
            if value is not None:
                out.append(f"={escape(value, _PARAM_SAFE)}")
        for i, (name, value) in enumerate(self.headers):
            out.append(f"{'&' if i else '?'}{escape(name, _HEADER_SAFE)}={escape(value, _HEADER_SAFE)}")
        return "".join(out)

    def equivalent(self, other: "Uri") -> bool:
        """The comparison of RFC 3261 section 19.1.4."""
        if self.opaque or other.opaque:
            return (self.scheme, self.opaque) == (other.scheme, other.opaque)
        mine = (self.scheme, self.user, self.password, self.host, self.port)
        if mine != (other.scheme, other.user, other.password, other.host, other.port):
            return False
        # A parameter in both must match; these four must match even when they stand in only one.
        for name in {"user", "ttl", "method", "maddr", "transport"} | (self.params.keys() & other.params.keys()):
            if (self.params.get(name) or "").lower() != (other.params.get(name) or "").lower():
                return False
        return _folded(self.headers) == _folded(other.headers)


def _folded(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers)


def parse_uri(text: str) -> Uri:
    """Read a URI.

    Raises ParseError (400) where the text is not one. Parsed URIs are immutable and cached, unless they are so long
    that a peer could fill the memory with them.
    """
    return _parse_cached(text) if len(text) <= _MAX_CACHED else _parse(text)


def _parse(text: str) -> Uri:
    match = _SCHEME.match(text)
    if match is None or _FORBIDDEN.search(text):
        raise ParseError(f"not a URI: {text[:80]!r}")
    scheme, rest = match[1].lower(), text[match.end() :]
    if scheme not in ("sip", "sips"):
        if not rest:
            raise ParseError(f"empty {scheme} URI")
        return Uri(scheme, opaque=rest)

    userinfo, at, rest = rest.rpartition("@")
    user: str | None = None
    password: str | None = None
    if at:
        name, colon, secret = userinfo.partition(":")
        if not name:
            raise ParseError(f"empty user in {text[:80]!r}")
        user, password = unescape(name), unescape(secret) if colon else None

    rest, _, header_part = rest.partition("?")
    hostport, *pieces = rest.split(";")
    match = _HOST_PORT.fullmatch(hostport)
    if match is None:
        raise ParseError(f"bad host in {text[:80]!r}")
    port = int(match[2]) if match[2] else None
    if port is not None and not 0 < port < 65536:
        raise ParseError(f"bad port in {text[:80]!r}")

    params: dict[str, str | None] = {}
    for piece in pieces:
        name, equals, value = piece.partition("=")
        key = unescape(name).lower()
        said = unescape(value) if equals else None
        if not key or params.get(key, said) != said:  # twice the same is what baresip says of its transport
            raise ParseError(f"bad parameter in {text[:80]!r}")
        params[key] = said
    headers = tuple(
        (unescape(name), unescape(value)) for name, _, value in (h.partition("=") for h in header_part.split("&") if h)
    )
    return Uri(
        scheme, user, match[1].lower(), port, MappingProxyType(params) if params else _NO_PARAMS, headers, password
    )


_MAX_CACHED = 256
_parse_cached = lru_cache(maxsize=4096)(_parse)
