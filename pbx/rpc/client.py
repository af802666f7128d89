# SPDX-License-Identifier: Apache-2.0
"""`switchroom rpc`: one call of a method from the shell; events come as lines until interrupted."""

import asyncio
import os
import sys
from typing import Any

import aiohttp
import msgspec

REQUEST_S = 60.0


def call_from_shell(url: str, token: str, method: str, params_json: str) -> int:
    """Call `method` and print its result as JSON; returns the exit status: 0 well, 1 an error, which stderr tells.

    `params_json` is a JSON object or array; an empty `token` stands for that of SWITCHROOM_TOKEN.
    """
    try:
        params = msgspec.json.decode(params_json)
    except (msgspec.DecodeError, UnicodeError) as error:
        return _fail(f"the parameters are not JSON: {error}")
    token = token or os.environ.get("SWITCHROOM_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    call = _watch if method == "events.subscribe" else _ask
    try:
        return asyncio.run(call(url, headers, request))
    except KeyboardInterrupt:
        return 0
    except aiohttp.WSServerHandshakeError as error:
        return _fail("a valid token is needed" if error.status == 401 else f"{url}: HTTP {error.status}")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        unreachable = isinstance(error, aiohttp.ClientConnectionError | TimeoutError)
        return _fail(f"no exchange answers at {url}" if unreachable else f"{url}: {error}")


async def _ask(url: str, headers: dict[str, str], request: dict[str, Any]) -> int:
    timeout = aiohttp.ClientTimeout(total=REQUEST_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
        session.post(url, data=msgspec.json.encode(request), headers={"Content-Type": "application/json"}) as response,
    ):
        body = await response.read()
        try:
            answer = msgspec.json.decode(body)
        except msgspec.DecodeError:
            answer = None
        if not isinstance(answer, dict):
            return _fail(f"{url}: HTTP {response.status}, and no JSON-RPC")
    return _show(answer)


async def _watch(url: str, headers: dict[str, str], request: dict[str, Any]) -> int:
    """Print what is notified, one line of JSON each, until the connection ends."""
    async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(url, heartbeat=30) as socket:
        await socket.send_bytes(msgspec.json.encode(request))
        async for message in socket:
            answer = msgspec.json.decode(message.data)
            if "error" in answer:
                return _show(answer)
            if answer.get("method") == "events.gap":
                _print(msgspec.json.encode({"gap": answer["params"]}))
            elif "method" in answer:
                _print(msgspec.json.encode(answer["params"]))
    return _fail("the exchange closed the connection")


def _show(answer: dict[str, Any]) -> int:
    if "error" not in answer:
        _print(msgspec.json.format(msgspec.json.encode(answer.get("result")), indent=2))
        return 0
    error = answer["error"]
    data = error.get("data")
    details = f" {msgspec.json.encode(data).decode()}" if data is not None else ""
    return _fail(f"{error.get('message')} ({error.get('code')}){details}")


def _print(text: bytes) -> None:
    print(text.decode(), flush=True)


def _fail(reason: str) -> int:
    print(f"switchroom: {reason}", file=sys.stderr)
    return 1
