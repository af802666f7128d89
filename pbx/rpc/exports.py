# SPDX-License-Identifier: Apache-2.0
"""Reports as files over HTTP: GET /reports/{queues|agents|calls|trunks}.{csv|xlsx}, with the parameters of the method.

They go through the methods of JSON-RPC, so rights and limits are the same.
"""

import asyncio
from typing import Final

import msgspec
from aiohttp import web

from switchroom.pbx.reports.export import as_csv, as_xlsx, table
from switchroom.pbx.rpc.errors import FORBIDDEN, RpcError, from_validation
from switchroom.pbx.rpc.registry import METHODS, RIGHTS, Context

_TABLES: Final = {
    "queues": ("reports.queues", "rows"),
    "agents": ("reports.agents", "rows"),
    "calls": ("reports.calls", "rows"),
    "hours": ("reports.calls", "hours"),
    "trunks": ("reports.calls", "trunks"),
}
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def export(request: web.Request, context: Context) -> web.Response:
    """Raises RpcError, HTTPNotFound."""
    name, _, form = request.match_info["table"].rpartition(".")
    if name not in _TABLES or form not in ("csv", "xlsx"):
        raise web.HTTPNotFound(text=f"there are {', '.join(_TABLES)}, each as .csv and .xlsx\n")
    method_name, part = _TABLES[name]
    method = METHODS[method_name]
    if method.right not in RIGHTS[context.operator.role]:
        reason = f"the role {context.operator.role} may not use {method_name}"
        raise RpcError(FORBIDDEN, "Forbidden", {"reason": reason})
    try:
        params = msgspec.convert(dict(request.query), method.params, strict=False)
    except msgspec.ValidationError as error:
        raise from_validation(error) from None
    lines = table(getattr(await method.run(context, params), part))
    if form == "csv":
        body, kind = as_csv(lines), "text/csv"
    else:
        body, kind = await asyncio.to_thread(as_xlsx, lines, name), _XLSX
    headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return web.Response(body=body, headers=headers)
