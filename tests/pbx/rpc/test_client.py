# SPDX-License-Identifier: Apache-2.0
"""The typed client, made from the interface's own document, against a running exchange; and who may use what."""

import asyncio
from pathlib import Path

import pytest

from switchroom.client import Client, Event, Refused, generate
from switchroom.pbx.config import loads
from switchroom.pbx.rpc.openrpc import document
from switchroom.pbx.rpc.registry import METHODS, RIGHTS
from switchroom.pbx.server import Server

CONFIG = """
[sip]
listen = ["udp:127.0.0.1:0"]
[media]
address = "127.0.0.1"
ports = [24200, 24300]
[rpc]
listen = "127.0.0.1:0"
tokens = [
  { name = "ada", token = "operator-token" },
  { name = "crm", token = "integrator-token", role = "integrator" },
  { name = "anna", token = "agents-token", role = "agent", user = "1001" },
  { name = "wall", token = "observer-token", role = "observer" },
]
"""


async def test_the_client(tmp_path: Path) -> None:
    config, mistakes = loads(CONFIG, str(tmp_path / "office.toml"))
    assert config is not None, mistakes
    server = Server(config)
    await server.start()
    assert server.rpc is not None
    url = f"http://127.0.0.1:{server.rpc.port}/rpc"
    try:
        async with Client(url, "operator-token") as exchange:
            status = await exchange.system_status()
            assert (status.name, status.journal.lost) == ("switchroom", 0)
            async with asyncio.timeout(5):
                async for event in exchange.events(after=0):
                    assert isinstance(event, Event)
                    assert (event.number, event.record["type"]) == (1, "server.started")
                    break
            with pytest.raises(Refused) as refused:
                await exchange.calls_originate(from_="1001", to="1002")
            assert (refused.value.code, refused.value.data["status"]) == (-32000, 404)
            with pytest.raises(Refused) as refused:
                await exchange.cdr_list(limit=5000)
            assert refused.value.data["path"] == "$.limit"
        async with Client(url, "agents-token") as agent:
            whoami = await agent.rpc_whoami()
            assert (whoami.role, whoami.user) == ("agent", "1001")
            with pytest.raises(Refused, match="role agent may not use"):
                await agent.calls_list()
        async with Client(url, "integrator-token") as integrator:
            assert (await integrator.calls_list()).total == 0
            with pytest.raises(Refused, match="may not use"):
                await integrator.flows_put(flow="")
            assert (await integrator.call("rpc.discover", {}, dict))["openrpc"] == "1.3.2"
    finally:
        await server.close()


def test_the_document_describes_every_method() -> None:
    described = {method["name"]: method for method in document()["methods"]}
    assert set(described) == set(METHODS)
    originate = described["calls.originate"]
    assert [(p["name"], p["required"]) for p in originate["params"]][:3] == [
        ("from", True),
        ("to", True),
        ("context", False),
    ]
    assert originate["x-right"] == "call"


def test_every_reference_of_the_document_leads_somewhere() -> None:
    described = document()

    def look(value: object) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                assert value["$ref"].rpartition("/")[2] in described["components"]["schemas"]
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)

    look(described)


def test_observers_and_agents_change_nothing_of_others() -> None:
    for name, method in METHODS.items():
        if method.changes:
            assert method.right not in RIGHTS["observer"], name
            assert method.right in ("own", "call", "supervise", "operate"), name


def test_the_client_is_what_the_methods_say() -> None:
    assert generate.main(["--check"]) == 0
