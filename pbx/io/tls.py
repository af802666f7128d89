# SPDX-License-Identifier: Apache-2.0
"""TLS between bytes and bytes, and a transport that encrypts by it.

The connection that owns them gives them what came off the wire and bounds their handshake, so that a half-open
handshake counts as any other unfinished message does.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from typing import Any, Final

_READ_BYTES: Final = 65_536


class TlsPipe:
    """One TLS session. After an `ssl.SSLError` what is left in `outgoing` is the alert that tells the peer why."""

    def __init__(self, context: ssl.SSLContext, *, server: bool, name: str | None = None) -> None:
        """`name` is what the certificate of the peer must be for, where the context checks it."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_side=server, server_hostname=name)
        self.established = False
        self.ended = False
        """The peer has said that it sends no more."""

    def begin(self) -> None:
        """Let a client speak first."""
        self._shake_hands()

    @property
    def session(self) -> ssl.SSLObject:
        return self._session

    def receive(self, data: bytes) -> bytes:
        """Take what came off the wire; the plain text that it completes. Raises ssl.SSLError."""
        self._incoming.write(data)
        if not self.established and not self._shake_hands():
            return b""
        pieces = []
        while True:
            try:
                piece = self._session.read(_READ_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            if not piece:
                self.ended = True
                break
            pieces.append(piece)
        return b"".join(pieces)

    def send(self, data: bytes) -> None:
        """Encrypt; the session must be established. Raises ssl.SSLError."""
        left = memoryview(data)
        while left:
            left = left[self._session.write(left) :]

    def close(self) -> None:
        """Say that no more will come."""
        with contextlib.suppress(ssl.SSLError, ValueError):  # the peer's own good-bye is not waited for
            self._session.unwrap()

    def outgoing(self) -> bytes:
        """What is to go onto the wire now."""
        return self._outgoing.read()

    def _shake_hands(self) -> bool:
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.established = True
        return True


class TlsTransport(asyncio.Transport):
    """The transport of an accepted or opened connection, with TLS on it; what is written too early waits within."""

    def __init__(self, raw: asyncio.Transport, pipe: TlsPipe) -> None:
        super().__init__()
        self._raw = raw
        self._pipe = pipe
        self._waiting = bytearray()

    @property
    def established(self) -> bool:
        return self._pipe.established

    @property
    def ended(self) -> bool:
        return self._pipe.ended

    def begin(self) -> None:
        """Let a client speak first."""
        self._pipe.begin()
        self._flush()

    def decrypt(self, data: bytes) -> bytes:
        """What came off the wire as plain text. Raises ssl.SSLError when the peer has been told of it."""
        try:
            plain = self._pipe.receive(data)
            if self._waiting and self._pipe.established:
                self._pipe.send(bytes(self._waiting))
                self._waiting.clear()
            return plain
        finally:
            self._flush()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._pipe.established:
            self._waiting += data
        elif not self._raw.is_closing():
            try:
                self._pipe.send(bytes(data))
            except ssl.SSLError:  # the peer has ended the session; that the connection goes is told by others
                self._raw.abort()
            self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if self._pipe.established and not self._raw.is_closing():
            self._pipe.close()
            self._flush()
        self._raw.close()

    def abort(self) -> None:
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._pipe.session if name == "ssl_object" else self._raw.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return len(self._waiting) + self._raw.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def is_reading(self) -> bool:
        return self._raw.is_reading()

    def can_write_eof(self) -> bool:
        return False

    def _flush(self) -> None:
        data = self._pipe.outgoing()
        if data and not self._raw.is_closing():
            self._raw.write(data)
