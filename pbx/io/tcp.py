# SPDX-License-Identifier: Apache-2.0
"""SIP over TCP: accepted and opened connections, both used in both directions (RFC 3261 section 18, RFC 5923).

Limits and deadlines are those of `Connections`; the framing is that of `Framer`. A connection's end is told once, by
`on_lost`, whichever side or limit ended it.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol, cast

from msgspec import structs

from switchroom.pbx.io.address import Address, address_towards, bound_socket, family_of, is_wildcard
from switchroom.pbx.io.connections import Connections, TcpLimits
from switchroom.pbx.io.udp import Receiver
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.framer import PING, PONG, Framer

_SWEEP_S: Final = 0.5
_BACKLOG: Final = 1_024
_KEEPALIVE_S: Final = 120


class StreamReceiver(Receiver, Protocol):
    """A receiver that also knows which connections are still needed."""

    in_use: Callable[[Flow], bool]


class TcpTransport:
    """All stream connections and the sockets that accept them."""

    def __init__(self, limits: TcpLimits, receiver: StreamReceiver) -> None:
        self._loop = asyncio.get_running_loop()
        # Media and files need descriptors too: connections may use no more than half of what the process has.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        self.limits = limits = structs.replace(limits, connections=min(limits.connections, most))
        self.receiver = receiver
        self.places: Connections[Connection] = Connections(limits)
        self._servers: list[asyncio.Server] = []
        self._listening: list[Address] = []
        self._connections: dict[int, Connection] = {}
        self._by_remote: dict[Address, Connection] = {}
        self._keys = count(1)
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)

    def __len__(self) -> int:
        return len(self._connections)

    async def listen(self, host: str, port: int) -> Address:
        """Accept connections there. Returns the bound address. Raises OSError."""
        sock = bound_socket(socket.SOCK_STREAM, host, port)
        local: Address = (host, sock.getsockname()[1])
        server = await self._loop.create_server(lambda: Connection(self), sock=sock, backlog=_BACKLOG)
        self._servers.append(server)
        self._listening.append(local)
        return local

    def flow(self, remote: Address) -> Flow:
        """The flow of an open connection to `remote`; without one it is being opened when this returns."""
        connection = self._by_remote.get(remote)
        return connection.flow if connection is not None else self._open(remote)

    def is_open(self, flow: Flow) -> bool:
        connection = self._connections.get(flow.key)
        return connection is not None and connection.flow == flow  # keys begin anew with each run

    def send(self, data: bytes, flow: Flow) -> None:
        connection = self._connections.get(flow.key)
        if connection is None or connection.flow != flow:
            self._loop.call_soon(self.receiver.on_lost, flow, "the connection is closed")
        else:
            connection.send(data)

    async def close(self) -> None:
        """Stop accepting, send what still waits, close all."""
        self._sweeper.cancel()
        for server in self._servers:
            server.close()
        for connection in list(self._connections.values()):
            connection.close()
        for _ in range(100):  # one second for the peers to take what is left
            if not self._connections:
                break
            await asyncio.sleep(0.01)
        for connection in list(self._connections.values()):
            connection.abort("the exchange stops")

    def accepted(self, connection: "Connection", local: Address, remote: Address) -> Flow | None:
        """A place for a new connection of a peer; None when there is none."""
        victim = self.places.admit(connection, remote[0], self._loop.time())
        if victim is connection:
            return None
        if victim is not None:
            victim.abort("gave its place to another connection")
        return self._enter(connection, local, remote)

    def left(self, connection: "Connection", reason: str) -> None:
        """A connection has ended."""
        flow = connection.flow
        self.places.remove(connection)
        del self._connections[flow.key]
        if self._by_remote.get(flow.remote) is connection:
            del self._by_remote[flow.remote]
        self.receiver.on_lost(flow, reason)

    def _open(self, remote: Address) -> Flow:
        local = self._local_towards(remote)
        connection = Connection(self)
        victim = self.places.admit(connection, None, self._loop.time())
        if victim is connection:
            flow = Flow("TCP", local, remote, next(self._keys))
            self._loop.call_soon(self.receiver.on_lost, flow, "too many connections")
            return flow
        if victim is not None:
            victim.abort("gave its place to another connection")
        flow = self._enter(connection, local, remote)
        connection.connect(flow)
        return flow

    def _local_towards(self, remote: Address) -> Address:
        """The listener that the peer can call back; it is not what the socket of an opened connection is bound to."""
        family = family_of(remote[0])
        for host, port in self._listening:
            if family_of(host) == family:
                return (address_towards(remote, host), port) if is_wildcard(host) else (host, port)
        return (address_towards(remote, remote[0]), 0)

    def _enter(self, connection: "Connection", local: Address, remote: Address) -> Flow:
        flow = Flow("TCP", local, remote, next(self._keys))
        self._connections[flow.key] = connection
        self._by_remote[remote] = connection
        return flow

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in self.places.late(now):
            connection.abort(f"no complete message within {self.limits.message_s:g} s")
        for connection in self.places.idle(now):
            if self.receiver.in_use(connection.flow):
                self.places.alive(connection, now)
            else:
                connection.abort(f"idle for {self.limits.idle_s:g} s")
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)


class Connection(asyncio.Protocol):
    """One connection, from either side."""

    def __init__(self, owner: TcpTransport) -> None:
        self.flow: Flow
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(max_body_bytes=owner.limits.body_bytes)
        self._transport: asyncio.Transport | None = None
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
        if self._queue is not None:  # opened by us
            waiting, self._queue = self._queue, None
            if self._gone:
                transport.abort()
            elif waiting:
                transport.write(b"".join(waiting))
            return
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        flow = self._owner.accepted(self, local[:2], remote[:2]) if local and remote else None
        if flow is None:
            self._gone = True
            transport.abort()
        else:
            self.flow = flow

    def data_received(self, data: bytes) -> None:
        if self._deaf or self._gone:
            return
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
            self._owner.left(self, self._reason or reason)


def _keep_alive(transport: asyncio.Transport) -> None:
    """Let the kernel find out about peers that vanished without a word."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
