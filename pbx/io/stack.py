# SPDX-License-Identifier: Apache-2.0
"""The SIP core on a running event loop: sockets, clock and name look-ups around the pure `UserAgent`."""

import asyncio
import math
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.io.address import Listener, is_numeric4, is_wildcard
from switchroom.pbx.io.dns import Dns
from switchroom.pbx.io.transports import Transports
from switchroom.pbx.sip.client_session import Way
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.locating import Names, Target, locate
from switchroom.pbx.sip.timers import Timers, TimerValues
from switchroom.pbx.sip.transactions import Wire
from switchroom.pbx.sip.uri import Uri, parse_uri
from switchroom.pbx.sip.user_agent import Ids, UserAgent

LOCATE_S: Final = 5.0
"""For all questions about one name: a caller waits."""

Tap = Callable[[str, bytes, Flow], None]
"""Shown every message: `<` received or `>` sent, the bytes, the flow."""


class Unreachable(SwitchroomError):
    """A URI leads nowhere: its host has no address, or we have no socket for its transport."""


class SipStack:
    """One user agent core with its sockets.

    `address` is the host that Via and Contact name, `address6` the one over IPv6; empty: the one of the listener.
    """

    def __init__(
        self,
        transports: Transports,
        ids: Ids,
        *,
        address: str = "",
        address6: str = "",
        name: str = "Switchroom",
        values: TimerValues | None = None,
        on_fault: Callable[[BaseException], None] = lambda error: None,
        dns: Names | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._address, self._address6 = address, address6
        self._transports = transports
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._grain_s = (values or TimerValues()).t1 / 10
        self._ports: dict[tuple[str, bool], int] = {}
        self.dns = dns or Dns()
        self.tap: Tap | None = None
        self.on_flow_lost: Callable[[Flow], None] = lambda flow: None
        """Told of a connection that ended, and of a datagram that could not be sent."""
        self.timers = Timers(self._loop.time, self._wake, slack=1 / 64)
        wire = Wire(send=transports.send, sent_by=self.sent_by, stream=self._stream_beside, is_open=transports.is_open)
        self.agent = UserAgent(
            wire, self.timers, ids, values=values, name=name, resolve=self.flow_to, on_fault=on_fault
        )
        transports.on_message = self.agent.receive
        transports.on_lost = self._on_lost

    async def start(self, listeners: Sequence[Listener]) -> None:
        """Bind the listeners. Raises OSError."""
        await self._transports.start(listeners)
        for listener in self._transports.listeners:
            self._ports.setdefault((listener.transport, ":" in listener.host), listener.port)

    async def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        await self._transports.close()
        await self.dns.close()

    def set_tap(self, tap: Tap | None) -> None:
        """Show every message to `tap`, or stop doing so; without a tap it costs nothing."""
        transports, agent = self._transports, self.agent
        if tap is None:
            transports.on_message = agent.receive
            agent.transactions.send = agent.wire.send
            return

        def receive(data: bytes, flow: Flow) -> None:
            tap("<", data, flow)
            agent.receive(data, flow)

        def send(data: bytes, flow: Flow) -> None:
            tap(">", data, flow)
            transports.send(data, flow)

        transports.on_message = receive
        agent.transactions.send = send

    def sent_by(self, flow: Flow) -> tuple[str, int]:
        """Host and port under which we are reached by the transport of a flow."""
        host, port = flow.local
        over_v6 = ":" in host
        if not over_v6:
            host = self._address or host
        elif self._address6 or not is_numeric4(self._address):  # a name, or an IPv6 address, serves there too
            host = self._address6 or self._address or host
        return (f"[{host}]" if ":" in host else host), self._ports.get((flow.transport, over_v6), port)

    def is_ours(self, uri: Uri, domains: Sequence[str]) -> bool:
        """Whether a URI's host is this exchange: a domain of ours, or an address and port that we listen on."""
        host = uri.host.strip("[]")
        if host in domains:
            return True
        for listener in self._transports.listeners:
            named = host in (self._address, self._address6, listener.host)
            if uri.port in (None, listener.port) and (named or (is_wildcard(listener.host) and self._is_local(host))):
                return True
        return False

    def flow_to(self, uri: str) -> Flow | None:
        """The flow to a URI with a numeric host; None for a name, and where we have no socket for it."""
        try:
            parsed = parse_uri(uri)
            maddr = parsed.params.get("maddr")
            host, port = parsed.address
            return self._transports.flow(parsed.transport, maddr or host, port)
        except (ParseError, ValueError):
            return None

    def is_open(self, flow: Flow) -> bool:
        """Whether a flow on which a phone registered still leads to it, as far as we know."""
        return self._transports.is_open(flow)

    async def resolve_all(self, uri: str) -> list[Target]:
        """The places to try for a URI, the first one first (RFC 3263); `open` leads to one. Raises Unreachable."""
        try:
            parsed = parse_uri(uri)
        except ParseError as error:
            raise Unreachable(str(error)) from error
        try:
            async with asyncio.timeout(LOCATE_S):
                found = await locate(parsed, self.dns, self._transports.supported, self.agent.ids.below)
        except TimeoutError:
            raise Unreachable(f"{parsed.host}: the name servers do not answer") from None
        if not found:
            raise Unreachable(f"{parsed.host}: no address")
        return found

    def open(self, target: Target) -> Flow:
        """The flow to a target; a stream is being opened when this returns. Raises Unreachable."""
        try:
            return self._transports.flow(*target)
        except ValueError as error:
            raise Unreachable(str(error)) from error

    async def resolve(self, uri: str) -> Flow:
        """The flow to the first place for a URI that we can send to. Raises Unreachable."""
        return (await self.ways(uri))[0]

    async def ways(self, uri: str) -> tuple[Flow, list[Way]]:
        """The same, with the ways to the places after it, for a `ClientSession` to try. Raises Unreachable."""
        flow = self.flow_to(uri)
        if flow is not None:
            return flow, []
        refusal = Unreachable(f"no way to {uri}")
        targets = await self.resolve_all(uri)
        while targets:
            try:
                return self.open(targets.pop(0)), [partial(self._try_open, target) for target in targets]
            except Unreachable as error:  # of a family in which we have no socket
                refusal = error
        raise refusal

    # ---- within

    def _try_open(self, target: Target) -> Flow | None:
        try:
            return self.open(target)
        except Unreachable:
            return None

    def _is_local(self, host: str) -> bool:
        """Whether an address is one of this machine's, for listeners bound to all of them."""
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((host, 0))
        except OSError:
            return False
        return True

    def _stream_beside(self, flow: Flow) -> Flow | None:
        try:
            return self._transports.flow("TCP", *flow.remote)
        except ValueError:
            return None

    def _on_lost(self, flow: Flow, reason: str) -> None:
        self.agent.flow_lost(flow)
        self.on_flow_lost(flow)

    def _wake(self, deadline: float) -> None:
        """Ring at the next full grain: timers that end close together share one wake-up of the loop."""
        at = math.ceil(deadline / self._grain_s) * self._grain_s
        if self._alarm is not None:
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.timers.run()
