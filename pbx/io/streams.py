# SPDX-License-Identifier: Apache-2.0
"""All stream connections, accepted and opened, both used in both directions (RFC 3261 section 18, RFC 5923).

Whatever carries the messages (TCP, TLS, WebSocket), the places are those of one `Connections`. A connection's end is
told once, by `on_lost`, whichever side or limit ended it.
"""

import asyncio
import resource
import socket
from collections.abc import Callable, Hashable
from itertools import count
from typing import Final, Protocol

from msgspec import structs

from switchroom.pbx.io.address import Address, address_towards, bound_socket, family_of, is_wildcard
from switchroom.pbx.io.certificates import CertificateError, Certificates
from switchroom.pbx.io.connections import Connections, TcpLimits
from switchroom.pbx.io.tcp import Connection
from switchroom.pbx.io.tls import TlsPipe
from switchroom.pbx.io.udp import Receiver
from switchroom.pbx.sip.flow import Flow

_SWEEP_S: Final = 0.5
_BACKLOG: Final = 1_024
SECURE: Final = frozenset({"TLS", "WSS"})
HANDSHAKE_BYTES: Final = 262_144
"""A TLS handshake costs as much as this many bytes of messages: so a source gets few of them in a second."""


class StreamReceiver(Receiver, Protocol):
    """A receiver that also knows which connections are still needed."""

    in_use: Callable[[Flow], bool]


class Stream(Hashable, Protocol):
    """One connection, as this table sees it."""

    flow: Flow

    def send(self, data: bytes) -> None: ...
    def close(self) -> None:
        """Close after what has been sent is out."""

    def abort(self, reason: str) -> None:
        """Close at once; tells the owner by `left`, but never from within this call."""


class Streams:
    """The table of connections, and the sockets that accept them."""

    def __init__(self, limits: TcpLimits, receiver: StreamReceiver, certificates: Certificates | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        # Media and files need descriptors too: connections may use no more than half of what the process has.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        self.limits = limits = structs.replace(limits, connections=min(limits.connections, most))
        self.receiver = receiver
        self.certificates = certificates
        self.places: Connections[Stream] = Connections(limits)
        self._servers: list[asyncio.Server] = []
        self._listening: dict[str, list[Address]] = {}
        self._connections: dict[int, Stream] = {}
        self._by_remote: dict[tuple[str, Address, str], Stream] = {}
        self._keys = count(1)
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)

    def __len__(self) -> int:
        return len(self._connections)

    async def listen(
        self, transport: str, host: str, port: int, protocol: Callable[[], asyncio.Protocol] | None = None
    ) -> Address:
        """Accept connections there. Returns the bound address. Raises OSError, CertificateError."""
        if transport in SECURE:
            self.server_pipe()  # better now than at the first connection
        sock = bound_socket(socket.SOCK_STREAM, host, port)
        local: Address = (host, sock.getsockname()[1])
        server = await self._loop.create_server(
            protocol or (lambda: Connection(self, transport)), sock=sock, backlog=_BACKLOG
        )
        self._servers.append(server)
        self._listening.setdefault(transport, []).append(local)
        return local

    def server_pipe(self) -> TlsPipe:
        """For a handshake that a peer begins. Raises CertificateError without a certificate."""
        if self.certificates is None:
            raise CertificateError("there is no certificate for a TLS listener")
        return TlsPipe(self.certificates.server(), server=True)

    def client_pipe(self, name: str) -> TlsPipe:
        """For a handshake that we begin with a server that was asked for by `name`."""
        assert self.certificates is not None
        return TlsPipe(self.certificates.client(name), server=False, name=name)

    def flow(self, transport: str, remote: Address, name: str = "") -> Flow:
        """The flow of an open connection to `remote`; without one it is being opened when this returns.

        `name` is what a TLS server was asked for as; a connection serves only the name that it was opened for, since
        its certificate was checked for that (RFC 5922 section 7.3).
        """
        connection = self._by_remote.get((transport, remote, name if transport == "TLS" else ""))
        return connection.flow if connection is not None else self._open(transport, remote, name)

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

    def drop(self, unwanted: Callable[[Flow], bool], reason: str) -> None:
        """End the connections of whoever is not wanted any more."""
        for connection in list(self._connections.values()):
            if unwanted(connection.flow):
                connection.abort(reason)

    def accepted(self, connection: Stream, transport: str, local: Address, remote: Address) -> Flow | None:
        """A place for a new connection of a peer; None when there is none."""
        now = self._loop.time()
        if self.receiver.gate.blocks(remote[0]):
            return None
        if transport in SECURE and not self.receiver.gate.passes(remote[0], now, HANDSHAKE_BYTES):
            return None
        victim = self.places.admit(connection, remote[0], now)
        if victim is connection:
            return None
        if victim is not None:
            victim.abort("gave its place to another connection")
        return self._enter(connection, transport, local, remote)

    def left(self, connection: Stream, name: str, reason: str) -> None:
        """A connection has ended."""
        flow = connection.flow
        self.places.remove(connection)
        del self._connections[flow.key]
        at = (flow.transport, flow.remote, name)
        if self._by_remote.get(at) is connection:
            del self._by_remote[at]
        self.receiver.on_lost(flow, reason)

    def _open(self, transport: str, remote: Address, name: str) -> Flow:
        if transport not in ("TCP", "TLS"):
            raise ValueError(f"a browser at {remote[0]} cannot be called back without its connection")
        if transport == "TLS" and self.certificates is None:
            raise ValueError("there is no TLS")
        local = self._local_towards(transport, remote)
        connection = Connection(self, transport, name or remote[0])
        victim = self.places.admit(connection, None, self._loop.time())
        if victim is connection:
            flow = Flow(transport, local, remote, next(self._keys))
            self._loop.call_soon(self.receiver.on_lost, flow, "too many connections")
            return flow
        if victim is not None:
            victim.abort("gave its place to another connection")
        flow = self._enter(connection, transport, local, remote, name if transport == "TLS" else "")
        connection.connect(flow)
        return flow

    def _local_towards(self, transport: str, remote: Address) -> Address:
        """The listener that the peer can call back; it is not what the socket of an opened connection is bound to."""
        family = family_of(remote[0])
        for host, port in self._listening.get(transport, ()):
            if family_of(host) == family:
                return (address_towards(remote, host), port) if is_wildcard(host) else (host, port)
        return (address_towards(remote, remote[0]), 0)

    def _enter(self, connection: Stream, transport: str, local: Address, remote: Address, name: str = "") -> Flow:
        flow = Flow(transport, local, remote, next(self._keys))
        self._connections[flow.key] = connection
        if transport != "TLS" or name:  # who connected to us by TLS has shown no certificate to be called back with
            self._by_remote[transport, remote, name] = connection
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
