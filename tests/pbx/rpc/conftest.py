# SPDX-License-Identifier: Apache-2.0
"""The fake exchange behind the real interface, on a real HTTP server of loopback."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from switchroom.pbx.config import RpcConfig
from switchroom.pbx.journal import Journal
from switchroom.pbx.rpc.server import RpcServer
from switchroom.pbx.storage.memory import MemoryStore
from tests.pbx.rpc.fake_exchange import OPERATOR, TOKENS, FakeExchange, Start


@pytest.fixture
async def exchange() -> AsyncIterator[FakeExchange]:
    journal = await Journal.open(MemoryStore().journal, time.time_ns, batch_ms=1)
    yield FakeExchange(journal)
    await journal.close()


@pytest.fixture
async def start(exchange: FakeExchange) -> AsyncIterator[Start]:
    """Starts the interface with a configuration; returns a client that sends a token."""
    clients: list[TestClient[Any, Any]] = []

    async def start(token: str = OPERATOR, log: Callable[..., Any] = print, **settings: Any) -> TestClient[Any, Any]:
        config = RpcConfig(**({"tokens": TOKENS} | settings))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client: TestClient[Any, Any] = TestClient(
            TestServer(RpcServer(exchange, config, log).app(), host="127.0.36.1"), headers=headers
        )
        clients.append(client)
        await client.start_server()
        return client

    yield start
    for client in clients:
        await client.close()
