# SPDX-License-Identifier: Apache-2.0
"""All stores keep the same promises; those of SQLite and PostgreSQL keep them over a restart."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from switchroom.pbx.events import Entry, ServerStarted
from switchroom.pbx.storage.base import CdrQuery, Store, StoredBinding, StoredCdr, StoreError
from switchroom.pbx.storage.memory import MemoryStore
from switchroom.pbx.storage.opening import open_store
from switchroom.pbx.storage.sqlite import SqliteStore
from tests.postgres import Cluster


@pytest.fixture(params=["sqlite", "postgres", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        opened = await open_store(await cluster.database(), tmp_path, "normal")
    else:
        opened = MemoryStore() if request.param == "memory" else await open_store("", tmp_path / "data", "normal")
    yield opened
    await opened.close()


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(number, number * 1000, ServerStarted(version=str(number))) for number in range(first, last + 1)]


def cdr(call: str, started_at_ms: int, **fields: str) -> StoredCdr:
    found = {"caller": "1001", "dialled": "1002", "user": "1001", "result": "answered"} | fields
    return StoredCdr(call=call, started_at_ms=started_at_ms, data=msgspec.Raw(f'{{"call":"{call}"}}'.encode()), **found)


async def calls(store: Store, query: CdrQuery) -> list[str]:
    return [msgspec.json.decode(data)["call"] for data in await store.cdrs.find(query)]


async def test_the_journal_reads_back_from_any_number(store: Store) -> None:
    assert await store.journal.last() is None
    assert await store.journal.read(0, 10) == []
    await store.journal.write([entries(1, 3), entries(4, 9)])
    await store.journal.write([entries(100, 101)])
    everything = entries(1, 9) + entries(100, 101)
    for after in range(103):
        expected = [entry for entry in everything if entry.number > after]
        assert await store.journal.read(after, 1000) == expected
        assert await store.journal.read(after, 2) == expected[:2]
    assert await store.journal.last() == everything[-1]


async def test_a_batch_written_again_is_there_once(store: Store) -> None:
    for _ in range(2):
        await store.journal.write([entries(1, 5)])
    assert await store.journal.read(0, 100) == entries(1, 5)


async def test_pruning_keeps_the_newest(store: Store) -> None:
    await store.journal.write([entries(1, 3), entries(4, 6)])
    assert await store.journal.prune(before_ns=3500) > 0
    assert [entry.number for entry in await store.journal.read(0, 100)] == [4, 5, 6]
    await store.journal.prune(before_ns=10**18)
    assert await store.journal.last() == entries(6, 6)[0]


async def test_the_journal_is_found_by_time(store: Store) -> None:
    assert await store.journal.before(10**18) == 0
    await store.journal.write([entries(1, 3), entries(4, 6)])
    assert await store.journal.before(1) == 0
    assert 3 <= await store.journal.before(5000) <= 4
    assert await store.journal.before(10**18) == 6


async def test_bindings_are_replaced_and_removed(store: Store) -> None:
    first = StoredBinding("1001", "sip:a", b"1")
    other = StoredBinding("1002", "sip:b", b"2")
    await store.bindings.save([first, other], [])
    changed = StoredBinding("1001", "sip:a", b"3")
    await store.bindings.save([changed], [("1002", "sip:b"), ("1003", "sip:none")])
    assert await store.bindings.load() == [changed]


async def test_cdrs_are_found_by_each_field(store: Store) -> None:
    assert await store.cdrs.resume() == 0
    await store.cdrs.write([cdr("a", 1), cdr("b", 2, result="busy"), cdr("c", 3, caller="2001", user="")], resume=7)
    await store.cdrs.write([cdr("a", 1)], resume=9)
    assert await store.cdrs.resume() == 9
    assert await calls(store, CdrQuery()) == ["c", "b", "a"]
    assert await calls(store, CdrQuery(limit=1, offset=1)) == ["b"]
    assert await calls(store, CdrQuery(call="a")) == ["a"]
    assert await calls(store, CdrQuery(number="2001")) == ["c"]
    assert await calls(store, CdrQuery(number="1002")) == ["c", "b", "a"]
    assert await calls(store, CdrQuery(user="1001", result="busy")) == ["b"]
    assert await calls(store, CdrQuery(since_ms=2, until_ms=3)) == ["b"]


async def test_sqlite_keeps_all_over_a_restart(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path, sync="full")
    await store.journal.write([entries(1, 5)])
    await store.bindings.save([StoredBinding("1001", "sip:a", b"\x00\xff")], [])
    await store.cdrs.write([cdr("a", 1)], resume=5)
    await store.close()
    await store.close()
    again = await SqliteStore.open(tmp_path)
    assert await again.journal.read(0, 10) == entries(1, 5)
    assert await again.bindings.load() == [StoredBinding("1001", "sip:a", b"\x00\xff")]
    assert (await calls(again, CdrQuery()), await again.cdrs.resume()) == (["a"], 5)
    await again.close()


async def test_the_view_shows_record_by_record(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    await store.journal.write([entries(1, 2)])
    await store.close()
    with sqlite3.connect(tmp_path / "switchroom.db") as db:
        rows = db.execute("SELECT number, at_ns, type, record ->> 'version' FROM entry ORDER BY number").fetchall()
    db.close()
    assert rows == [(1, 1000, "server.started", "1"), (2, 2000, "server.started", "2")]


async def test_two_exchanges_cannot_use_one_folder(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    with pytest.raises(StoreError, match="another exchange uses"):
        await SqliteStore.open(tmp_path)
    await store.close()


async def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "switchroom.db").write_bytes(b"this is no database, though it is long enough to look at" * 40)
    with pytest.raises(StoreError, match="cannot open"):
        await SqliteStore.open(tmp_path)
    (tmp_path / "newer").mkdir()
    with sqlite3.connect(tmp_path / "newer" / "switchroom.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="version 99"):
        await SqliteStore.open(tmp_path / "newer")


async def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)

    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO binding VALUES ('1001', 'sip:a', x'00')")
        db.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreError, match="cannot be written: no such table"):
        await store.write(half)
    assert await store.bindings.load() == []
    await store.close()
