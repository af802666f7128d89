# SPDX-License-Identifier: Apache-2.0
"""Logs through structlog: one event per line with its fields, as JSON for machines or text for terminals.

Calls are told apart by the field `call`, SIP dialogs by `sip_call_id`. Nothing is logged per packet.
"""

import logging
import sys
from typing import Literal

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("switchroom")


def configure(level: str = "info", form: Literal["json", "text"] = "json") -> None:
    """Send logs of at least `level` to standard error in one of the two forms."""
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info if form == "json" else _keep,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _keep(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return event
