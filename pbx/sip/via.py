# SPDX-License-Identifier: Apache-2.0
"""The way back of a response: what is noted in the top Via of a request, and where it says that the answer goes."""

from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import Via
from switchroom.pbx.sip.message import Request


def stamp_via(request: Request, flow: Flow) -> None:
    """Note in the top Via where the request came from (section 18.2.1, RFC 3581)."""
    via = request.via
    host, port = flow.remote
    wants_port = "rport" in via.params
    if via.host.strip("[]") == host and not wants_port:
        return
    params = {**via.params, "received": host}
    if wants_port:
        params["rport"] = str(port)
    stamped = Via(via.transport, via.host, via.port, params)
    first = request.headers["via"][0]
    rest = request.all("via")[1:] if "," in first else []
    request.headers["via"][0] = ", ".join([str(stamped), *rest])
    request._via = stamped


def reply_flow(request: Request, flow: Flow) -> Flow:
    """Where the response goes (section 18.2.2, RFC 3581 section 4).

    Without rport it goes to the port of Via's sent-by, but only where the peer knows its own address: behind a NAT
    that port is nobody's.
    """
    if flow.reliable:
        return flow
    via = request.via
    if "rport" in via.params or via.host.strip("[]") != flow.remote[0]:
        return flow
    port = via.port or 5060
    return flow if port == flow.remote[1] else flow._replace(remote=(flow.remote[0], port))
