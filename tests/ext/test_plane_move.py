# SPDX-License-Identifier: Apache-2.0
"""A leg goes to another shard: the remote notices nothing, and no leg, port or key is lost on the way."""

import fcntl
import os
import struct
from collections.abc import Iterator

import pytest
from plane_rig import Leg, Rig

from switchroom.media.wire import Error, Op

A = ("10.1.0.1", 4000)
B = ("10.1.0.2", 5000)
DEPARTED = struct.Struct("=QII")


@pytest.fixture
def shards() -> Iterator[tuple[Rig, Rig]]:
    here = Rig()
    there = Rig(beside=here, max_legs=2)
    yield here, there
    there.close()
    here.close()


def depart(rig: Rig, leg: Leg) -> tuple[int, int, int]:
    answer = rig.command(Op.DEPART, leg.handle)
    assert answer.other == Error.OK
    return DEPARTED.unpack_from(answer.body)


def move(here: Rig, there: Rig, leg: Leg) -> Leg:
    parcel, *_ = depart(here, leg)
    there.step(max(0, here.now_ns - there.now_ns))
    answer = there.command(Op.ARRIVE, body=struct.pack("=Q", parcel))
    assert answer.other == Error.OK
    return Leg(answer.leg, leg.port)


def test_the_remote_hears_one_stream_and_is_still_heard(shards):
    here, there = shards
    leg, a = here.party(A)
    other, b = there.party(B, ssrc=0x99)
    here.command(Op.ECHO, leg.handle, 1)
    a.say(5)
    before = here.heard(leg)
    here.command(Op.ECHO, leg.handle, 0)
    leg = move(here, there, leg)
    there.command(Op.BRIDGE, leg.handle, other.handle)
    a.rig = there
    b.say(5, b"\x22" * 160)
    after = there.heard(leg)
    assert [packet.payload[0] for packet in after] == [0x22] * 5
    assert {packet.ssrc for packet in before + after} == {before[0].ssrc}
    assert after[0].sequence - before[-1].sequence == 1
    assert 0 < after[0].timestamp - before[-1].timestamp < 800
    a.say(5, b"\x33" * 160)
    assert [packet.payload[0] for packet in there.heard(other)] == [0x33] * 5


def test_what_was_buffered_is_still_played(shards):
    here, there = shards
    leg, a = here.party(A)
    mate, _ = here.party(B, ssrc=0x99, ptime_ms=10)
    here.command(Op.BRIDGE, leg.handle, mate.handle)
    a.say(20, b"\x31" * 160)
    other, _ = there.party(("10.1.0.3", 6000), ssrc=0x77, ptime_ms=10)
    moved = move(here, there, leg)
    there.command(Op.BRIDGE, moved.handle, other.handle)
    a.rig = there
    a.say(10, b"\x31" * 160)
    sound = b"".join(packet.payload for packet in there.heard(other))
    assert sound.count(0x31) > 0.8 * len(sound) > 0


def test_the_port_comes_back_from_wherever_the_leg_is_closed(shards):
    here, there = shards
    legs = [here.open() for _ in range(20)]
    assert here.command(Op.OPEN).other == Error.NO_PORT
    moved = move(here, there, legs[3])
    there.command(Op.CLOSE, moved.handle)
    here.run(2_001)
    assert here.open().port == legs[3].port


def test_a_full_shard_takes_nobody_and_the_leg_can_go_back(shards):
    here, there = shards
    there.open(), there.open()
    leg, a = here.party(A)
    here.command(Op.ECHO, leg.handle, 1)
    parcel, *_ = depart(here, leg)
    body = struct.pack("=Q", parcel)
    assert there.command(Op.ARRIVE, body=body).other == Error.NO_ROOM
    answer = here.command(Op.ARRIVE, body=body)
    assert answer.other == Error.OK
    a.say(3)
    assert len(here.heard(Leg(answer.leg, leg.port))) == 3
    assert here.command(Op.ARRIVE, body=body).other == Error.BAD_RECORD  # it is taken once


def test_the_old_handle_is_nobody_and_the_former_peer_is_alone(shards):
    here, there = shards
    (leg, _), (mate, b) = here.party(A), here.party(B, ssrc=0x99)
    here.command(Op.BRIDGE, leg.handle, mate.handle)
    move(here, there, leg)
    assert here.command(Op.ECHO, leg.handle, 1).other == Error.NO_LEG
    b.say(3)
    assert all(packet.payload == b"\xff" * 160 for packet in here.heard(mate))  # silence


def test_a_recorded_leg_stays(shards, tmp_path):
    here, _ = shards
    leg, _ = here.party(A)
    fd = os.open(tmp_path / "call", os.O_CREAT | os.O_WRONLY)
    here.command(Op.RECORD, leg.handle, body=struct.pack("=III", 1, 8000, 1), fd=fd)
    os.close(fd)
    assert here.command(Op.DEPART, leg.handle).other == Error.BUSY
    assert here.command(Op.ECHO, leg.handle, 1).other == Error.OK


def test_a_prompt_that_plays_is_told_with_its_place(shards):
    here, _ = shards
    leg, _ = here.party(A)
    fd = os.memfd_create("prompt", os.MFD_ALLOW_SEALING)
    os.write(fd, bytes(2 * 8000))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE)
    here.command(Op.LOAD, other=0, body=struct.pack("=II", 8000, 8000), fd=fd)
    os.close(fd)
    here.command(Op.PLAY, leg.handle, 0, struct.pack("=III", 7, 0, 1600))
    here.run(200)
    _, play, position = depart(here, leg)
    assert play == 7
    assert position == pytest.approx(1600 + 1600, abs=320)
    assert here.told(Op.PLAYED) == []
