# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of a real server that records calls with real audio, at random moments; the next start mends what is left.

    python -m benchmarks.kill_recordings [--kills 200] [--calls 4] [--seed 1]

Every file must play, be as long as the index says, and hold the caller's tone to its end; at most the last second
before the kill is missing. Prints a line for each kill and a summary, and ends with 1 if anything was wrong.
"""

import argparse
import asyncio
import json
import math
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import numpy
import soundfile

from benchmarks.sip_ends import Ends
from switchroom.codecs import registry
from switchroom.ext.codec import Codec

EXCHANGE, CALLER, CALLED = ("127.0.0.41", 5070), ("127.0.0.42", 5080), ("127.0.0.43", 5090)
RPC = ("127.0.0.41", 8070)
CONFIG = """
[server]
data_dir = "{folder}"
log_level = "warning"
[sip]
listen = ["udp:127.0.0.41:5070"]
[media]
address = "127.0.0.41"
[recording]
folder = "{folder}/archive"
[rpc]
listen = "127.0.0.41:8070"
tokens = [{{ name = "kill", token = "recording" }}]
[[peer]]
name = "caller"
addresses = ["127.0.0.42"]
[dial_plan]
default = [{{ number = "2.", to = "echo" }}]
"""
HZ = 500
SILENT = 500
START_S = 30.0
MOST_MISSING_S = 1.0


class Running(NamedTuple):
    """One recording when the server was killed: at most and at least so long had it run."""

    recording: str
    most_s: float
    least_s: float


class Mended(NamedTuple):
    """What the next start made of it; `wrong` is empty when all is well."""

    recording: str
    duration_s: float
    missing_s: float
    wrong: str


def tone() -> list[bytes]:
    """A second of it, as payloads of PCMU."""
    codec = Codec(registry.capsule("PCMU"))
    sound = numpy.asarray(8000 * numpy.sin(2 * math.pi * HZ * numpy.arange(8000) / 8000), numpy.int16)
    return [bytes(codec.encode(sound[at : at + 160])) for at in range(0, 8000, 160)]


async def talk(ports: list[int]) -> None:
    """Say the tone to all of these ports, for ever."""
    payloads, sockets = tone(), []
    for i, port in enumerate(ports):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((CALLER[0], 20_000 + 2 * (i + 1)))
        made.connect((EXCHANGE[0], port))
        sockets.append(made)
    loop, begun, number = asyncio.get_running_loop(), asyncio.get_running_loop().time(), 0
    try:
        while True:
            for ssrc, one in enumerate(sockets, 1):
                header = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, ssrc)
                with suppress(OSError):
                    one.send(header + payloads[number % 50])
            number += 1
            await asyncio.sleep(max(0.0, begun + number * 0.02 - loop.time()))
    finally:
        for one in sockets:
            one.close()


class Exchange:
    """A server process, and how to ask it."""

    def __init__(self, process: "subprocess.Popen[bytes]", http: aiohttp.ClientSession) -> None:
        self.process = process
        self._http = http

    async def ask(self, method: str, **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self._http.post(f"http://{RPC[0]}:{RPC[1]}/rpc", json=body) as response:
            answer = await response.json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(aiohttp.ClientError):
                await self.ask("system.status")
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the server does not start")


@contextmanager
def exchange(folder: Path, http: aiohttp.ClientSession) -> Iterator[Exchange]:
    file = folder / "kill.toml"
    file.write_text(CONFIG.format(folder=folder))
    process = subprocess.Popen([sys.executable, "-m", "switchroom", "serve", "-c", str(file)])
    try:
        yield Exchange(process, http)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def begin_and_kill(server: Exchange, calls: int, after_s: float) -> list[Running]:
    """Record `calls` calls, and kill the server so many seconds later."""
    ends = Ends(EXCHANGE, CALLER, CALLED)
    await ends.open()
    talking: asyncio.Task[None] | None = None
    try:
        made = [await ends.call(number) for number in range(1, calls + 1)]
        talking = asyncio.create_task(talk([call.caller_port for call in made]))
        await asyncio.sleep(0.2)
        begun = []
        for call in (await server.ask("calls.list"))["calls"]:
            asked_s = time.monotonic()
            recording = await server.ask("recording.start", leg=call["legs"][0]["leg"])
            begun.append((recording["recording"], asked_s, time.monotonic()))
        await asyncio.sleep(after_s)
        server.process.send_signal(signal.SIGKILL)
        killed_s = time.monotonic()
        await asyncio.to_thread(server.process.wait)
        return [Running(one, killed_s - asked_s, killed_s - told_s) for one, asked_s, told_s in begun]
    finally:
        if talking is not None:
            talking.cancel()
        ends.close()


async def look(server: Exchange, running: list[Running]) -> list[Mended]:
    """What has become of those that were cut off."""
    found = []
    for one in running:
        deadline = time.monotonic() + START_S
        while True:
            [row] = (await server.ask("recording.list", recording=one.recording))["recordings"]
            if row["state"] == "ended" or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        found.append(judge(one, row))
    return found


def judge(one: Running, row: dict[str, Any]) -> Mended:
    """Play the file, and compare."""
    duration_s = row.get("duration_ms", 0) / 1000
    missing_s = one.least_s - duration_s
    wrong = "" if row["state"] == "ended" else "was never mended"
    if missing_s > MOST_MISSING_S:
        wrong = f"{missing_s:.3f} s are missing"
    elif duration_s > one.most_s + 0.1:
        wrong = f"is {duration_s:.3f} s long after {one.most_s:.3f} s"
    elif duration_s:
        sound, rate = soundfile.read(row["path"], dtype="int16", always_2d=True)
        heard = numpy.abs(sound[: len(sound) // 80 * 80, 0].reshape(-1, 80).astype(int)).max(axis=1) > SILENT
        if len(sound) * 1000 // rate != row["duration_ms"]:
            wrong = "is not as long as the index says"
        elif not heard[10:].all():
            wrong = f"has {numpy.count_nonzero(~heard[10:]) / 100:.2f} s of silence"
    return Mended(one.recording, duration_s, missing_s, wrong)


async def run(folder: Path, kills: int, calls: int, seed: int) -> list[Mended]:
    """Kill so often; the start after each kill mends and is looked at before it is killed in its turn."""
    moments, running, found = random.Random(seed), list[Running](), list[Mended]()
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer recording"}) as http:
        for kill in range(kills + 1):
            with exchange(folder, http) as server:
                await server.ready()
                news = await look(server, running)
                found += news
                for one in news:
                    print(json.dumps({"kill": kill, **one._asdict()}), flush=True)
                if kill < kills:
                    running = await begin_and_kill(server, calls, moments.uniform(0.1, 3.2))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--calls", type=int, default=4, help="recorded at the same time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder), options.kills, options.calls, options.seed))
        left = list(Path(folder).rglob("*.segments"))
    missing = sorted(one.missing_s for one in found)
    wrong = [one for one in found if one.wrong]
    print(
        json.dumps(
            {
                "kills": options.kills,
                "recordings": len(found),
                "wrong": len(wrong),
                "left_behind": len(left),
                "missing_s_median": round(missing[len(missing) // 2], 3),
                "missing_s_most": round(missing[-1], 3),
            }
        )
    )
    return bool(wrong or left)


if __name__ == "__main__":
    sys.exit(main())
