# SPDX-License-Identifier: Apache-2.0
"""`registrations.*`: the phones that are there."""

import msgspec

from switchroom.pbx.rpc.exchange import Registration
from switchroom.pbx.rpc.methods.values import Limit, Number, Text
from switchroom.pbx.rpc.registry import Context, Params, method


class RegistrationsList(Params, frozen=True):
    user: Text | None = None
    limit: Limit = 1000
    offset: Number = 0


class Registrations(msgspec.Struct, frozen=True):
    registrations: list[Registration]
    total: int


@method("registrations.list", changes=False)
async def registrations_list(context: Context, params: RegistrationsList) -> Registrations:
    found = context.exchange.registrations(params.user)
    return Registrations(found[params.offset : params.offset + params.limit], len(found))
