# SPDX-License-Identifier: Apache-2.0
"""How late the media thread comes to its clock at a given load, with Python kept busy in the same process.

Conferences of players are added until the thread uses the wanted share of one core; then the lateness of every slot of
5 ms is counted for some seconds, with one Python thread in an endless loop that holds the GIL as long as it is let.

    python -m benchmarks.bench_lateness [--load 0.8] [--seconds 20] [--idle-python]
"""

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from switchroom.media.config import MediaConfig
from switchroom.media.server import MediaServer
from switchroom.media.session import Session
from switchroom.media.stats import late_limit_us

HOST = "127.0.31.1"
MAX_PARTIES = 6_000
GROUP = 50


def thread_id() -> int:
    """Of the media thread."""
    return next(thread.native_id or 0 for thread in threading.enumerate() if thread.name == "media")


def cpu_s(thread: int) -> float:
    """Spent by one thread of this process."""
    nanoseconds = Path(f"/proc/self/task/{thread}/schedstat").read_text(encoding="ascii").split()[0]
    return int(nanoseconds) / 1e9


async def load_of(thread: int, seconds: float) -> float:
    cpu, wall = cpu_s(thread), time.monotonic()
    await asyncio.sleep(seconds)
    return (cpu_s(thread) - cpu) / (time.monotonic() - wall)


def quantile(counts: Sequence[int], share: float) -> int:
    """Microseconds below which so many of the slots are (rounded up to the step)."""
    wanted, seen = share * sum(counts), 0
    for step, count in enumerate(counts):
        seen += count
        if seen >= wanted:
            return late_limit_us(step)
    return late_limit_us(len(counts) - 1)


async def add_group(server: MediaServer, port: int) -> None:
    """A conference whose parties hear their own tone and each other's silence: all of the tick's work without input."""
    sessions: list[Session] = await server.open(GROUP)
    for index, session in enumerate(sessions):
        session.receive_offer(
            f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {port + 2 * index} RTP/AVP {8 * (index % 2)}\r\n".encode()
        )
        session.answer()
        session.confirm()
    conference = server.conference(sessions[0])
    for session in sessions:
        conference.join(session)


async def measure(load: float, seconds: float, busy: bool) -> dict[str, object]:
    config = MediaConfig(address=HOST, ports=(10_000, 10_000 + 4 * MAX_PARTIES), max_sessions=MAX_PARTIES)
    server = MediaServer(config, lambda event: None)
    await server.start()
    thread, parties = thread_id(), 0
    while parties + GROUP <= MAX_PARTIES and (now := await load_of(thread, 0.5)) < load:
        # As many as the load so far lets one expect, but at most twice as many: the last steps are small.
        target = max(GROUP, int(parties * min(2.0, load / max(now, 1e-3)))) if parties else GROUP
        for _ in range(max(1, (target - parties) // GROUP)):
            if parties + GROUP <= MAX_PARTIES:
                await add_group(server, 40_000 + parties % 12_000)
                parties += GROUP
    done = threading.Event()

    def spin() -> None:
        while not done.is_set():
            sum(range(1000))

    spinner = threading.Thread(target=spin, daemon=True)
    if busy:
        spinner.start()
    [plane] = server._planes
    assert plane.page is not None
    await asyncio.sleep(1.0)
    before, counted = plane.page.lateness(), plane.stats()
    used = await load_of(thread, seconds)
    after, stats = plane.page.lateness(), plane.stats()
    done.set()
    counts = [late - early for late, early in zip(after, before, strict=True)]
    await server.close()
    return {
        "parties": parties,
        "load": round(used, 3),
        "python_busy": busy,
        "slots": sum(counts),
        "median_us": quantile(counts, 0.5),
        "p99_us": quantile(counts, 0.99),
        "p999_us": quantile(counts, 0.999),
        "late_slots": stats.late_slots - counted.late_slots,
        "skipped_slots": stats.skipped_slots - counted.skipped_slots,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--load", type=float, default=0.8, help="share of a core that the media thread uses")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--idle-python", action="store_true")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.load, options.seconds, not options.idle_python))), flush=True)


if __name__ == "__main__":
    main()
