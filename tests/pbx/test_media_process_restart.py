# SPDX-License-Identifier: Apache-2.0
"""A server whose media process dies: its calls end and say why, and once there is a new process it serves again."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from switchroom.pbx import config as configuration
from switchroom.pbx.events import AnyRecord, CallEnded, MediaGone, RecordingEnded
from switchroom.pbx.server import Server
from tests.sim.small_phone import SmallPhone, sdp

HOST, PHONE = "127.0.36.1", "127.0.36.2"
CONFIG = """
[server]
data_dir = "data"
[sip]
listen = ["udp:127.0.36.1:15060"]
[media]
address = "127.0.36.1"
ports = [25200, 25299]
max_sessions = 64
process = "unix:{folder}/media.sock"
[rpc]
enabled = false
[[user]]
name = "1001"
password = "pw1001"
[dial_plan]
default = [{{ number = "9000", to = "echo" }}]
"""


class Process:
    """`switchroom media`, which can be killed and started again."""

    def __init__(self, file: Path, stack: ExitStack) -> None:
        self.file, self.stack = file, stack

    def start(self) -> "Process":
        command = [sys.executable, "-m", "switchroom", "media", "-c", str(self.file)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.child = self.stack.enter_context(child)
        self.stack.callback(child.kill)
        assert child.stdout is not None
        assert "1 shards" in child.stdout.readline()
        return self

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    file = tmp_path / "test.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    with ExitStack() as stack:
        yield Process(file, stack).start()


@pytest.fixture
async def server(process: Process, tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(configuration.load(process.file))
    await server.start()
    try:
        yield server
    finally:
        await server.close("test")


async def until(condition, seconds: float = 15.0) -> None:  # type: ignore[no-untyped-def]
    for _ in range(int(seconds * 50)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def test_calls_end_with_a_reason_and_new_ones_work(process: Process, server: Server) -> None:
    written: list[AnyRecord] = []
    append = server.journal.append

    def keep(record: AnyRecord) -> int:
        written.append(record)
        return append(record)

    server.journal.append = keep  # type: ignore[method-assign]

    def of(kind: type) -> list[AnyRecord]:
        return [record for record in written if isinstance(record, kind)]

    phone = await SmallPhone("1001", (HOST, 15_060)).open(PHONE)
    try:
        assert (await phone.register()).status == 200
        assert (await phone.call("9000", sdp(PHONE))).status == 200
        [story] = server.board.stories.values()
        [leg] = story.legs
        recording = leg.record("call.wav")
        await until(lambda: recording.segments.stat().st_size > 0)

        process.kill()
        phone.respond(await phone.expect("BYE"), 200)
        await until(lambda: of(CallEnded) and of(RecordingEnded))
        [told] = of(MediaGone)
        assert (told.shard, told.on, told.reason) == (0, True, "the media process is gone")
        [ended] = of(CallEnded)
        assert (ended.result, ended.reason) == ("answered", "media plane lost")
        [kept] = of(RecordingEnded)
        assert (kept.recording, kept.error) == (recording.id, "the media plane was lost")
        assert kept.duration_ms >= 800
        assert (await phone.call("9000", sdp(PHONE))).status in (500, 503)

        process.start()
        await until(lambda: len(of(MediaGone)) == 2)
        assert not of(MediaGone)[1].on
        assert (await phone.call("9000", sdp(PHONE))).status == 200
    finally:
        await phone.close()
