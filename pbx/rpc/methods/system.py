# SPDX-License-Identifier: Apache-2.0
"""`system.*`: the exchange at a glance."""

from switchroom.pbx.rpc.exchange import Status
from switchroom.pbx.rpc.registry import Context, Nothing, method


@method("system.status", changes=False)
async def system_status(context: Context, params: Nothing) -> Status:
    return context.exchange.status()
