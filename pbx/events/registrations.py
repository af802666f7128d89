# SPDX-License-Identifier: Apache-2.0
"""Phones that register."""

from typing import Literal

from switchroom.pbx.events.record import Record


class RegistrationAdded(Record, frozen=True, tag="registration.added"):
    user: str
    contact: str
    source: str
    expires_s: int
    user_agent: str = ""


class RegistrationRemoved(Record, frozen=True, tag="registration.removed"):
    user: str
    contact: str
    reason: Literal["unregistered", "expired", "replaced", "operator", "lost"]
