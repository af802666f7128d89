# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC 2.0 over POST: the protocol, the methods, tokens and roles, metrics."""

import hashlib
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from switchroom.pbx.config import Token
from switchroom.pbx.config_values import Secret
from switchroom.pbx.events import OperatorCalled, ServerStarted
from tests.pbx.rpc.fake_exchange import OBSERVER, OPERATOR, FakeExchange, Start

Client = TestClient[Any, Any]


async def post(client: Client, body: object) -> tuple[int, Any]:
    """Send JSON, or text as it is; the status and the decoded answer (None: empty)."""
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    async with client.post("/rpc", data=data, headers={"Content-Type": "application/json"}) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else None


async def call(client: Client, method: str, params: object = None) -> Any:
    """The whole response to a request with id 1."""
    request: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": method}
    if params is not None:
        request["params"] = params
    status, answer = await post(client, request)
    assert status == 200
    assert answer["id"] == 1
    return answer


# ---- the protocol


@pytest.mark.parametrize("request_id", [1, "x", 1.5, None, -7])
async def test_the_id_comes_back_as_it_was(start: Start, request_id: object) -> None:
    client = await start()
    _, answer = await post(client, {"jsonrpc": "2.0", "id": request_id, "method": "system.status"})
    assert answer["id"] == request_id
    assert answer["jsonrpc"] == "2.0"
    assert answer["result"]["version"] == "1.2.3"
    assert "error" not in answer


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe", '{"jsonrpc": "2.0", "method"]', "[" * 100_000])
async def test_what_is_no_json_is_a_parse_error(start: Start, text: str | bytes) -> None:
    _, answer = await post(await start(), text)
    assert (answer["error"]["code"], answer["id"]) == (-32700, None)


@pytest.mark.parametrize(
    "request_",
    [
        [],
        1,
        '"text"',
        {},
        {"jsonrpc": "1.0", "id": 1, "method": "system.status"},
        {"id": 1, "method": "system.status"},
        {"jsonrpc": "2.0", "method": 1},
        {"jsonrpc": "2.0", "method": "system.status", "params": "no"},
        {"jsonrpc": "2.0", "id": {}, "method": "system.status"},
        {"jsonrpc": "2.0", "id": True, "method": "system.status"},
        [{"jsonrpc": "2.0", "id": 1, "method": "system.status"}] * 101,
    ],
)
async def test_what_is_no_request_is_an_invalid_request(start: Start, request_: object) -> None:
    _, answer = await post(await start(), request_)
    assert answer["error"]["code"] == -32600


async def test_a_batch_is_answered_in_order_without_its_notifications(start: Start, exchange: FakeExchange) -> None:
    _, answer = await post(
        await start(),
        [
            {"jsonrpc": "2.0", "id": "a", "method": "system.status"},
            {"jsonrpc": "2.0", "method": "calls.hangup", "params": {"call": "1-a"}},
            1,
            {"jsonrpc": "2.0", "id": "b", "method": "no.such"},
        ],
    )
    assert [(part["id"], part.get("error", {}).get("code")) for part in answer] == [
        ("a", None),
        (None, -32600),
        ("b", -32601),
    ]
    assert exchange.hung_up == ["1-a"]


@pytest.mark.parametrize("wrap", [lambda request: request, lambda request: [request, request]])
@pytest.mark.parametrize("method", ["system.status", "no.such", "calls.hangup"])
async def test_notifications_get_no_answer_not_even_an_error(start: Start, wrap: Any, method: str) -> None:
    assert await post(await start(), wrap({"jsonrpc": "2.0", "method": method})) == (204, None)


async def test_an_unknown_method_is_named(start: Start) -> None:
    answer = await call(await start(), "calls.explode")
    assert answer["error"] == {"code": -32601, "message": "Method not found", "data": {"method": "calls.explode"}}


@pytest.mark.parametrize(
    ("method", "params", "path"),
    [
        ("cdr.list", {"limit": "x"}, "$.limit"),
        ("cdr.list", {"limit": 0}, "$.limit"),
        ("cdr.list", {"limit": 100_000}, "$.limit"),
        ("cdr.list", {"since_ms": 2**70}, "$.since_ms"),
        ("calls.hangup", {}, "$.call"),
        ("calls.hangup", {"call": "1-a", "why": "?"}, "$.why"),
        ("calls.hangup", {"call": ""}, "$.call"),
        ("calls.hangup", ["1-a", 2], "$[1]"),
        ("calls.originate", {"to": "9000"}, "$.from"),
        ("system.status", {"x": 1}, "$.x"),
        ("events.list", {"after": 5}, "$.after"),
    ],
)
async def test_wrong_parameters_are_told_with_their_path(start: Start, method: str, params: object, path: str) -> None:
    error = (await call(await start(), method, params))["error"]
    assert error["code"] == -32602
    assert error["data"]["path"] == path
    assert error["data"]["reason"]


async def test_parameters_by_position(start: Start, exchange: FakeExchange) -> None:
    assert (await call(await start(), "calls.hangup", ["1-a"]))["result"] == {"call": "1-a"}
    assert exchange.hung_up == ["1-a"]


async def test_a_fault_of_ours_is_logged_and_not_shown(start: Start, exchange: FakeExchange) -> None:
    logged: list[str] = []
    client = await start(log=lambda event, **fields: logged.append(f"{event} {fields['error']}"))
    exchange.fault = RuntimeError("the secret is 42")
    answer = await call(client, "system.status")
    assert answer["error"] == {"code": -32603, "message": "Internal error"}
    assert logged == ["rpc.fault RuntimeError('the secret is 42')"]


async def test_too_long_a_request_is_refused(start: Start) -> None:
    status, answer = await post(await start(max_request_bytes=1024), {"x": "y" * 2000})
    assert (status, answer["error"]["code"]) == (413, -32600)


# ---- methods


async def test_lists(start: Start, exchange: FakeExchange) -> None:
    client = await start()
    listed = (await call(client, "registrations.list", {"user": "1001"}))["result"]
    assert [phone["contact"] for phone in listed["registrations"]] == ["sip:1001@192.0.2.1"]
    assert (await call(client, "registrations.list", {"user": "1002"}))["result"]["total"] == 0
    calls = (await call(client, "calls.list"))["result"]["calls"]
    assert calls[0]["legs"][0]["codec"] == "PCMU"
    assert (await call(client, "calls.list", {"offset": 1}))["result"] == {"calls": [], "total": 1}
    found = (await call(client, "cdr.list", {"number": "1001", "since_ms": 5, "limit": 3}))["result"]
    assert found == {"cdrs": [{"call": "1-a"}]}
    query = exchange.queries[0]
    assert (query.number, query.since_ms, query.limit, query.user) == ("1001", 5, 3, None)


async def test_originate_and_its_refusal(start: Start, exchange: FakeExchange) -> None:
    client = await start()
    begun = await call(client, "calls.originate", {"from": "1001", "to": "9000", "caller": "4711"})
    assert begun["result"] == {"call": "2-b"}
    assert exchange.originated == [("1001", "9000", "default", "4711")]
    refused = await call(client, "calls.originate", {"from": "1002", "to": "9000"})
    assert refused["error"]["code"] == -32000
    assert refused["error"]["data"] == {"status": 480, "reason": "Temporarily Unavailable"}


async def test_hanging_up_no_such_call(start: Start) -> None:
    error = (await call(await start(), "calls.hangup", {"call": "9-z"}))["error"]
    assert (error["code"], error["data"]["status"]) == (-32000, 481)


async def test_trace(start: Start) -> None:
    client = await start()
    assert (await call(client, "calls.trace", {"subject": "1001"}))["result"] == {"subjects": ["1001"]}
    assert (await call(client, "calls.trace", {"subject": "1001", "on": False}))["result"] == {"subjects": []}
    messages = (await call(client, "calls.traced", {"sip_call_id": "abc"}))["result"]["messages"]
    assert messages[0]["text"] == "OPTIONS abc"


async def test_events_in_pages(start: Start, exchange: FakeExchange) -> None:
    for number in range(5):
        exchange.journal.append(ServerStarted(version=str(number)))
    client = await start()
    page = (await call(client, "events.list", {"after": 1, "limit": 2}))["result"]
    assert [event["number"] for event in page["events"]] == [2, 3]
    assert page["events"][0]["record"] == {"type": "server.started", "version": "1"}
    assert (page["next"], page["last"], page["gaps"]) == (3, 5, [])
    rest = (await call(client, "events.list", {"after": page["next"]}))["result"]
    assert [event["number"] for event in rest["events"]] == [4, 5]
    assert (await call(client, "events.list", {"after": 5}))["result"]["events"] == []


async def test_subscribing_needs_websocket(start: Start) -> None:
    assert (await call(await start(), "events.subscribe"))["error"]["code"] == -32004


# ---- who may


@pytest.mark.parametrize("token", ["", "wrong", "operator-toke", "operator-token2", "ä"])
async def test_without_a_good_token_nothing_is_done(start: Start, exchange: FakeExchange, token: str) -> None:
    client = await start(token)
    request = {"jsonrpc": "2.0", "id": 1, "method": "calls.hangup", "params": {"call": "1-a"}}
    async with client.post("/rpc", json=request) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert (await response.json())["error"]["code"] == -32001
    async with client.get("/rpc", headers={"Upgrade": "websocket", "Connection": "Upgrade"}) as response:
        assert response.status == 401
    assert exchange.hung_up == []


async def test_a_token_known_by_its_hash(start: Start) -> None:
    digest = hashlib.sha256(b"long-enough").hexdigest()
    client = await start("long-enough", tokens=(Token(name="c", token_sha256=Secret(digest)),))
    assert "result" in await call(client, "system.status")


async def test_an_observer_reads_but_changes_nothing(start: Start, exchange: FakeExchange) -> None:
    client = await start(OBSERVER)
    assert "result" in await call(client, "calls.list")
    for method in ("calls.hangup", "calls.originate", "calls.trace"):
        error = (await call(client, method, {"call": "1-a"}))["error"]
        assert error["code"] == -32003
    assert exchange.hung_up == []


async def test_changes_are_audited_and_reading_is_not(start: Start, exchange: FakeExchange) -> None:
    client, observer = await start(), await start(OBSERVER)
    await call(client, "calls.list")
    await call(client, "calls.hangup", {"call": "1-a"})
    await call(client, "calls.hangup", {"call": "9-z"})
    await call(observer, "calls.hangup", {"call": "1-a"})
    records: list[Any] = []
    subscription = exchange.journal.subscribe(0)
    while len(records) < 3:
        found = await subscription.next()
        assert isinstance(found, list)
        records += [entry.record for entry in found]
    assert records == [
        OperatorCalled(operator="ada", method="calls.hangup", params='{"call":"1-a"}', outcome="done"),
        OperatorCalled(operator="ada", method="calls.hangup", params='{"call":"9-z"}', outcome="-32000 no such call"),
        OperatorCalled(operator="bob", method="calls.hangup", params='{"call":"1-a"}', outcome="-32003 Forbidden"),
    ]
    assert OPERATOR not in repr(records)


async def test_without_tokens_this_machine_operates_but_no_web_page_does(start: Start) -> None:
    client = await start("", tokens=())
    assert "result" in await call(client, "system.status")
    request = {"jsonrpc": "2.0", "id": 1, "method": "system.status"}
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        async with client.post("/rpc", json=request, headers=headers) as response:
            assert response.status == 401


# ---- metrics and health


async def test_metrics(start: Start) -> None:
    client = await start()
    await call(client, "no.such")
    async with client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = (await response.text()).splitlines()
    assert "switchroom_calls 1.0" in lines
    assert 'switchroom_media_open_legs{shard="0"} 7.0' in lines
    assert "switchroom_rpc_errors_total 1.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


async def test_health(start: Start) -> None:
    async with (await start("")).get("/healthz") as response:
        assert (response.status, await response.text()) == (200, "ok")
