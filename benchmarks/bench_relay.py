# SPDX-License-Identifier: Apache-2.0
"""What a call costs in the media plane: N bridged calls over real sockets, CPU of this process per call and second.

The load comes from `rtpgen` and the floor from `udplimit`, two small C programs outside this project; --rig names the
folder that has them (with `calib`). Every call is two legs of 50 packets/s each way: one call is 100 relays a second.
With --conference all legs are in one conference instead, and the figures are per party.

    python -m benchmarks.bench_relay --rig DIR [--calls 200] [--seconds 10] [--types 0,0] [--core 0] [--load-core 1]
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

from switchroom.media.config import MediaConfig
from switchroom.media.server import MediaServer
from switchroom.media.session import Session

HOST, FIRST, SECOND = "127.0.31.1", "127.0.31.2", "127.0.31.3"
NAMES = {0: "PCMU", 8: "PCMA", 9: "G722", 18: "G729"}
WARM_S = 2.0


def run_rig(rig: Path, core: int, *command: str) -> str:
    priority = [str(rig / "prio.sh")] if (rig / "prio.sh").exists() else []
    return subprocess.run(
        [*priority, "taskset", "-c", str(core), str(rig / command[0]), *command[1:]],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def describe(host: str, port: int, payload_type: int) -> bytes:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {payload_type}\r\n"
    ).encode()


async def connect(server: MediaServer, calls: int, types: tuple[int, int], talkers: int | None = None) -> list[str]:
    """Open, and bridge or (with `talkers`) confer; returns the lines that rtpgen reads."""
    sessions: list[Session] = []
    lines: list[str] = []
    for call in range(calls):
        pair = await server.open(2)
        for session, host, payload_type in zip(pair, (FIRST, SECOND), types, strict=True):
            port = 20_000 + 2 * call
            session.receive_offer(describe(host, port, payload_type))
            session.answer()
            session.confirm()
            talks = int(talkers is None or len(lines) < talkers)
            lines.append(f"{host} {port} {session.address} {session.port} {payload_type} {talks}")
        if talkers is None:
            server.bridge(*pair)
        sessions += pair
    if talkers is not None:
        conference = server.conference(sessions[0])
        for session in sessions:
            conference.join(session)
    return lines


async def measure(
    rig: Path, calls: int, seconds: float, types: tuple[int, int], load_core: int, talkers: int | None
) -> dict[str, Any]:
    """CPU of this process while `calls` calls run."""
    codecs = tuple(dict.fromkeys(("PCMU", "PCMA", *[NAMES[payload_type] for payload_type in types])))
    config = MediaConfig(
        address=HOST,
        ports=(30_000, 30_000 + 4 * calls + 99),
        max_sessions=2 * calls,
        codecs=codecs,
        gather_us=int(os.environ.get("GATHER", "800")),
    )
    server = MediaServer(config, lambda event: None)
    await server.start()
    lines = await connect(server, calls, types, talkers)
    with tempfile.NamedTemporaryFile("w", suffix=".legs") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        load = await asyncio.create_subprocess_exec(
            *([str(rig / "prio.sh")] if (rig / "prio.sh").exists() else []),
            "taskset", "-c", str(load_core), str(rig / "rtpgen"), "-f", file.name, "-d", str(seconds),
            "-w", str(WARM_S),
            "-m", "pair" if talkers is None else "count",
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        await asyncio.sleep(WARM_S + 0.1)
        cpu, wall = time.process_time(), time.monotonic()
        await asyncio.sleep(seconds - 0.3)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        output, _ = await load.communicate()
    [stats] = server.stats()
    await server.close()
    return {
        "calls": calls,
        "types": types,
        "talkers": talkers,
        "ms_per_s": round(1000 * cpu / wall / (calls if talkers is None else 2 * calls), 4),
        "core_pct": round(100 * cpu / wall, 1),
        "late_slots": stats.late_slots,
        "max_late_us": stats.max_late_us,
        "rtp": json.loads(output),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rig", type=Path, required=True)
    parser.add_argument("--calls", type=int, nargs="+", default=[200])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--types", default="0,0", help="payload types of the two sides")
    parser.add_argument("--conference", type=int, metavar="TALKERS", help="all legs in one room, so many talk")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    first, second = (int(part) for part in options.types.split(","))
    for calls in options.calls:
        calib = json.loads(run_rig(options.rig, options.core, "calib"))["calib_cpu_s"]
        floor = json.loads(run_rig(options.rig, options.core, "udplimit", "epoll", "3", "1000"))["ns_per_relay"] / 1e4
        result = asyncio.run(
            measure(options.rig, calls, options.seconds, (first, second), options.load_core, options.conference)
        )
        result |= {"calib_s": calib, "floor_ms": floor, "of_floor": round(result["ms_per_s"] / floor, 3)}
        result["quiet_ms"] = round(result["ms_per_s"] * 0.357 / calib, 4)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
