# SPDX-License-Identifier: Apache-2.0
"""The index of recordings in SQLite."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from switchroom.pbx.storage.base import RecordingQuery, StoredRecording

RECORDINGS = """
CREATE TABLE IF NOT EXISTS recording (recording TEXT PRIMARY KEY, call TEXT NOT NULL, party TEXT NOT NULL,
    label TEXT NOT NULL, state TEXT NOT NULL, started_at_ms INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recording_by_time ON recording (started_at_ms);
CREATE INDEX IF NOT EXISTS recording_by_call ON recording (call);
"""

_encoder = msgspec.json.Encoder()
_recording = msgspec.json.Decoder(StoredRecording)


class Database(Protocol):
    """What SqliteStore gives its faces."""

    async def write(self, work: Callable[[sqlite3.Connection], Any]) -> Any: ...
    async def read(self, work: Callable[[sqlite3.Connection], Any]) -> Any: ...


class SqliteRecordings:
    """RecordingStore in SQLite."""

    def __init__(self, store: Database) -> None:
        self._store = store

    async def resume(self) -> int:
        sql = "SELECT coalesce(max(number), 0) FROM resume WHERE sink = 'recording'"
        return int((await self._store.read(lambda db: db.execute(sql).fetchone()))[0])

    async def write(self, recordings: Sequence[StoredRecording], resume: int) -> None:
        def work(db: sqlite3.Connection) -> None:
            rows = [
                (one.recording, one.call, one.party, one.label, one.state, one.started_at_ms,
                 _encoder.encode(one).decode())
                for one in recordings
            ]  # fmt: skip
            db.executemany("INSERT OR REPLACE INTO recording VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            db.execute("INSERT OR REPLACE INTO resume VALUES ('recording', ?)", (resume,))

        await self._store.write(work)

    async def find(self, query: RecordingQuery) -> list[StoredRecording]:
        tests = {
            "recording = :recording": query.recording,
            "call = :call": query.call,
            "party = :party": query.party,
            "label = :label": query.label,
            "state = :state": query.state,
            "started_at_ms >= :since_ms": query.since_ms,
            "started_at_ms < :until_ms": query.until_ms,
        }
        where = " AND ".join(test for test, value in tests.items() if value is not None) or "1"
        order = "ORDER BY started_at_ms DESC, recording LIMIT :limit OFFSET :offset"
        sql = f"SELECT data FROM recording WHERE {where} {order}"
        rows = await self._store.read(lambda db: db.execute(sql, msgspec.structs.asdict(query)).fetchall())
        return [_recording.decode(data) for (data,) in rows]
