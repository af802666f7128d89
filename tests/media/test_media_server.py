# SPDX-License-Identifier: Apache-2.0
"""The media part as the calls use it, over real sockets on loopback."""

import asyncio
import os
import socket
import struct

import numpy
import pytest
import soundfile

from switchroom.media import recording_file
from switchroom.media.config import MediaConfig
from switchroom.media.errors import MediaError, NotAcceptable, PortsExhausted, SdpError
from switchroom.media.events import Digit, PlaneGone, PlaneLost, PlayDone, Recorded, RtpResumed, RtpTimeout, Speaking
from switchroom.media.prompts import Pcm
from switchroom.media.server import MediaServer
from switchroom.media.wire import Op

HOST = "127.0.31.1"


class Phone:
    """A remote with a socket; says 20 ms packets of one byte and keeps what it hears."""

    def __init__(self, name: int, payload_type: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.31.2", 0))
        self.socket.setblocking(False)
        self.payload_type = payload_type
        self.ssrc = name
        self.count = 0
        self.heard: list[bytes] = []

    def sdp(self, extra: str = "") -> bytes:
        host, port = self.socket.getsockname()
        return (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {self.payload_type} 101\r\na=rtpmap:101 telephone-event/8000\r\n{extra}"
        ).encode()

    def send(self, session, payload: bytes, payload_type: int | None = None) -> None:
        kind = self.payload_type if payload_type is None else payload_type
        header = struct.pack("!BBHII", 0x80, kind, self.count & 0xFFFF, self.count * 160, self.ssrc)
        self.socket.sendto(header + payload, (session.address, session.port))
        self.count += 1

    def listen(self) -> list[bytes]:
        while True:
            try:
                data = self.socket.recv(2_000)
            except BlockingIOError:
                return self.heard
            if data[1] & 0x7F == self.payload_type:
                self.heard.append(data[12:])

    async def talk(self, session, ms: int, payload: bytes) -> None:
        for _ in range(ms // 20):
            self.send(session, payload)
            await asyncio.sleep(0.02)


@pytest.fixture
async def media():
    events = []
    server = MediaServer(
        MediaConfig(address=HOST, ports=(21_000, 21_099), max_sessions=40, rtp_timeout_ms=300), events.append
    )
    await server.start()
    server.events = events
    yield server
    await server.close()


async def until(condition, seconds: float = 3.0):
    for _ in range(int(seconds * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def connect(session, phone, **answer) -> None:
    session.receive_offer(phone.sdp())
    session.answer(**answer)
    session.confirm()


async def two(media, *types: int):
    sessions = await media.open(2)
    phones = [Phone(i + 1, payload_type) for i, payload_type in enumerate(types or (0, 0))]
    for session, phone in zip(sessions, phones, strict=True):
        connect(session, phone)
    return sessions, phones


@pytest.mark.parametrize("types", [(0, 0), (0, 8), (8, 0)])
async def test_two_phones_hear_each_other(media, types):
    (a, b), (first, second) = await two(media, *types)
    media.bridge(a, b)
    loud = {0: b"\xa0" * 160, 8: b"\x8b" * 160}
    await asyncio.gather(first.talk(a, 400, loud[types[0]]), second.talk(b, 400, loud[types[1]]))
    assert second.listen().count(loud[types[1]]) >= 14
    assert first.listen().count(loud[types[0]]) >= 14
    assert a.stats().feed == ("relay" if types[0] == types[1] else "transcode")
    assert "PCM" in a.describe()


async def test_our_offer_and_their_answer(media):
    [session] = await media.open()
    phone = Phone(1)
    offer = session.offer()
    assert f"m=audio {session.port} RTP/AVP 0 8 101".encode() in offer
    assert session.codec is None
    session.receive_answer(phone.sdp())
    assert session.codec == "PCMU"
    session.echo(True)
    session.confirm()
    await phone.talk(session, 200, b"\x42" * 160)
    assert phone.listen().count(b"\x42" * 160) >= 6


async def test_what_comes_right_after_the_agreement_is_heard():
    """The plane finds the order and the packet together when it wakes up: here while it gathers packets for 5 ms."""
    server = MediaServer(MediaConfig(address=HOST, ports=(21_000, 21_099), gather_us=5_000), lambda event: None)
    await server.start()
    try:
        sessions = await server.open(20)
        busy, *others = [(session, Phone(i)) for i, session in enumerate(sessions)]
        connect(*busy)
        await asyncio.sleep(0)  # the orders are on their way
        for session, phone in others:
            busy[1].send(busy[0], b"\x42" * 160)
            await asyncio.sleep(0.001)
            connect(session, phone)
            await asyncio.sleep(0)
            phone.send(session, b"\x43" * 160)
        await until(lambda: all(session.stats().received_packets for session in sessions))
        assert not any(session.stats().invalid for session in sessions)
    finally:
        await server.close()


async def test_errors_of_descriptions_change_nothing(media):
    [session] = await media.open()
    phone = Phone(1)
    connect(session, phone)
    with pytest.raises(SdpError):
        session.receive_offer(b"rubbish")
    with pytest.raises(NotAcceptable):
        session.receive_offer(phone.sdp().replace(b"RTP/AVP 0 101", b"RTP/AVP 3"))
    assert session.codec == "PCMU"
    session.offer()
    session.rollback()
    assert session.pending is None


async def test_hold_and_resume(media):
    (a, b), (first, second) = await two(media)
    media.bridge(a, b)
    a.receive_offer(first.sdp("a=sendonly\r\n"))
    assert b"a=recvonly" in a.answer()
    assert a.held
    await first.talk(a, 200, b"\x42" * 160)
    heard = second.listen()
    assert heard.count(b"\xff" * 160) >= 6
    assert b"\x42" * 160 not in heard
    a.receive_offer(first.sdp())
    a.answer()
    assert not a.held
    await first.talk(a, 200, b"\x42" * 160)
    assert second.listen().count(b"\x42" * 160) >= 6


async def test_a_sound_file_is_played_and_its_end_is_told(media, tmp_path):
    path = tmp_path / "hello.wav"
    rate = 16_000
    soundfile.write(path, 0.3 * numpy.sin(2 * numpy.pi * 1000 * numpy.arange(rate // 2) / rate), rate)
    [session] = await media.open()
    phone = Phone(1)
    connect(session, phone)
    for _ in range(2):  # from the file, then from memory
        phone.heard.clear()
        number = session.play(path)
        assert session.playing == number
        await until(lambda number=number: PlayDone(session, number, "finished") in media.events)
        loud = [payload for payload in phone.listen() if len(set(payload)) > 4]
        assert 23 <= len(loud) <= 26
        assert session.playing is None


async def test_parts_are_played_as_one_piece(media):
    [session] = await media.open()
    phone = Phone(1)
    connect(session, phone)
    level = Pcm(numpy.full(800, 7_932, numpy.int16).tobytes(), 8_000)
    number = session.play([level, level])
    await until(lambda: PlayDone(session, number, "finished") in media.events)
    await asyncio.sleep(0.05)
    sound = b"".join(phone.listen()).strip(b"\xff")
    assert sound == b"\xa0" * 1_600


async def test_every_play_ends_once(media, tmp_path):
    [session] = await media.open()
    connect(session, Phone(1))
    numbers = [
        session.play(tmp_path / "missing.wav"),
        session.tone("busy"),
        session.tone(1_000.0),
        session.play(Pcm(b"", 1)),
    ]
    numbers.append(session.play(tmp_path / "missing.wav"))

    def done():
        return [event for event in media.events if isinstance(event, PlayDone)]

    await until(lambda: len(done()) >= 4)  # the tone goes on while nothing else can be played
    session.tone("ringback")
    await until(lambda: len(done()) >= 5)
    session.close()
    await until(lambda: len(done()) >= 6)
    ends = {event.play: event.reason for event in done()}
    assert len(ends) == len(done())
    assert [ends[number] for number in numbers] == ["replaced", "replaced", "replaced", "replaced", "failed"]
    assert min(ends.values()) == "closed"


async def test_digits_and_silence_are_told(media):
    [session] = await media.open()
    phone = Phone(1)
    connect(session, phone)
    await asyncio.sleep(0.02)
    phone.send(session, bytes([5, 0x8A, 3, 0x20]), 101)
    await until(lambda: any(isinstance(event, Digit) for event in media.events))
    assert media.events[0].digit == "5"
    await until(lambda: RtpTimeout(session) in media.events)
    phone.send(session, bytes(160))
    await until(lambda: RtpResumed(session) in media.events)


async def test_a_new_bridge_ends_the_former_and_closing_a_session_its_own(media):
    a, b, c = await media.open(3)
    old = media.bridge(a, b)
    new = media.bridge(b, c)
    assert (old.closed, new.closed) == (True, False)
    assert a.bridge is None
    c.close()
    assert new.closed
    assert b.bridge is None
    with pytest.raises(MediaError):
        media.bridge(b, c)


async def test_ports_come_back(media):
    sessions = await media.open(40)
    assert len({session.port for session in sessions}) == 40
    with pytest.raises(PortsExhausted):
        await media.open()
    for session in sessions:
        session.close()
    await until(lambda: media.stats()[0].free_ports == 50)
    assert len(await media.open(9)) == 9  # 10 have not been used and need no rest
    with pytest.raises(PortsExhausted):  # all or none
        await media.open(2)
    await until(lambda: media.stats()[0].open_legs == 9)


async def test_open_that_is_given_up_leaks_nothing(media):
    for _ in range(5):
        task = asyncio.create_task(media.open(4))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await until(lambda: media.stats()[0].open_legs == 0)
    assert media.sessions == []


async def test_sessions_that_are_never_closed_leave_nothing_when_the_server_closes():
    files = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        server = MediaServer(MediaConfig(address=HOST, ports=(21_200, 21_299), max_sessions=8), lambda event: None)
        await server.start()
        sessions = await server.open(8)
        sessions[0].play(Pcm(bytes(1_600), 8_000))
        await asyncio.sleep(0.05)
        await server.close()
    await asyncio.sleep(0.05)
    assert set(os.listdir("/proc/self/fd")) <= files


async def test_a_lost_plane_is_told_for_each_session(media):
    sessions = await media.open(3)
    media._planes[0].wire.post(Op.SHUTDOWN)
    await until(lambda: len(media.events) == 4)
    *lost, gone = media.events
    assert {event.session for event in lost} == set(sessions)
    assert all(isinstance(event, PlaneLost) for event in lost)
    assert gone == PlaneGone(0, True, "the media thread has ended")
    for session in sessions:
        session.echo(True)
        session.close()


@pytest.fixture
async def shards():
    events = []
    server = MediaServer(
        MediaConfig(address=HOST, ports=(21_300, 21_339), shards=2, max_sessions=8, port_rest_ms=100), events.append
    )
    await server.start()
    server.events = events
    yield server
    await server.close()


async def apart(server):
    """Two sessions on different shards, and their phones."""
    sessions = [*await server.open(), *await server.open()]
    assert sessions[0].plane is not sessions[1].plane
    phones = [Phone(1), Phone(2)]
    for session, phone in zip(sessions, phones, strict=True):
        connect(session, phone)
    return sessions, phones


async def test_the_shards_share_the_ports(shards):
    ports = [session.port for _ in range(8) for session in await shards.open(2)]
    assert len(set(ports)) == 16
    assert set(ports) <= set(range(21_300, 21_340, 2))
    for session in shards.sessions:
        session.close()
    await asyncio.sleep(0.3)  # ports rest
    [first] = await shards.open()
    [second] = await shards.open(beside=first)
    [third] = await shards.open()
    assert first.plane is second.plane is not third.plane


async def test_sessions_of_different_shards_are_bridged_while_they_talk(shards):
    (a, b), (first, second) = await apart(shards)
    a.echo(True)
    talks = [
        asyncio.create_task(phone.talk(s, 600, bytes([s.port & 0x7F]) * 160)) for s, phone in ((a, first), (b, second))
    ]
    await asyncio.sleep(0.2)
    a.echo(False)
    shards.bridge(a, b)
    before = a.stats().own_ssrc
    await asyncio.gather(*talks)
    assert a.plane is b.plane
    assert a.stats().feed == b.stats().feed == "relay"
    assert first.listen().count(bytes([b.port & 0x7F]) * 160) >= 18
    assert second.listen().count(bytes([a.port & 0x7F]) * 160) >= 18
    await until(lambda: (a.stats().received_packets, b.stats().received_packets) == (30, 30))  # counts follow later
    assert (a.stats().lost, b.stats().lost) == (0, 0)
    assert a.stats().own_ssrc == before
    assert len(shards.sessions) == 2


async def test_orders_given_on_the_way_are_obeyed_after_it(shards, tmp_path):
    (a, b), (first, second) = await apart(shards)
    bridge = shards.bridge(a, b)
    recording = b.record(tmp_path / "call")
    b.play(Pcm(numpy.full(8000, 9000, numpy.int16).tobytes(), 8000), loop=True)
    await asyncio.gather(first.talk(a, 200, b"\x42" * 160), second.talk(b, 200, b"\x43" * 160))
    assert first.listen()[-3:] == [b"\x43" * 160] * 3
    assert b.stats().feed == "player"
    bridge.close()
    recording.stop()
    await until(lambda: any(isinstance(event, Recorded) and event.frames > 800 for event in shards.events))


async def test_what_plays_goes_on_on_the_other_shard(shards):
    (a, b), (_, second) = await apart(shards)
    number = b.play(Pcm(numpy.full(4000, 9000, numpy.int16).tobytes(), 8000))
    await asyncio.sleep(0.15)
    b.move_to(a.plane)
    await until(lambda: any(isinstance(event, PlayDone) for event in shards.events))
    assert [(event.play, event.reason) for event in shards.events if isinstance(event, PlayDone)] == [
        (number, "finished")
    ]
    loud = [payload for payload in second.listen() if payload[0] < 0xF0]
    assert len(loud) == pytest.approx(25, abs=2)  # 500 ms, neither again from the start nor cut


async def test_a_session_closed_on_the_way_is_gone(shards):
    (a, b), _ = await apart(shards)
    shards.bridge(a, b)
    b.close()
    await until(lambda: sum(stats.open_legs for stats in shards.stats()) == 1)
    assert shards.sessions == [a]


async def test_two_recorded_sessions_stay_where_they_are(shards, tmp_path):
    (a, b), _ = await apart(shards)
    a.record(tmp_path / "a")
    b.record(tmp_path / "b")
    with pytest.raises(MediaError, match="both are being recorded"):
        shards.bridge(a, b)


async def test_a_conference_takes_sessions_of_all_shards(shards):
    sessions = [session for _ in range(3) for session in await shards.open(2)]
    phones = [Phone(i) for i in range(6)]
    for session, phone in zip(sessions, phones, strict=True):
        connect(session, phone)
    room = shards.conference(sessions[0])
    for session in sessions:
        room.join(session)
    loud = bytes(range(0x80, 0xD0)) * 2
    await asyncio.gather(
        phones[0].talk(sessions[0], 500, loud),
        *[p.talk(s, 500, b"\xff" * 160) for p, s in zip(phones[1:], sessions[1:], strict=True)],
    )
    for phone in phones[1:]:
        assert sum(max(payload) < 0xFF or min(payload) < 0xE0 for payload in phone.listen()) >= 10


@pytest.mark.parametrize(
    "config", [MediaConfig(codecs=("GSM",)), MediaConfig(codecs=()), MediaConfig(address="192.0.2.1", codecs=("PCMU",))]
)
async def test_what_cannot_work_is_said(config):
    async def attempt():
        server = MediaServer(config, lambda event: None)
        await server.start()
        try:
            await server.open()
        finally:
            await server.close()

    with pytest.raises(MediaError):
        await attempt()


async def test_a_conference_of_three(media):
    sessions = await media.open(3)
    phones = [Phone(i + 1, payload_type) for i, payload_type in enumerate((0, 8, 0))]
    for session, phone in zip(sessions, phones, strict=True):
        connect(session, phone)
    bridge = media.bridge(*sessions[:2])
    room = media.conference(sessions[0])
    for session in sessions:
        room.join(session)
    assert bridge.closed
    await asyncio.gather(
        *[phones[0].talk(sessions[0], 600, b"\xa0" * 160), phones[2].talk(sessions[2], 600, b"\xff" * 160)]
    )
    assert phones[1].listen().count(b"\x8b" * 160) >= 15
    assert phones[2].listen().count(b"\xa0" * 160) >= 15
    assert b"\xa0" * 160 not in phones[0].listen()
    assert sessions[0].stats().feed == "mix"
    assert any(isinstance(event, Speaking) and event.session is sessions[0] for event in media.events)
    room.hear(sessions[0], sessions[1], 0.5)
    room.tone()
    room.leave(sessions[0])
    with pytest.raises(MediaError):
        room.gain(sessions[0], 1.0)
    sessions[1].close()
    assert room.sessions == {sessions[2]}
    room.close()
    assert sessions[2].conference is None


async def test_a_recording_is_whole_when_it_is_told(media, tmp_path):
    (a, b), (first, second) = await two(media)
    media.bridge(a, b)
    recording = a.record(tmp_path / "call.seg")
    with pytest.raises(MediaError):
        a.record(tmp_path / "again.seg")
    await asyncio.gather(first.talk(a, 600, b"\xa0" * 160), second.talk(b, 600, b"\xa0" * 160))
    recording.stop()
    await until(lambda: any(isinstance(event, Recorded) for event in media.events))
    [done] = [event for event in media.events if isinstance(event, Recorded)]
    assert (done.session, done.recording, done.lost, done.error) == (a, recording.number, 0, None)
    found = recording_file.to_wav(recording.path, tmp_path / "call.wav")
    sound, rate = soundfile.read(tmp_path / "call.wav", dtype="int16")
    assert (len(sound), rate, found.channels) == (done.frames, 8_000, 2)
    assert 2_500 < (sound[:, 0] == 7_932).sum() <= 5_600  # what comes late is concealed
    assert 2_500 < (sound[:, 1] == 7_932).sum() <= 5_600  # what comes late is concealed


async def test_recordings_that_run_when_the_server_closes_are_told_and_whole(tmp_path):
    events = []
    server = MediaServer(MediaConfig(address=HOST, ports=(21_400, 21_409), max_sessions=2), events.append)
    await server.start()
    [session] = await server.open()
    phone = Phone(1)
    connect(session, phone)
    recording = session.record(tmp_path / "call.seg", stereo=False)
    await phone.talk(session, 300, b"\xa0" * 160)
    await server.close()
    assert [event.recording for event in events if isinstance(event, Recorded)] == [recording.number]
    assert 1_600 < recording_file.summary(recording.path).frames < 4_800


async def test_a_conference_is_recorded_as_its_parties_come_and_go(media, tmp_path):
    (a, b), (first, second) = await two(media)
    room = media.conference(a)
    room.join(a)
    room.join(b)
    recording = room.record(tmp_path / "room.seg")
    with pytest.raises(MediaError):
        room.record(tmp_path / "again.seg")
    loud = b"\xa0" * 160
    await asyncio.gather(first.talk(a, 500, loud), second.talk(b, 500, loud))
    room.leave(a)
    room.leave(b)
    await asyncio.sleep(0.3)
    recording.stop()
    await until(lambda: any(isinstance(event, Recorded) for event in media.events))
    [done] = [event for event in media.events if isinstance(event, Recorded)]
    assert (done.session, done.recording, done.lost, done.error) == (None, recording.number, 0, None)
    found = recording_file.to_wav(recording.path, tmp_path / "room.wav")
    sound, _ = soundfile.read(tmp_path / "room.wav", dtype="int16")
    assert found.channels == 1
    assert 5_500 < len(sound) == done.frames < 8_000  # an empty room is recorded as silence
    assert (sound == 2 * 7_932).sum() > 2_000
    assert not sound[-1_600:].any()
