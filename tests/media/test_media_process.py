# SPDX-License-Identifier: Apache-2.0
"""The media process: a server that is killed leaves its bridges talking, and the next one finds them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from test_media_server import Phone, connect, until

from switchroom.media import recording_file
from switchroom.media.config import MediaConfig
from switchroom.media.errors import MediaError
from switchroom.media.errors import PlaneLost as PlaneLostError
from switchroom.media.events import PlaneGone, PlaneLost, Recorded
from switchroom.media.prompts import Pcm
from switchroom.media.server import MediaServer

HOST = "127.0.31.1"
PROCESS = """
import sys
from switchroom.media import recording_file
from switchroom.media.config import MediaConfig
from switchroom.media.process import serve
serve(MediaConfig(address="127.0.31.1", ports=(21_400, 21_499), max_sessions=300, shards=2, rtp_timeout_ms=300,
                  process="unix:" + sys.argv[1]))
"""
VICTIM = """
import asyncio, sys
sys.path[:0] = [sys.argv[2]]
from test_media_process import server_at
async def main():
    server = await server_at(sys.argv[1])
    pair = await server.open(2)
    for session, port in zip(pair, sys.argv[3:]):
        session.receive_offer((f"v=0\\r\\no=- 1 1 IN IP4 127.0.31.2\\r\\ns=-\\r\\nc=IN IP4 127.0.31.2\\r\\nt=0 0\\r\\n"
                               f"m=audio {port} RTP/AVP 0\\r\\n").encode())
        session.answer()
        session.confirm()
        session.tag(f"call leg{session.id}")
    server.bridge(*pair)
    await asyncio.sleep(0.1)
    print(*[session.port for session in pair], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def server_at(path: str, events: list | None = None) -> MediaServer:
    server = MediaServer(
        MediaConfig(
            address=HOST, ports=(21_400, 21_499), max_sessions=300, shards=2, rtp_timeout_ms=300, process=f"unix:{path}"
        ),
        (events if events is not None else []).append,
    )
    await server.start()
    return server


def start_process(path: str) -> "subprocess.Popen[str]":
    child = subprocess.Popen([sys.executable, "-c", PROCESS, path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert "2 shards" in child.stdout.readline()
    return child


@pytest.fixture
def process(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "media.sock")
    child = start_process(path)
    assert child.stdout is not None
    yield path
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    assert not os.path.exists(path)
    child.stdout.close()


class Spot:
    """Where a phone sends to, when no session of ours is there."""

    def __init__(self, port: int) -> None:
        self.address, self.port = HOST, port


async def test_audio_prompts_and_recordings_cross_the_border(process, tmp_path):
    events: list = []
    server = await server_at(process, events)
    assert server.found() == []
    a, b = await server.open(2)
    first, second = Phone(1), Phone(2)
    connect(a, first)
    connect(b, second)
    recording = b.record(tmp_path / "call")
    b.play(Pcm(numpy.full(1600, 9000, numpy.int16).tobytes(), 8000))
    await asyncio.sleep(0.3)
    server.bridge(a, b)
    await asyncio.gather(first.talk(a, 300, b"\x42" * 160), second.talk(b, 300, b"\x43" * 160))
    assert first.listen().count(b"\x43" * 160) >= 13
    assert second.listen().count(b"\x42" * 160) >= 13
    assert sum(payload[0] < 0xF0 and payload[0] != 0x42 for payload in second.listen()) >= 9  # the prompt
    assert a.stats().feed == "relay"
    recording.stop()
    await until(lambda: any(isinstance(event, Recorded) and event.error is None for event in events))
    await server.close()
    assert (tmp_path / "call").stat().st_size > 4_000


async def test_a_killed_server_leaves_its_bridge_talking_and_the_next_one_finds_it(process):
    first, second = Phone(1), Phone(2)
    ports = [str(phone.socket.getsockname()[1]) for phone in (first, second)]
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, process, str(Path(__file__).parent), *ports, stdout=subprocess.PIPE
    )
    assert victim.stdout is not None
    spots = [Spot(int(port)) for port in (await victim.stdout.readline()).split()]

    async def talk(ms: int) -> None:
        await asyncio.gather(first.talk(spots[0], ms, b"\x42" * 160), second.talk(spots[1], ms, b"\x43" * 160))

    async def is_heard() -> bool:
        first.heard.clear()
        second.heard.clear()
        await talk(300)
        return first.listen().count(b"\x43" * 160) >= 13 and second.listen().count(b"\x42" * 160) >= 13

    assert await is_heard()
    victim.kill()
    await victim.wait()
    assert await is_heard()

    server = await server_at(process)
    found = server.found()
    assert [leg.tag.split()[0] for leg in found] == ["call", "call"]
    assert {leg.port for leg in found} == {spot.port for spot in spots}
    assert {leg.peer for leg in found} == {leg.handle for leg in found}
    assert [leg.hears for leg in found] == ["relay", "relay"]
    assert await is_heard()
    [session] = await server.open()  # the old legs and the new ones live side by side
    assert session.port not in {leg.port for leg in found}

    assert server.close_found(found[0].tag) == 1
    await asyncio.sleep(0.1)
    first.heard.clear()
    await talk(200)
    assert b"\x43" * 160 not in first.listen()
    assert len(server.found()) == 1
    await until(lambda: server.found() == [])  # its remote has fallen silent
    assert sum(stats.open_legs for stats in server.stats()) <= 1 + 2 * 4
    await server.close()


async def test_the_newest_server_has_the_shards(process):
    events: list = []
    former = await server_at(process, events)
    [session] = await former.open()
    latter = await server_at(process)
    await until(lambda: session.closed)
    assert any(isinstance(event, PlaneLost) for event in events)
    taken = "another server has taken over the media process"
    await until(lambda: {event.shard for event in events if getattr(event, "reason", "") == taken} == {0, 1})
    assert not any(isinstance(event, PlaneGone) and not event.on for event in events), "it leaves it to the other one"
    await former.close()
    assert len(await latter.open(2)) == 2
    await latter.close()


async def test_mistakes_are_told(process, tmp_path):
    with pytest.raises(MediaError, match=r"no media process at .*: start `switchroom media`"):
        await server_at(str(tmp_path / "nothing"))
    other = MediaServer(
        MediaConfig(address=HOST, codecs=("PCMA",), max_sessions=300, process=f"unix:{process}"), lambda event: None
    )
    with pytest.raises(MediaError, match="codecs"):
        await other.start()


def test_a_second_process_is_refused(process):
    second = subprocess.run([sys.executable, "-c", PROCESS, process], capture_output=True, text=True, check=False)
    assert "runs at" in second.stderr


async def test_a_process_that_is_restarted_is_taken_again(tmp_path):
    path = str(tmp_path / "media.sock")
    first = start_process(path)
    events: list = []
    server = await server_at(path, events)
    [session] = await server.open()
    connect(session, phone := Phone(1))
    recording = session.record(tmp_path / "call.seg")
    await phone.talk(session, 200, b"\xa0" * 160)
    first.kill()
    first.wait()
    first.stdout.close()
    await until(lambda: len([event for event in events if isinstance(event, PlaneGone) and event.on]) == 2)
    assert session.closed
    assert PlaneLost(session) in events
    [ended] = [event for event in events if isinstance(event, Recorded)]
    assert (ended.recording, ended.error) == (recording.number, "the media plane was lost")
    with pytest.raises(PlaneLostError):
        await server.open()

    second = start_process(path)
    await until(lambda: len([event for event in events if isinstance(event, PlaneGone) and not event.on]) == 2, 15.0)
    a, b = await server.open(2)
    one, two = Phone(2), Phone(3)
    connect(a, one)
    connect(b, two)
    server.bridge(a, b)
    await asyncio.gather(one.talk(a, 300, b"\x42" * 160), two.talk(b, 300, b"\x43" * 160))
    assert one.listen().count(b"\x43" * 160) >= 13
    await server.close()
    second.terminate()
    assert second.wait(10) == 0
    second.stdout.close()


async def test_what_a_surviving_process_records_is_not_touched(process, tmp_path):
    """A recording and a conference of a server that is gone, seen by the next one."""
    former = await server_at(process)
    [a] = await former.open()
    [b] = await former.open(beside=a)
    phones = [Phone(1), Phone(2)]
    for session, phone in zip((a, b), phones, strict=True):
        connect(session, phone)
    recording = a.record(tmp_path / "call.seg")
    room = former.conference(a)
    room.join(a)
    room.join(b)
    of_room = room.record(tmp_path / "room.seg")
    spots = [Spot(a.port), Spot(b.port)]

    async def talk(ms: int) -> None:
        await asyncio.gather(*[phone.talk(s, ms, b"\xa0" * 160) for phone, s in zip(phones, spots, strict=True)])

    await talk(1_300)
    latter = await server_at(process)  # the former is hung up on, as if it were killed
    files = (recording.path, of_room.path)
    for path in files:
        with pytest.raises(recording_file.StillWritten):
            recording_file.finish(path, tmp_path / "early.wav")
    assert {leg.recorded for leg in latter.found()} == {True, False}
    [number] = {leg.room for leg in latter.found()}
    fresh = await latter.open(2) + await latter.open(2)
    there = next(session for session in fresh if session.plane.found)
    assert latter.conference(there).number != number, "nobody comes into a conference of strangers"
    await talk(1_300)
    assert latter.close_found() == 2
    # the room's recording ends with its last party, for nobody else would end it
    await until(lambda: all(_is_free(path) for path in files))
    for path in files:
        assert recording_file.finish(path, path.with_suffix(".wav")).duration_ms > 2_000
    assert number in there.plane.free_rooms
    await former.close()
    await latter.close()


def _is_free(path: Path) -> bool:
    try:
        with recording_file.owned(path):
            return True
    except recording_file.StillWritten:
        return False
