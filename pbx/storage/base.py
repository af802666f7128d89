# SPDX-License-Identifier: Apache-2.0
"""What the exchange needs of a store: three narrow interfaces, all batched, all free of the event loop's time.

`sqlite` implements them for one machine. Every write is atomic: after a crash it is there wholly or not at all.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import Entry


class StoreError(SwitchroomError):
    """The store cannot be opened, read or written; the text says which and why."""


class JournalStore(Protocol):
    """The numbered records."""

    async def last(self) -> Entry | None:
        """The newest entry."""
        ...

    async def write(self, batches: Sequence[Sequence[Entry]]) -> None:
        """Keep batches of consecutive numbers, in one transaction. Writing a batch again changes nothing."""
        ...

    async def read(self, after: int, limit: int) -> list[Entry]:
        """Entries with numbers above `after`, in order, at most `limit`; empty at the end."""
        ...

    async def before(self, at_ns: int) -> int:
        """A number up to which all entries are older; not always the last one of which this is so, and 0 for none."""
        ...

    async def prune(self, before_ns: int) -> int:
        """Delete batches all of whose records are older; how many batches that were."""
        ...


class StoredBinding(msgspec.Struct, frozen=True):
    """One contact of a user, as the registrar wrote it; only the registrar knows what `data` says."""

    user: str
    contact: str
    data: bytes


class BindingStore(Protocol):
    """Registrations, so that a restart loses none."""

    async def load(self) -> list[StoredBinding]: ...

    async def save(self, kept: Sequence[StoredBinding], removed: Sequence[tuple[str, str]]) -> None:
        """Insert or replace `kept`, delete the (user, contact) pairs of `removed`; in one transaction."""
        ...


class StoredCdr(msgspec.Struct, frozen=True):
    """One call detail record with the columns that it is found by; `data` is the whole of it as JSON."""

    call: str
    started_at_ms: int
    caller: str
    dialled: str
    user: str
    result: str
    data: msgspec.Raw


class CdrQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which CDRs: every field that is given must fit."""

    call: str | None = None
    number: str | None = None
    """Caller or dialled number."""
    user: str | None = None
    result: str | None = None
    since_ms: int | None = None
    """Began at this time (UTC, milliseconds since 1970) or later."""
    until_ms: int | None = None
    """Began before this time."""
    limit: int = 100
    offset: int = 0


class CdrStore(Protocol):
    """Call detail records, and the journal number up to which they were made."""

    async def resume(self) -> int:
        """The number after which the fold goes on; 0 at first."""
        ...

    async def write(self, cdrs: Sequence[StoredCdr], resume: int) -> None:
        """Keep the CDRs (again is the same as once) and the number, in one transaction."""
        ...

    async def find(self, query: CdrQuery) -> list[bytes]:
        """The `data` of the CDRs that fit, newest first."""
        ...


class StoredDocument(msgspec.Struct, frozen=True):
    """One thing that an application keeps under a key; only the application knows what `data`, JSON, says."""

    key: str
    data: bytes


class DocumentStore(Protocol):
    """Small things of applications, by kind and key: settings of users, messages of mailboxes, mails to be sent."""

    async def load(self, kind: str) -> list[StoredDocument]:
        """All of one kind, by key."""
        ...

    async def save(self, kind: str, kept: Sequence[StoredDocument], removed: Sequence[str]) -> None:
        """Insert or replace `kept`, delete the keys of `removed`; in one transaction."""
        ...


class StoredRecording(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one recording, as the journal told it."""

    recording: str
    call: str = ""
    """Empty for a room's."""
    leg: str = ""
    party: str = ""
    """Whose words are on the left of a stereo recording."""
    label: str = ""
    path: str = ""
    state: Literal["recording", "paused", "ended"] = "recording"
    stereo: bool = False
    started_at_ms: int = 0
    """UTC, milliseconds since 1970."""
    ended_at_ms: int = 0
    before_ms: int = 0
    duration_ms: int = 0
    paused_ms: int = 0
    lost_ms: int = 0
    size_bytes: int = 0
    sha256: str = ""
    error: str = ""
    repaired: bool = False


class RecordingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which recordings: every field that is given must fit."""

    recording: str | None = None
    call: str | None = None
    party: str | None = None
    label: str | None = None
    state: str | None = None
    since_ms: int | None = None
    """Began at this time (UTC, milliseconds since 1970) or later."""
    until_ms: int | None = None
    """Began before this time."""
    limit: int = 100
    offset: int = 0


class RecordingStore(Protocol):
    """The index of recordings, and the journal number up to which it was made."""

    async def resume(self) -> int:
        """The number after which the fold goes on; 0 at first."""
        ...

    async def write(self, recordings: Sequence[StoredRecording], resume: int) -> None:
        """Keep them (again is the same as once) and the number, in one transaction."""
        ...

    async def find(self, query: RecordingQuery) -> list[StoredRecording]:
        """Those that fit, newest first."""
        ...


class Store(Protocol):
    """All of it, opened."""

    @property
    def journal(self) -> JournalStore: ...
    @property
    def bindings(self) -> BindingStore: ...
    @property
    def cdrs(self) -> CdrStore: ...
    @property
    def documents(self) -> DocumentStore: ...
    @property
    def recordings(self) -> RecordingStore: ...
    async def close(self) -> None: ...
