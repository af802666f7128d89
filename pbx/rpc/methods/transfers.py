# SPDX-License-Identifier: Apache-2.0
"""`calls.transfer`: put a party through elsewhere, as its partner could do from the phone."""

import msgspec

from switchroom.pbx.control import CallError
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.methods.values import Text
from switchroom.pbx.rpc.registry import Context, Params, method


class CallsTransfer(Params, frozen=True):
    leg: Text
    to: Text | None = None
    consulted: Text | None = None


class LegId(msgspec.Struct, frozen=True):
    leg: str


@method("calls.transfer", changes=True, right="call")
async def calls_transfer(context: Context, params: CallsTransfer) -> LegId:
    if (params.to is None) == (params.consulted is None):
        raise refused(400, "give either to or consulted")
    try:
        context.exchange.transfer(params.leg, params.to or "", params.consulted or "")
    except CallError as error:
        raise refused(error.status, str(error)) from error
    return LegId(params.leg)
