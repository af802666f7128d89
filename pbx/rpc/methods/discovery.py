# SPDX-License-Identifier: Apache-2.0
"""`rpc.*`: what the interface can do, told by itself."""

from typing import Any

import msgspec

from switchroom.pbx.rpc import openrpc
from switchroom.pbx.rpc.registry import RIGHTS, Context, Nothing, method


class OpenRpc(msgspec.Struct, frozen=True):
    """An OpenRPC document."""

    openrpc: str
    info: dict[str, Any]
    methods: list[dict[str, Any]]
    components: dict[str, Any]


@method("rpc.discover", changes=False, right="any")
async def rpc_discover(context: Context, params: Nothing) -> OpenRpc:
    """The interface as an OpenRPC document."""
    return OpenRpc(**openrpc.document())


class Whoami(msgspec.Struct, frozen=True):
    name: str
    role: str
    user: str
    rights: list[str]


@method("rpc.whoami", changes=False, right="any")
async def rpc_whoami(context: Context, params: Nothing) -> Whoami:
    """Who the token is, and what it may do."""
    operator = context.operator
    return Whoami(operator.name, operator.role, operator.user, sorted(RIGHTS[operator.role]))
