# SPDX-License-Identifier: Apache-2.0
"""RTP payload formats as session descriptions name them: rtpmap, fmtp, the static numbers, and when two formats agree.

A `Format` is one codec with its payload type. Which codecs the exchange has is the registry's business.
"""

from typing import Final

import msgspec

from switchroom.media.sdp import Attributes

FIRST_DYNAMIC: Final = 96
LAST_PAYLOAD_TYPE: Final = 127
EVENT: Final = "telephone-event"
EVENT_RANGE: Final = "0-15"
"""The DTMF events of RFC 4733 section 3.2; flash (16) is not carried."""


class Format(msgspec.Struct, frozen=True):
    """One payload format: `name` as the encoding name of RFC 4855 spells it, `fmtp` its parameters, "" for none."""

    payload_type: int
    name: str
    clock_hz: int = 8_000
    channels: int = 1
    fmtp: str = ""

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes two formats the same codec: the name without regard to case (RFC 4855), clock and channels."""
        return self.name.lower(), self.clock_hz, self.channels

    @property
    def codec(self) -> str:
        """The exchange's name for the codec: L16 is one at each of its rates."""
        return f"L16/{self.clock_hz}" if self.name.upper() == "L16" else self.name

    @property
    def max_ptime_ms(self) -> int:
        """The longest packets that fit into one datagram of an Ethernet: 16-bit samples need all of it."""
        return 40 if self.codec == "L16/16000" else 60

    @property
    def takes_noise(self) -> bool:
        """Whether comfort noise goes with it: it has none of its own, and its sound is of 8 kHz as the noise's."""
        return self.codec in ("PCMU", "PCMA", "L16/8000")

    @property
    def is_static(self) -> bool:
        return self.payload_type < FIRST_DYNAMIC


PCMU: Final = Format(0, "PCMU")
PCMA: Final = Format(8, "PCMA")
G722: Final = Format(9, "G722")  # 16 kHz audio on an 8 kHz clock: RFC 3551 section 4.5.2
G729: Final = Format(18, "G729", fmtp="annexb=no")
CN: Final = Format(13, "CN")  # comfort noise: RFC 3389 section 4
L16_8000: Final = Format(97, "L16")
L16_16000: Final = Format(98, "L16", 16_000)
OPUS: Final = Format(96, "opus", 48_000, 2)  # always /48000/2: RFC 7587 section 4.1

STATIC: Final[dict[int, Format]] = {
    form.payload_type: form for form in (PCMU, Format(3, "GSM"), Format(4, "G723"), PCMA, G722, CN, Format(18, "G729"))
}
"""The static audio numbers of RFC 3551 that phones still use without an rtpmap."""


def read_formats(numbers: tuple[str, ...], attributes: Attributes) -> list[Format]:
    """The formats of an m= line in its order, without those that mean nothing (no or bad rtpmap, not a number)."""
    maps: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for name, value in attributes:
        if value is not None and (name == "rtpmap" or name == "fmtp"):
            number, _, rest = value.partition(" ")
            (maps if name == "rtpmap" else parameters).setdefault(number, rest.strip())
    found: list[Format] = []
    seen: set[int] = set()
    for number in numbers:
        if not (number.isascii() and number.isdigit() and len(number) <= 3):
            continue
        payload_type = int(number)
        if payload_type > LAST_PAYLOAD_TYPE or payload_type in seen:
            continue
        form = _read_format(payload_type, maps.get(number), parameters.get(number, ""))
        if form is not None:
            seen.add(payload_type)
            found.append(form)
    return found


def _read_format(payload_type: int, rtpmap: str | None, fmtp: str) -> Format | None:
    if rtpmap is None:
        static = STATIC.get(payload_type)
        return static and Format(payload_type, static.name, static.clock_hz, static.channels, fmtp)
    name, _, rest = rtpmap.partition("/")
    clock, _, channels = rest.partition("/")
    if not (name and _is_number(clock) and (not channels or _is_number(channels))):
        return None
    return Format(payload_type, name.strip(), int(clock), int(channels or 1), fmtp)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6


def write_format(form: Format) -> list[tuple[str, str | None]]:
    """The a= lines that describe a format; rtpmap is written for static numbers too, as many phones expect it."""
    channels = f"/{form.channels}" if form.channels > 1 else ""
    lines: list[tuple[str, str | None]] = [("rtpmap", f"{form.payload_type} {form.name}/{form.clock_hz}{channels}")]
    if form.fmtp:
        lines.append(("fmtp", f"{form.payload_type} {form.fmtp}"))
    return lines


def answer_parameters(ours: Format, theirs: Format) -> str:
    """The fmtp that we answer for a format of the offer. G.729 annex B is used only when both sides do (RFC 7261)."""
    if ours.key[0] == "g729":
        return "annexb=no" if uses_no(ours, "annexb") or uses_no(theirs, "annexb") else ours.fmtp
    return ours.fmtp


def uses_no(form: Format, parameter: str) -> bool:
    """Whether the fmtp says `parameter=no`; absent means yes for annexb (RFC 4856)."""
    return f"{parameter}=no" in form.fmtp.lower().replace(" ", "").split(";")
