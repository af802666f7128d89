# SPDX-License-Identifier: Apache-2.0
"""The table of methods: a name, the type of its parameters, and whether it changes anything."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar, get_type_hints

import msgspec

from switchroom.pbx.journal import Subscription
from switchroom.pbx.rpc.auth import Operator
from switchroom.pbx.rpc.errors import from_validation, invalid_params
from switchroom.pbx.rpc.exchange import Exchange


class Subscriber(Protocol):
    """A connection that can be sent notifications."""

    def subscribe(self, subscription: Subscription) -> int:
        """Send what `subscription` brings, once the answer is out; returns a number for it. Raises RpcError."""
        ...

    def unsubscribe(self, number: int) -> bool:
        """False when there is none such."""
        ...


class Context(msgspec.Struct, frozen=True):
    """For whom a method runs. `subscriber` is None over HTTP."""

    exchange: Exchange
    operator: Operator
    subscriber: Subscriber | None = None


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all parameters."""


class Nothing(Params, frozen=True):
    """No parameters."""


P = TypeVar("P", bound=Params)
Handler = Callable[[Context, P], Awaitable[msgspec.Struct]]


class Method(msgspec.Struct, frozen=True):
    """One entry of the table."""

    name: str
    changes: bool
    params: type[Params]
    run: Callable[[Context, Any], Awaitable[msgspec.Struct]]

    def read(self, params: object) -> Params:
        """The parameters out of decoded JSON, by name or by position. Raises RpcError (-32602)."""
        if isinstance(params, list):
            fields = msgspec.structs.fields(self.params)
            if len(params) > len(fields):
                raise invalid_params(f"$[{len(fields)}]", f"expected at most {len(fields)} parameters")
            params = {field.encode_name: value for field, value in zip(fields, params, strict=False)}
        try:
            return msgspec.convert(params, self.params)
        except msgspec.ValidationError as error:
            raise from_validation(error) from None


METHODS: dict[str, Method] = {}


def method(name: str, *, changes: bool) -> Callable[[Handler[P]], Handler[P]]:
    """Enter the function that follows under `name`; one that `changes` something is for operators and is audited."""

    def register(handler: Handler[P]) -> Handler[P]:
        METHODS[name] = Method(name, changes, get_type_hints(handler)["params"], handler)
        return handler

    return register
