# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket and secure WebSocket (RFC 7118): browsers, one SIP message in each WebSocket message.

HTTP and the framing are aiohttp's. Around it stands a door that gives each connection its place and its deadline before
a byte of it is read, as any TCP connection gets them: from the opening to the first whole SIP message.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from aiohttp import WSCloseCode, WSMsgType, web

from switchroom.pbx.io.streams import Streams
from switchroom.pbx.io.tcp import told
from switchroom.pbx.io.tls import TlsTransport
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.framer import PONG
from switchroom.pbx.sip.parser import MAX_HEAD_BYTES

SUBPROTOCOL: Final = "sip"
HEARTBEAT_S: Final = 30.0
"""How often we ping (RFC 7118 section 6); a browser that does not answer within half of it is gone."""


class WebSocketListener:
    """Makes the protocol of each connection to one address, `WS` or `WSS`."""

    def __init__(self, owner: Streams, transport: str, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._owner = owner
        self._kind = transport
        self._heartbeat_s = heartbeat_s
        self._web = web.Server(self._serve)
        self._doors: dict[object, Door] = {}

    def protocol(self) -> asyncio.Protocol:
        """For a connection that is being accepted."""
        handler = self._web()
        door = self._doors[handler] = Door(self._owner, self._kind, handler, lambda: self._doors.pop(handler, None))
        return door

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        door = self._doors.get(request.protocol)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _refusal(426, "This is SIP over WebSocket.\n", {"Upgrade": "websocket"})
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if SUBPROTOCOL not in (name.strip() for name in offered):
            return _refusal(400, 'The subprotocol "sip" is needed (RFC 7118).\n')
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=self._heartbeat_s,
            max_msg_size=MAX_HEAD_BYTES + self._owner.limits.body_bytes,
            compress=False,
        )
        await socket.prepare(request)
        if door is not None:
            await door.run(socket)
        return socket


class Door(asyncio.Protocol):
    """One connection: admitted, decrypted where it is secure, and handed to aiohttp, which gives messages back."""

    def __init__(self, owner: Streams, transport: str, handler: asyncio.Protocol, on_end: Callable[[], object]) -> None:
        self.flow: Flow
        self._owner = owner
        self._kind = transport
        self._handler = handler
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._tls: TlsTransport | None = None
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queued_bytes = 0
        self._reason = ""
        self._gone = False
        self._socket: web.WebSocketResponse | None = None

    # ---- the connection

    def connection_made(self, made: asyncio.BaseTransport) -> None:
        transport = self._transport = cast(asyncio.Transport, made)
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        flow = self._owner.accepted(self, self._kind, local[:2], remote[:2]) if local and remote else None
        if flow is None:
            self._gone = True
            self._on_end()
            transport.abort()
            return
        self.flow = flow
        if self._kind == "WSS":
            self._transport = self._tls = TlsTransport(transport, self._owner.server_pipe())
        self._handler.connection_made(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._gone:
            return
        if self._tls is not None:
            try:
                data = self._tls.decrypt(data)
            except OSError as error:  # ssl.SSLError is one
                self._reason = f"TLS failed: {told(error)}"
                self._tls.close()
                return
        if data:
            self._handler.data_received(data)
        if self._tls is not None and self._tls.ended:
            self._tls.close()

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end()
        if not self._gone:
            self._handler.connection_lost(exc)
            self._end(str(exc) if exc is not None else "the connection is closed")

    # ---- the messages

    async def run(self, socket: web.WebSocketResponse) -> None:
        """Move messages both ways until the connection ends."""
        self._socket = socket
        sending = self._loop.create_task(self._send_all(socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._take(message.data.encode("utf-8"))
                elif message.type is WSMsgType.BINARY:
                    self._take(message.data)
        finally:
            sending.cancel()

    def send(self, data: bytes) -> None:
        """Send soon. A peer that does not read loses its connection."""
        self._queued_bytes += len(data)
        waiting = self._transport.get_write_buffer_size() if self._transport is not None else 0
        if self._queued_bytes + waiting > self._owner.limits.unsent_bytes:
            self.abort("the peer does not read")
        else:
            self._queue.put_nowait(data)

    def close(self) -> None:
        """Close after what has been sent is out."""
        if self._socket is not None:
            self._queue.put_nowait(None)
        elif self._transport is not None:
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once. `on_lost` follows from the loop, never from within this call."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    async def _send_all(self, socket: web.WebSocketResponse) -> None:
        while (data := await self._queue.get()) is not None:
            self._queued_bytes -= len(data)
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                await socket.send_bytes(data)
            else:
                await socket.send_str(text)
        await socket.close(code=WSCloseCode.GOING_AWAY)

    def _take(self, data: bytes) -> None:
        owner, now = self._owner, self._loop.time()
        if not data.strip(b"\r\n"):  # RFC 7118 section 6 leaves the keep-alive of RFC 5626 as well
            owner.places.alive(self, now)
            self.send(PONG)
            return
        owner.places.completed(self, unfinished=False, now=now)
        if not owner.receiver.gate.passes(self.flow.remote[0], now, len(data)):
            return
        try:
            owner.receiver.on_message(data, self.flow)
        except Exception as error:  # a fault of ours must not cost the peer its connection
            self._loop.call_exception_handler({"message": f"message from {self.flow}", "exception": error})

    def _end(self, reason: str) -> None:
        self._gone = True
        self._owner.left(self, "", self._reason or reason)


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    response = web.Response(status=status, text=text, headers=headers)
    response.force_close()
    return response
