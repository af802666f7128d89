# SPDX-License-Identifier: Apache-2.0
"""Ten thousand calls through one exchange over real sockets: a CDR for each, and nothing is left of any of them."""

import asyncio
import gc
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from benchmarks.sip_ends import Ends, Refused
from switchroom.pbx.config import Config, load
from switchroom.pbx.server import Server
from switchroom.pbx.storage.base import CdrQuery

CALLS, AT_ONCE = 10_000, 20
T1_MS = 50
EXCHANGE, CALLER, CALLED = ("127.0.0.21", 5070), ("127.0.0.22", 5080), ("127.0.0.23", 5090)


def rig_config(folder: Path) -> Config:
    config = load(Path(__file__).parents[2] / "benchmarks" / "perf.toml")
    replace = msgspec.structs.replace
    return replace(
        config,
        server=replace(config.server, data_dir=str(folder)),
        sip=replace(config.sip, t1_ms=T1_MS),
        media=replace(config.media, max_sessions=500),
        rpc=replace(config.rpc, enabled=False),
    )


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(server: Server) -> int:
    """Open files, but for the two sockets of each leg that the media plane has open (ahead, for nobody)."""
    return len(os.listdir("/proc/self/fd")) - 2 * server.media.stats()[0].open_legs


async def make_calls(ends: Ends, first: int, count: int) -> None:
    """So many calls, AT_ONCE at a time."""
    numbers = iter(range(first, first + count))

    async def line() -> None:
        for number in numbers:
            while True:
                with suppress(Refused):  # a machine that stands still for a moment is an overload
                    await ends.hang_up(await ends.call(number))
                    break
                await asyncio.sleep(0.2)

    await asyncio.gather(*[line() for _ in range(AT_ONCE)])


async def until(condition: Callable[[], bool], seconds: float) -> None:
    for _ in range(int(seconds * 20)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


async def settled(server: Server) -> None:
    """Wait until no transaction waits for repetitions any more, 64*T1 after the last call, and the media plane too."""
    agent, timers, [plane] = server.stack.agent, server.stack.timers, server.media._planes
    await until(lambda: not len(agent.transactions) and not len(timers), 64 * T1_MS / 1000 + 20)
    await until(lambda: plane.stats().open_legs <= plane.spare, 5)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_ten_thousand_calls_leave_ten_thousand_cdrs_and_nothing_else(tmp_path: Path) -> None:
    server = Server(rig_config(tmp_path))
    await server.start()
    ends = Ends(EXCHANGE, CALLER, CALLED)
    await ends.open()
    try:
        await make_calls(ends, 0, 500)
        await settled(server)
        tasks, fds = len(asyncio.all_tasks()), descriptors(server)
        await make_calls(ends, 500, CALLS // 2 - 500)
        await settled(server)
        half = resident_bytes()
        await make_calls(ends, CALLS // 2, CALLS // 2)
        await settled(server)
        grown = resident_bytes() - half

        assert ends.counts.lost == 0
        assert set(ends.counts.refused) <= {503}
        assert grown < 4 << 20, f"{grown} bytes more after the second half"
        assert server.stack.agent.sessions == 0
        assert len(server.board.stories) == 0 == len(server.media.sessions)
        assert not server.board.calls_of
        assert len(asyncio.all_tasks()) == tasks
        assert descriptors(server) == fds
        await server.journal.flush()
        await until(lambda: server.cdrs.written >= CALLS, 10)
        found = await server.store.cdrs.find(CdrQuery(result="answered", limit=2 * CALLS))
        assert len(found) == CALLS == server.cdrs.written
    finally:
        ends.close()
        await server.close()


async def test_a_call_leaves_no_circles_for_the_garbage_collector(tmp_path: Path) -> None:
    server = Server(rig_config(tmp_path))
    await server.start()
    ends = Ends(EXCHANGE, CALLER, CALLED)
    await ends.open()
    try:
        await make_calls(ends, 0, 50)
        await settled(server)
        gc.collect()
        gc.disable()
        await make_calls(ends, 50, 100)
        await settled(server)
        assert gc.collect() < 100, "less than an object for each call"
    finally:
        gc.enable()
        ends.close()
        await server.close()
