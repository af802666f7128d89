# SPDX-License-Identifier: Apache-2.0
"""One WebSocket to an exchange: requests by their ids, events by their subscriptions."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from switchroom.pbx.errors import SwitchroomError

T = TypeVar("T")
REQUEST_S = 60.0
MAX_EVENTS = 10_000
"""Events that may wait for a slow reader; the socket is read no further until it has taken them."""


class Refused(SwitchroomError):
    """The exchange did not do it: `code` as in docs/json-rpc.md, `data` with the path or status."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        reason = data.get("reason") if isinstance(data, dict) else None
        super().__init__(f"{message}: {reason}" if reason and reason != message else message)
        self.code = code
        self.data = data


class Event(msgspec.Struct, frozen=True):
    """A record of the journal, as JSON has it."""

    number: int
    at_ns: int
    record: dict[str, Any]


class Gap(msgspec.Struct, frozen=True):
    """Numbers of the journal that do not exist any more, first and last included."""

    first: int
    last: int


class Connection:
    """Use as an async context manager. Raises OSError or aiohttp.ClientError where no exchange answers."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, asyncio.Queue[Event | Gap | None]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        try:
            self._socket = await self._session.ws_connect(self._url, heartbeat=30, max_msg_size=0)
        except BaseException:
            await self._session.close()
            raise
        self._reading = asyncio.create_task(self._read(self._socket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        if self._session is not None:
            await self._session.close()

    async def call(self, method: str, params: dict[str, Any], result: type[T]) -> T:
        """Call a method; `params` without those that are None. Raises Refused, ConnectionError, TimeoutError."""
        if self._socket is None or self._reading is None or self._reading.done():
            raise ConnectionError("the connection is closed")
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        given = {name: value for name, value in params.items() if value is not None}
        try:
            await self._socket.send_bytes(
                msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": given})
            )
            async with asyncio.timeout(REQUEST_S):
                return msgspec.convert(await answer, result)
        finally:
            del self._waiting[number]

    async def events(self, after: int | None = None) -> AsyncIterator[Event | Gap]:
        """What the journal has after a number (None: from now on), then what happens, until the connection ends."""
        given = {} if after is None else {"after": after}
        subscribed = await self.call("events.subscribe", given, dict)
        events = self._events.setdefault(subscribed["subscription"], asyncio.Queue(MAX_EVENTS))
        while (event := await events.get()) is not None:
            yield event

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for message in socket:
                if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    break
                await self._take(msgspec.json.decode(message.data))
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("the exchange closed the connection"))
            for events in self._events.values():
                if not events.full():
                    events.put_nowait(None)

    async def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            params = message["params"]
            kind: type[Event] | type[Gap] = Gap if message["method"] == "events.gap" else Event
            queue = self._events.setdefault(params.pop("subscription"), asyncio.Queue(MAX_EVENTS))
            await queue.put(msgspec.convert(params, kind))
            return
        waiting = self._waiting.get(message.get("id", 0))
        if waiting is None or waiting.done():
            return
        if (error := message.get("error")) is not None:
            waiting.set_exception(Refused(error["code"], error["message"], error.get("data")))
        else:
            waiting.set_result(message["result"])
