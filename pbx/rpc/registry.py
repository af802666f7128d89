# SPDX-License-Identifier: Apache-2.0
"""The table of methods: a name, the types of its parameters and result, who may use it, whether it changes anything."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, Protocol, TypeVar, get_type_hints

import msgspec

from switchroom.pbx.config import Role
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


Right = Literal["any", "read", "own", "call", "supervise", "operate"]
"""What a method asks for: `any` token; to `read` what the exchange does; to act for one's `own` user or agent; to begin
and end calls; to supervise agents and queues; to operate everything else."""

RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    "observer": frozenset({"any", "read"}),
    "agent": frozenset({"any", "own"}),
    "integrator": frozenset({"any", "read", "call"}),
    "supervisor": frozenset({"any", "read", "own", "call", "supervise"}),
    "operator": frozenset({"any", "read", "own", "call", "supervise", "operate"}),
    "admin": frozenset({"any", "read", "own", "call", "supervise", "operate"}),
}

P = TypeVar("P", bound=Params)
Handler = Callable[[Context, P], Awaitable[msgspec.Struct]]


class Method(msgspec.Struct, frozen=True):
    """One entry of the table."""

    name: str
    changes: bool
    right: Right
    params: type[Params]
    result: type[msgspec.Struct]
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


def method(name: str, *, changes: bool, right: Right | None = None) -> Callable[[Handler[P]], Handler[P]]:
    """Enter the function that follows under `name`. One that `changes` something is audited.

    Without a `right` one that changes something is for operators, any other for those who may read.
    """

    def register(handler: Handler[P]) -> Handler[P]:
        hints = get_type_hints(handler)
        needed: Right = right or ("operate" if changes else "read")
        METHODS[name] = Method(name, changes, needed, hints["params"], hints["return"], handler)
        return handler

    return register
