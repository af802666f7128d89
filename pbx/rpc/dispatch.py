# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC 2.0 without a transport: a text comes in, the text of the answer comes out.

Section numbers are those of the specification at www.jsonrpc.org.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from switchroom.pbx.events import OperatorCalled
from switchroom.pbx.rpc import methods  # noqa: F401  (fills the table)
from switchroom.pbx.rpc.errors import (
    FORBIDDEN,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
)
from switchroom.pbx.rpc.registry import METHODS, RIGHTS, Context, Method

MAX_BATCH: Final = 100
MAX_AUDITED: Final = 2000
"""Characters of the parameters that an audit record keeps."""

_encode = msgspec.json.Encoder().encode


class Dispatcher:
    """Serves requests. `log` gets an event name and fields of faults that the caller is not told about."""

    def __init__(self, log: Callable[..., Any]) -> None:
        self._log = log
        self.served = 0
        """Requests and notifications since the start."""
        self.failed = 0
        """Those of them that came out as an error."""

    async def answer(self, text: str | bytes, context: Context) -> bytes | None:
        """The answer to a request or batch; None where there is none, as for notifications."""
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            self.failed += 1
            return failure(None, RpcError(PARSE_ERROR, "Parse error", {"reason": str(error)}))
        if not isinstance(message, list):
            return await self._one(message, context)
        if not 1 <= len(message) <= MAX_BATCH:  # section 6: an empty batch is no batch
            self.failed += 1
            return failure(None, _not_a_request(f"a batch has 1 to {MAX_BATCH} requests"))
        answers = [answer for part in message if (answer := await self._one(part, context)) is not None]
        return b"[" + b",".join(answers) + b"]" if answers else None

    async def _one(self, message: object, context: Context) -> bytes | None:
        self.served += 1
        request_id: object = None
        wants_answer = True
        try:
            if not isinstance(message, dict):
                raise _not_a_request("expected an object")
            request_id, wants_answer = _id_of(message)
            name, params = _check(message)
            result = await self._call(name, params, context)
            return _encode({"jsonrpc": "2.0", "result": result, "id": request_id}) if wants_answer else None
        except RpcError as error:
            self.failed += 1
            # Section 4.1: notifications are never answered; but what is no request cannot be one (section 7).
            return failure(request_id, error) if wants_answer or error.code == INVALID_REQUEST else None
        except Exception as error:
            self.failed += 1
            self._log("rpc.fault", error=repr(error), exc_info=error)
            return failure(request_id, RpcError(INTERNAL_ERROR, "Internal error")) if wants_answer else None

    async def _call(self, name: str, params: object, context: Context) -> object:
        method = METHODS.get(name)
        if method is None:
            raise RpcError(METHOD_NOT_FOUND, "Method not found", {"method": name[:256]})
        if not method.changes:
            return await self._run(method, params, context)
        outcome = "internal error"
        try:
            result = await self._run(method, params, context)
            outcome = "done"
        except RpcError as error:
            outcome = f"{error.code} {error.message}"
            raise
        finally:
            context.exchange.audit(
                OperatorCalled(
                    operator=context.operator.name,
                    method=name,
                    params=_encode(params).decode()[:MAX_AUDITED],
                    outcome=outcome,
                )
            )
        return result

    async def _run(self, method: Method, params: object, context: Context) -> object:
        role = context.operator.role
        if method.right not in RIGHTS[role]:
            raise RpcError(FORBIDDEN, "Forbidden", {"reason": f"the role {role} may not use {method.name}"})
        return await method.run(context, method.read(params))


def failure(request_id: object, error: RpcError) -> bytes:
    """An error response (section 5.1)."""
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return _encode({"jsonrpc": "2.0", "error": body, "id": request_id})


def _id_of(message: dict[str, Any]) -> tuple[object, bool]:
    """The id, and whether there is one; without it the message is a notification."""
    if "id" not in message:
        return None, False
    value = message["id"]
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise _not_a_request("an id is a string, a number or null")
    return value, True


def _check(message: dict[str, Any]) -> tuple[str, object]:
    if message.get("jsonrpc") != "2.0":
        raise _not_a_request('"jsonrpc" must be "2.0"')
    name, params = message.get("method"), message.get("params", {})
    if not isinstance(name, str):
        raise _not_a_request('"method" must be a string')
    if not isinstance(params, dict | list):
        raise _not_a_request('"params" must be an object or an array')
    return name, params


def _not_a_request(reason: str) -> RpcError:
    return RpcError(INVALID_REQUEST, "Invalid Request", {"reason": reason})
