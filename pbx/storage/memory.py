# SPDX-License-Identifier: Apache-2.0
"""The store in memory: for simulations, and for tests that touch no disk. It keeps the promises of `base`, but bounded.

Nothing survives the process, so it is not for a server.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from switchroom.pbx.events import Entry
from switchroom.pbx.storage.base import (
    CdrQuery,
    RecordingQuery,
    StoredBinding,
    StoredCdr,
    StoredDocument,
    StoredRecording,
)


class MemoryStore:
    """All faces; `max_entries` bounds the journal and the CDRs, the oldest go first."""

    def __init__(self, max_entries: int = 100_000) -> None:
        self.journal = MemoryJournal(max_entries)
        self.bindings = MemoryBindings()
        self.cdrs = MemoryCdrs(max_entries)
        self.documents = MemoryDocuments()
        self.recordings = MemoryRecordings(max_entries)

    async def close(self) -> None:
        """Nothing to do."""


class MemoryJournal:
    """JournalStore in memory."""

    def __init__(self, max_entries: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=max_entries)

    async def last(self) -> Entry | None:
        return self._entries[-1] if self._entries else None

    async def write(self, batches: Sequence[Sequence[Entry]]) -> None:
        newest = self._entries[-1].number if self._entries else 0
        self._entries.extend(entry for batch in batches for entry in batch if entry.number > newest)

    async def read(self, after: int, limit: int) -> list[Entry]:
        return [entry for entry in self._entries if entry.number > after][:limit]

    async def before(self, at_ns: int) -> int:
        return max((entry.number for entry in self._entries if entry.at_ns < at_ns), default=0)

    async def prune(self, before_ns: int) -> int:
        pruned = 0
        while len(self._entries) > 1 and self._entries[0].at_ns < before_ns:
            self._entries.popleft()
            pruned += 1
        return pruned


class MemoryBindings:
    """BindingStore in memory."""

    def __init__(self) -> None:
        self._bindings: dict[tuple[str, str], StoredBinding] = {}

    async def load(self) -> list[StoredBinding]:
        return list(self._bindings.values())

    async def save(self, kept: Sequence[StoredBinding], removed: Sequence[tuple[str, str]]) -> None:
        for key in removed:
            self._bindings.pop(key, None)
        self._bindings |= {(binding.user, binding.contact): binding for binding in kept}


class MemoryCdrs:
    """CdrStore in memory."""

    def __init__(self, max_entries: int) -> None:
        self._cdrs: dict[str, StoredCdr] = {}
        self._max = max_entries
        self._resume = 0

    async def resume(self) -> int:
        return self._resume

    async def write(self, cdrs: Sequence[StoredCdr], resume: int) -> None:
        self._cdrs |= {cdr.call: cdr for cdr in cdrs}
        while len(self._cdrs) > self._max:
            del self._cdrs[next(iter(self._cdrs))]
        self._resume = resume

    async def find(self, query: CdrQuery) -> list[bytes]:
        fitting = [cdr for cdr in self._cdrs.values() if _fits(cdr, query)]
        fitting.sort(key=lambda cdr: (-cdr.started_at_ms, cdr.call))
        return [bytes(cdr.data) for cdr in fitting[query.offset : query.offset + query.limit]]


class MemoryDocuments:
    """DocumentStore in memory."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], StoredDocument] = {}

    async def load(self, kind: str) -> list[StoredDocument]:
        return [document for (found, _), document in sorted(self._documents.items()) if found == kind]

    async def save(self, kind: str, kept: Sequence[StoredDocument], removed: Sequence[str]) -> None:
        for key in removed:
            self._documents.pop((kind, key), None)
        self._documents |= {(kind, document.key): document for document in kept}


class MemoryRecordings:
    """RecordingStore in memory."""

    def __init__(self, max_entries: int) -> None:
        self._recordings: dict[str, StoredRecording] = {}
        self._max = max_entries
        self._resume = 0

    async def resume(self) -> int:
        return self._resume

    async def write(self, recordings: Sequence[StoredRecording], resume: int) -> None:
        self._recordings |= {recording.recording: recording for recording in recordings}
        while len(self._recordings) > self._max:
            del self._recordings[next(iter(self._recordings))]
        self._resume = resume

    async def find(self, query: RecordingQuery) -> list[StoredRecording]:
        def fits(found: StoredRecording) -> bool:
            same = ("recording", "call", "party", "label", "state")
            return (
                all(getattr(query, name) in (None, getattr(found, name)) for name in same)
                and (query.since_ms is None or found.started_at_ms >= query.since_ms)
                and (query.until_ms is None or found.started_at_ms < query.until_ms)
            )

        fitting = sorted(filter(fits, self._recordings.values()), key=lambda one: (-one.started_at_ms, one.recording))
        return fitting[query.offset : query.offset + query.limit]


def _fits(cdr: StoredCdr, query: CdrQuery) -> bool:
    wanted = msgspec.structs.asdict(query)
    return (
        all(wanted[name] in (None, getattr(cdr, name)) for name in ("call", "user", "result"))
        and query.number in (None, cdr.caller, cdr.dialled)
        and (query.since_ms is None or cdr.started_at_ms >= query.since_ms)
        and (query.until_ms is None or cdr.started_at_ms < query.until_ms)
    )
