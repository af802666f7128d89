# SPDX-License-Identifier: Apache-2.0
"""One WebSocket connection: requests in their order, and the events that it subscribed to.

Nothing waits in memory for a slow reader: a subscription is a place in the journal, read on only when the last event
went out, and a request is read only when the answer to the last one did.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from switchroom.pbx.journal import Gap, Subscription
from switchroom.pbx.rpc.auth import Operator
from switchroom.pbx.rpc.dispatch import Dispatcher
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.exchange import Exchange
from switchroom.pbx.rpc.registry import Context

_encode = msgspec.json.Encoder().encode


class Connection:
    """Serves one WebSocket until it closes."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        dispatcher: Dispatcher,
        exchange: Exchange,
        operator: Operator,
        max_subscriptions: int,
        log: Callable[..., Any],
    ) -> None:
        self.socket = socket
        self._transport = transport
        self._dispatcher = dispatcher
        self._context = Context(exchange, operator, self)
        self._max_subscriptions = max_subscriptions
        self._log = log
        self._next = 1
        self._new: dict[int, Subscription] = {}
        """Subscriptions whose events wait until the answer is out."""
        self._running: dict[int, asyncio.Task[None]] = {}

    @property
    def subscriptions(self) -> int:
        return len(self._new) + len(self._running)

    async def run(self) -> None:
        """Until the other side, or `close`, ends it."""
        try:
            async for message in self.socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                answer = await self._dispatcher.answer(message.data, self._context)
                if answer is not None:
                    await self.socket.send_frame(answer, WSMsgType.TEXT)
                self._start_new()
        except ConnectionError:
            pass  # it went away while we answered
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self, timeout_s: float) -> None:
        """The exchange goes away; a peer that does not take that in time is cut off."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.socket.close(code=WSCloseCode.GOING_AWAY, message=b"the exchange is closing")
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()

    # ---- Subscriber (pbx/rpc/registry.py)

    def subscribe(self, subscription: Subscription) -> int:
        if self.subscriptions >= self._max_subscriptions:
            raise refused(503, f"a connection has at most {self._max_subscriptions} subscriptions")
        number = self._next
        self._next += 1
        self._new[number] = subscription
        return number

    def unsubscribe(self, number: int) -> bool:
        if self._new.pop(number, None) is not None:
            return True
        task = self._running.pop(number, None)
        if task is None:
            return False
        task.cancel()
        return True

    # ---- within

    def _start_new(self) -> None:
        for number, subscription in self._new.items():
            self._running[number] = asyncio.create_task(self._send_events(number, subscription))
        self._new.clear()

    async def _send_events(self, number: int, subscription: Subscription) -> None:
        try:
            while (found := await subscription.next()) is not None:
                if isinstance(found, Gap):
                    await self._notify("events.gap", subscription=number, first=found.first, last=found.last)
                    continue
                for entry in found:
                    await self._notify(
                        "events.event",
                        subscription=number,
                        number=entry.number,
                        at_ns=entry.at_ns,
                        record=entry.record,
                    )
        except ConnectionError:
            pass  # `run` sees the end of the connection too
        except Exception as error:
            self._log("rpc.fault", error=repr(error), exc_info=error)
            await self.socket.close(code=WSCloseCode.INTERNAL_ERROR, message=b"events cannot be read")

    async def _notify(self, method: str, **params: object) -> None:
        await self.socket.send_frame(_encode({"jsonrpc": "2.0", "method": method, "params": params}), WSMsgType.TEXT)
