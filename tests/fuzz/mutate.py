# SPDX-License-Identifier: Apache-2.0
"""Changes inputs as a hostile or broken peer would: bits, cuts, repetitions, splices, lines, boundary numbers."""

import random
import re
from collections.abc import Callable, Sequence

MAX_BYTES = 65_507

_NUMBER = re.compile(rb"\d+")
_TOKENS = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r\n ", b"\0", b"\xff\xfe", b"<", b">", b'"', b"\\", b";", b",", b":", b"@",
    b"%00", b"%", b"=", b"*", b"[", b"]", b"::", b"sip:", b"tel:", b"SIP/2.0", b";tag=", b";lr", b"z9hG4bK", b"Via: ",
    b"Route: <sip:a>", b"l: 0", b"a=", b"m=audio 0 RTP/AVP 0", b"c=IN IP4 0.0.0.0", b"a=ptime:1", b"\xc3\xa9",
    "\u00b2".encode(), "\u0663".encode(),
)  # fmt: skip
_NUMBERS = (b"0", b"-1", b"1", b"255", b"65536", b"2147483648", b"4294967296", b"18446744073709551616", b"9" * 5_000)

Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def _flip(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _byte(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _cut(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 2, 8, 64, len(data)))]


def _repeat(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    start = rng.randrange(len(data))
    piece = data[start : start + rng.choice((1, 4, 40))]
    data[start:start] = piece * rng.choice((1, 2, 50, 1_000))


def _token(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = rng.randrange(len(data))
    data[at : at + rng.choice((0, 0, 1, 5))] = rng.choice(_TOKENS)


def _number(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    found = list(_NUMBER.finditer(data))
    if found:
        start, end = rng.choice(found).span()
        data[start:end] = rng.choice(_NUMBERS)


def _splice(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    data[rng.randrange(len(data)) :] = other[rng.randrange(len(other)) :]


def _lines(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    lines = bytes(data).split(b"\r\n")
    other = rng.choice(seeds).split(b"\r\n")
    action = rng.randrange(3)
    if action == 0:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(other))
    elif action == 1:
        lines[rng.randrange(len(lines))] = rng.choice(other)
    else:
        rng.shuffle(lines)
    data[:] = b"\r\n".join(lines)


_CHANGES: tuple[Change, ...] = (_flip, _byte, _cut, _repeat, _token, _number, _splice, _lines)


def mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with one to five changes."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 5)):
        if not data:
            data[:] = b"\r\n"
        rng.choice(_CHANGES)(rng, data, seeds)
        del data[MAX_BYTES:]
    return bytes(data)
