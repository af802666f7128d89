# SPDX-License-Identifier: Apache-2.0
"""`tls.*`: the certificates that phones and browsers are shown."""

import msgspec

from switchroom.pbx.control import CallError
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.exchange import Certificate
from switchroom.pbx.rpc.registry import Context, Nothing, method


class Certificates(msgspec.Struct, frozen=True):
    certificates: list[Certificate]


@method("tls.certificates", changes=False)
async def tls_certificates(context: Context, params: Nothing) -> Certificates:
    return Certificates(context.exchange.certificates())


@method("tls.reload", changes=True)
async def tls_reload(context: Context, params: Nothing) -> Certificates:
    try:
        return Certificates(context.exchange.certificates(reload=True))
    except CallError as error:
        raise refused(error.status, error.reason) from error
