# SPDX-License-Identifier: Apache-2.0
"""Our side of an audio stream, as our offers and answers describe it."""

from typing import Final

import msgspec

from switchroom.media.formats import Format
from switchroom.media.sdp import address_family

PTIME_MS: Final = 20


class LocalMedia(msgspec.Struct, frozen=True, kw_only=True):
    """Our side of the stream: where we receive and what we can do, codecs by preference."""

    address: str
    other: str = ""
    """The one of the other family, for a peer that is there."""
    port: int
    codecs: tuple[Format, ...]
    session_id: int
    """Unique among our sessions and over restarts, for o= (RFC 8866 section 5.2): a count from a clock will do."""
    rtcp_port: int | None = None
    """None: the port above `port` (RFC 3550 section 11)."""
    ptime_ms: int = PTIME_MS
    """What we ask for, and send where the peer does not say."""
    telephone_event: bool = True
    comfort_noise: bool = False
    """Whether silence is sent as comfort noise (RFC 3389) to who takes it, and may be sent so to us."""
    offer_rtcp_mux: bool = False
    """Whether our offers ask for RTP and RTCP on one port (RFC 5761). Offered by the peer, it is always accepted."""
    offer_rtcp_xr: bool = False
    """Whether our offers ask for extended reports (RFC 3611 section 5). Asked for by the peer, they are always sent."""

    @property
    def families(self) -> tuple[str | None, ...]:
        """`IP4`, `IP6`: where the peer may be."""
        own = address_family(self.address)
        return (own, address_family(self.other)) if self.other else (own,)

    def facing(self, host: str) -> "LocalMedia":
        """The same with the address of the family of `host`, if there is one."""
        family = address_family(host)
        if family is None or family == address_family(self.address) or family not in self.families:
            return self
        return msgspec.structs.replace(self, address=self.other, other=self.address)
