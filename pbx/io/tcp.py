# SPDX-License-Identifier: Apache-2.0
"""One SIP connection over TCP or TLS, from either side.

Limits and deadlines are those of `Connections`; the framing is that of `Framer`, the encryption that of `TlsPipe`.
"""

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Final, cast

from switchroom.pbx.io.tls import TlsTransport
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.framer import PING, PONG, Framer

if TYPE_CHECKING:
    from switchroom.pbx.io.streams import Streams

_KEEPALIVE_S: Final = 120


class Connection(asyncio.Protocol):
    """One connection, from either side. `name` is what the server was asked for as, where we open it."""

    def __init__(self, owner: "Streams", transport: str, name: str = "") -> None:
        self.flow: Flow
        self._owner = owner
        self._kind = transport
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(max_body_bytes=owner.limits.body_bytes)
        self._transport: asyncio.Transport | None = None
        self._tls: TlsTransport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._queue: list[bytes] | None = None
        self._queued_bytes = 0
        self._reason = ""  # why we abort it
        self._gone = False  # told, or never entered
        self._deaf = False  # closing: what arrives is not read any more

    def connect(self, flow: Flow) -> None:
        """Begin to open the connection; data to send is kept meanwhile."""
        self.flow = flow
        self._queue = []
        self._opening = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        host, port = self.flow.remote
        local = self.flow.local[0]
        try:
            async with asyncio.timeout(self._owner.limits.connect_s):
                await self._loop.create_connection(lambda: self, host, port, local_addr=(local, 0))
        except TimeoutError:
            self._end(f"no connection within {self._owner.limits.connect_s:g} s")
        except (OSError, OverflowError) as error:
            self._end(f"no connection: {error}")

    def connection_made(self, made: asyncio.BaseTransport) -> None:
        transport = self._transport = cast(asyncio.Transport, made)  # uvloop's is no subclass
        _keep_alive(transport)
        if self._queue is not None:
            self._opened(transport)
            return
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        flow = self._owner.accepted(self, self._kind, local[:2], remote[:2]) if local and remote else None
        if flow is None:
            self._gone = True
            transport.abort()
            return
        self.flow = flow
        if self._kind == "TLS":
            self._transport = self._tls = TlsTransport(transport, self._owner.server_pipe())

    def _opened(self, transport: asyncio.Transport) -> None:
        """The connection that we opened stands."""
        waiting, self._queue = self._queue, None
        if self._gone:
            transport.abort()
            return
        if self._kind == "TLS":
            self._transport = transport = self._tls = TlsTransport(transport, self._owner.client_pipe(self._name))
            self._owner.places.begun(self, self._loop.time())  # the handshake has as long as a message
            self._tls.begin()
        if waiting:
            transport.write(b"".join(waiting))

    def data_received(self, data: bytes) -> None:
        if self._deaf or self._gone:
            return
        if self._tls is not None:
            data = self._decrypted(self._tls, data)
        if data:
            self._read(data)
        if self._tls is not None and self._tls.ended and not self._gone:
            self.close()

    def _decrypted(self, tls: TlsTransport, data: bytes) -> bytes:
        established = tls.established
        try:
            plain = tls.decrypt(data)
        except ssl.SSLError as error:
            self._reason = f"TLS failed: {told(error)}"
            self._deaf = True
            tls.close()  # the alert goes out first
            return b""
        if tls.established and not established and self._name:
            self._owner.places.completed(self, unfinished=False, now=self._loop.time())
        return plain

    def _read(self, data: bytes) -> None:
        places, now = self._owner.places, self._loop.time()
        pinged = False
        try:
            for frame in self._framer.receive(data):
                if frame is PING:
                    pinged = True
                    continue
                places.completed(self, self._framer.unfinished, now)
                if self._owner.receiver.gate.passes(self.flow.remote[0], now, len(frame)):
                    self._deliver(frame)
                if self._deaf or self._gone:
                    return
        except ParseError as error:
            self._refuse(error)
            return
        if pinged:  # once, however many came together
            places.alive(self, now)
            self.send(PONG)
        if self._framer.unfinished:
            places.begun(self, now)

    def _deliver(self, frame: bytes) -> None:
        try:
            self._owner.receiver.on_message(frame, self.flow)
        except Exception as error:  # a fault of ours must not cost the peer its connection
            self._loop.call_exception_handler({"message": f"message from {self.flow}", "exception": error})

    def _refuse(self, error: ParseError) -> None:
        """The framing is lost: answer as far as that is possible and hang up."""
        request = error.partial
        if request is not None and request.method != "ACK":
            self.send(request.response(error.status, error.reason, to_tag=f"f{self.flow.key}").to_bytes())
        self.close()

    def send(self, data: bytes) -> None:
        """Send, or keep for the moment when the connection stands. A peer that does not read loses its connection."""
        limits = self._owner.limits
        if self._queue is not None:
            self._queued_bytes += len(data)
            if self._queued_bytes > limits.queue_bytes:
                self.abort("too much waits for the connection")
            else:
                self._queue.append(data)
        elif self._transport is not None and not self._gone:
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > limits.unsent_bytes:
                self.abort("the peer does not read")

    def close(self) -> None:
        """Close after what has been sent is out."""
        self._deaf = True
        if self._transport is not None:
            self._transport.close()
        else:
            self.abort("closed before it was open")

    def abort(self, reason: str) -> None:
        """Close at once. `on_lost` follows from the loop, never from within this call."""
        self._deaf = True
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()
        elif self._opening is not None:
            self._opening.cancel()
        self._loop.call_soon(self._end, reason)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc is not None else "the connection is closed")

    def _end(self, reason: str) -> None:
        if not self._gone:
            self._gone = True
            self._owner.left(self, self._name if self._kind == "TLS" else "", self._reason or reason)


def _keep_alive(transport: asyncio.Transport) -> None:
    """Let the kernel find out about peers that vanished without a word."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)


def told(error: OSError) -> str:
    """What went wrong, without the library's file and line."""
    verdict = getattr(error, "verify_message", "")
    return verdict or (getattr(error, "reason", None) or str(error)).replace("_", " ").lower()
