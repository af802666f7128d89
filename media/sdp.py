# SPDX-License-Identifier: Apache-2.0
"""Session descriptions (RFC 8866): bytes to frozen values and back, without any judgement on their meaning.

Reading is lenient where phones are sloppy: bare LF, no s= or t=, unknown lines and attributes, a user name with spaces.
It is strict about sizes, so that a description costs a bounded amount of work.
"""

from functools import lru_cache
from ipaddress import ip_address
from typing import Literal

import msgspec

from switchroom.media.errors import SdpError

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

MAX_BYTES = 32_768
MAX_LINES = 1_000
MAX_MEDIA = 32
MAX_FORMATS = 64

Attributes = tuple[tuple[str, str | None], ...]
"""Name and value in the order of the description; None for a property attribute such as a=recvonly."""


class Connection(msgspec.Struct, frozen=True):
    """A c= line, or the address part of o=: `IN family address`, multicast suffixes cut off."""

    address: str
    family: str = "IP4"


class Origin(msgspec.Struct, frozen=True):
    """The o= line. Identifier and version stay text: peers are not bound to decimal numbers of any size."""

    session_id: str
    version: str
    address: str
    family: str = "IP4"
    username: str = "-"


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """One m= section. `port` 0 means that the stream is refused or switched off (RFC 3264 section 5.1)."""

    kind: str
    port: int
    protocol: str = "RTP/AVP"
    formats: tuple[str, ...]
    connection: Connection | None = None
    attributes: Attributes = ()


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A whole description: what the negotiation needs; b=, k=, i= and the like are dropped on reading."""

    origin: Origin
    name: str = "-"
    connection: Connection | None = None
    attributes: Attributes = ()
    media: tuple[Media, ...] = ()

    def to_bytes(self) -> bytes:
        """The description as it goes on the wire, CRLF at each line's end."""
        origin = self.origin
        lines = [
            "v=0",
            f"o={origin.username} {origin.session_id} {origin.version} IN {origin.family} {origin.address}",
            f"s={self.name}",
        ]
        if self.connection is not None:
            lines.append(f"c=IN {self.connection.family} {self.connection.address}")
        lines.append("t=0 0")
        _write_attributes(self.attributes, lines)
        for media in self.media:
            lines.append(f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}")
            if media.connection is not None:
                lines.append(f"c=IN {media.connection.family} {media.connection.address}")
            _write_attributes(media.attributes, lines)
        lines.append("")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _write_attributes(attributes: Attributes, lines: list[str]) -> None:
    for name, value in attributes:
        lines.append(f"a={name}" if value is None else f"a={name}:{value}")


def parse(body: bytes) -> Description:
    """Read a description.

    Raises SdpError when it is too large, has no v=0 or o= line, or holds a line that cannot be understood.
    """
    if len(body) > MAX_BYTES:
        raise SdpError(f"description of {len(body)} bytes; at most {MAX_BYTES} are read")
    lines = body.decode("utf-8", "surrogateescape").replace("\r", "\n").split("\n")
    if len(lines) > 2 * MAX_LINES:
        raise SdpError(f"description of more than {MAX_LINES} lines")
    origin: Origin | None = None
    name = "-"
    connection: Connection | None = None
    session_attributes: list[tuple[str, str | None]] = []
    attributes = session_attributes
    sections: list[_Section] = []
    versioned = False
    for line in lines:
        if not line:
            continue
        kind, equals, value = line[0], line[1:2], line[2:]
        if equals == " ":  # "m =video", as in the messages of RFC 4475
            equals, value = value[:1], value[1:]
        if equals != "=":
            raise SdpError(f"not a line of a session description: {line[:40]!r}")
        value = value.strip()
        if kind == "a":
            key, colon, rest = value.partition(":")
            attributes.append((key, rest.strip() if colon else None))
        elif kind == "m":
            if len(sections) == MAX_MEDIA:
                raise SdpError(f"more than {MAX_MEDIA} media sections")
            sections.append(_Section(value))
            attributes = sections[-1].attributes
        elif kind == "c":
            if not sections:
                connection = connection or _connection(value)
            elif sections[-1].connection is None:
                sections[-1].connection = _connection(value)
        elif kind == "o" and origin is None:
            origin = _origin(value)
        elif kind == "s" and not sections:
            name = value or "-"
        elif kind == "v":
            if value != "0":
                raise SdpError(f"version {value[:20]!r} of the session description protocol")
            versioned = True
    if not versioned:
        raise SdpError("no v=0 line")
    if origin is None:
        raise SdpError("no o= line")
    return Description(
        origin=origin,
        name=name,
        connection=connection,
        attributes=tuple(session_attributes),
        media=tuple([section.freeze() for section in sections]),
    )


class _Section:
    """An m= section while its lines are being read."""

    __slots__ = ("attributes", "connection", "fields", "port")

    def __init__(self, value: str) -> None:
        self.fields = value.split()
        if len(self.fields) < 4:
            raise SdpError(f"m= line without port, protocol and formats: {value[:40]!r}")
        if len(self.fields) > 3 + MAX_FORMATS:
            raise SdpError(f"more than {MAX_FORMATS} formats in one m= line")
        port = self.fields[1].partition("/")[0]
        if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
            raise SdpError(f"not a port: {port[:20]!r}")
        self.port = int(port)
        self.connection: Connection | None = None
        self.attributes: list[tuple[str, str | None]] = []

    def freeze(self) -> Media:
        fields = self.fields
        return Media(
            kind=fields[0],
            port=self.port,
            protocol=fields[2],
            formats=tuple(fields[3:]),
            connection=self.connection,
            attributes=tuple(self.attributes),
        )


def _origin(value: str) -> Origin:
    fields = value.rsplit(None, 5)
    if len(fields) < 6:
        raise SdpError(f"o= line of {len(fields)} fields instead of 6: {value[:60]!r}")
    username, session_id, version, _, family, address = fields
    return Origin(session_id, version, address, family, username)


def _connection(value: str) -> Connection:
    fields = value.split()
    if len(fields) < 3 or fields[0] != "IN":
        raise SdpError(f"c= line that is not `IN type address`: {value[:60]!r}")
    return Connection(fields[2].partition("/")[0], fields[1])


def address_family(address: str) -> str | None:
    """`IP4` or `IP6` for a numeric address, None for anything else (a host name, rubbish)."""
    return _address_family(address) if len(address) <= _MAX_ADDRESS else None


_MAX_ADDRESS = 64  # longer ones would only fill the cache


@lru_cache(maxsize=4096)
def _address_family(address: str) -> str | None:
    try:
        return "IP4" if ip_address(address).version == 4 else "IP6"
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def is_unicast(address: str) -> bool:
    """Whether media may be sent to this numeric address: not multicast, not broadcast, not "nowhere" (0.0.0.0, ::)."""
    parsed = ip_address(address)
    return not (parsed.is_multicast or parsed.is_unspecified or address == "255.255.255.255")
