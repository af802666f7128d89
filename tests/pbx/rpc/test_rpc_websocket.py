# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC over WebSocket: requests, subscriptions, slow readers, limits."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient

from switchroom.pbx.events import OperatorCalled, ServerStarted
from tests.pbx.rpc.fake_exchange import FakeExchange, Start

Socket = ClientWebSocketResponse[Any] if hasattr(ClientWebSocketResponse, "__class_getitem__") else Any


async def ask(socket: Socket, method: str, **params: object) -> Any:
    """Send a request; the next message is its answer."""
    await socket.send_json({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
    answer = await socket.receive_json(timeout=5)
    assert answer.get("id") == method, answer
    return answer


async def connect(start: Start, **settings: Any) -> Socket:
    client: TestClient[Any, Any] = await start(**settings)
    return await client.ws_connect("/rpc")


def happen(exchange: FakeExchange, count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        assert exchange.journal.append(ServerStarted(version=f"v{number}")) == number


async def test_requests_and_errors(start: Start) -> None:
    socket = await connect(start)
    assert (await ask(socket, "system.status"))["result"]["name"] == "test"
    assert (await ask(socket, "no.such"))["error"]["code"] == -32601
    await socket.send_str("{")
    assert (await socket.receive_json(timeout=5))["error"]["code"] == -32700
    await socket.send_bytes(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "calls.list"}).encode())
    assert (await socket.receive_json(timeout=5))["result"]["total"] == 1


async def test_events_come_from_the_number_on_and_then_live(start: Start, exchange: FakeExchange) -> None:
    happen(exchange, 5)
    await exchange.journal.flush()
    socket = await connect(start)
    subscribed = (await ask(socket, "events.subscribe", after=2))["result"]
    assert subscribed == {"subscription": 1, "after": 2}
    happen(exchange, 2, first=6)
    for number in range(3, 8):
        event = await socket.receive_json(timeout=5)
        assert event["method"] == "events.event"
        assert "id" not in event
        params = event["params"]
        assert (params["subscription"], params["number"]) == (1, number)
        assert params["at_ns"] > 0
        assert params["record"] == {"type": "server.started", "version": f"v{number}"}


async def test_without_a_number_only_what_is_new(start: Start, exchange: FakeExchange) -> None:
    happen(exchange, 3)
    socket = await connect(start)
    assert (await ask(socket, "events.subscribe"))["result"]["after"] == 3
    happen(exchange, 1, first=4)
    assert (await socket.receive_json(timeout=5))["params"]["number"] == 4


async def test_a_gap_is_told(start: Start, exchange: FakeExchange) -> None:
    happen(exchange, 3)
    await exchange.journal.flush()
    exchange.journal._first += 10  # as after a crash: numbers 4 to 10 were told, but never kept
    exchange.journal._last = exchange.journal._durable = 10
    happen(exchange, 1, first=11)
    socket = await connect(start)
    await ask(socket, "events.subscribe", after=3)
    gap = await socket.receive_json(timeout=5)
    assert (gap["method"], gap["params"]) == ("events.gap", {"subscription": 1, "first": 4, "last": 10})
    assert (await socket.receive_json(timeout=5))["params"]["number"] == 11


async def test_unsubscribing_and_the_limit(start: Start, exchange: FakeExchange) -> None:
    socket = await connect(start, max_subscriptions=2)
    assert (await ask(socket, "events.subscribe"))["result"]["subscription"] == 1
    assert (await ask(socket, "events.subscribe"))["result"]["subscription"] == 2
    assert (await ask(socket, "events.subscribe"))["error"]["data"]["status"] == 503
    assert (await ask(socket, "events.unsubscribe", subscription=1))["result"] == {}
    assert (await ask(socket, "events.unsubscribe", subscription=1))["error"]["code"] == -32000
    happen(exchange, 1)
    assert (await socket.receive_json(timeout=5))["params"]["subscription"] == 2
    assert (await ask(socket, "system.status"))["result"]["name"] == "test"


async def test_a_number_that_is_not_reached_yet(start: Start) -> None:
    error = (await ask(await connect(start), "events.subscribe", after=99))["error"]
    assert (error["code"], error["data"]["path"]) == (-32602, "$.after")


async def test_too_many_connections_are_refused(start: Start) -> None:
    client = await start(max_connections=1)
    socket = await client.ws_connect("/rpc")
    async with client.get("/rpc", headers={"Upgrade": "websocket", "Connection": "Upgrade"}) as response:
        assert response.status == 503
    await socket.close()
    again = await client.ws_connect("/rpc")
    assert (await ask(again, "system.status"))["result"]["name"] == "test"


async def test_a_get_that_is_no_websocket(start: Start) -> None:
    client = await start()
    async with client.get("/rpc") as response:
        assert response.status == 426


async def test_too_long_a_message_ends_the_connection(start: Start) -> None:
    socket = await connect(start, max_request_bytes=1024)
    await socket.send_str("x" * 2000)
    message = await socket.receive(timeout=5)
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    assert message.data == 1009


async def test_a_slow_reader_fills_no_memory_and_misses_nothing(start: Start, exchange: FakeExchange) -> None:
    """20 MB of events for a reader that does not read; all come, in order, once it does."""
    count = 10_000
    client = await start()
    for _ in range(count):
        exchange.journal.append(OperatorCalled(operator="x", method="m", params="p" * 2000, outcome="done"))
    await exchange.journal.flush()
    socket = await client.ws_connect("/rpc")
    transport = socket._response.connection.transport
    await ask(socket, "events.subscribe", after=0)
    transport.pause_reading()
    await asyncio.sleep(0.3)
    handlers = client.server.runner.server.connections  # type: ignore[union-attr]
    waiting = sum(handler.transport.get_write_buffer_size() for handler in handlers if handler.transport)
    assert 0 < waiting < 1_000_000
    transport.resume_reading()
    for number in range(1, count + 1):
        assert (await socket.receive_json(timeout=10))["params"]["number"] == number


async def test_a_reader_that_stands_still_does_not_hold_up_the_end(start: Start, exchange: FakeExchange) -> None:
    client = await start()
    for _ in range(10_000):
        exchange.journal.append(OperatorCalled(operator="x", method="m", params="p" * 2000, outcome="done"))
    socket = await client.ws_connect("/rpc")
    await ask(socket, "events.subscribe", after=0)
    transport = socket._response.connection.transport
    transport.pause_reading()
    await asyncio.sleep(0.2)
    async with asyncio.timeout(10):
        await client.server.close()
    transport.abort()
    assert exchange.journal.last == 10_000


@pytest.mark.parametrize("subscribe", [True, False])
async def test_a_connection_that_is_cut_leaves_nothing_behind(
    start: Start, exchange: FakeExchange, subscribe: bool
) -> None:
    client = await start()
    socket = await client.ws_connect("/rpc")
    if subscribe:
        await ask(socket, "events.subscribe")
    before = len(asyncio.all_tasks())
    socket._response.connection.transport.abort()
    happen(exchange, 100)
    async with asyncio.timeout(5):
        while True:
            async with client.get("/metrics") as response:
                if "switchroom_rpc_connections 0.0" in await response.text():
                    break
            await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) <= before


async def test_the_end_of_the_exchange_is_told(start: Start) -> None:
    client = await start()
    socket = await client.ws_connect("/rpc")
    closing = asyncio.create_task(client.server.close())
    message = await socket.receive(timeout=5)
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
    await closing
