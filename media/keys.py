# SPDX-License-Identifier: Apache-2.0
"""Keys of a telephone: those to be pressed, as the wire carries them; and whose audio must be listened to for tones."""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from switchroom.media.errors import MediaError

if TYPE_CHECKING:
    from switchroom.media.session import Session

_KEYS: Final = struct.Struct("=HHB32s")
_AT_ONCE: Final = 32
_PAUSES: Final = str.maketrans("abcdw,", "ABCD  ")
KEYS: Final = frozenset("0123456789*#ABCD ")
MAX_DIGITS: Final = 60


def pack_keys(digits: str, on_ms: int, off_ms: int) -> Iterator[bytes]:
    """Bodies of orders; `,` and `w` wait. Raises ValueError for what is no key, MediaError for more than fit."""
    keys = digits.translate(_PAUSES)
    if not keys or len(keys) > MAX_DIGITS:
        raise MediaError(f"{len(keys)} keys: 1 to {MAX_DIGITS} can be sent in one go")
    if not KEYS.issuperset(keys):
        raise ValueError(f"not keys of a telephone: {digits!r}")
    on_ms, off_ms = (max(40, min(ms, 10_000)) for ms in (on_ms, off_ms))
    for at in range(0, len(keys), _AT_ONCE):
        part = keys[at : at + _AT_ONCE]
        yield _KEYS.pack(on_ms, off_ms, len(part), part.encode())


def tones_wanted(session: "Session") -> int:
    """Flags of enum sr_detect: tones tell keys where nothing else does, as long as somebody needs them.

    A partner that takes keys otherwise gets each once: so it must not hear the tones.
    """
    agreed = session.agreed if session.confirmed else None
    if agreed is None or not agreed.receives or agreed.receive_events:
        return 0
    partner = session.partner
    if partner is None:
        return 1 if session.conference is None else 0
    return 1 | 4 if partner.takes_events or partner.dtmf == "info" else 0
