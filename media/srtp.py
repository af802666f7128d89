# SPDX-License-Identifier: Apache-2.0
"""SRTP keys in session descriptions (SDES, RFC 4568): the suites, `a=crypto` lines, and which of them are used.

A key is never shown: not by repr, not in an error. Lines that ask for what we do not have (an unknown suite or session
parameter, several keys or a key identifier) are passed over, as section 6.1 wants it.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from switchroom.media.errors import NotAcceptable
from switchroom.media.sdp import Attributes

SrtpMode = Literal["off", "optional", "required"]
"""`optional`: what the peer offers is answered in kind, and our offers leave the choice to it."""

KEY_BYTES: Final = 46
MAX_LINES: Final = 16


class Suite(msgspec.Struct, frozen=True):
    """A crypto-suite; `number` is its place in enum sr_suite of ext/shard/wire.h, `bytes` those of key and salt."""

    name: str
    number: int
    bytes: int


SUITES: Final = (
    Suite("AEAD_AES_128_GCM", 3, 28),  # RFC 7714; the cheapest with AES instructions
    Suite("AEAD_AES_256_GCM", 4, 44),
    Suite("AES_CM_128_HMAC_SHA1_80", 1, 30),
    Suite("AES_CM_128_HMAC_SHA1_32", 2, 30),
)
"""By preference."""
SUITE_NAMES: Final = ("", *[suite.name for suite in sorted(SUITES, key=lambda suite: suite.number)])
_BY_NAME: Final = {suite.name: suite for suite in SUITES}
_IGNORED: Final = ("WSH=", "KDR=0")
"""Session parameters that change nothing for us: a hint at the replay window, and the default."""


class Crypto(msgspec.Struct, frozen=True):
    """One a=crypto line: the key under which its writer sends."""

    tag: int
    suite: Suite
    key: bytes

    def __repr__(self) -> str:
        return f"Crypto({self.tag} {self.suite.name})"

    def line(self) -> tuple[str, str]:
        """The attribute as the description has it."""
        return "crypto", f"{self.tag} {self.suite.name} inline:{b64encode(self.key).decode()}"


class Keys(msgspec.Struct, frozen=True):
    """What was agreed: one suite, and the key of each direction."""

    suite: Suite
    receive: bytes
    send: bytes

    def __repr__(self) -> str:
        return f"Keys({self.suite.name})"


def read_crypto(attributes: Attributes) -> tuple[Crypto, ...]:
    """The lines that we can use, in the peer's order."""
    found: list[Crypto] = []
    lines = [value for name, value in attributes if name == "crypto" and value is not None]
    for value in lines[:MAX_LINES]:
        crypto = _read(value)
        if crypto is not None and all(crypto.tag != other.tag for other in found):
            found.append(crypto)
    return tuple(found)


def _read(value: str) -> Crypto | None:
    fields = value.split()
    if len(fields) < 3 or not (fields[0].isascii() and fields[0].isdigit() and len(fields[0]) <= 9):
        return None
    suite = _BY_NAME.get(fields[1].upper())
    unknown = [part for part in fields[3:] if not part.upper().startswith(_IGNORED) and part[0] != "-"]
    method, _, parameters = fields[2].partition(":")
    if suite is None or unknown or method.lower() != "inline" or ";" in parameters:
        return None
    text, *rest = parameters.split("|")
    if len(rest) > 1 or not all(_outlives_a_call(part) for part in rest):  # a second part identifies the key in packets
        return None
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Crypto(int(fields[0]), suite, key) if len(key) == suite.bytes else None


def _outlives_a_call(lifetime: str) -> bool:
    """Whether a key is good for 2^20 packets, which are five hours, and no more than there are."""
    power = lifetime.removeprefix("2^")
    if not (power.isascii() and power.isdigit() and len(power) <= 15):
        return False
    return 20 <= int(power) <= 48 if power != lifetime else 2**20 <= int(power) <= 2**48


def check_offer(mode: SrtpMode, secure: bool, theirs: tuple[Crypto, ...]) -> None:
    """Whether a stream that the peer offers is as secure as we want it. Raises NotAcceptable."""
    if secure and mode == "off":
        raise NotAcceptable("SRTP is offered, and srtp is off here")
    if secure and not theirs:
        raise NotAcceptable("SRTP is offered without a key that we can use")
    if mode == "required" and not theirs:
        raise NotAcceptable("plain RTP is offered, and srtp is required here")


def keys_to_offer(
    mode: SrtpMode, agreed: bool, keys: Keys | None, new_key: Callable[[int], bytes]
) -> tuple[Crypto, ...]:
    """The lines of an offer: a new key for each suite; none where plain RTP is wanted, or agreed and good enough."""
    wanted = keys is not None or mode == "required" or (mode == "optional" and not agreed)
    if not wanted:
        return ()
    return tuple([Crypto(tag, suite, new_key(suite.bytes)) for tag, suite in enumerate(SUITES, 1)])


def keys_of_answer(ours: tuple[Crypto, ...], theirs: tuple[Crypto, ...], needed: bool) -> Keys | None:
    """The keys that an answer to our offer agrees on; None for plain RTP. Raises NotAcceptable where it is `needed`."""
    for line in theirs:
        for offered in ours:
            if (offered.tag, offered.suite) == (line.tag, line.suite):
                return Keys(offered.suite, receive=line.key, send=offered.key)
    if needed:
        raise NotAcceptable("the peer answered without a key that fits our offer")
    return None


def keys_to_answer(
    mode: SrtpMode, theirs: tuple[Crypto, ...], keys: Keys | None, new_key: Callable[[int], bytes]
) -> tuple[tuple[Crypto, ...], Keys | None]:
    """The line of our answer, and the keys. Our own key stays while the peer's does: a hold disturbs nothing."""
    if mode == "off" or not theirs:
        return (), None
    line = theirs[0]
    if keys is None or (keys.suite, keys.receive) != (line.suite, line.key):
        keys = Keys(line.suite, receive=line.key, send=new_key(line.suite.bytes))
    return (Crypto(line.tag, line.suite, keys.send),), keys
