# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of the PostgreSQL server under an exchange that takes calls over real SIP, at random moments.

    python -m benchmarks.kill_database [--kills 200] [--callers 4] [--seed 1]

The exchange goes on taking calls while the database is away, and catches up when it is back. A record is acknowledged
once the exchange counts it as durable (`switchroom_journal_records_total` less `switchroom_journal_pending`): none of
those may be missing after the recovery. At the end each record is there once, and there is one CDR for each call.
Prints a line for each kill and a summary, and ends with 1 if anything was wrong.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from benchmarks.sip_ends import Ends, Refused
from tests.postgres import Cluster

HOST, SIP, RPC = "127.0.0.44", 5070, 8070
CALLER, CALLED = ("127.0.0.45", 5080), ("127.0.0.46", 5090)
CONFIG = """
[server]
data_dir = "{folder}"
log_level = "error"
[storage]
url = "{url}"
[sip]
listen = ["udp:127.0.0.44:5070"]
[media]
address = "127.0.0.44"
[rpc]
listen = "127.0.0.44:8070"
tokens = [{{ name = "kill", token = "database" }}]
[[peer]]
name = "caller"
addresses = ["127.0.0.45"]
[dial_plan]
default = [{{ number = "2.", to = "echo" }}]
"""
START_S = 60.0
CATCH_UP_S = 60.0
LONGEST_AWAY_S = 0.4
"""So long at most is the database left dead, before its start and recovery."""


@dataclass
class Found:
    """What was counted, and what was wrong."""

    kills: int = 0
    calls: int = 0
    calls_while_away: int = 0
    failed_calls: int = 0
    records: int = 0
    cdrs: int = 0
    write_errors: int = 0
    most_pending: int = 0
    wrong: list[str] = field(default_factory=list)


class Figures:
    """The exchange's own counts, as Prometheus would read them."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def read(self) -> dict[str, int]:
        async with self._http.get(f"http://{HOST}:{RPC}/metrics") as response:
            lines = re.findall(r"^switchroom_(\w+) ([\d.e+]+)$", await response.text(), re.MULTILINE)
        return {name.removesuffix("_total"): int(float(value)) for name, value in lines}

    async def durable(self) -> int:
        found = await self.read()
        return found["journal_records"] - found["journal_pending"]

    async def ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(aiohttp.ClientError):
                await self.read()
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the server does not start")


class Callers:
    """Some callers who call again and again; `away` says whether the database is dead."""

    def __init__(self, found: Found, seed: int) -> None:
        self._found, self._random, self._number = found, random.Random(seed), 0
        self.away = self.done = False

    async def run(self, ends: Ends) -> None:
        while not self.done:
            self._number += 1
            number = self._number
            self._found.calls += 1
            self._found.calls_while_away += self.away
            try:
                call = await ends.call(number)
                await asyncio.sleep(self._random.uniform(0.0, 0.2))
                await ends.hang_up(call)
            except (Refused, TimeoutError):
                self._found.failed_calls += 1
            await asyncio.sleep(self._random.uniform(0.0, 0.1))


async def run(folder: Path, cluster: Cluster, kills: int, callers: int, seed: int) -> Found:
    """Kill so often, restart each time, let the exchange catch up, and count."""
    url, found = await cluster.database(), Found()
    process = _serve(folder, url)
    ends = Ends((HOST, SIP), CALLER, CALLED)
    try:
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer database"}) as http:
            figures = Figures(http)
            await figures.ready(process)
            await ends.open()
            calling = Callers(found, seed)
            tasks = [asyncio.create_task(calling.run(ends)) for _ in range(callers)]
            await _kill(cluster, url, figures, calling, found, kills, random.Random(seed))
            calling.done = True
            await asyncio.gather(*tasks)
            await _catch_up(url, figures, found)
        await _count(url, found)
    finally:
        ends.close()
        process.kill()
        process.wait()
    return found


def _serve(folder: Path, url: str) -> "subprocess.Popen[bytes]":
    file = folder / "kill.toml"
    file.write_text(CONFIG.format(folder=folder, url=url))
    return subprocess.Popen([sys.executable, "-m", "switchroom", "serve", "-c", str(file)])


async def _kill(
    cluster: Cluster, url: str, figures: Figures, calling: Callers, found: Found, kills: int, moments: random.Random
) -> None:
    for kill in range(1, kills + 1):
        await asyncio.sleep(moments.uniform(0.0, 0.6))
        acknowledged = await figures.durable()
        calling.away = True
        await asyncio.to_thread(cluster.kill)
        await asyncio.sleep(moments.uniform(0.0, LONGEST_AWAY_S))
        found.most_pending = max(found.most_pending, (await figures.read())["journal_pending"])
        await asyncio.to_thread(cluster.start)
        calling.away = False
        kept = await _value(url, "SELECT coalesce(max(last), 0) FROM journal")
        if kept < acknowledged:
            found.wrong.append(f"kill {kill}: {acknowledged} was acknowledged, {kept} was kept")
        found.kills = kill
        print(json.dumps({"kill": kill, "acknowledged": acknowledged, "kept": kept, "calls": found.calls}), flush=True)
        await _until(figures, acknowledged)


async def _until(figures: Figures, number: int) -> None:
    """Wait until something newer was kept: the exchange is connected again, and the next kill hits it at work."""
    deadline = time.monotonic() + CATCH_UP_S
    while time.monotonic() < deadline:
        if await figures.durable() > number:
            return
        await asyncio.sleep(0.02)


async def _catch_up(url: str, figures: Figures, found: Found) -> None:
    deadline = time.monotonic() + CATCH_UP_S
    while time.monotonic() < deadline:
        now = await figures.read()
        found.write_errors = now["journal_write_errors"]
        if not now["journal_pending"] and await _value(url, "SELECT count(*) FROM cdr") >= found.calls:
            if now["journal_lost"]:
                found.wrong.append(f"{now['journal_lost']} records were dropped")
            return
        await asyncio.sleep(0.1)
    found.wrong.append(f"not caught up after {CATCH_UP_S:.0f} s")


async def _count(url: str, found: Found) -> None:
    """The exchange lived through all of it: every number is there, once."""
    found.records = await _value(url, "SELECT count(*) FROM entry")
    found.cdrs = await _value(url, "SELECT count(*) FROM cdr")
    numbers = await _value(url, "SELECT count(DISTINCT number) FROM entry")
    newest = await _value(url, "SELECT max(number) FROM entry")
    begun = await _value(url, "SELECT count(*) FROM entry WHERE type = 'call.started'")
    ended = await _value(url, "SELECT count(*) FROM entry WHERE type = 'call.ended'")
    if not found.records == numbers == newest:
        found.wrong.append(f"{found.records} records with {numbers} numbers up to {newest}")
    if not found.calls == found.cdrs == begun == ended:
        found.wrong.append(f"{found.calls} calls: {begun} began, {ended} ended, {found.cdrs} CDRs")
    if found.failed_calls:
        found.wrong.append(f"{found.failed_calls} calls failed")


async def _value(url: str, sql: str) -> int:
    db: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        return int(await db.fetchval(sql))
    finally:
        await db.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--callers", type=int, default=4, help="who call at the same time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(prefix="sw-pg-") as data:
        cluster = Cluster(Path(data))
        try:
            found = asyncio.run(run(Path(folder), cluster, options.kills, options.callers, options.seed))
        finally:
            cluster.stop("immediate")
    print(json.dumps(asdict(found)))
    return bool(found.wrong)


if __name__ == "__main__":
    sys.exit(main())
