# SPDX-License-Identifier: Apache-2.0
"""How late a shard comes to its clock while it uses most of a core, with Python idle and with Python busy.

A shard of this process has the first core to itself. Its legs are real ones: of six calls four are relayed, one is
transcoded between G.711 and G.722, and the parties of one are in a conference of ten; there are as many as it takes to
use `--load` percent of the core. The RTP comes from rtp_load on the last core, which it shares with the Python of this
process: it runs at a real-time priority (which needs the right to, as root has), and a figure counts only if it held
its rate. Busy Python means one thread that never waits, and so holds the GIL nearly all of the time.

    python -m benchmarks.bench_lateness [--load 80] [--seconds 10] [--turns 2]
"""

import argparse
import asyncio
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.legs import CORES, FIRST, HOST, SECOND, build_load, describe, late_us
from switchroom.media.conference import Conference
from switchroom.media.config import MediaConfig
from switchroom.media.server import MediaServer
from switchroom.media.session import Session

WARM_S = 2.0
MOST_CALLS = 1_500
KINDS = ("relay", "relay", "transcode", "relay", "conference", "relay")
ROOM_PARTIES = 10
PCMU, G722 = 0, 9
HELD_PCT = 99.0


class Calls:
    """The calls on the plane; more can be added, and the first of them be talked through."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self._lines: list[str] = []
        self._room: Conference | None = None

    async def grow(self, calls: int) -> None:
        for call in range(len(self._lines) // 2, calls):
            kind = KINDS[call % len(KINDS)]
            pair = await self._server.open(2)
            types = (PCMU, G722 if kind == "transcode" else PCMU)
            for session, host, payload_type in zip(pair, (FIRST, SECOND), types, strict=True):
                port = 20_000 + 2 * call
                session.receive_offer(describe(host, port, payload_type))
                session.answer()
                session.confirm()
                self._lines.append(f"{host} {port} {session.address} {session.port} {payload_type}\n")
            if kind == "conference":
                self._confer(pair)
            else:
                self._server.bridge(*pair)

    def _confer(self, pair: list[Session]) -> None:
        if self._room is None or len(self._room.sessions) >= ROOM_PARTIES:
            self._room = self._server.conference(pair[0])
        for session in pair:
            self._room.join(session)

    def lines(self, calls: int) -> bytes:
        """What rtp_load reads."""
        return "".join(self._lines[: 2 * calls]).encode()


def thread_times_s(thread: int) -> tuple[float, float]:
    """How long a thread of this process ran, and how long it waited for its core although it could have run."""
    ran_ns, waited_ns, _ = Path(f"/proc/self/task/{thread}/schedstat").read_text().split()
    return int(ran_ns) / 1e9, int(waited_ns) / 1e9


def be_busy(until_s: float) -> None:
    """Python that never waits."""
    data = {"calls": [{"id": number, "from": "1001", "to": "1002"} for number in range(50)]}
    while time.monotonic() < until_s:
        json.loads(json.dumps(data))


async def measure(server: MediaServer, program: Path, lines: bytes, seconds: float, busy: bool) -> dict[str, Any]:
    """One span of `seconds` under load."""
    thread = next(each.native_id for each in threading.enumerate() if each.name == "media")
    assert thread is not None
    os.sched_setaffinity(thread, {CORES[0]})
    load = await asyncio.create_subprocess_exec(
        program, "legs", str(seconds + WARM_S + 0.5), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert load.stdin is not None
    load.stdin.write(lines)
    load.stdin.close()
    await asyncio.sleep(WARM_S)
    [before], slots = server.stats(), server.lateness()
    (ran, waited), python, wall = thread_times_s(thread), time.thread_time(), time.monotonic()
    if busy:
        be_busy(wall + seconds)
    else:
        await asyncio.sleep(seconds)
    wall = time.monotonic() - wall
    (ran_then, waited_then), python = thread_times_s(thread), time.thread_time() - python
    [after] = server.stats()
    output, _ = await load.communicate()
    counted = json.loads(output)
    return {
        "legs": counted["legs"],
        "core_pct": round(100 * (ran_then - ran) / wall, 1),
        "waited_pct": round(100 * (waited_then - waited) / wall, 1),
        "python_pct": round(100 * python / wall, 1),
        "late_us": late_us([now - then for then, now in zip(slots, server.lateness(), strict=True)]),
        "skipped": after.skipped_slots - before.skipped_slots,
        "load": {key: counted[key] for key in ("held_pct", "late_pct", "real_time")},
        "counts": counted["held_pct"] >= HELD_PCT,
    }


async def run(program: Path, load_pct: float, seconds: float, turns: int) -> bool:
    """Returns whether all figures count."""
    config = MediaConfig(
        address=HOST,
        ports=(30_000, 30_099 + 4 * MOST_CALLS),
        max_sessions=2 * MOST_CALLS,
        codecs=("PCMU", "PCMA", "G722"),
    )
    server = MediaServer(config, lambda event: None)
    await server.start()
    try:
        calls, count = Calls(server), 100
        for _ in range(3):  # more calls cost less each, so one step is not enough
            await calls.grow(count)
            found = await measure(server, program, calls.lines(count), 2.0, False)
            count = max(12, min(MOST_CALLS, round(count * load_pct / max(1.0, found["core_pct"]))))
        await calls.grow(count)
        counts = True
        for busy in [False, True] * turns:
            found = await measure(server, program, calls.lines(count), seconds, busy)
            counts &= found["counts"]
            print(json.dumps({"python": "busy" if busy else "idle"} | found), flush=True)
        return counts
    finally:
        await server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--load", type=float, default=80.0, help="percent of a core")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    os.sched_setaffinity(0, {CORES[-1]})
    with tempfile.TemporaryDirectory() as folder:
        counts = asyncio.run(run(build_load(Path(folder)), options.load, options.seconds, options.turns))
    if not counts:
        raise SystemExit("the load did not hold its rate: these figures do not count")


if __name__ == "__main__":
    main()
