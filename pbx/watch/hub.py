# SPDX-License-Identifier: Apache-2.0
"""The hub between those who know the state of a user and those who watch it.

An application provides a source for its kind of state, named after the event package, and says when it changed; the
notifier (notifier.py) then tells the phones that have subscribed.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

DialogPhase = Literal["trying", "early", "confirmed", "terminated"]


class DialogState(msgspec.Struct, frozen=True):
    """One call of a user's phone (RFC 4235), as that phone sees it."""

    id: str
    phase: DialogPhase
    direction: Literal["initiator", "recipient"]
    other: str
    """The number of the other party."""
    call_id: str = ""
    local_tag: str = ""
    remote_tag: str = ""


class Dialogs(msgspec.Struct, frozen=True):
    """All calls of a user: package `dialog`."""

    dialogs: tuple[DialogState, ...] = ()


class Presence(msgspec.Struct, frozen=True):
    """Whether somebody can be reached (RFC 3863): package `presence`."""

    open: bool = False
    note: str = ""
    document: bytes = b""
    """What the user's own phone has published (RFC 3903); it is passed on as it is."""


class Messages(msgspec.Struct, frozen=True):
    """The voice messages of a mailbox (RFC 3842): package `message-summary`."""

    new: int = 0
    old: int = 0


class Contacts(msgspec.Struct, frozen=True):
    """Where a user is registered (RFC 3680), as pairs of contact and seconds left: package `reg`."""

    contacts: tuple[tuple[str, int], ...] = ()


State = Dialogs | Presence | Messages | Contacts
Source = Callable[[str], State]


class Hub:
    """One exchange's. `on_change` is told the package and the user."""

    def __init__(self) -> None:
        self.on_change: Callable[[str, str], None] = lambda package, user: None
        self._sources: dict[str, Source] = {}

    def provide(self, package: str, source: Source) -> None:
        """From now on `source` says what is so."""
        self._sources[package] = source

    def changed(self, package: str, user: str) -> None:
        """What the source says of a user is another than before."""
        self.on_change(package, user)

    def find(self, package: str, user: str) -> State | None:
        """What is so now; None where nobody knows."""
        source = self._sources.get(package)
        return source(user) if source is not None else None
