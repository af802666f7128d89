# SPDX-License-Identifier: Apache-2.0
"""`cdr.*`: what became of calls."""

import msgspec

from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.methods.values import Limit, Number, Text
from switchroom.pbx.rpc.registry import Context, Params, method
from switchroom.pbx.storage.base import CdrQuery, StoreError


class CdrList(Params, frozen=True):
    """The fields of CdrQuery."""

    call: Text | None = None
    number: Text | None = None
    user: Text | None = None
    result: Text | None = None
    since_ms: Number | None = None
    until_ms: Number | None = None
    limit: Limit = 100
    offset: Number = 0


class Cdrs(msgspec.Struct, frozen=True):
    cdrs: list[msgspec.Raw]


@method("cdr.list", changes=False)
async def cdr_list(context: Context, params: CdrList) -> Cdrs:
    try:
        found = await context.exchange.cdrs(CdrQuery(**msgspec.structs.asdict(params)))
    except StoreError as error:
        raise refused(503, "the store cannot be read") from error
    return Cdrs([msgspec.Raw(cdr) for cdr in found])
