# SPDX-License-Identifier: Apache-2.0
"""Legs that a media process has of a server that is gone: told to the next one, which may list and close them.

Their calls talk on. A leg whose remote falls silent is closed, for nobody is there who would hear that it hung up.
"""

import struct
from typing import Final

import msgspec

from switchroom.media.stats import FEEDS
from switchroom.media.wire import Record, unpack_address

LIST_SLOTS: Final = 256
_LISTED: Final = struct.Struct("=20siHH5B3x48s")


class FoundLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg as it was when this server came."""

    handle: int
    tag: str
    """What the former server called it: its call and leg."""
    port: int
    peer: int
    """Handle of the leg that it is bridged to; 0 for none."""
    remote: tuple[str, int]
    hears: str
    confirmed: bool
    room: int | None
    """Number of the conference that it is in."""
    recorded: bool
    silent_ms: int | None


def read_listed(record: Record) -> FoundLeg | None:
    """None for a leg that was never used."""
    source, silent, port, room, feed, _, configured, confirmed, recorded, tag = _LISTED.unpack_from(record.body)
    if not configured:
        return None
    return FoundLeg(
        handle=record.leg,
        tag=tag.rstrip(b"\0").decode(errors="replace"),
        port=port,
        peer=record.other,
        remote=unpack_address(source),
        hears=FEEDS[feed] if feed < len(FEEDS) else "unknown",
        confirmed=bool(confirmed),
        room=room - 1 if room else None,
        recorded=bool(recorded),
        silent_ms=None if silent < 0 else silent,
    )
