# SPDX-License-Identifier: Apache-2.0
"""The methods of the operators' interface, one file per area; docs/json-rpc.md describes them for their users.

Importing the package fills the table of `pbx/rpc/registry.py`.
"""

from switchroom.pbx.rpc.methods import (
    agents,
    audio,
    calls,
    cdr,
    config,
    discovery,
    events,
    flows,
    media,
    office,
    queues,
    registrations,
    reports,
    security,
    supervisor,
    system,
    tls,
    transfers,
    trunks,
    voicemail,
)

__all__ = [
    "agents",
    "audio",
    "calls",
    "cdr",
    "config",
    "discovery",
    "events",
    "flows",
    "media",
    "office",
    "queues",
    "registrations",
    "reports",
    "security",
    "supervisor",
    "system",
    "tls",
    "transfers",
    "trunks",
    "voicemail",
]
