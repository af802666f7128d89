# SPDX-License-Identifier: Apache-2.0
"""Reports over the operators' interface of a real server: figures, rights, files."""

import csv
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openpyxl
import pytest

from switchroom.pbx.config import loads
from switchroom.pbx.events import AgentStateSet, AgentStatusSet, QueueAnswered, QueueCompleted, QueueEntered
from switchroom.pbx.server import Server
from tests.pbx.rpc.test_rpc_call_centre import CONFIG, HOST
from tests.ports import free_port


class Asker:
    """HTTP towards one server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def call(self, method: str, token: str = "operator", **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Authorization": f"Bearer {token}-token"}
        async with self._session.post(f"{self._url}/rpc", json=body, headers=headers) as response:
            answer = await response.json()
            return answer.get("result", answer.get("error"))

    async def get(self, path: str, token: str = "operator") -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}-token"}
        async with self._session.get(f"{self._url}{path}", headers=headers) as response:
            return response.status, await response.read()


@pytest.fixture
async def asker(tmp_path: Path) -> AsyncIterator[Asker]:
    sip, rpc = free_port(HOST), free_port(HOST)
    config, mistakes = loads(CONFIG.format(folder=tmp_path, host=HOST, sip=sip, rpc=rpc), str(tmp_path / "x.toml"))
    assert config is not None, mistakes
    server = Server(config)
    await server.start()
    for agent in ("1001", "1002"):
        server.journal.append(AgentStatusSet(agent=agent, status="available"))
        server.journal.append(QueueEntered(call=agent, queue="sales", caller="=5"))
        server.journal.append(QueueAnswered(call=agent, queue="sales", agent=agent, caller="=5", waited_ms=1500))
        server.journal.append(QueueCompleted(call=agent, queue="sales", agent=agent, talk_ms=0, reason="caller"))
        server.journal.append(AgentStateSet(agent=agent, state="idle"))
    async with aiohttp.ClientSession() as session:
        yield Asker(session, f"http://{HOST}:{rpc}")
    await server.close()


def today() -> dict[str, int]:
    now_ms = time.time_ns() // 1_000_000
    return {"since_ms": now_ms - 3_600_000, "until_ms": now_ms + 3_600_000}


async def test_the_figures_of_now_are_in_the_report(asker: Asker) -> None:
    report = await asker.call("reports.queues", interval="quarter", **today())
    (total,) = report["totals"]
    assert (total["queue"], total["counts"]["answered"], total["kpis"]["asa"]) == ("sales", 2, 1500)
    snapshot = await asker.call("wallboard.snapshot")
    assert snapshot["queues"][0]["answered"] == total["counts"]["answered"]
    assert snapshot["service_levels"]["sales"] == total["kpis"]["service_level"] == 1
    kpis = (await asker.call("reports.kpis", "agent"))["kpis"]
    assert {"id", "formula", "version", "chinese"} <= set(kpis[0])
    assert set(total["kpis"]) <= {kpi["id"] for kpi in kpis}
    calls = await asker.call("reports.calls", interval="hour", **today())
    assert (calls["total"]["counts"]["contacts"], calls["total"]["counts"]["repeated"]) == (2, 1)


async def test_each_sees_its_own(asker: Asker) -> None:
    async def names(token: str, **params: Any) -> list[str]:
        report = await asker.call("reports.agents", token, **today(), **params)
        return [row["agent"] for row in report["totals"]]

    assert await names("operator") == ["1001", "1002"]
    assert await names("supervisor") == ["1001"]
    assert await names("agent") == ["1001"]
    refusal = await asker.call("reports.agents", "agent", agent="1002", **today())
    assert refusal["code"] == -32003
    assert (await asker.call("reports.queues", "agent", **today()))["code"] == -32003


async def test_what_cannot_be_reported(asker: Asker) -> None:
    wrong = await asker.call("reports.queues", since_ms=5, until_ms=5)
    assert (wrong["code"], wrong["data"]["path"]) == (-32602, "$.until_ms")
    wrong = await asker.call("reports.queues", since_ms=0, until_ms=10**13, interval="quarter")
    assert "more than 3000 intervals" in wrong["data"]["reason"]


async def test_files_for_spreadsheets(asker: Asker) -> None:
    query = "&".join(f"{name}={value}" for name, value in today().items())
    status, body = await asker.get(f"/reports/queues.csv?{query}&interval=hour")
    assert status == 200
    header, line = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert dict(zip(header, line, strict=True))["answered"] == "2"
    status, body = await asker.get(f"/reports/agents.xlsx?{query}", "agent")
    assert status == 200
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    rows = list(sheet.values)
    assert [dict(zip(rows[0], row, strict=True))["agent"] for row in rows[1:]] == ["1001"]
    assert (await asker.get(f"/reports/queues.csv?{query}", "agent"))[0] == 403
    assert (await asker.get(f"/reports/queues.csv?{query}", "nobody"))[0] == 401
    assert (await asker.get("/reports/queues.csv?since_ms=x"))[0] == 400
    assert (await asker.get(f"/reports/nothing.csv?{query}"))[0] == 404
