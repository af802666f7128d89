# SPDX-License-Identifier: Apache-2.0
"""Keys of a telephone that are to be pressed, as the wire carries them."""

import struct
from collections.abc import Iterator
from typing import Final

from switchroom.media.errors import MediaError

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
