# SPDX-License-Identifier: Apache-2.0
"""`media.*`: what a former server left in the media process."""

import msgspec

from switchroom.pbx.rpc.exchange import FoundSession
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method


class FoundSessions(msgspec.Struct, frozen=True):
    sessions: list[FoundSession]


class CloseFound(Params, frozen=True):
    tag: str = "*"
    """Of which; `*` for all."""


@method("media.found", changes=False)
async def media_found(context: Context, params: Nothing) -> FoundSessions:
    return FoundSessions(context.exchange.found_sessions())


@method("media.close_found", changes=True)
async def media_close_found(context: Context, params: CloseFound) -> FoundSessions:
    return FoundSessions(context.exchange.found_sessions(params.tag))
