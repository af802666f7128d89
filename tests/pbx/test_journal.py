# SPDX-License-Identifier: Apache-2.0
"""The journal: numbers, batches, readers who come early, late or again, a disk that fails, and what a crash leaves."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchroom.pbx.events import Entry, RecordsLost, ServerStarted, ServerStopped
from switchroom.pbx.journal import Gap, Journal, Subscription, UnknownNumber
from switchroom.pbx.storage.base import StoreError
from switchroom.pbx.storage.memory import MemoryJournal


class Disk(MemoryJournal):
    """A store that counts its writes, and can be slow or full."""

    def __init__(self) -> None:
        super().__init__(1_000_000)
        self.writes: list[list[int]] = []
        self.full = False
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def write(self, batches: Sequence[Sequence[Entry]]) -> None:
        await self.may_write.wait()
        if self.full:
            raise StoreError("disk full")
        self.writes.append([len(batch) for batch in batches])
        await super().write(batches)


def fact(number: int) -> ServerStarted:
    return ServerStarted(version=str(number))


async def opened(store: MemoryJournal, **options: object) -> Journal:
    ticks = iter(range(10**9))
    return await Journal.open(store, lambda: next(ticks), **options)


async def take(subscription: Subscription, until: int) -> list[Entry | Gap]:
    taken: list[Entry | Gap] = []
    async for item in subscription:
        taken.append(item)
        if isinstance(item, Entry) and item.number >= until:
            break
    return taken


def numbers(items: list[Entry | Gap]) -> list[int | tuple[int, int]]:
    return [item.number if isinstance(item, Entry) else (item.first, item.last) for item in items]


async def test_records_are_numbered_from_one_and_written_in_batches() -> None:
    disk = Disk()
    journal = await opened(disk, batch_records=1000, batch_ms=10_000)
    assert [journal.append(fact(number)) for number in range(1, 2501)] == list(range(1, 2501))
    await asyncio.sleep(0.01)
    assert [size for write in disk.writes for size in write] == [1000, 1000]
    assert (journal.last, journal.durable) == (2500, 2000)
    await journal.close()
    assert [entry.number for entry in await disk.read(0, 10_000)] == list(range(1, 2501))


async def test_a_small_batch_goes_after_its_time() -> None:
    disk = Disk()
    journal = await opened(disk, batch_ms=20)
    journal.append(fact(1))
    assert journal.durable == 0
    async with asyncio.timeout(2):
        await journal.wait()
    assert (journal.durable, disk.writes) == (1, [[1]])
    await journal.close()


async def test_numbering_goes_on_after_a_clean_stop() -> None:
    disk = Disk()
    first = await opened(disk)
    first.append(fact(1))
    first.append(ServerStopped(reason="test"))
    await first.close()
    second = await opened(disk)
    assert second.append(fact(3)) == 3
    assert numbers(await take(second.subscribe(0), 3)) == [1, 2, 3]
    await second.close()


async def test_after_a_crash_no_number_is_given_a_second_time() -> None:
    disk = Disk()
    first = await opened(disk, batch_records=10, max_pending=1000)
    for number in range(1, 11):
        first.append(fact(number))
    await first.flush()
    told = [first.append(fact(number)) for number in (11, 12)]  # live readers got these; the crash takes them
    second = await opened(disk, max_pending=1000)
    number = second.append(fact(13))
    assert number > max(told)
    assert numbers(await take(second.subscribe(8), number)) == [9, 10, (11, number - 1), number]
    assert numbers(await take(second.subscribe(12), number)) == [(13, number - 1), number]
    await second.close()
    await first.close()


async def test_the_gap_of_a_crash_is_told_before_anything_new_happens() -> None:
    disk = Disk()
    await disk.write([[Entry(1, 1, fact(1))]])
    journal = await opened(disk, max_pending=1000)
    assert await journal.subscribe(1).next() == Gap(2, 1001)
    await journal.close()


async def test_a_pruned_beginning_is_a_gap() -> None:
    disk = Disk()
    await disk.write([[Entry(5, 5, fact(5)), Entry(6, 6, ServerStopped(reason="test"))]])
    journal = await opened(disk)
    assert numbers(await take(journal.subscribe(0), 6)) == [(1, 4), 5, 6]
    await journal.close()


async def test_a_number_that_never_was_is_refused() -> None:
    journal = await opened(Disk())
    with pytest.raises(UnknownNumber, match="newest number is 0"):
        journal.subscribe(1)
    await journal.close()


async def test_a_live_reader_gets_a_record_at_once_a_follower_when_it_is_durable() -> None:
    disk = Disk()
    disk.may_write.clear()
    journal = await opened(disk, batch_records=1)
    live = asyncio.create_task(journal.subscribe(0).next())
    follower = asyncio.create_task(journal.follow(0).next())
    await asyncio.sleep(0)
    journal.append(fact(1))
    await asyncio.sleep(0.01)
    assert live.done()
    assert not follower.done()
    disk.may_write.set()
    entries = await follower
    assert isinstance(entries, Sequence)
    assert [entry.number for entry in entries] == [1]
    await journal.close()


async def test_a_reader_far_behind_loses_nothing() -> None:
    journal = await opened(Disk(), batch_records=10)
    slow = journal.subscribe(0)
    for number in range(1, 1001):
        journal.append(fact(number))
        if number % 10 == 0:
            await asyncio.sleep(0)
    assert numbers(await take(slow, 1000)) == list(range(1, 1001))
    await journal.close()


async def test_readers_end_with_the_journal() -> None:
    journal = await opened(Disk())
    journal.append(fact(1))
    reader = asyncio.create_task(take(journal.subscribe(0), 10**9))
    follower = asyncio.create_task(take(journal.follow(0), 10**9))
    await asyncio.sleep(0)
    await journal.close()
    assert numbers(await reader) == numbers(await follower) == [1]


async def test_a_full_disk_is_tried_again_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchroom.pbx.journal._RETRY_S", 0.001)
    disk, errors, thrice = Disk(), list[str](), asyncio.Event()

    def on_error(reason: str) -> None:
        errors.append(reason)
        if len(errors) == 3:
            thrice.set()

    disk.full = True
    journal = await opened(disk, batch_records=1, on_error=on_error)
    journal.append(fact(1))
    await thrice.wait()
    disk.full = False
    await journal.flush()
    assert errors[0] == "disk full"
    assert journal.stats.write_errors == len(errors)
    assert [entry.number for entry in await disk.read(0, 10)] == [1]
    await journal.close()


async def test_what_waits_for_a_slow_disk_is_bounded_and_the_loss_recorded() -> None:
    disk = Disk()
    disk.may_write.clear()
    journal = await opened(disk, batch_records=100, max_pending=1000)
    for number in range(1, 1501):
        journal.append(fact(number))
    assert (journal.last, journal.stats.lost) == (1000, 500)
    disk.may_write.set()
    await journal.flush()
    assert journal.append(fact(1501)) == 1002
    await journal.close()
    kept = await disk.read(0, 10_000)
    assert [entry.number for entry in kept] == list(range(1, 1003))
    assert kept[1000].record == RecordsLost(lost=500)


async def test_after_close_records_are_counted_as_lost() -> None:
    journal = await opened(Disk())
    await journal.close()
    await journal.close()
    assert journal.append(fact(1)) == 0
    assert journal.stats.lost == 1


async def test_closing_does_not_wait_for_ever() -> None:
    disk, errors = Disk(), list[str]()
    disk.may_write.clear()
    journal = await opened(disk, on_error=errors.append)
    journal.append(fact(1))
    await journal.close(timeout_s=0.01)
    assert errors == ["1 records could not be written before closing"]


async def test_old_records_are_pruned() -> None:
    disk = Disk()
    day_ns = 86_400 * 10**9
    now_ns = [0]
    journal = await Journal.open(disk, lambda: now_ns[0], keep_days=2, batch_records=1)
    await disk.write([[Entry(-1, 0, fact(0))]])
    now_ns[0] = 3 * day_ns
    journal.append(fact(1))
    await journal.flush()
    await asyncio.sleep(0)
    await journal.close()
    assert [entry.at_ns for entry in await disk.read(-5, 10)] == [3 * day_ns]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["append", "yield", "subscribe"]), st.integers(1, 40)), max_size=40))
def test_history_and_live_meet_without_loss_or_doubling(steps: list[tuple[str, int]]) -> None:
    async def story() -> None:
        journal = await opened(Disk(), batch_records=7)
        readers: list[tuple[int, asyncio.Task[list[Entry | Gap]]]] = []
        for step, size in steps:
            if step == "append":
                for _ in range(size):
                    journal.append(fact(0))
            elif step == "yield":
                for _ in range(size % 5):
                    await asyncio.sleep(0)
            else:
                after = size % (journal.last + 1)
                face = journal.subscribe if size % 2 else journal.follow
                readers.append((after, asyncio.create_task(take(face(after), 10**9))))
        await asyncio.sleep(0)
        await journal.close()
        for after, reader in readers:
            assert numbers(await reader) == list(range(after + 1, journal.last + 1))

    asyncio.run(story())


async def _hot_loop(journal: Journal, count: int) -> None:
    record = fact(1)
    for _ in range(count):
        journal.append(record)


def test_appending_is_quick(benchmark) -> None:  # type: ignore[no-untyped-def]
    async def run() -> None:
        journal = await opened(Disk())
        await _hot_loop(journal, 10_000)
        await journal.close()

    benchmark(lambda: asyncio.run(run()))


async def test_no_number_is_given_twice_by_runs_that_die_before_their_first_batch() -> None:
    disk, told = Disk(), []
    for _ in range(3):
        journal = await opened(disk, first=fact(0), batch_ms=60_000, max_pending=50)
        told += [journal.last, journal.append(fact(1)), journal.append(fact(2))]
        assert journal._writer is not None
        journal._writer.cancel()  # as a kill does: what is in the batch is gone
        await asyncio.gather(journal._writer, return_exceptions=True)
    assert len(set(told)) == 9, told


async def test_a_reader_outlives_a_store_that_cannot_be_read_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchroom.pbx.journal._RETRY_S", 0.001)
    disk, troubles = Disk(), list[str]()
    journal = await opened(disk, batch_records=1, on_error=troubles.append)
    for number in range(1, 41):  # more batches than stay in memory
        journal.append(fact(number))
        await journal.flush()
    away = iter((True, True))
    read = disk.read

    async def reading(after: int, limit: int) -> list[Entry]:
        if next(away, False):
            raise StoreError("the database is away")
        return await read(after, limit)

    monkeypatch.setattr(disk, "read", reading)
    assert numbers(await take(journal.follow(0), 40)) == list(range(1, 41))
    assert troubles == ["the database is away"] * 2
    await journal.close()
