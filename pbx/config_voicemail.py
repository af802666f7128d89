# SPDX-License-Identifier: Apache-2.0
"""[voicemail] and [mail]: message boxes, and the mail server that brings messages to their owners."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from switchroom.pbx.config_values import Secret


class VoicemailConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[voicemail]: how messages are taken, kept and told."""

    max_message_s: Annotated[float, Meta(gt=0, le=3600)] = 180.0
    min_message_s: Annotated[float, Meta(ge=0, le=60)] = 1.0
    """A shorter one is not kept."""
    silence_s: Annotated[float, Meta(ge=0, le=60)] = 5.0
    """A message ends after so much silence, which is cut off; 0: never."""
    silence_dbfs: Annotated[float, Meta(ge=-90, le=0)] = -45.0
    """What counts as silence where the end is cut off."""
    max_messages: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """Of one box; a full box takes no more."""
    keep_days: Annotated[int, Meta(ge=0)] = 0
    """Older messages are deleted; 0: never."""
    ask_pin_on_own_phone: bool = False
    """Whether the PIN is asked for even when the owner calls from his own phone."""
    greeting: str = ""
    """A sound file for boxes without a greeting of their own; empty: a spoken sentence."""


class MailConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[mail]: the SMTP server for messages to users' `email`. Without a host none are sent."""

    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    user: str = ""
    password: Secret = Secret()
    sender: str = ""
    """The From address."""
    timeout_s: Annotated[float, Meta(gt=0, le=300)] = 30.0
    give_up_h: Annotated[float, Meta(gt=0, le=720)] = 48.0
    """A mail that cannot be delivered is tried again, ever more seldom, for so long; also after a restart."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.host and "@" not in self.sender:
            yield "sender", "is needed: the address that mails come from"
