# SPDX-License-Identifier: Apache-2.0
"""What can be chosen about the media part."""

from typing import Annotated

import msgspec

from switchroom.media.srtp import SrtpMode

Port = Annotated[int, msgspec.Meta(ge=1024, le=65_535)]


class MediaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every field has a default that works on one machine."""

    address: str = "127.0.0.1"
    """Numeric; what our SDP tells peers."""
    address6: str = ""
    """The IPv6 one where `address` is IPv4: each peer is told that of its family. Sockets are then bound to `::`."""
    bind: str | None = None
    """Numeric; where sockets are bound, `address` (or `::`) when None. Behind a one-to-one NAT the two differ."""
    ports: tuple[Port, Port] = (16_384, 32_767)
    """Both included; RTP takes the even ones, RTCP the odd ones above."""
    port_rest_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 2_000
    """So long a freed port is not given out again, so that late packets reach nobody."""
    shards: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Media threads; one for each core that media may have."""
    process: str = ""
    """`unix:/path`: the shards run in the process of `switchroom media` that listens there; empty: in this one."""
    max_sessions: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1_024
    """Of each shard. Memory for them is taken at the start, about 25 kB each."""
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    """By preference."""
    srtp: SrtpMode = "off"
    """Encrypted audio by SDES (RFC 4568), for users and peers that say nothing else."""
    jitter_min_ms: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    jitter_max_ms: Annotated[int, msgspec.Meta(ge=20, le=1_000)] = 400
    """Bounds of the jitter buffer's delay; within them it follows the network."""
    rtcp_xr: bool = False
    """Whether our offers ask for extended reports (RFC 3611). Asked for by the peer, they are always sent."""
    ptime_ms: Annotated[int, msgspec.Meta(ge=10, le=60, multiple_of=10)] = 20
    rtp_timeout_ms: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)] = 3_000
    """So long a remote that should send may be silent before RtpTimeout; 0 for ever."""
    gather_us: Annotated[int, msgspec.Meta(ge=0, le=5_000)] = 800
    """So long at most a packet waits for others to be handled in one go with it: a wake-up costs more than a packet."""
    hold_music: str | None = None
    """A sound file that held parties hear; None: silence."""
    traffic_class: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0xB8
    """DSCP and ECN of what we send: Expedited Forwarding (RFC 3246) unless chosen otherwise."""
    max_prompts: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1_024
    """Sound files kept in memory at the same time."""

    @property
    def bound_to(self) -> str:
        """Where sockets are bound."""
        return self.bind or ("::" if self.address6 else self.address)
