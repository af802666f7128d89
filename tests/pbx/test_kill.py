# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random moments: the journal loses at most its last batch, and no CDR is lost or doubled.

A few moments each with SQLite and PostgreSQL; `SWITCHROOM_KILLS=200` asks for more.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from switchroom.pbx.cdr import CUT_OFF, Cdr
from switchroom.pbx.cdr_sink import CdrSink
from switchroom.pbx.events import AnyRecord, CallEnded, CallStarted, Entry, ServerStarted, ServerStopped
from switchroom.pbx.journal import Gap, Journal
from switchroom.pbx.storage.base import CdrQuery, Store
from switchroom.pbx.storage.opening import open_store
from tests.postgres import Cluster

BATCH_MS = 250
GRACE_MS = 750
"""For a busy machine: a batch is closed on time, but its write may have to wait for the processor."""
OPEN_CALLS = 5
RUNS = int(os.environ.get("SWITCHROOM_KILLS", "4"))


def began(call: str) -> CallStarted:
    return CallStarted(call=call, caller="1001", dialled="1002")


def ended(call: str) -> CallEnded:
    return CallEnded(call=call, result="answered", status=200, reason="OK", ended_by="caller")


async def _open(place: str) -> Store:
    return await open_store(place if place.startswith("postgresql:") else "", Path(place), "normal")


async def _write_for_ever(place: str, run: str) -> None:
    """The victim: overlapping calls; a line on stdout for every record that it was given a number for, and for every
    number up to which it was told that no crash can take the records (`durable`)."""
    store = await _open(place)
    journal = await Journal.open(
        store.journal, time.time_ns, first=ServerStarted(version=run), batch_ms=BATCH_MS, max_pending=10_000
    )
    sink = asyncio.create_task(CdrSink(journal, store.cdrs).run())

    def write(record: AnyRecord) -> None:
        number = journal.append(record)
        os.write(1, f"{number} {time.monotonic_ns() // 1_000_000}\n".encode())

    durable = 0
    for index in range(1_000_000):
        if journal.durable > durable:
            durable = journal.durable
            os.write(1, f"durable {durable}\n".encode())
        write(began(f"{run}-{index}"))
        if index >= OPEN_CALLS:
            write(ended(f"{run}-{index - OPEN_CALLS}"))
        await asyncio.sleep(0.002)
    await sink


def _kill_after(place: str, run: int, after_s: float) -> tuple[list[tuple[int, int]], int, int]:
    """What the victim told, up to where it said that all was kept, and when it was killed (monotonic milliseconds)."""
    command = [sys.executable, "-m", "tests.pbx.test_kill", place, f"run{run}"]
    victim = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    told = [victim.stdout.readline()]  # it is running: now the clock starts
    time_up = time.monotonic() + after_s
    while time.monotonic() < time_up:
        told.append(victim.stdout.readline())
    killed_ms = time.monotonic_ns() // 1_000_000
    victim.send_signal(signal.SIGKILL)
    told += victim.stdout.readlines()
    victim.wait()
    victim.stdout.close()
    pairs = [line.split() for line in told if line.endswith("\n")]
    acknowledged = max((int(number) for word, number in pairs if word == "durable"), default=0)
    return [(int(word), int(at_ms)) for word, at_ms in pairs if word != "durable"], acknowledged, killed_ms


async def _read_all(place: str) -> tuple[list[Entry], list[Cdr]]:
    """Start once more, so that what the last kill cut gets its CDR, and read everything."""
    store = await _open(place)
    journal = await Journal.open(store.journal, time.time_ns, max_pending=10_000)
    sink = asyncio.create_task(CdrSink(journal, store.cdrs).run())
    journal.append(ServerStarted(version="last"))
    journal.append(ServerStopped(reason="test"))
    await journal.flush()
    entries: list[Entry] = []
    reader = journal.subscribe(0)
    while not entries or entries[-1].number < journal.last:
        found = await reader.next()
        entries += [] if found is None or isinstance(found, Gap) else found
    await journal.close()
    await sink
    rows = await store.cdrs.find(CdrQuery(limit=1_000_000))
    await store.close()
    return entries, [msgspec.json.decode(row, type=Cdr) for row in rows]


@pytest.mark.slow
@pytest.mark.timeout(60 + 5 * RUNS)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_at_random_moments(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    place = str(tmp_path)
    if kind == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        place = asyncio.run(cluster.database())
    moments = random.Random(20)
    told: list[int] = []
    for run in range(RUNS):
        lines, acknowledged, killed_ms = _kill_after(place, run, moments.uniform(0.05, 1.2))
        told += [number for number, _ in lines]
        if not lines:
            continue
        kept = {entry.number for entry in asyncio.run(_kept(place, lines[0][0] - 1))}
        assert {number for number, _ in lines if number <= acknowledged} <= kept
        lost_ms = [killed_ms - at_ms for number, at_ms in lines if number not in kept]
        assert max(lost_ms, default=0) <= BATCH_MS + GRACE_MS
    assert len(set(told)) == len(told), "a number was given twice"

    entries, cdrs = asyncio.run(_read_all(place))
    numbers = [entry.number for entry in entries]
    assert numbers == sorted(set(numbers))
    begun = [entry.record.call for entry in entries if isinstance(entry.record, CallStarted)]
    finished = {entry.record.call for entry in entries if isinstance(entry.record, CallEnded)}
    assert sorted(cdr.call for cdr in cdrs) == sorted(begun)
    assert {cdr.call for cdr in cdrs if cdr.result == "answered"} == finished
    cut = [cdr for cdr in cdrs if cdr.call not in finished]
    assert len(cut) >= RUNS // 2
    assert {(cdr.result, cdr.reason) for cdr in cut} == {("failed", CUT_OFF)}


async def _kept(place: str, after: int) -> list[Entry]:
    store = await _open(place)
    entries = await store.journal.read(after, 1_000_000)
    await store.close()
    return entries


if __name__ == "__main__":
    asyncio.run(_write_for_ever(sys.argv[1], sys.argv[2]))
