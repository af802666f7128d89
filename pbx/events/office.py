# SPDX-License-Identifier: Apache-2.0
"""What office phones do beside calling: voicemail, settings, parking, pick-up, switches, blacklist, configuration."""

from switchroom.pbx.events.record import Record


class VoicemailLeft(Record, frozen=True, tag="voicemail.left"):
    """A message has come."""

    box: str
    message: str
    caller: str
    duration_ms: int
    call: str = ""


class VoicemailCounted(Record, frozen=True, tag="voicemail.counted"):
    """The messages of a box have changed: what its lamp shows now."""

    box: str
    new: int
    saved: int


class MailFailed(Record, frozen=True, tag="mail.failed"):
    """A mail could not be delivered; with `gave_up` it is not tried again."""

    to: str
    reason: str
    attempts: int
    gave_up: bool = False


class DeskChanged(Record, frozen=True, tag="desk.changed"):
    """A user's settings were changed; `change` is JSON, without the PIN."""

    user: str
    change: str
    by: str = ""
    """Empty: the user himself, by dial code."""


class SeatTaken(Record, frozen=True, tag="seat.taken"):
    """A number has moved to another phone; both the same: it is back at its own."""

    user: str
    phone: str


class CallForwarded(Record, frozen=True, tag="call.forwarded"):
    """A call for a user goes on elsewhere."""

    call: str
    user: str
    on: str
    to: str


class CallParked(Record, frozen=True, tag="call.parked"):
    call: str
    slot: str
    by: str = ""


class CallUnparked(Record, frozen=True, tag="call.unparked"):
    call: str
    slot: str
    by: str = ""
    """Who took it up; empty: the caller left, or nobody did in time."""


class CallPickedUp(Record, frozen=True, tag="call.picked_up"):
    """A call that rang at `user` was answered by somebody else."""

    call: str
    user: str
    by: str


class HoursSwitched(Record, frozen=True, tag="hours.switched"):
    """A time condition was set by hand (`on`, `off`) or given back to the clock (`auto`)."""

    name: str
    state: str
    by: str = ""


class CallerRefused(Record, frozen=True, tag="caller.refused"):
    """A call of a blacklisted number was refused before it cost anything."""

    number: str
    source: str


class ConfigChanged(Record, frozen=True, tag="config.changed"):
    """A new configuration is in force; `changes` names keys, never secrets."""

    changes: tuple[str, ...]
    by: str = ""
