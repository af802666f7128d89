# SPDX-License-Identifier: Apache-2.0
"""Files of coded frames: the ITU's serial words, and packed octets.

In the ITU's form a frame is a synchronisation word, the number of bits, and one 16 bit word for each bit; any bit of
neither value, or an empty frame with another synchronisation word, marks an erasure. Packed frames stand one after the
other; where some are shorter than a speech frame (Annex B), an octet with its length goes before each.
"""

import struct
from collections.abc import Iterable, Iterator

SYNC = 0x6B21
LOST_SYNC = 0x6B20
ZERO = 0x007F
ONE = 0x0081
SPEECH_BYTES = 10
ERASED = 255
"""The length octet of an erased frame in a packed file."""


def from_itu(data: bytes) -> Iterator[bytes | None]:
    """The frames of a file of serial words; None for an erased frame."""
    if len(data) % 2:
        raise ValueError("a file of serial words has an even number of octets")
    words = struct.unpack(f"<{len(data) // 2}H", data)
    at = 0
    while at < len(words):
        if words[at] & 0xFFF0 != SYNC & 0xFFF0:
            raise ValueError(f"no synchronisation word at word {at}: {words[at]:#06x}")
        size = words[at + 1] if at + 1 < len(words) else -1
        bits = words[at + 2 : at + 2 + size] if size >= 0 else ()
        if len(bits) != size:
            raise ValueError(f"the frame at word {at} is cut short")
        if size not in (0, 15, 16, 80):
            raise ValueError(f"the frame at word {at} has {size} bits; 80, 16, 15 or 0 are possible")
        if (size == 0 and words[at] != SYNC) or any(bit not in (ZERO, ONE) for bit in bits):
            yield None
        else:
            number = 0
            for bit in bits:
                number = number << 1 | (bit == ONE)
            octets = (size + 7) // 8
            yield (number << (8 * octets - size)).to_bytes(octets, "big")
        at += 2 + size


def to_itu(frames: Iterable[bytes | None]) -> bytes:
    """Frames as serial words."""
    out = bytearray()
    for frame in frames:
        if frame is None:
            out += struct.pack("<82H", SYNC, 80, *[0] * 80)
            continue
        bits = [ONE if octet >> (7 - i) & 1 else ZERO for octet in frame for i in range(8)]
        out += struct.pack(f"<{2 + len(bits)}H", SYNC, len(bits), *bits)
    return bytes(out)


def from_packed(data: bytes, lengths: bool) -> Iterator[bytes | None]:
    """The frames of a file of packed octets; `lengths` tells that a length octet goes before each."""
    at = 0
    while at < len(data):
        size = SPEECH_BYTES
        if lengths:
            size = data[at]
            at += 1
        if size == ERASED and lengths:
            yield None
            continue
        frame = data[at : at + size]
        if len(frame) != size:
            raise ValueError(f"the last frame has {len(frame)} octets of {size}")
        yield frame
        at += size


def to_packed(frames: Iterable[bytes | None], lengths: bool) -> bytes:
    """Frames as packed octets."""
    out = bytearray()
    for frame in frames:
        if lengths:
            out.append(ERASED if frame is None else len(frame))
        elif frame is None or len(frame) != SPEECH_BYTES:
            raise ValueError("frames that are not speech need their lengths beside them")
        out += frame or b""
    return bytes(out)
