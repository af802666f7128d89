# SPDX-License-Identifier: Apache-2.0
"""`security.*`: who is banned, and lifting or adding a ban by hand."""

from typing import Annotated

import msgspec
from msgspec import Meta

from switchroom.pbx.control import CallError
from switchroom.pbx.rpc.errors import invalid_params, refused
from switchroom.pbx.rpc.exchange import BanInfo
from switchroom.pbx.rpc.methods.values import Limit, Name, Number, Text
from switchroom.pbx.rpc.registry import Context, Params, method


class SecurityBans(Params, frozen=True):
    limit: Limit = 1000
    offset: Number = 0


class Bans(msgspec.Struct, frozen=True):
    bans: list[BanInfo]
    total: int


@method("security.bans", changes=False)
async def security_bans(context: Context, params: SecurityBans) -> Bans:
    found = context.exchange.bans()
    return Bans(found[params.offset : params.offset + params.limit], len(found))


class SecurityBan(Params, frozen=True):
    source: Text
    reason: Name = "operator"
    for_s: Annotated[float, Meta(gt=0, le=3_155_760_000)] | None = None


@method("security.ban", changes=True)
async def security_ban(context: Context, params: SecurityBan) -> BanInfo:
    try:
        return context.exchange.ban(params.source, params.reason, params.for_s)
    except ValueError as error:
        raise invalid_params("$.source", str(error)) from None
    except CallError as error:
        raise refused(error.status, error.reason) from None


class SecurityUnban(Params, frozen=True):
    source: Text


class Unbanned(msgspec.Struct, frozen=True):
    lifted: bool


@method("security.unban", changes=True)
async def security_unban(context: Context, params: SecurityUnban) -> Unbanned:
    try:
        return Unbanned(context.exchange.unban(params.source))
    except ValueError as error:
        raise invalid_params("$.source", str(error)) from None
