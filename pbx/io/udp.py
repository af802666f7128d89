# SPDX-License-Identifier: Apache-2.0
"""SIP over UDP: one socket per listener, one Python call per datagram.

The socket is read and written directly and not through a DatagramTransport: that costs the same, and a send that fails
says so at once and for the right peer.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final, Protocol

from switchroom.pbx.io import stun
from switchroom.pbx.io.address import Address, address_towards, bound_socket, is_wildcard
from switchroom.pbx.io.anteroom import Anteroom
from switchroom.pbx.io.flood import FloodGate
from switchroom.pbx.sip.flow import Flow

OnMessage = Callable[[bytes, Flow], None]
OnLost = Callable[[Flow, str], None]


class Receiver(Protocol):
    """To whom a transport tells what happens; both are looked up anew each time, so that they can be exchanged."""

    on_message: OnMessage
    on_lost: OnLost
    gate: FloodGate
    anteroom: Anteroom


MAX_DATAGRAM: Final = 65_507
MIN_MESSAGE: Final = 20
"""Shorter datagrams are keep-alives (CRLF, zeros) or probes: a STUN header is so long, a request line longer."""

_BATCH: Final = 64  # datagrams read before other work gets its turn
_MAX_FLOWS: Final = 8_192
_BUFFER_BYTES: Final = 4 << 20  # about a second of load at several thousand messages a second


class UdpEndpoint:
    """One bound socket. A network error concerns one datagram and never closes it."""

    def __init__(self, host: str, port: int, receiver: Receiver) -> None:
        """Bind and begin to read. Raises OSError."""
        self._loop = asyncio.get_running_loop()
        self._receiver = receiver
        self._sock = bound_socket(socket.SOCK_DGRAM, host, port)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._flows: dict[tuple[str | int, ...], Flow] = {}
        self._coming_back = self._closed = False
        name = self._sock.getsockname()
        self.local: Address = (name[0], name[1])
        self.wildcard = is_wildcard(host)
        self._loop.add_reader(self._sock, self._readable)

    @property
    def family(self) -> int:
        return self._sock.family

    def flow(self, remote: Address) -> Flow:
        """The flow to a remote address; the same object as long as it is remembered."""
        return self._flows.get(remote) or self._remember(remote)

    def send(self, data: bytes, flow: Flow) -> None:
        """Send one datagram. A failure goes to `on_lost`, later; a full socket buffer is as good as loss on the way."""
        try:
            self._sock.sendto(data, flow.remote)
        except BlockingIOError:
            pass
        except (OSError, OverflowError) as error:
            self._loop.call_soon(self._receiver.on_lost, flow, str(error))

    def close(self) -> None:
        self._closed = True
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _readable(self) -> None:
        recvfrom, flows, on_message = self._sock.recvfrom, self._flows, self._receiver.on_message
        passes, now_s, anteroom = self._receiver.gate.passes, self._loop.time(), self._receiver.anteroom
        for _ in range(_BATCH):
            try:
                data, remote = recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                self._serve_new_calls()
                return
            except OSError:
                continue  # an ICMP error of an earlier send; the next call reads on
            if len(data) < MIN_MESSAGE or not passes(remote[0], now_s, len(data)):
                continue
            if data.startswith(stun.REQUEST):
                self._keep_alive(data, remote)
                continue
            flow = flows.get(remote) or self._remember(remote)
            if data.startswith(b"INVITE"):
                anteroom.put(data, flow, now_s)
            else:
                on_message(data, flow)
        self._come_back()

    def _keep_alive(self, data: bytes, remote: tuple[str | int, ...]) -> None:
        response = stun.answer(data, str(remote[0]), int(remote[1]))
        if response is not None:
            with contextlib.suppress(OSError):
                self._sock.sendto(response, remote)

    def _serve_new_calls(self) -> None:
        """Nothing else waits to be read: now the new calls, a few at a time."""
        anteroom = self._receiver.anteroom
        if anteroom:
            anteroom.serve(self._receiver.on_message, self._loop.time())
            self._come_back()

    def _come_back(self) -> None:
        """Read and serve again soon, though no more may arrive."""
        if self._receiver.anteroom and not self._coming_back:
            self._coming_back = True
            self._loop.call_soon(self._back)

    def _back(self) -> None:
        self._coming_back = False
        if not self._closed:
            self._readable()

    def _remember(self, remote: tuple[str | int, ...]) -> Flow:
        if len(self._flows) >= _MAX_FLOWS:
            self._flows.clear()
        address = (str(remote[0]), int(remote[1]))
        local = (address_towards(address, self.local[0]), self.local[1]) if self.wildcard else self.local
        flow = self._flows[remote] = Flow("UDP", local, address)
        return flow
