# SPDX-License-Identifier: Apache-2.0
"""The call centre over the operators' interface of a real server without phones: values, roles, and what is refused."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from switchroom.pbx.config import loads
from switchroom.pbx.server import Server
from tests.ports import free_port

HOST = "127.0.36.3"
CONFIG = """
[server]
data_dir = "{folder}"
[sip]
listen = ["udp:{host}:{sip}"]
[media]
address = "{host}"
ports = [23700, 23719]
[rpc]
listen = "{host}:{rpc}"
tokens = [
  {{ name = "op", token = "operator-token" }},
  {{ name = "boss", token = "supervisor-token", role = "supervisor", user = "1002" }},
  {{ name = "ann", token = "agent-token", role = "agent", user = "1001" }},
]
[queue.sales]
wrap_up_codes = ["sold"]
skills = {{ en = 2 }}
[[user]]
name = "1001"
password = "pw1001"
[[user]]
name = "1002"
password = "pw1002"
[[agent]]
name = "1001"
queues = {{ sales = 1 }}
[[agent]]
name = "1002"
queues = {{ sales = 1 }}
[[team]]
name = "day"
agents = ["1001"]
supervisors = ["1002"]
"""
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Ask]:
    sip, rpc = free_port(HOST), free_port(HOST)
    config, mistakes = loads(CONFIG.format(folder=tmp_path, host=HOST, sip=sip, rpc=rpc), str(tmp_path / "x.toml"))
    assert config is not None, mistakes
    server = Server(config)
    await server.start()
    async with aiohttp.ClientSession() as session:

        async def ask(method: str, token: str = "operator", **params: Any) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            headers = {"Authorization": f"Bearer {token}-token"}
            async with session.post(f"http://{HOST}:{rpc}/rpc", json=body, headers=headers) as response:
                answer = await response.json()
                return answer.get("result", answer.get("error"))

        yield ask
    await server.close()


async def test_agents_and_queues_are_seen_and_changed(ask: Ask) -> None:
    [queue] = (await ask("queues.list"))["queues"]
    assert (queue["name"], queue["agents"], queue["waiting"]) == ("sales", {"logged-out": 2}, 0)
    assert await ask("agents.set_status", agent="1001", status="break", reason="lunch") == {}
    [ann] = (await ask("agents.list", token="supervisor"))["agents"]
    [herself] = (await ask("agents.list", token="agent"))["agents"]
    assert (herself["agent"], herself["status"]) == ("1001", ann["status"])
    assert (await ask("agents.explain", token="agent", agent="1001"))["agent"] == "1001"
    assert (await ask("agents.explain", token="agent", agent="1002"))["message"] == "Forbidden"
    assert (ann["agent"], ann["status"], ann["reason"], ann["standing"]) == ("1001", "break", "lunch", "break")
    await ask("agents.set_status", agent="1001", status="available")
    reasons = (await ask("agents.explain", agent="1001"))["reasons"]
    assert reasons == ["its telephone is not registered, for 0 s"] or reasons[0].startswith("its telephone")
    settings = (await ask("queues.set", queue="sales", changes={"max_waiting": 7, "strategy": "ring-all"}))["settings"]
    assert (settings["max_waiting"], settings["strategy"]) == (7, "ring-all")
    snapshot = await ask("wallboard.snapshot")
    assert snapshot["queues"][0]["offered"] == 0
    assert {agent["agent"]: agent["status"] for agent in snapshot["agents"]}["1001"] == "available"


@pytest.mark.parametrize(
    ("token", "method", "params", "code", "told"),
    [
        ("operator", "queues.set", {"queue": "x", "changes": {}}, -32000, "there is no queue 'x'"),
        ("operator", "queues.set", {"queue": "sales", "changes": {"skills": {}}}, -32602, "skills cannot be changed"),
        ("operator", "queues.set", {"queue": "sales", "changes": {"ring_s": -1}}, -32602, "$.ring_s"),
        ("operator", "agents.set_status", {"agent": "9", "status": "break"}, -32000, "there is no agent '9'"),
        ("operator", "agents.wrap_up", {"agent": "1001", "code": "sold"}, -32000, "not in wrap-up"),
        ("operator", "queues.move", {"call": "c", "queue": "sales"}, -32000, "does not wait"),
        ("operator", "queues.explain", {"call": "c"}, -32000, "no record"),
        ("operator", "supervisor.watch", {"agent": "1001"}, -32602, "is needed"),
        ("supervisor", "supervisor.watch", {"agent": "1002"}, -32000, "does not supervise"),
        ("supervisor", "supervisor.take_over", {}, -32000, "not on the line"),
        ("supervisor", "agents.set_status", {"agent": "1002", "status": "break"}, -32000, "does not supervise"),
        ("agent", "agents.set_status", {"agent": "1002", "status": "break"}, -32003, "the token is for agent 1001"),
        ("agent", "queues.set", {"queue": "sales", "changes": {}}, -32003, ""),
    ],
)
async def test_what_is_refused(ask: Ask, token: str, method: str, params: Any, code: int, told: str) -> None:
    error = await ask(method, token=token, **params)
    assert error["code"] == code, error
    assert told in str(error), error


async def test_an_agent_sets_its_own_status(ask: Ask) -> None:
    assert await ask("agents.set_status", token="agent", agent="1001", status="available", at="mobile") == {
        "code": -32000,
        "message": "agent 1001 has no mobile",
        "data": {"status": 400, "reason": "agent 1001 has no mobile"},
    }
    assert await ask("agents.set_status", token="agent", agent="1001", status="available") == {}


async def test_who_is_logged_in_is_so_after_a_restart(tmp_path: Path) -> None:
    kept = tmp_path / "call-centre.json"

    async def start() -> Server:
        text = CONFIG.format(folder=tmp_path, host=HOST, sip=free_port(HOST), rpc=free_port(HOST))
        config, _ = loads(text, str(tmp_path / "x.toml"))
        server = Server(config)
        await server.start()
        return server

    server = await start()
    server.call_centre.floor.set_status("1001", "break", "lunch", by="test")
    await server.close()
    server = await start()
    agents = server.call_centre.floor.agents()
    await server.close()
    assert [(agent.status, agent.reason) for agent in agents] == [("break", "lunch"), ("logged-out", "")]
    kept.write_text("{torn")  # the journal has all of it
    server = await start()
    agents = server.call_centre.floor.agents()
    await server.close()
    assert (agents[0].status, agents[0].reason) == ("break", "lunch")
