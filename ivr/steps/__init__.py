# SPDX-License-Identifier: Apache-2.0
"""The steps of flows that are data, one Struct per value of `do`. Each runs one verb of `Flow` and names what follows.

A step that names nothing as `next` ends the flow: the caller goes back to where the flow was called, or is hung up on.
"""

from switchroom.ivr.steps.asking import Db, Http
from switchroom.ivr.steps.base import END, Run, Step
from switchroom.ivr.steps.deciding import Again, Check, Hours, Set, Speak, When
from switchroom.ivr.steps.going import Callback, Queue, Subflow, Transfer
from switchroom.ivr.steps.hearing import Collect, Hangup, Menu, Rate, Record, Say

STEPS: dict[str, type[Step]] = {
    "say": Say,
    "menu": Menu,
    "collect": Collect,
    "language": Speak,
    "set": Set,
    "when": When,
    "check": Check,
    "again": Again,
    "hours": Hours,
    "queue": Queue,
    "callback": Callback,
    "transfer": Transfer,
    "record": Record,
    "http": Http,
    "db": Db,
    "rate": Rate,
    "flow": Subflow,
    "hangup": Hangup,
}
"""By the value of `do`."""

__all__ = ["END", "STEPS", "Run", "Step"]
