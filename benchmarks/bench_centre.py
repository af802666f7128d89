# SPDX-License-Identifier: Apache-2.0
"""The call centre of a whole server: what a call through a queue costs, and a day of 300 agents made short.

    python -m benchmarks.bench_centre [--rates 20,50] [--seconds 300]

The first part needs SIPp, and compares an ACD call (queue, agent, talk) with a plain bridged one at the same rate: CPU
of the whole process and ratio. The second lets 300 agents with registered telephones and the callers of a day of 8,000
calls in 8 hours come 20 times as fast, with everything that people do as much shorter: 5.6 calls a second of 7.5 s, for
so many seconds. One call in ten has audio both ways. Reported are the centre's own figures, how much of the audio
arrived, who was left stuck, and the CPU.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.load import EXCHANGE, HERE, LOAD_CORE, cpu_s, floor_ms, server, signalling
from benchmarks.people_of_a_day import Day, Outcome

RPC = "http://127.0.0.21:8070/rpc"
TOKEN = "bench-token"
AGENTS_OF_COST = 150
AGENTS, CALLS_A_DAY, HOURS, FASTER = 300, 8_000, 8, 20
TALK_S, RING_S, WRAP_UP_S, PATIENCE_S, TARGET_S = (seconds / FASTER for seconds in (150.0, 6.0, 20.0, 120.0, 20.0))


def configuration(folder: Path, more: str) -> Path:
    """perf.toml with a queue at 5000 and whatever else, and journal and all in `folder`."""
    text = (HERE / "perf.toml").read_text().replace('"../build/perf"', f'"{folder}/data"')
    text = text.replace('  { number = "1000"', '  { number = "5000", to = "queue:bench" },\n  { number = "1000"', 1)
    text = text.replace("[rpc]\n", f'[rpc]\ntokens = [{{ name = "bench", token = "{TOKEN}" }}]\n', 1)
    file = folder / "centre.toml"
    file.write_text(text + more)
    return file


def cost(rates: list[int], seconds: float, floor: float) -> None:
    """An ACD call beside a plain one."""
    agents = "".join(
        f'[[agent]]\nname = "a{n}"\nphone = "sip:2{n}@127.0.0.23:5090"\nqueues = {{ bench = 1 }}\nlogged_in = true\n'
        for n in range(AGENTS_OF_COST)
    )
    for rate in rates:
        with tempfile.TemporaryDirectory() as folder:
            config = configuration(Path(folder), f"[queue.bench]\nwrap_up_s = 0.0\nannounce_every_s = 0\n{agents}")
            plain = signalling(rate, seconds, floor, "2001", config)
            queued = signalling(rate, seconds, floor, "5000", config)
        row = {
            "acd_call": f"{rate} calls/s", "ms_per_call": queued["ms_per_call"], "plain_ms": plain["ms_per_call"],
            "of_plain": round(queued["ms_per_call"] / plain["ms_per_call"], 2), "ok": queued["ok"],
            "failed": queued["failed"] + plain["failed"],
        }  # fmt: skip
        print(json.dumps(row), flush=True)


def ask(method: str, **params: Any) -> Any:
    """A JSON-RPC call to the server."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(
        RPC, body, {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    if "error" in answer:
        raise SystemExit(f"{method}: {answer['error']}")
    return answer["result"]


def day(seconds: float) -> None:
    """300 agents and their callers."""
    users = "".join(
        f'[[user]]\nname = "{n}"\npassword = "pw{n}"\n'
        f'[[agent]]\nname = "{n}"\nqueues = {{ bench = 1 }}\nlogged_in = true\n'
        for n in range(1001, 1001 + AGENTS)
    )
    queue = (
        f"[queue.bench]\nwrap_up_s = {WRAP_UP_S}\nannounce_every_s = 0\ntarget_s = {TARGET_S}\nretry_s = 1.0\n"
        f"short_abandon_s = {5 / FASTER}\nring_s = 3.0\nno_answers = 0\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(Path(folder), queue + users)
        with server(config) as pid:
            people = Day(
                EXCHANGE, AGENTS, CALLS_A_DAY * FASTER / (HOURS * 3600), seconds, talk_s=TALK_S, ring_s=RING_S,
                patience_s=PATIENCE_S, with_audio=0.1, seed=1,
            )  # fmt: skip
            since_ms = time.time_ns() // 1_000_000
            outcome = asyncio.run(people.run(lambda: cpu_s(pid)))
            report(outcome, since_ms, seconds)


def report(outcome: Outcome, since_ms: int, seconds: float) -> None:
    [queue] = ask("reports.queues", since_ms=since_ms, until_ms=time.time_ns() // 1_000_000 + 1000)["rows"]
    counts, kpis = queue["counts"], queue["kpis"]
    agents = ask("agents.list")["agents"]
    stuck = [agent["agent"] for agent in agents if agent["standing"] not in ("ready", "wrap-up", "paused")]
    calls = max(1, outcome.calls)
    row = {
        "day": f"{AGENTS} agents, {outcome.calls} calls in {seconds:.0f} s",
        "offered": counts["offered"], "answered": counts["answered"], "abandoned": counts["abandoned"],
        "connect_rate_pct": round(100 * kpis["connect_rate"], 2),
        "service_level_pct": round(100 * kpis["service_level"], 2),
        "asa_ms": round(kpis["asa"]), "longest_wait_ms": counts["longest_wait_ms"],
        "talk_s": round(counts["talk_ms"] / 1000 / counts["answered"], 2),
        "refused": outcome.refused, "refused_by": ask("system.status")["refused"], "lost": outcome.lost,
        "stuck_agents": stuck, "calls_left": ask("system.status")["calls"],
        "audio_calls": outcome.audio_calls,
        "audio_arrived_pct": round(100 * outcome.heard / max(1, outcome.expected), 2),
        "core_pct": round(100 * outcome.cpu_s / seconds, 1), "cpu_ms_per_call": round(1000 * outcome.cpu_s / calls, 2),
    }  # fmt: skip
    print(json.dumps(row), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rates", default="20,50", type=lambda text: [int(rate) for rate in text.split(",") if rate])
    parser.add_argument("--seconds", type=float, default=300.0, help="of the day; 0: none")
    options = parser.parse_args()
    if shutil.which("sipp") is None:
        print("no SIPp (Debian: sip-tester): the cost of a call is left out", flush=True)
        options.rates = []
    if options.rates:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "rtp_load"
            subprocess.run([shutil.which("cc") or "gcc", "-O2", "-o", program, HERE / "rtp_load.c"], check=True)
            floor = floor_ms(program)
        cost(options.rates, 8.0, floor)
    if options.seconds:
        subprocess.run(
            ["taskset", "-c", LOAD_CORE, sys.executable, "-c",
             f"from benchmarks.bench_centre import day; day({options.seconds})"], check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
