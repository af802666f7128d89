# SPDX-License-Identifier: Apache-2.0
"""What is PostgreSQL's own: one exchange to a database, a database that goes and comes, text that it cannot hold."""

import asyncio
import time

import asyncpg
import msgspec
import pytest

from switchroom.pbx.events import CallStarted, Entry
from switchroom.pbx.journal import Journal
from switchroom.pbx.storage.base import CdrQuery, StoredBinding, StoredDocument, StoreError
from switchroom.pbx.storage.postgres import PostgresStore
from tests.pbx.storage.test_store import cdr, entries
from tests.postgres import Cluster


async def test_all_is_kept_over_a_restart_of_the_exchange(postgres: Cluster) -> None:
    url = await postgres.database()
    store = await PostgresStore.open(url)
    await store.journal.write([entries(1, 5)])
    await store.bindings.save([StoredBinding("1001", "sip:a", b"\x00\xff")], [])
    await store.documents.save("x", [StoredDocument("1", b'{"a":1}')], [])
    await store.cdrs.write([cdr("a", 1, caller="\x00bad")], resume=5)
    await store.close()
    await store.close()
    again = await PostgresStore.open(url)
    assert await again.journal.read(0, 10) == entries(1, 5)
    assert await again.bindings.load() == [StoredBinding("1001", "sip:a", b"\x00\xff")]
    assert [document.key for document in await again.documents.load("x")] == ["1"]
    assert len(await again.cdrs.find(CdrQuery(number="\ufffdbad"))) == 1
    assert await again.cdrs.resume() == 5
    await again.close()


async def test_two_exchanges_cannot_use_one_database(postgres: Cluster) -> None:
    url = await postgres.database()
    store = await PostgresStore.open(url)
    with pytest.raises(StoreError, match="another exchange uses"):
        await PostgresStore.open(url)
    await store.close()


async def test_what_cannot_be_reached_is_told_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"cannot open the store in postgresql://127\.0\.0\.1:1/x: ") as told:
        await PostgresStore.open("postgresql://ada:secret@127.0.0.1:1/x")
    assert "secret" not in str(told.value)


async def test_tables_of_another_version_are_refused(postgres: Cluster) -> None:
    url = await postgres.database()
    await (await PostgresStore.open(url)).close()
    db = await asyncpg.connect(url)
    await db.execute("UPDATE version SET number = 99")
    await db.close()
    with pytest.raises(StoreError, match="version 99"):
        await PostgresStore.open(url)


async def test_the_view_shows_record_by_record(postgres: Cluster) -> None:
    url = await postgres.database()
    store = await PostgresStore.open(url)
    odd = CallStarted(call="\0\\\0\\u0000", caller="5", dialled="\U0001f600")
    await store.journal.write([[*entries(1, 2), Entry(3, 3000, odd)]])
    assert (await store.journal.read(2, 5))[0].record == CallStarted(
        call="\ufffd\\\ufffd\\u0000", caller="5", dialled=odd.dialled
    )
    db = await asyncpg.connect(url)
    rows = await db.fetch("SELECT number, at_ns, type FROM entry ORDER BY number")
    await db.close()
    await store.close()
    assert [tuple(row) for row in rows][::2] == [(1, 1000, "server.started"), (3, 3000, "call.started")]


async def test_a_failed_write_leaves_nothing(postgres: Cluster) -> None:
    store = await PostgresStore.open(await postgres.database())

    async def half(db: "asyncpg.Connection[asyncpg.Record]") -> None:
        await db.execute("INSERT INTO binding VALUES ('1001', 'sip:a', '')")
        await db.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreError, match="cannot be written"):
        await store.write(half)
    assert await store.bindings.load() == []
    await store.close()


async def test_a_database_that_is_killed_is_a_delay(postgres: Cluster) -> None:
    """Records wait while it is away, and come in whole, once, when it is back."""
    store = await PostgresStore.open(await postgres.database())
    troubles: list[str] = []
    journal = await Journal.open(store.journal, time.time_ns, batch_ms=5, on_error=troubles.append)
    for index in range(200):
        journal.append(CallStarted(call=str(index), caller="5", dialled="6"))
        if index == 50:
            await journal.flush()
            kept = journal.durable
            postgres.kill()
        await asyncio.sleep(0.001)
    assert journal.durable < 200
    postgres.start()
    async with asyncio.timeout(20):
        await journal.flush()
    read = await store.journal.read(0, 1000)
    assert [entry.number for entry in read] == list(range(1, 201))
    assert kept >= 51
    assert troubles
    await journal.close()
    await store.close()


async def test_bytes_of_a_cdr_come_back_as_they_were(postgres: Cluster) -> None:
    store = await PostgresStore.open(await postgres.database())
    await store.cdrs.write([cdr("a", 1)], resume=1)
    assert msgspec.json.decode((await store.cdrs.find(CdrQuery(call="a")))[0]) == {"call": "a"}
    await store.close()
