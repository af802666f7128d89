# SPDX-License-Identifier: Apache-2.0
"""[security]: who is slowed and banned for guessing passwords and scanning for numbers."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from switchroom.pbx.config_values import Network

Seconds = Annotated[float, Meta(gt=0)]
SCANNERS = (
    "friendly-scanner", "sipvicious", "sipcli", "sip-scan", "sipsak", "sundayddr", "iwar", "sivus", "gulp", "smap",
    "vaxsipuseragent", "pplsip", "eyebeam release 3006o",
)  # fmt: skip


class SecurityConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[security]. An offence is a wrong password, a challenge left unanswered, or a number that is not there."""

    enabled: bool = True
    allow: tuple[Network, ...] = ()
    """Addresses and networks that are never banned; peers never are."""
    offences: Annotated[int, Meta(ge=2, le=10_000)] = 20
    """So many within `window_s` are one too many."""
    window_s: Seconds = 60.0
    slow_after: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """From so many on, refusals to the source are held back."""
    slow_ms: Annotated[int, Meta(ge=0, le=10_000)] = 1000
    ban_s: Seconds = 300.0
    """The first ban; each further one of the same source is twice as long."""
    max_ban_s: Seconds = 86_400.0
    forget_s: Seconds = 86_400.0
    """A source that behaves for so long after a ban begins anew."""
    prefix4: Annotated[int, Meta(ge=8, le=32)] = 32
    """Bits of an IPv4 address that are banned together."""
    prefix6: Annotated[int, Meta(ge=16, le=128)] = 64
    scanners: tuple[str, ...] = SCANNERS
    """Parts of User-Agent, in lower case: such requests are dropped without an answer, and count as many offences."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.slow_after > self.offences:
            yield "slow_after", f"must not be more than offences ({self.offences})"
        if self.max_ban_s < self.ban_s:
            yield "max_ban_s", f"must not be less than ban_s ({self.ban_s:g})"
        if any(not scanner or scanner != scanner.lower() for scanner in self.scanners):
            yield "scanners", "expected texts in lower case"
