# SPDX-License-Identifier: Apache-2.0
"""Trunks: what became of attempts, whether they answer, and what was refused for fear of fraud."""

from switchroom.pbx.events.record import Record


class TrunkTried(Record, frozen=True, tag="trunk.tried"):
    """An attempt of a call out came to nothing, and the next carrier or address is tried, if there is one."""

    call: str
    leg: str
    trunk: str
    target: str
    """Empty: the trunk itself could not, for want of a channel or by a limit."""
    status: int
    reason: str
    cause: int = 0


class TrunkUp(Record, frozen=True, tag="trunk.up"):
    """A target answers (again)."""

    trunk: str
    target: str


class TrunkDown(Record, frozen=True, tag="trunk.down"):
    """An alarm: a target does not answer, or the registrar does not have us any more."""

    trunk: str
    target: str
    reason: str = ""


class TrunkRegistered(Record, frozen=True, tag="trunk.registered"):
    """The registrar has us, for so long unless it is told again."""

    trunk: str
    expires_s: int


class TrunkChanged(Record, frozen=True, tag="trunk.changed"):
    """An operator changed limits, or took a trunk out of service or back."""

    trunk: str
    change: str
    by: str = ""


class NumberRerouted(Record, frozen=True, tag="number.rerouted"):
    """Calls from outside to a number (`*`: to all) go elsewhere from now on; to nowhere: where they always went."""

    number: str
    to: str
    by: str = ""


class TollRefused(Record, frozen=True, tag="toll.refused"):
    """A call outside was refused by a limit of a user or trunk."""

    call: str
    number: str
    reason: str
