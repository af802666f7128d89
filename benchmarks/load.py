# SPDX-License-Identifier: Apache-2.0
"""The whole server under load on one core: CPU of a call's signalling and of a relayed call, from 10 to 1,000 calls.

    python -m benchmarks.load [--rates 10,100,300,1000] [--calls 10,100,300,1000] [--seconds 8]

`signalling` needs SIPp: INVITE 180 200 ACK, half a second, BYE. `relay` sends 50 packets a second each way through
calls that stand. Each figure comes with its ratio to the floor, one receive and one send of a packet on this machine,
taken just before: the ratio is what can be compared between machines and days. The server runs on the first core and
the load on the last; the addresses are those of perf.toml.
"""

import argparse
import asyncio
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.legs import build_load
from benchmarks.sip_ends import Call, Ends

HERE = Path(__file__).parent
EXCHANGE, CALLER, CALLED = ("127.0.0.21", 5070), ("127.0.0.22", 5080), ("127.0.0.23", 5090)
HEALTH = "http://127.0.0.21:8070/healthz"
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = str(CORES[0]), str(CORES[-1])
WARM_S = 2.0


def cpu_s(pid: int) -> float:
    """CPU time of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def server(config: Path = HERE / "perf.toml") -> Iterator[int]:
    """The process id of a server that runs a configuration with the addresses of perf.toml, and takes calls."""
    command = ["taskset", "-c", SERVER_CORE, sys.executable, "-m", "switchroom", "serve", "-c", str(config)]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(HEALTH, timeout=1):
                break
            time.sleep(0.1)
        if process.poll() is not None:
            raise SystemExit("the server does not start")
        yield process.pid
    finally:
        for _ in range(2):  # the second one ends it at once
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                time.sleep(0.3)
        process.wait(20)


def floor_ms(program: Path) -> float:
    """What one relayed packet costs at least, milliseconds of CPU."""
    run = subprocess.run(
        ["taskset", "-c", SERVER_CORE, program, "floor", "1"], check=True, capture_output=True, text=True
    )
    return float(json.loads(run.stdout)["ns"]) / 1e6


def signalling(
    rate: int, seconds: float, floor: float, number: str = "2001", config: Path = HERE / "perf.toml"
) -> dict[str, Any]:
    """One run of SIPp on both sides at `rate` calls a second to a number."""
    with server(config) as pid, tempfile.TemporaryDirectory() as folder:
        common = ["taskset", "-c", LOAD_CORE, "sipp", "-nostdin", "-buff_size", "4194304", "-trace_stat", "-fd", "1"]
        quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        called = subprocess.Popen(
            [*common, "-sf", HERE / "sipp" / "called.xml", "-i", CALLED[0], "-p", str(CALLED[1]), "-stf", "called.csv"],
            **quiet,
        )
        time.sleep(0.7)
        caller = subprocess.Popen(
            [
                *common, "-sf", HERE / "sipp" / "caller.xml", f"{EXCHANGE[0]}:{EXCHANGE[1]}", "-s", number,
                "-i", CALLER[0], "-p", str(CALLER[1]), "-r", str(rate), "-m", str(int(rate * (seconds + WARM_S + 1))),
                "-l", str(40 * rate), "-recv_timeout", "15000", "-timeout", f"{seconds + 40:.0f}s",
                "-stf", "caller.csv",
            ],
            **quiet,
        )  # fmt: skip
        try:
            time.sleep(WARM_S)
            begun_s, wall = cpu_s(pid), time.monotonic()
            time.sleep(seconds)
            used_s, wall = cpu_s(pid) - begun_s, time.monotonic() - wall
            caller.wait(60)
        finally:
            caller.kill()
            called.kill()
        with (Path(folder) / "caller.csv").open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
    ms = 1000 * used_s / (rate * wall)
    return {
        "signalling": f"{rate} calls/s",
        "ms_per_call": round(ms, 3),
        "of_floor": round(ms / floor, 1),
        "core_pct": round(100 * used_s / wall, 1),
        "ok": int(last["SuccessfulCall(C)"]),
        "failed": int(last["FailedCall(C)"]),
        "repeated": int(last["Retransmissions(C)"]),
    }


async def _stand(ends: Ends, count: int) -> list[Call]:
    """So many calls, begun twenty at a time."""
    await ends.open()
    calls: list[Call] = []
    for first in range(0, count, 20):
        calls += await asyncio.gather(*[ends.call(number) for number in range(first, min(first + 20, count))])
    return calls


def relay(count: int, seconds: float, floor: float, program: Path) -> dict[str, Any]:
    """`count` calls that stand, with audio both ways."""
    with server() as pid, asyncio.Runner() as runner:
        ends = Ends(EXCHANGE, CALLER, CALLED)
        calls = runner.run(_stand(ends, count))
        lines = []
        for call in calls:
            port = 20_000 + 2 * call.number
            lines.append(f"{CALLER[0]} {port} {EXCHANGE[0]} {call.caller_port} 0")
            lines.append(f"{CALLED[0]} {port} {EXCHANGE[0]} {call.called_port} 0")
        load = subprocess.Popen(
            ["taskset", "-c", LOAD_CORE, program, "legs", str(seconds + WARM_S)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert load.stdin is not None
        load.stdin.write("\n".join(lines) + "\n")
        load.stdin.close()
        time.sleep(WARM_S / 2)
        begun_s, wall = cpu_s(pid), time.monotonic()
        time.sleep(seconds)
        used_s, wall = cpu_s(pid) - begun_s, time.monotonic() - wall
        assert load.stdout is not None
        counted = json.loads(load.stdout.read())
        load.wait()
        ends.close()
    ms = 1000 * used_s / wall / count
    return {
        "relay": f"{count} calls",
        "ms_per_call_and_s": round(ms, 3),
        "of_floor": round(ms / (100 * floor), 2),
        "core_pct": round(100 * used_s / wall, 1),
        "arrived_pct": round(100 * counted["received"] / max(1, counted["sent"]), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    numbers = {"type": lambda text: [int(number) for number in text.split(",") if number]}
    parser.add_argument("--rates", default="10,100,300,1000", **numbers)  # type: ignore[arg-type]
    parser.add_argument("--calls", default="10,100,300,1000", **numbers)  # type: ignore[arg-type]
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build_load(Path(folder))
        if shutil.which("sipp") is None:
            print("no SIPp (Debian: sip-tester): the signalling is left out", flush=True)
            options.rates = []
        for rate in options.rates:
            print(json.dumps(signalling(rate, options.seconds, floor_ms(program))), flush=True)
        for count in options.calls:
            print(json.dumps(relay(count, options.seconds, floor_ms(program), program)), flush=True)


if __name__ == "__main__":
    main()
