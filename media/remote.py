# SPDX-License-Identifier: Apache-2.0
"""The peer's audio stream as its description tells it: address, formats that we know too, direction, packet length.

Reading judges one m= line at a time and keeps no state; which line to take and what to answer is the Negotiator's part.
"""

from functools import lru_cache
from typing import Final

import msgspec
from msgspec import structs

from switchroom.media.errors import NotAcceptable, SdpError
from switchroom.media.formats import CN, EVENT, Format, read_formats
from switchroom.media.sdp import Attributes, Connection, Description, Direction, Media, address_family, is_unicast
from switchroom.media.srtp import Crypto, read_crypto

PROTOCOLS: Final = ("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF")
SECURE: Final = PROTOCOLS[2:]

MIN_PTIME_MS: Final = 10
MAX_PTIME_MS: Final = 60

_DIRECTIONS: Final[dict[str, Direction]] = {
    "sendrecv": "sendrecv",
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "inactive": "inactive",
}


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """One audio stream of the peer. `direction` is as the peer sees it."""

    address: str
    port: int
    rtcp_address: str
    rtcp_port: int
    rtcp_mux: bool
    direction: Direction
    reachable: bool
    """False for the old hold with c=0.0.0.0 (RFC 3264 section 8.4): nothing may be sent, RTCP neither."""
    codecs: tuple[tuple[Format, Format], ...]
    """(ours, the peer's) for each codec that both have, in the peer's order."""
    events: tuple[Format, ...]
    noise: tuple[Format, ...]
    """Comfort noise (RFC 3389), as the peer names it."""
    ptime_ms: int | None
    """Length of the packets that the peer wants, within our limits; None when it does not say."""
    maxptime_ms: int
    secure: bool = False
    """The protocol is a secure one: nothing may be sent in the clear."""
    crypto: tuple[Crypto, ...] = ()
    rtcp_xr: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([ours.codec for ours, _ in self.codecs]))

    def packet_ms(self, default_ms: int) -> int:
        """How long the packets to the peer are (RFC 8866 sections 6.3 and 6.4)."""
        return min(self.ptime_ms or default_ms, self.maxptime_ms)

    @property
    def holds(self) -> bool:
        return self.port == 0 or not self.reachable or self.direction in ("sendonly", "inactive")


def read_stream(
    description: Description, index: int, families: tuple[str | None, ...], codecs: tuple[Format, ...]
) -> Remote | None:
    """The stream of one m= line; None when it is no RTP audio or is switched off.

    Raises NotAcceptable for audio that we cannot do (protocol, address, codecs), SdpError where an address is missing.
    """
    media = description.media[index]
    if media.kind != "audio" or media.port == 0:
        return None
    if media.protocol not in PROTOCOLS:
        raise NotAcceptable(f"audio over {media.protocol[:40]}")
    connection = media.connection or description.connection
    if connection is None:
        raise SdpError("an audio stream without a c= line")
    reachable = _check_address(connection, families)
    described = tuple([line for line in media.attributes if line[0] == "rtpmap" or line[0] == "fmtp"])
    pairs, events, noise = _known(codecs, media.formats, described)
    direction = _read_direction(media.attributes) or _read_direction(description.attributes) or "sendrecv"
    values = dict(reversed(media.attributes))
    rtcp_address, rtcp_port = _read_rtcp(values.get("rtcp"), connection.address, media)
    return Remote(
        address=connection.address,
        port=media.port,
        rtcp_address=rtcp_address,
        rtcp_port=rtcp_port,
        rtcp_mux="rtcp-mux" in values,
        # Who may not be reached cannot take part in both directions, whatever it writes.
        direction=direction if reachable else _without_receiving(direction),
        reachable=reachable,
        codecs=pairs,
        events=events,
        noise=noise,
        ptime_ms=_milliseconds(values.get("ptime")),
        maxptime_ms=_milliseconds(values.get("maxptime")) or MAX_PTIME_MS,
        secure=media.protocol in SECURE,
        crypto=read_crypto(media.attributes),
        rtcp_xr="rtcp-xr" in values or any(name == "rtcp-xr" for name, _ in description.attributes),
    )


def _check_address(connection: Connection, families: tuple[str | None, ...]) -> bool:
    """True for an address to which we may send, False for 0.0.0.0; NotAcceptable for all others."""
    family = address_family(connection.address)
    if family is None:
        raise NotAcceptable(f"not a numeric address: {connection.address[:60]}")
    if family != connection.family or family not in families:
        raise NotAcceptable(f"address family of {connection.address} ({connection.family[:10]})")
    if connection.address in ("0.0.0.0", "::"):
        return False
    if not is_unicast(connection.address):
        raise NotAcceptable(f"not a unicast address: {connection.address}")
    return True


@lru_cache(maxsize=512)
def _known(
    codecs: tuple[Format, ...], numbers: tuple[str, ...], described: Attributes
) -> tuple[tuple[tuple[Format, Format], ...], tuple[Format, ...], tuple[Format, ...]]:
    """Common codecs, events and comfort noise; remembered, since a phone describes the same ones in each call."""
    formats = read_formats(numbers, described)
    pairs = _common(codecs, formats)
    if not pairs:
        offered = ", ".join(form.name for form in formats if form.name.lower() != EVENT)
        raise NotAcceptable(f"no codec in common: the peer has {offered[:100] or 'none'}")
    return pairs, _events(pairs, formats), tuple([form for form in formats if form.key == CN.key])


def _common(codecs: tuple[Format, ...], formats: list[Format]) -> tuple[tuple[Format, Format], ...]:
    ours = {form.key: form for form in codecs}
    pairs = []
    for form in formats:
        known = ours.get(form.key)
        if known is not None:
            pairs.append((known, form if form.name == known.name else structs.replace(form, name=known.name)))
    return tuple(pairs)


def _events(pairs: tuple[tuple[Format, Format], ...], formats: list[Format]) -> tuple[Format, ...]:
    """The telephone-event formats that fit one of the common codecs by their clock (RFC 4733 section 2.5.1.2)."""
    clocks = {ours.clock_hz for ours, _ in pairs}
    return tuple([form for form in formats if form.name.lower() == EVENT and form.clock_hz in clocks])


def _read_direction(attributes: Attributes) -> Direction | None:
    for name, value in attributes:
        if value is None and name in _DIRECTIONS:
            return _DIRECTIONS[name]
    return None


def _without_receiving(direction: Direction) -> Direction:
    return "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"


def _read_rtcp(value: str | None, address: str, media: Media) -> tuple[str, int]:
    """Where the peer takes RTCP (RFC 3605): by default its next port; a value that makes no sense is ignored."""
    fields = value.split() if value else []
    port = fields[0] if fields else ""
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65_535):
        return address, min(media.port + 1, 65_535)
    if len(fields) == 4 and address_family(fields[3]) == address_family(address) and is_unicast(fields[3]):
        address = fields[3]
    return address, int(port)


def _milliseconds(text: str | None) -> int | None:
    """A length as phones write it ("20", "20.0"), cut to whole tens within the limits; None for rubbish."""
    whole = (text or "").partition(".")[0].strip()
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 5 and int(whole) > 0):
        return None
    return max(MIN_PTIME_MS, min(MAX_PTIME_MS, int(whole) // 10 * 10))
