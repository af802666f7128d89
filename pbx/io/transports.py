# SPDX-License-Identifier: Apache-2.0
"""All sockets of the SIP side behind one face: messages with their flow come up, bytes for a flow go down."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from switchroom.pbx.io.address import Address, Listener, address_towards, family_of, is_wildcard
from switchroom.pbx.io.anteroom import Anteroom
from switchroom.pbx.io.certificates import CertificateError, Certificates
from switchroom.pbx.io.connections import TcpLimits
from switchroom.pbx.io.flood import FloodGate
from switchroom.pbx.io.streams import Streams
from switchroom.pbx.io.udp import OnLost, OnMessage, UdpEndpoint
from switchroom.pbx.io.websocket import WebSocketListener
from switchroom.pbx.sip.flow import Flow

_MAX_ROUTES: Final = 4_096
_MAX_ALIASES: Final = 256


class Transports:
    """The listeners and connections of one exchange.

    `on_message(data, flow)` is shown every message; `on_lost(flow, reason)` tells of a send that failed and of a
    connection that ended, and is never called from within `send` or `flow`. Both may be set at any time.
    """

    def __init__(
        self,
        tcp_limits: TcpLimits | None = None,
        messages_per_second: int = 5_000,
        certificates: Certificates | None = None,
    ) -> None:
        """`messages_per_second` bounds what is read of one source; more is dropped. No `certificates`: no TLS."""
        self.on_message: OnMessage = _ignore_message
        self.on_lost: OnLost = _ignore_loss
        self.in_use: Callable[[Flow], bool] = lambda flow: False
        """Asked before a stream connection is closed because nothing came over it for long."""
        self.gate = FloodGate(messages_per_second)
        self.anteroom = Anteroom()
        self.listeners: list[Listener] = []
        """Where we listen, with the real ports."""
        self._tcp_limits = tcp_limits or TcpLimits()
        self._certificates = certificates
        self._streams: Streams | None = None
        self._udp: dict[Address, UdpEndpoint] = {}
        self._routes: dict[Address, UdpEndpoint] = {}

    async def start(self, listeners: Sequence[Listener]) -> None:
        """Bind them all, or none.

        Raises OSError, CertificateError, and ValueError for an unknown transport or a host that is not numeric.
        """
        streams = self._streams = Streams(self._tcp_limits, self, self._certificates)
        try:
            for transport, host, port in listeners:
                if transport == "UDP":
                    endpoint = UdpEndpoint(host, port, self)
                    self._udp[endpoint.local] = endpoint
                    port = endpoint.local[1]
                elif transport in ("TCP", "TLS"):
                    _, port = await streams.listen(transport, host, port)
                elif transport in ("WS", "WSS"):
                    door = WebSocketListener(streams, transport)
                    _, port = await streams.listen(transport, host, port, door.protocol)
                else:
                    raise ValueError(f"unknown transport {transport!r}")
                self.listeners.append(Listener(transport, host, port))
        except (OSError, ValueError, CertificateError):
            await self.close()
            raise

    async def close(self) -> None:
        """Close all sockets; what waits to be sent over a stream gets a second."""
        for endpoint in set(self._udp.values()):
            endpoint.close()
        self._udp.clear()
        self._routes.clear()
        if self._streams is not None:
            await self._streams.close()
            self._streams = None
        self.listeners.clear()

    def block(self, source: IPv4Network | IPv6Network) -> None:
        """Hear nothing of an address or network any more, and end its connections."""
        self.gate.block(source)
        if self._streams is not None:
            self._streams.drop(lambda flow: self.gate.blocks(flow.remote[0]), "its source was banned")

    def unblock(self, source: IPv4Network | IPv6Network) -> None:
        self.gate.unblock(source)

    @property
    def connections(self) -> int:
        """Open stream connections."""
        return len(self._streams) if self._streams is not None else 0

    @property
    def supported(self) -> frozenset[str]:
        """The transports by which we can reach somebody who has not reached us."""
        streams = () if self._streams is None else ("TCP",) if self._certificates is None else ("TCP", "TLS")
        return frozenset(("UDP", *streams) if self._udp else streams)

    def is_open(self, flow: Flow) -> bool:
        """Whether a flow still leads somewhere: a stream connection must stand or be opening."""
        return flow.transport == "UDP" or (self._streams is not None and self._streams.is_open(flow))

    def send(self, data: bytes, flow: Flow) -> None:
        """Send to a flow. Never blocks, never raises."""
        if flow.transport == "UDP":
            endpoint = self._udp.get(flow.local) or self._endpoint_for(flow)
            if endpoint is not None:
                endpoint.send(data, flow)
        elif self._streams is not None:
            self._streams.send(data, flow)

    def flow(self, transport: str, host: str, port: int, name: str = "") -> Flow:
        """The flow to a numeric host. A stream reuses an open connection, or one is begun and keeps what is sent.

        `name` is the host that was asked for, which a TLS server's certificate must be for; without one it is `host`.
        Raises ValueError for a host that is not numeric, a port out of range and a transport on which nothing listens.
        """
        if not 0 < port < 65_536:
            raise ValueError(f"not a port: {port}")
        family = family_of(host)
        remote = (host, port)
        if transport != "UDP" and self._streams is not None:
            return self._streams.flow(transport, remote, name or host)
        if transport == "UDP":
            endpoint = self._routes.get(remote) or self._route(remote, family)
            if endpoint is not None:
                return endpoint.flow(remote)
        raise ValueError(f"no {transport} socket for {host}")

    def _route(self, remote: Address, family: int) -> UdpEndpoint | None:
        """The endpoint from which to send to a remote: the one on its route where there are several."""
        fitting = [endpoint for endpoint in dict.fromkeys(self._udp.values()) if endpoint.family == family]
        if len(fitting) > 1:
            ours = address_towards(remote, "")
            fitting.sort(key=lambda endpoint: (endpoint.local[0] != ours, not endpoint.wildcard))
        if not fitting:
            return None
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[remote] = fitting[0]
        return fitting[0]

    def _endpoint_for(self, flow: Flow) -> UdpEndpoint | None:
        """The endpoint of a flow whose local address is one of those that a wildcard listener stands for."""
        for endpoint in self._udp.values():
            if endpoint.wildcard and endpoint.local[1] == flow.local[1] and not is_wildcard(flow.local[0]):
                if len(self._udp) < _MAX_ALIASES:
                    self._udp[flow.local] = endpoint
                return endpoint
        return None


def _ignore_message(data: bytes, flow: Flow) -> None:
    """Until somebody listens, messages are dropped."""


def _ignore_loss(flow: Flow, reason: str) -> None:
    """Until somebody listens, losses are not told."""
