# SPDX-License-Identifier: Apache-2.0
"""Flows of a running exchange: put, checked and switched by operators; the company's systems answer for real."""

import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from switchroom.ivr.config import IvrConfig, Query
from switchroom.ivr.outside import Outside, OutsideError
from switchroom.pbx.config import loads
from switchroom.pbx.rpc.auth import Operator
from switchroom.pbx.rpc.errors import RpcError
from switchroom.pbx.rpc.registry import METHODS, Context
from switchroom.pbx.server import Server

CONFIG = """
[sip]
listen = ["udp:127.0.0.1:0"]
[media]
address = "127.0.0.1"
ports = [24000, 24100]
[rpc]
enabled = false
"""
FLOW = """
name = "main"
languages = ["en"]
start = "hello"
[steps.hello]
do = "say"
say = ["Hello there."]
"""


@pytest.fixture
async def ask(tmp_path: Path) -> Any:
    config, mistakes = loads(CONFIG, str(tmp_path / "office.toml"))
    assert config is not None, mistakes
    server = Server(config)
    await server.start()

    async def call(method_name: str, **params: Any) -> Any:
        method = METHODS[method_name]
        context = Context(server.operations, Operator("ada", "operator"))
        return await method.run(context, method.read(params))

    yield call
    await server.close()


async def test_flows_are_put_and_switched(ask: Any) -> None:
    kept = await ask("flows.put", flow=FLOW)
    assert (kept.version, kept.findings) == (1, [])
    await ask(
        "flows.put", flow={"name": "main", "languages": ["en"], "start": "end", "steps": {"end": {"do": "hangup"}}}
    )
    await ask("flows.activate", name="main", version=2)
    flows = {about.name: about for about in (await ask("flows.list")).flows}
    assert (flows["main"].version, flows["main"].versions, flows["csat"].kind) == (2, (1, 2), "ready")
    assert (await ask("flows.get", name="main", version=1)).text == FLOW
    assert "please-rate" in (await ask("flows.get", name="csat")).text


async def test_mistakes_come_with_their_path(ask: Any) -> None:
    wrong = FLOW.replace('"say"', '"sing"')
    with pytest.raises(RpcError) as refused:
        await ask("flows.put", flow=wrong)
    assert refused.value.data["path"] == "$.flow.steps.hello.do"
    checked = await ask("flows.check", flow=wrong)
    assert [finding.key for finding in checked.mistakes] == ["steps.hello.do"]
    with pytest.raises(RpcError):
        await ask("flows.get", name="nobody")


async def test_recordings_come_and_go(ask: Any) -> None:
    await ask("prompts.put", name="welcome", language="zh", audio=base64.b64encode(b"RIFFxxxx").decode())
    assert (await ask("prompts.list")).prompts == {"welcome": ["zh"]}
    for name, audio in (("../welcome", b"RIFF"), ("welcome", b"MZ")):
        with pytest.raises(RpcError):
            await ask("prompts.put", name=name, language="zh", audio=base64.b64encode(audio).decode())
    await ask("prompts.delete", name="welcome", language="zh")
    assert (await ask("prompts.list")).prompts == {}


async def test_a_database_answers(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as crm:
        crm.execute("create table member (number text, name text)")
        crm.execute("insert into member values ('4711', 'Ada')")
    crm.close()
    outside = Outside(
        IvrConfig(
            databases={"crm": "sqlite:crm.db"},
            queries={
                "member": Query(database="crm", sql="select name from member where number = :number"),
                "broken": Query(database="crm", sql="select nonsense"),
            },
        ),
        tmp_path,
    )
    try:
        assert await outside.query("member", {"number": "4711"}, 3.0) == [{"name": "Ada"}]
        assert await outside.query("member", {"number": "' or 1=1 --"}, 3.0) == []
        for name, values, reason in (
            ("broken", {}, "nonsense"),
            ("nobody", {}, "no query 'nobody'"),
            ("member", {}, "needs the value 'number'"),
        ):
            with pytest.raises(OutsideError, match=reason):
                await outside.query(name, values, 3.0)
    finally:
        await outside.close()


async def test_a_service_answers(tmp_path: Path) -> None:
    async def serve(request: web.Request) -> web.Response:
        match request.path:
            case "/good":
                return web.json_response({"asked": await request.json()})
            case "/huge":
                return web.Response(body=b"[" + b"1," * 1_000_000 + b"1]")
            case "/text":
                return web.Response(text="no JSON")
        return web.Response(status=500)

    app = web.Application()
    app.router.add_route("*", "/{rest}", serve)
    async with TestServer(app, host="127.0.0.1") as server:
        outside = Outside(IvrConfig(http_hosts=("127.0.0.1",)), tmp_path)
        try:
            url = str(server.make_url("/"))
            assert await outside.http("POST", f"{url}good", {"x": 1}, 3.0) == {"asked": {"x": 1}}
            for path, reason in (("bad", "answered 500"), ("huge", "more than"), ("text", "malformed")):
                with pytest.raises(OutsideError, match=reason):
                    await outside.http("GET", f"{url}{path}", None, 3.0)
            with pytest.raises(OutsideError, match="not among"):
                await outside.http("GET", "http://localhost/", None, 3.0)
        finally:
            await outside.close()
