# SPDX-License-Identifier: Apache-2.0
"""[conference.NAME]: a conference room, who may come in, and what happens there."""

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from switchroom.pbx.config_values import Secret
from switchroom.pbx.dialplan import Pattern


class ConferenceRoom(msgspec.Struct, frozen=True, kw_only=True):
    """One room; `conference:NAME` without such a section is one with all the defaults."""

    number: str = ""
    """What users dial, and callers of `meet-me` enter; besides, the dial plan can name `conference:NAME`."""
    pin: Secret = Secret()
    """Who comes in must give it; empty: nobody must, and the room cannot be entered by `meet-me`."""
    moderator_pin: Secret = Secret()
    """Given in its place, it makes a moderator."""
    moderators: tuple[str, ...] = ()
    """Users who are moderators, and need no PIN."""
    wait_for_moderator: bool = False
    """Whether all hear music, and not each other, until a moderator is there."""
    end_with_moderator: bool = False
    """Whether the calls of all end when the last moderator leaves."""
    max_parties: Annotated[int, Meta(ge=1, le=1000)] = 100
    announce: bool = True
    """Whether tones tell who comes and goes."""
    mute_on_entry: bool = False
    """Whether nobody hears those who come in, but moderators, until they press *6."""
    record: bool = False
    """Whether all that is said is recorded."""
    music: str = "default"
    """The class of music that those who wait hear."""
    loudest: Annotated[int, Meta(ge=0, le=100)] = 0
    """Only so many of the loudest are heard at a time; 0: all."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        for key, pin in (("pin", self.pin), ("moderator_pin", self.moderator_pin)):
            if pin and not re.fullmatch(r"\d{4,12}", pin.reveal()):
                yield key, "expected 4 to 12 digits"
        if self.pin and self.pin.reveal() == self.moderator_pin.reveal():
            yield "moderator_pin", "is the same as pin"
        if (self.wait_for_moderator or self.end_with_moderator) and not (self.moderator_pin or self.moderators):
            yield "moderators", "nobody can be a moderator here: give moderators or a moderator_pin"
        if self.number:
            try:
                Pattern.from_text(self.number)
            except ValueError as error:
                yield "number", str(error)


PLAIN = ConferenceRoom()
