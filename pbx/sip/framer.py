# SPDX-License-Identifier: Apache-2.0
"""Cuts the byte stream of one connection into SIP messages by Content-Length (RFC 3261 sections 18.3 and 20.14).

It remembers how far it has searched, so that a peer that sends single bytes costs no more than one that sends it all
at once, and it never holds more than one message of the largest allowed size.
"""

import re
from collections.abc import Iterator
from typing import Final

from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.parser import MAX_HEAD_BYTES, parse

MAX_BODY_BYTES: Final = 65_536

PING: Final = b"\r\n\r\n"
"""What `receive` gives for a keep-alive of the peer; the answer is PONG (RFC 5626 section 4.4.1)."""
PONG: Final = b"\r\n"

# At a line's start only: a folded line begins with white space. The value may stand on a folded line itself.
_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([^\r\n]*)", re.IGNORECASE)
_BLANK_LINES = re.compile(rb"(?:\r\n)+")
_MAX_DIGITS: Final = 9


class Framer:
    """The bytes of one connection on their way to messages.

    After a ParseError the place of the next message is unknown: the connection must be closed.
    """

    def __init__(self, max_head_bytes: int = MAX_HEAD_BYTES, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_head_bytes = max_head_bytes
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._searched = 0  # no end of headers begins before this place
        self._size = 0  # of the whole message once its headers are complete, else 0
        self._half_ping = 0  # of the two CRLFs of a ping, how many have come

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun and is not complete."""
        return bool(self._buffer)

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Take what arrived; give each complete message, and PING for each keep-alive.

        Raises ParseError, after the messages before it: 400 without a usable Content-Length, 513 for what is too
        large; its `partial` is the request to answer before closing, if that much could be read.
        """
        self._buffer += data
        while self._buffer:
            if not self._size:
                if self._buffer[0] in b"\r\n" and not self._searched:
                    blank = _BLANK_LINES.match(self._buffer)
                    if blank is None:
                        if self._buffer == b"\r":
                            return
                        raise ParseError("stray line break between messages")
                    pings, self._half_ping = divmod(blank.end() // 2 + self._half_ping, 2)
                    del self._buffer[: blank.end()]
                    yield from (PING,) * pings
                    continue
                if not self._find_size():
                    return
            if len(self._buffer) < self._size:
                return
            message = bytes(self._buffer[: self._size])
            del self._buffer[: self._size]
            self._searched = self._size = 0
            self._half_ping = 0
            yield message

    def _find_size(self) -> bool:
        """Look on for the end of the headers and work out the message's size from them."""
        end = self._buffer.find(b"\r\n\r\n", self._searched)
        found = end >= 0
        if not found:  # the last three bytes may be its beginning
            end = self._searched = max(0, len(self._buffer) - 3)
        if end > self._max_head_bytes:
            raise ParseError("header block too large", 513)
        if not found:
            return False
        end += 4
        self._size = end + self._body_size(bytes(self._buffer[:end]))
        return True

    def _body_size(self, head: bytes) -> int:
        values = {value.strip() for value in _LENGTH.findall(head[:-2])}
        length = values.pop() if len(values) == 1 else b""
        if not (length.isdigit() and len(length) <= _MAX_DIGITS):
            raise ParseError("no usable Content-Length", partial=_readable(head))
        size = int(length)
        if size > self._max_body_bytes:
            raise ParseError("body too large", 513, _readable(head))
        return size


def _readable(head: bytes) -> Request | None:
    """The request of a header block, for the answer that says what is wrong with it."""
    try:
        message = parse(head)
    except ParseError as error:
        return error.partial
    return message if isinstance(message, Request) else None
