# SPDX-License-Identifier: Apache-2.0
"""Who talked in which conference."""

from typing import Literal

from switchroom.pbx.events.record import Record


class ConferenceJoined(Record, frozen=True, tag="conference.joined"):
    conference: str
    call: str
    leg: str
    party: str
    moderator: bool = False


class ConferenceLeft(Record, frozen=True, tag="conference.left"):
    conference: str
    call: str
    leg: str


class ConferenceChanged(Record, frozen=True, tag="conference.changed"):
    conference: str
    what: Literal["locked", "unlocked", "recording", "recorded"]
