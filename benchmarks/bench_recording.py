# SPDX-License-Identifier: Apache-2.0
"""Hundreds of recordings at once on one core: what one costs, and whether the tick comes as punctually as without.

Bridged calls with audio both ways; both legs of each are recorded in stereo for a while, then not, by turns. The
process with the media plane is on the first core, the load on the last one.

    python -m benchmarks.bench_recording [--legs 500] [--seconds 8] [--turns 2] [--folder DIR]
"""

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.legs import CORES, FIRST, HOST, SECOND, build_load, describe, late_us
from switchroom.media.config import MediaConfig
from switchroom.media.events import MediaEvent, Recorded
from switchroom.media.recorder import Recording
from switchroom.media.server import MediaServer
from switchroom.media.session import Session

SETTLE_S = 2.0


async def connect(server: MediaServer, calls: int) -> tuple[list[Session], str]:
    """The legs of so many bridged calls, and what rtp_load reads."""
    sessions, lines = list[Session](), list[str]()
    for call in range(calls):
        pair = await server.open(2)
        for session, host in zip(pair, (FIRST, SECOND), strict=True):
            session.receive_offer(describe(host, 20_000 + 2 * call))
            session.answer()
            session.confirm()
            lines.append(f"{host} {20_000 + 2 * call} {session.address} {session.port} 0")
        server.bridge(*pair)
        sessions += pair
    return sessions, "\n".join(lines) + "\n"


async def span(server: MediaServer, seconds: float, legs: int) -> dict[str, Any]:
    """CPU of this process per leg and second, and how late the ticks were meanwhile."""
    [before], slots = server.stats(), server.lateness()
    cpu, wall = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    [after] = server.stats()
    counts = [now - then for then, now in zip(slots, server.lateness(), strict=True)]
    return {
        "ms": 1000 * cpu / wall / legs,
        "core_pct": round(100 * cpu / wall, 1),
        "late_us": late_us(counts),
        "skipped": after.skipped_slots - before.skipped_slots,
    }


async def measure(program: Path, folder: Path, legs: int, seconds: float, turns: int) -> list[dict[str, Any]]:
    told: asyncio.Queue[Recorded] = asyncio.Queue()

    def on_event(event: MediaEvent) -> None:
        if isinstance(event, Recorded):
            told.put_nowait(event)

    server = MediaServer(MediaConfig(address=HOST, ports=(30_000, 30_099 + 4 * legs), max_sessions=2 * legs), on_event)
    await server.start()
    sessions, lines = await connect(server, legs // 2)
    results = []
    load = await asyncio.create_subprocess_exec(
        "taskset", "-c", str(CORES[-1]), program, "legs", str((1 + 2 * turns) * (seconds + SETTLE_S) + SETTLE_S),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert load.stdin is not None
        load.stdin.write(lines.encode())
        load.stdin.close()
        await asyncio.sleep(SETTLE_S)
        for turn in range(turns):
            without = await span(server, seconds, legs)
            recordings = [
                Recording.of_session(session, folder / f"{turn}-{i}.segments", True, 8000)
                for i, session in enumerate(sessions)
            ]
            await asyncio.sleep(SETTLE_S)
            recorded = await span(server, seconds, legs)
            for recording in recordings:
                recording.stop()
            ended = [await told.get() for _ in recordings]
            added = recorded.pop("ms") - without.pop("ms")
            results.append(
                {
                    "recordings": legs,
                    "added_ms_per_leg_and_s": round(added, 4),
                    "without": without,
                    "recorded": recorded,
                    "frames_lost": sum(one.lost for one in ended),
                    "error": next((one.error for one in ended if one.error), ""),
                }
            )
    finally:
        load.kill()
        await load.wait()
        await server.close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--legs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--folder", help="where the recordings go; a disk to be tried")
    options = parser.parse_args()
    os.sched_setaffinity(0, {CORES[0]})
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        program = build_load(Path(folder))
        for result in asyncio.run(measure(program, Path(folder), options.legs, options.seconds, options.turns)):
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
