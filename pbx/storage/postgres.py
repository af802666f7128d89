# SPDX-License-Identifier: Apache-2.0
"""The store in PostgreSQL, for exchanges whose facts others read too, or are kept elsewhere.

The tables are those of the SQLite store, and a batch of journal records is one row here as well; `entry` shows the
records one by one. One connection writes, and holds the lock that keeps a second exchange out; some others read. A
connection that broke is made again at the next use, so a restart of the database is a delay, not a loss.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

import asyncpg
import msgspec

from switchroom.pbx.events import Entry
from switchroom.pbx.storage.base import (
    CdrQuery,
    RecordingQuery,
    StoredBinding,
    StoredCdr,
    StoredDocument,
    StoredRecording,
    StoreError,
)

T = TypeVar("T")

_VERSION = 1
_LOCK = 0x53776974_6368726D
"""Of pg_advisory_lock: one number for all exchanges, so one database is for one exchange."""
_CONNECT_S = 10.0
_COMMAND_S = 30.0
_READERS = 3
_SCHEMA = """
CREATE TABLE journal (first BIGINT PRIMARY KEY, last BIGINT NOT NULL, at_ns BIGINT NOT NULL, entries JSON NOT NULL);
CREATE INDEX journal_by_time ON journal (at_ns);
CREATE VIEW entry AS SELECT (value ->> 'number')::bigint AS number, (value ->> 'at_ns')::bigint AS at_ns,
    value -> 'record' ->> 'type' AS type, value -> 'record' AS record FROM journal, json_array_elements(entries);
CREATE TABLE binding ("user" TEXT NOT NULL, contact TEXT NOT NULL, data BYTEA NOT NULL, PRIMARY KEY ("user", contact));
CREATE TABLE cdr (call TEXT PRIMARY KEY, started_at_ms BIGINT NOT NULL, caller TEXT NOT NULL, dialled TEXT NOT NULL,
    "user" TEXT NOT NULL, result TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX cdr_by_time ON cdr (started_at_ms);
CREATE TABLE resume (sink TEXT PRIMARY KEY, number BIGINT NOT NULL);
CREATE TABLE document (kind TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (kind, key));
CREATE TABLE recording (recording TEXT PRIMARY KEY, call TEXT NOT NULL, party TEXT NOT NULL, label TEXT NOT NULL,
    state TEXT NOT NULL, started_at_ms BIGINT NOT NULL, data TEXT NOT NULL);
CREATE INDEX recording_by_time ON recording (started_at_ms);
CREATE INDEX recording_by_call ON recording (call);
CREATE TABLE version (number INTEGER NOT NULL);
"""

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_encoder = msgspec.json.Encoder()
_entries = msgspec.json.Decoder(list[Entry])
_recording = msgspec.json.Decoder(StoredRecording)
_FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class PostgresStore:
    """One database; `journal`, `bindings`, `cdrs`, `documents` and `recordings` are its faces."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._settings = {
            "application_name": "switchroom",
            "timezone": "UTC",
            "synchronous_commit": "on",  # what was acknowledged survives a kill of the database as well
        }
        self._writer: asyncpg.Connection[Any] | None = None
        self._writing = asyncio.Lock()
        self._readers: asyncpg.Pool[Any] | None = None
        self._closed = False
        self.journal = PostgresJournal(self)
        self.bindings = PostgresBindings(self)
        self.cdrs = PostgresCdrs(self)
        self.documents = PostgresDocuments(self)
        self.recordings = PostgresRecordings(self)

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, and make the tables where there are none. StoreError when another exchange uses the database, when
        it cannot be reached, or the tables are of another version."""
        store = cls(url)
        try:
            await store._prepare()
            store._readers = await asyncpg.create_pool(
                url, min_size=0, max_size=_READERS, timeout=_CONNECT_S, command_timeout=_COMMAND_S,
                server_settings=store._settings,
            )  # fmt: skip
        except (*_FAULTS, ValueError) as error:
            await store.close()
            raise StoreError(f"cannot open the store in {store}: {_said(error)}") from error
        except StoreError:
            await store.close()
            raise
        return store

    def __str__(self) -> str:
        """The URL without what is secret in it."""
        scheme, _, rest = self._url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"

    async def write(self, work: Callable[["asyncpg.Connection[Any]"], Awaitable[T]]) -> T:
        """Run `work` in one transaction of the writing connection."""
        async with self._writing:
            try:
                db = await self._writable()
                async with db.transaction():
                    return await work(db)
            except _FAULTS as error:
                raise StoreError(f"the store in {self} cannot be written: {_said(error)}") from error

    async def read(self, sql: str, *arguments: object) -> "list[asyncpg.Record]":
        """Rows; what was written before is among them."""
        if self._readers is None:
            raise StoreError(f"the store in {self} is closed")
        try:
            return list(await self._readers.fetch(sql, *arguments))
        except _FAULTS as error:
            raise StoreError(f"the store in {self} cannot be read: {_said(error)}") from error

    async def close(self) -> None:
        """Finish what was asked for and let go of the database. Idempotent."""
        async with self._writing:
            self._closed = True
            writer, self._writer = self._writer, None
        readers, self._readers = self._readers, None
        for closing in (writer, readers):
            if closing is not None:
                try:
                    async with asyncio.timeout(_CONNECT_S):
                        await closing.close()
                except _FAULTS:
                    closing.terminate()

    async def _writable(self) -> "asyncpg.Connection[Any]":
        if self._closed:
            raise StoreError(f"the store in {self} is closed")
        if self._writer is None or self._writer.is_closed():
            self._writer = None
            db = await asyncpg.connect(
                self._url, timeout=_CONNECT_S, command_timeout=_COMMAND_S, server_settings=self._settings
            )
            try:
                await self._lock(db)
            except BaseException:
                db.terminate()
                raise
            self._writer = db
        return self._writer

    async def _lock(self, db: "asyncpg.Connection[Any]") -> None:
        """Keep other exchanges out. The session of a killed one may live for a moment yet."""
        for _ in range(20):
            if await db.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                return
            await asyncio.sleep(0.1)
        raise StoreError(f"another exchange uses {self}")

    async def _prepare(self) -> None:
        db = await self._writable()
        async with db.transaction():
            if await db.fetchval("SELECT to_regclass('version')") is None:
                await db.execute(_SCHEMA)
                await db.execute("INSERT INTO version VALUES ($1)", _VERSION)
            version = await db.fetchval("SELECT max(number) FROM version")
        if version != _VERSION:
            raise StoreError(f"the store in {self} has version {version}; this program knows {_VERSION}")


class PostgresJournal:
    """JournalStore in PostgreSQL."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    async def last(self) -> Entry | None:
        rows = await self._store.read("SELECT entries FROM journal ORDER BY first DESC LIMIT 1")
        return _entries.decode(rows[0][0])[-1] if rows else None

    async def write(self, batches: Sequence[Sequence[Entry]]) -> None:
        rows = [(batch[0].number, batch[-1].number, batch[-1].at_ns, _json(batch)) for batch in batches]
        await self._store.write(
            lambda db: db.executemany(
                "INSERT INTO journal VALUES ($1, $2, $3, $4) ON CONFLICT (first) DO UPDATE SET last = excluded.last,"
                " at_ns = excluded.at_ns, entries = excluded.entries",
                rows,
            )
        )

    async def read(self, after: int, limit: int) -> list[Entry]:
        found: list[Entry] = []
        start = after + 1
        while len(found) < limit:
            rows = await self._store.read(
                "SELECT last, entries FROM journal WHERE first >= "
                "coalesce((SELECT max(first) FROM journal WHERE first <= $1), 0) ORDER BY first LIMIT 8",
                start,
            )
            fresh = [entry for last, text in rows if last >= start for entry in _entries.decode(text)]
            found += [entry for entry in fresh if entry.number >= start]
            if not fresh:
                if len(rows) < 8:
                    break
                start = rows[-1][0] + 1
                continue
            start = fresh[-1].number + 1
        return found[:limit]

    async def before(self, at_ns: int) -> int:
        sql = "SELECT coalesce(max(last), 0) FROM journal WHERE at_ns < $1"
        return int((await self._store.read(sql, at_ns))[0][0])

    async def prune(self, before_ns: int) -> int:
        # The newest batch stays, whatever its age: it carries the number to go on from.
        sql = "DELETE FROM journal WHERE at_ns < $1 AND first < (SELECT max(first) FROM journal)"
        done = await self._store.write(lambda db: db.execute(sql, before_ns))
        return int(done.rpartition(" ")[2])


class PostgresBindings:
    """BindingStore in PostgreSQL."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    async def load(self) -> list[StoredBinding]:
        rows = await self._store.read('SELECT "user", contact, data FROM binding')
        return [StoredBinding(*row) for row in rows]

    async def save(self, kept: Sequence[StoredBinding], removed: Sequence[tuple[str, str]]) -> None:
        async def work(db: "asyncpg.Connection[Any]") -> None:
            await db.executemany('DELETE FROM binding WHERE "user" = $1 AND contact = $2', removed)
            await db.executemany(
                'INSERT INTO binding VALUES ($1, $2, $3) ON CONFLICT ("user", contact) DO UPDATE SET data = $3',
                [(binding.user, binding.contact, binding.data) for binding in kept],
            )

        await self._store.write(work)


class PostgresCdrs:
    """CdrStore in PostgreSQL."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    async def resume(self) -> int:
        return await _resume(self._store, "cdr")

    async def write(self, cdrs: Sequence[StoredCdr], resume: int) -> None:
        rows = [
            (
                _text(one.call), one.started_at_ms, _text(one.caller), _text(one.dialled), _text(one.user), one.result,
                bytes(one.data).decode(),
            )
            for one in cdrs
        ]  # fmt: skip

        async def work(db: "asyncpg.Connection[Any]") -> None:
            if rows:
                await db.executemany(
                    "INSERT INTO cdr VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (call) DO UPDATE SET"
                    ' started_at_ms = $2, caller = $3, dialled = $4, "user" = $5, result = $6, data = $7',
                    rows,
                )
            await _set_resume(db, "cdr", resume)

        await self._store.write(work)

    async def find(self, query: CdrQuery) -> list[bytes]:
        tests = [
            ("call = {}", query.call),
            ("{} IN (caller, dialled)", query.number),
            ('"user" = {}', query.user),
            ("result = {}", query.result),
            ("started_at_ms >= {}", query.since_ms),
            ("started_at_ms < {}", query.until_ms),
        ]
        rows = await _find(self._store, "cdr", "call", tests, query.limit, query.offset)
        return [data.encode() for (data,) in rows]


class PostgresDocuments:
    """DocumentStore in PostgreSQL."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    async def load(self, kind: str) -> list[StoredDocument]:
        rows = await self._store.read('SELECT key, data FROM document WHERE kind = $1 ORDER BY key COLLATE "C"', kind)
        return [StoredDocument(key, data.encode()) for key, data in rows]

    async def save(self, kind: str, kept: Sequence[StoredDocument], removed: Sequence[str]) -> None:
        async def work(db: "asyncpg.Connection[Any]") -> None:
            await db.execute("DELETE FROM document WHERE kind = $1 AND key = ANY($2::text[])", kind, list(removed))
            await db.executemany(
                "INSERT INTO document VALUES ($1, $2, $3) ON CONFLICT (kind, key) DO UPDATE SET data = $3",
                [(kind, document.key, document.data.decode()) for document in kept],
            )

        await self._store.write(work)


class PostgresRecordings:
    """RecordingStore in PostgreSQL."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    async def resume(self) -> int:
        return await _resume(self._store, "recording")

    async def write(self, recordings: Sequence[StoredRecording], resume: int) -> None:
        rows = [
            (
                one.recording, _text(one.call), _text(one.party), _text(one.label), one.state, one.started_at_ms,
                _json(one),
            )
            for one in recordings
        ]  # fmt: skip

        async def work(db: "asyncpg.Connection[Any]") -> None:
            if rows:
                await db.executemany(
                    "INSERT INTO recording VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (recording) DO UPDATE SET"
                    " call = $2, party = $3, label = $4, state = $5, started_at_ms = $6, data = $7",
                    rows,
                )
            await _set_resume(db, "recording", resume)

        await self._store.write(work)

    async def find(self, query: RecordingQuery) -> list[StoredRecording]:
        tests = [
            ("recording = {}", query.recording),
            ("call = {}", query.call),
            ("party = {}", query.party),
            ("label = {}", query.label),
            ("state = {}", query.state),
            ("started_at_ms >= {}", query.since_ms),
            ("started_at_ms < {}", query.until_ms),
        ]
        rows = await _find(self._store, "recording", "recording", tests, query.limit, query.offset)
        return [_recording.decode(data) for (data,) in rows]


async def _find(
    store: PostgresStore, table: str, key: str, tests: Sequence[tuple[str, object]], limit: int, offset: int
) -> "list[asyncpg.Record]":
    """`data` of the rows that pass all tests whose value is not None, newest first."""
    asked = [(test, value) for test, value in tests if value is not None]
    where = " AND ".join(test.format(f"${index}") for index, (test, _) in enumerate(asked, 1)) or "true"
    order = f'ORDER BY started_at_ms DESC, {key} COLLATE "C" LIMIT {int(limit)} OFFSET {int(offset)}'
    return await store.read(f"SELECT data FROM {table} WHERE {where} {order}", *[value for _, value in asked])


async def _resume(store: PostgresStore, sink: str) -> int:
    rows = await store.read("SELECT coalesce(max(number), 0) FROM resume WHERE sink = $1", sink)
    return int(rows[0][0])


async def _set_resume(db: "asyncpg.Connection[Any]", sink: str, number: int) -> None:
    await db.execute("INSERT INTO resume VALUES ($1, $2) ON CONFLICT (sink) DO UPDATE SET number = $2", sink, number)


def _text(value: str) -> str:
    """PostgreSQL has no text with NUL in it."""
    return value.replace("\0", "\ufffd")


def _json(value: object) -> str:
    """Nor can it take one out of JSON; the replacement character stands for it there too."""
    text = _encoder.encode(value).decode()
    return _NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
