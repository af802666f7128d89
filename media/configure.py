# SPDX-License-Identifier: Apache-2.0
"""What was agreed with a remote, as the plane takes it: sr_configure of ext/shard/wire.h."""

import struct
from collections.abc import Mapping
from typing import Final

from switchroom.media.offer_answer import Agreed

NOWHERE: Final = ("0.0.0.0", "::")
_SENDS, _RECEIVES, _HELD, _MUX, _REACHABLE, _XR = 1, 2, 4, 8, 16, 32
_NO_TYPE: Final = 255
_MAX_RECEIVED: Final = 12
_COMFORT_NOISE: Final = 13
"""RFC 3389's static number: phones send it without asking."""
_CONFIGURE: Final = struct.Struct("=20s20sI8B12s12sB3x")


def pack_configure(agreed: Agreed, remote: tuple[bytes, bytes], codecs: Mapping[str, int]) -> bytes:
    """`remote` holds the packed addresses of RTP and RTCP, `codecs` the numbers of the plane's codecs."""
    events = sorted(agreed.receive_events, key=lambda event: event.clock_hz != agreed.send.clock_hz)[:1]
    receive = [form for form in agreed.receive if form.codec in codecs][:_MAX_RECEIVED]
    known = {form.payload_type for form in (*receive, *events)}
    return _CONFIGURE.pack(
        *remote,
        events[0].clock_hz if events else 0,
        _flags(agreed),
        agreed.ptime_ms,
        agreed.send.payload_type,
        codecs[agreed.send.codec],
        agreed.send_event.payload_type if agreed.send_event is not None else _NO_TYPE,
        events[0].payload_type if events else _NO_TYPE,
        len(receive),
        _noise_type(agreed, known),
        bytes([form.payload_type for form in receive]),
        bytes([codecs[form.codec] for form in receive]),
        agreed.send_noise.payload_type if agreed.send_noise is not None else _NO_TYPE,
    )


def _noise_type(agreed: Agreed, known: set[int]) -> int:
    """Under which number comfort noise may come: as agreed, else phones send it without asking."""
    if agreed.receive_noise is not None:
        return agreed.receive_noise.payload_type
    return _NO_TYPE if _COMFORT_NOISE in known else _COMFORT_NOISE


def _flags(agreed: Agreed) -> int:
    return (
        (_SENDS if agreed.sends else 0)
        | (_RECEIVES if agreed.receives else 0)
        | (_HELD if agreed.held else 0)
        | (_MUX if agreed.rtcp_mux else 0)
        | (_REACHABLE if agreed.port != 0 and agreed.address not in NOWHERE else 0)
        | (_XR if agreed.rtcp_xr else 0)
    )
