# SPDX-License-Identifier: Apache-2.0
"""The store in one SQLite file: write-ahead log, group commit, one thread that writes and one that reads.

A batch of journal records is one row of JSON. Row by row costs little more by itself, but each row gives the GIL away
and waits for it again: with a busy event loop 1,000 rows took up to 2.8 s, one row of 1,000 records 37 ms at worst.
The view `entry` shows the records one by one to whoever looks with SQL.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Literal, Self, TypeVar

import msgspec

from switchroom.pbx.events import Entry
from switchroom.pbx.storage.base import CdrQuery, StoredBinding, StoredCdr, StoredDocument, StoreError
from switchroom.pbx.storage.sqlite_recordings import RECORDINGS, SqliteRecordings

T = TypeVar("T")

_VERSION = 1
_SCHEMA = """
CREATE TABLE journal (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at_ns INTEGER NOT NULL, entries TEXT NOT NULL);
CREATE VIEW entry AS SELECT value ->> 'number' AS number, value ->> 'at_ns' AS at_ns, value ->> '$.record.type' AS type,
    value -> 'record' AS record FROM journal, json_each(entries);
CREATE TABLE binding (user TEXT NOT NULL, contact TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (user, contact))
    WITHOUT ROWID;
CREATE TABLE cdr (call TEXT PRIMARY KEY, started_at_ms INTEGER NOT NULL, caller TEXT NOT NULL, dialled TEXT NOT NULL,
    user TEXT NOT NULL, result TEXT NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX cdr_by_time ON cdr (started_at_ms);
CREATE TABLE resume (sink TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
_LATER = """
CREATE TABLE IF NOT EXISTS document (kind TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID;
"""
"""Tables that came after the first release of the schema; they change nothing for what was there."""

_encoder = msgspec.json.Encoder()
_entries = msgspec.json.Decoder(list[Entry])


class SqliteStore:
    """A folder with the file `switchroom.db`; `journal`, `cdrs` and so on are its faces."""

    def __init__(self, folder: Path, sync: Literal["normal", "full"]) -> None:
        self._folder, self._sync = folder, sync
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._reader = ThreadPoolExecutor(1, "store-reader")
        self._lock: IO[str] | None = None
        self.journal = SqliteJournal(self)
        self.bindings = SqliteBindings(self)
        self.cdrs = SqliteCdrs(self)
        self.documents = SqliteDocuments(self)
        self.recordings = SqliteRecordings(self)

    @classmethod
    async def open(cls, folder: str | Path, sync: Literal["normal", "full"] = "normal") -> Self:
        """Open or create; StoreError when another process uses the folder or the file is not ours."""
        store = cls(Path(folder), sync)
        try:
            await asyncio.get_running_loop().run_in_executor(store._writer, store._open)
        except (OSError, sqlite3.Error) as error:
            await store.close()
            raise StoreError(f"cannot open the store in {folder}: {error}") from error
        except StoreError:
            await store.close()
            raise
        return store

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the writing thread, in one transaction."""

        def transaction() -> T:
            with self._writing:
                self._writing.execute("BEGIN IMMEDIATE")
                return work(self._writing)

        return await self._run(self._writer, transaction, "written")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the reading thread; it sees all that was committed before."""
        return await self._run(self._reader, lambda: work(self._reading), "read")

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], T], verb: str) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work)
        except sqlite3.Error as error:
            raise StoreError(f"the store in {self._folder} cannot be {verb}: {error}") from error

    async def close(self) -> None:
        """Finish what was asked for and let go of the folder. Idempotent."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StoreError(f"another exchange uses {self._folder}") from None
        self._lock = lock
        self._writing = self._connect()
        self._writing.execute("PRAGMA journal_mode = wal")
        self._writing.execute(f"PRAGMA synchronous = {self._sync}")
        (version,) = self._writing.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._writing.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT")
        elif version != _VERSION:
            raise StoreError(f"the store in {self._folder} has version {version}; this program knows {_VERSION}")
        self._writing.executescript(_LATER)
        self._writing.executescript(RECORDINGS)
        self._reading = self._connect()
        self._reading.execute("PRAGMA query_only = 1")

    def _connect(self) -> sqlite3.Connection:
        # Each connection is used by one thread at a time; the check would only forbid closing it from another.
        return sqlite3.connect(self._folder / "switchroom.db", isolation_level=None, check_same_thread=False)

    def _close(self) -> None:
        self._writer.shutdown()
        self._reader.shutdown()
        for name in ("_writing", "_reading"):
            if connection := getattr(self, name, None):
                connection.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class SqliteJournal:
    """JournalStore in SQLite."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def last(self) -> Entry | None:
        def work(db: sqlite3.Connection) -> Entry | None:
            row = db.execute("SELECT entries FROM journal ORDER BY first DESC LIMIT 1").fetchone()
            return _entries.decode(row[0])[-1] if row else None

        return await self._store.read(work)

    async def write(self, batches: Sequence[Sequence[Entry]]) -> None:
        def work(db: sqlite3.Connection) -> None:
            for batch in batches:
                row = (batch[0].number, batch[-1].number, batch[-1].at_ns, _encoder.encode(batch).decode())
                db.execute("INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?)", row)

        await self._store.write(work)

    async def read(self, after: int, limit: int) -> list[Entry]:
        def work(db: sqlite3.Connection) -> list[Entry]:
            found: list[Entry] = []
            rows = db.execute(
                "SELECT last, entries FROM journal WHERE first >= "
                "coalesce((SELECT max(first) FROM journal WHERE first <= ?), 0) ORDER BY first",
                (after + 1,),
            )
            for last, text in rows:
                if last > after:
                    found += [entry for entry in _entries.decode(text) if entry.number > after]
                if len(found) >= limit:
                    break
            return found[:limit]

        return await self._store.read(work)

    async def before(self, at_ns: int) -> int:
        sql = "SELECT coalesce(max(last), 0) FROM journal WHERE at_ns < ?"
        return int((await self._store.read(lambda db: db.execute(sql, (at_ns,)).fetchone()))[0])

    async def prune(self, before_ns: int) -> int:
        # The newest batch stays, whatever its age: it carries the number to go on from.
        sql = "DELETE FROM journal WHERE at_ns < ? AND first < (SELECT max(first) FROM journal)"
        return await self._store.write(lambda db: db.execute(sql, (before_ns,)).rowcount)


class SqliteBindings:
    """BindingStore in SQLite."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def load(self) -> list[StoredBinding]:
        rows = await self._store.read(lambda db: db.execute("SELECT user, contact, data FROM binding").fetchall())
        return [StoredBinding(*row) for row in rows]

    async def save(self, kept: Sequence[StoredBinding], removed: Sequence[tuple[str, str]]) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM binding WHERE user = ? AND contact = ?", removed)
            rows = [(binding.user, binding.contact, binding.data) for binding in kept]
            db.executemany("INSERT OR REPLACE INTO binding VALUES (?, ?, ?)", rows)

        await self._store.write(work)


class SqliteCdrs:
    """CdrStore in SQLite."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def resume(self) -> int:
        sql = "SELECT coalesce(max(number), 0) FROM resume WHERE sink = 'cdr'"
        return int((await self._store.read(lambda db: db.execute(sql).fetchone()))[0])

    async def write(self, cdrs: Sequence[StoredCdr], resume: int) -> None:
        def work(db: sqlite3.Connection) -> None:
            if cdrs:  # one statement for all of them: the GIL is given away once
                db.execute(
                    "INSERT OR REPLACE INTO cdr SELECT value ->> 'call', value ->> 'started_at_ms', value ->> 'caller',"
                    " value ->> 'dialled', value ->> 'user', value ->> 'result', value -> 'data' FROM json_each(?)",
                    (_encoder.encode(cdrs).decode(),),
                )
            db.execute("INSERT OR REPLACE INTO resume VALUES ('cdr', ?)", (resume,))

        await self._store.write(work)

    async def find(self, query: CdrQuery) -> list[bytes]:
        tests = {
            "call = :call": query.call,
            ":number IN (caller, dialled)": query.number,
            "user = :user": query.user,
            "result = :result": query.result,
            "started_at_ms >= :since_ms": query.since_ms,
            "started_at_ms < :until_ms": query.until_ms,
        }
        where = " AND ".join(test for test, value in tests.items() if value is not None) or "1"
        sql = f"SELECT data FROM cdr WHERE {where} ORDER BY started_at_ms DESC, call LIMIT :limit OFFSET :offset"
        rows = await self._store.read(lambda db: db.execute(sql, msgspec.structs.asdict(query)).fetchall())
        return [data.encode() for (data,) in rows]


class SqliteDocuments:
    """DocumentStore in SQLite."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def load(self, kind: str) -> list[StoredDocument]:
        sql = "SELECT key, data FROM document WHERE kind = ? ORDER BY key"
        rows = await self._store.read(lambda db: db.execute(sql, (kind,)).fetchall())
        return [StoredDocument(key, data.encode()) for key, data in rows]

    async def save(self, kind: str, kept: Sequence[StoredDocument], removed: Sequence[str]) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM document WHERE kind = ? AND key = ?", [(kind, key) for key in removed])
            rows = [(kind, document.key, document.data.decode()) for document in kept]
            db.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", rows)

        await self._store.write(work)
