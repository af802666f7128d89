# SPDX-License-Identifier: Apache-2.0
"""Overload of a media thread is measured, told once, told again while it lasts, and told to be over."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_media_server import until

from switchroom.media.config import MediaConfig
from switchroom.media.events import PlaneLate
from switchroom.media.overload import Overload
from switchroom.media.server import MediaServer
from switchroom.media.stats import LATE_STEPS, PlaneStats, late_limit_us


class Shard:
    """Figures of a plane, as a test wants them."""

    def __init__(self) -> None:
        self.slots = self.late = self.skipped = 0
        self.steps = [0] * LATE_STEPS
        self.watch = Overload(3)
        self.now_s = 0.0
        self.look()

    def look(self, late: int = 0, skipped: int = 0, step: int = 0) -> PlaneLate | None:
        """Half a second of 100 slots."""
        self.now_s += 0.5
        self.slots += 100
        self.late += late
        self.skipped += skipped
        self.steps[step] += late + skipped
        stats = PlaneStats(
            slots=self.slots, skipped_slots=self.skipped, late_slots=self.late, max_late_us=0, received_packets=0,
            sent_packets=0, open_legs=0, max_legs=1, free_ports=0, facts_lost=0,
        )  # fmt: skip
        return self.watch.look(self.now_s, stats, tuple(self.steps))


def test_a_few_late_slots_are_nothing():
    shard = Shard()
    assert [shard.look(late=10, step=30) for _ in range(50)] == [None] * 50


def test_late_slots_are_told_once_then_every_ten_seconds_then_the_end():
    shard = Shard()
    assert shard.look(late=11, step=32) == PlaneLate(3, True, 11, 0, 4.096)
    assert [shard.look(late=20, step=34) for _ in range(19)] == [None] * 19
    assert shard.look(late=20, step=33) == PlaneLate(3, True, 400, 0, 6.144)
    assert [shard.look() for _ in range(19)] == [None] * 19
    assert shard.look() == PlaneLate(3, False, 0, 0, 0)
    assert shard.look() is None


def test_one_skipped_slot_is_told():
    told = Shard().look(skipped=1, late=1, step=LATE_STEPS - 1)
    assert told is not None
    assert (told.on, told.skipped_slots) == (True, 1)
    assert told.worst_ms > 49


def test_the_steps_of_lateness_are_quarters_of_an_octave():
    assert [late_limit_us(step) for step in (0, 1, 2, 3, 4, 5, 8)] == [16, 20, 24, 28, 32, 40, 64]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A media process: where it listens, and its id."""
    code = (
        "import sys; from switchroom.media.config import MediaConfig; from switchroom.media.process import serve;"
        "serve(MediaConfig(address='127.0.31.1', ports=(21_600, 21_699), process='unix:' + sys.argv[1]))"
    )
    path = str(tmp_path / "media.sock")
    child = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    yield path, child.pid
    child.kill()
    child.wait(10)
    child.stdout.close()


@pytest.mark.parametrize("generates", [False, True])
async def test_a_stalled_media_process_is_told(process, generates):
    """Stopped for 300 ms, it has left slots out, whether it generates audio or rests between packets."""
    path, child = process
    events: list = []
    config = MediaConfig(address="127.0.31.1", ports=(21_600, 21_699), process=f"unix:{path}")
    server = MediaServer(config, events.append)
    await server.start()
    if generates:
        [session] = await server.open()
        session.receive_offer(
            b"v=0\r\no=- 1 1 IN IP4 127.0.31.2\r\ns=-\r\nc=IN IP4 127.0.31.2\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0\r\n"
        )
        session.answer()
        session.confirm()
    await asyncio.sleep(0.7)  # the first look
    os.kill(child, signal.SIGSTOP)
    await asyncio.sleep(0.3)
    os.kill(child, signal.SIGCONT)
    await until(lambda: any(isinstance(event, PlaneLate) and event.skipped_slots > 20 for event in events))
    [stats] = server.stats()
    assert 200_000 < stats.max_late_us < 2_000_000
    assert stats.late_slots > 0
    await server.close()
