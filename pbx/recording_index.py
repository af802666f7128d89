# SPDX-License-Identifier: Apache-2.0
"""Writes the table of recordings from the journal, as pbx/cdr_sink.py writes the CDRs."""

from collections.abc import Iterable

import msgspec

from switchroom.pbx.events import (
    Entry,
    RecordingConverted,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from switchroom.pbx.journal import Gap, Journal
from switchroom.pbx.storage.base import RecordingQuery, RecordingStore, StoredRecording, StoreError

_SAVE_EVERY = 10_000
"""Entries after which the resume number is saved though nothing was recorded."""

_RECORDS = frozenset((RecordingStarted, RecordingPaused, RecordingResumed, RecordingEnded, RecordingConverted))
AnyRecordingRecord = RecordingStarted | RecordingPaused | RecordingResumed | RecordingEnded | RecordingConverted


def folded(before: StoredRecording | None, record: AnyRecordingRecord, at_ms: int) -> StoredRecording:
    """What is known of a recording after one more record."""
    known = before or StoredRecording(recording=record.recording, started_at_ms=at_ms)
    change = msgspec.structs.replace
    match record:
        case RecordingStarted():
            return change(
                known, call=record.call, leg=record.leg, party=record.party, label=record.label, path=record.path,
                stereo=record.stereo, before_ms=record.before_ms, started_at_ms=at_ms,
            )  # fmt: skip
        case RecordingPaused():
            return change(known, state="paused")
        case RecordingResumed():
            return change(known, state="recording")
        case RecordingEnded():
            return change(
                known, state="ended", path=record.path, ended_at_ms=at_ms, duration_ms=record.duration_ms,
                paused_ms=record.paused_ms, lost_ms=record.lost_ms, size_bytes=record.size_bytes,
                sha256=record.sha256, error=record.error, repaired=record.repaired,
            )  # fmt: skip
        case RecordingConverted():
            return change(known, path=record.path, size_bytes=record.size_bytes, sha256=record.sha256)


class RecordingIndex:
    """One task; it ends with the journal."""

    def __init__(self, journal: Journal, store: RecordingStore) -> None:
        self._journal, self._store = journal, store

    async def run(self) -> None:
        """Fold and write until the journal is closed."""
        saved = read = await self._store.resume()
        reader = self._journal.follow(saved)
        while (entries := await reader.next()) is not None:
            if isinstance(entries, Gap):
                continue
            try:
                changed = await self._changed(entries)
            except StoreError as error:
                if not await self._journal.patience(error):
                    return
                reader = self._journal.follow(read)
                continue
            read = entries[-1].number if entries else read
            if changed or read - saved >= _SAVE_EVERY:
                saved = read
                await self._write(list(changed.values()), saved)
        await self._write([], read)

    async def _changed(self, entries: Iterable[Entry]) -> dict[str, StoredRecording]:
        changed: dict[str, StoredRecording] = {}
        for entry in entries:
            if type(entry.record) in _RECORDS and isinstance(entry.record, AnyRecordingRecord):
                recording = entry.record.recording
                before = changed.get(recording)
                if before is None and not isinstance(entry.record, RecordingStarted):
                    found = await self._store.find(RecordingQuery(recording=recording, limit=1))
                    before = found[0] if found else None
                changed[recording] = folded(before, entry.record, entry.at_ns // 1_000_000)
        return changed

    async def _write(self, recordings: list[StoredRecording], resume: int) -> None:
        while True:
            try:
                await self._store.write(recordings, resume)
            except StoreError as error:
                if not await self._journal.patience(error):
                    return  # the next start folds them again
            else:
                return
