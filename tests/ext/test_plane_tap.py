# SPDX-License-Identifier: Apache-2.0
"""Recordings and digits in the audio, beside a call that stays what it is."""

import math
import os
import struct

import numpy
import pytest
from plane_rig import Rig
from test_plane_transcode import NAMES, Speaker

from switchroom.media import recording_file
from switchroom.media.wire import Error, Op

A = ("10.1.0.1", 4000)
B = ("10.1.0.2", 5000)
RECORD = struct.Struct("=III")
DIGITS = {"1": (697, 1209), "5": (770, 1336), "#": (941, 1477)}


@pytest.fixture
def call(tmp_path):
    """Two relayed legs, the first being recorded in stereo."""
    rig = Rig(codecs=NAMES)
    (leg_a, a), (leg_b, b) = rig.party(A), rig.party(B, ssrc=0x99)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    yield rig, leg_a, Speaker(a, "PCMU", 500.0), Speaker(b, "PCMU", 1200.0), tmp_path / "call.seg"
    rig.close()


def record(rig, leg, path, channels=2, rate=8000, number=7):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    answer = rig.command(Op.RECORD, leg.handle, 0, RECORD.pack(number, rate, channels), fd)
    os.close(fd)
    return answer.other


def talk(rig, speakers, ms):
    for i in range(ms // 20):
        for speaker in speakers:
            speaker.talker.send(speaker.packet())
        rig.run(20)
        if i % 10 == 0:
            rig.shard.write()
            rig.shard.sent()


def finish(rig, path, channels=2):
    for _ in range(3):
        rig.shard.write()
        rig.run(200)
    return numpy.frombuffer(b"".join(recording_file.pcm(path)), numpy.int16).reshape(-1, channels).astype(float)


def level(sound, hz, rate=8000):
    turns = numpy.exp(-2j * math.pi * hz * numpy.arange(len(sound)) / rate)
    return 2 * abs(numpy.mean(sound * turns))


def test_each_side_is_on_its_channel_and_the_call_stays_relayed(call):
    rig, leg, a, b, path = call
    assert record(rig, leg, path) == Error.OK
    talk(rig, (a, b), 3_000)
    rig.shard.sent()
    a.talker.send(a.packet())
    assert len(rig.shard.sent()) == 1  # at once
    rig.command(Op.RECORD_STOP, leg.handle)
    sound = finish(rig, path)
    assert len(sound) == pytest.approx(24_000, abs=320)
    said, heard = sound[8_000:20_000].T
    assert level(said, 500) == pytest.approx(8000, rel=0.05)
    assert level(heard, 1200) == pytest.approx(8000, rel=0.05)
    assert level(said, 1200) < 100 > level(heard, 500)
    [fact] = rig.told(Op.RECORDED)
    frames, lost, error = struct.unpack_from("=QQi", fact.body)
    assert (fact.other, frames, lost, error) == (7, len(sound), 0, 0)


def test_both_on_one_channel_at_16_khz(call):
    rig, leg, a, b, path = call
    assert record(rig, leg, path, channels=1, rate=16_000) == Error.OK
    talk(rig, (a, b), 2_000)
    rig.command(Op.RECORD_STOP, leg.handle)
    sound = finish(rig, path, 1)[8_000:24_000, 0]
    assert level(sound, 500, 16_000) == pytest.approx(8000, rel=0.05)
    assert level(sound, 1200, 16_000) == pytest.approx(8000, rel=0.05)


def test_a_pause_is_silence_of_its_length(call):
    rig, leg, a, b, path = call
    record(rig, leg, path)
    talk(rig, (a, b), 1_000)
    rig.command(Op.RECORD_PAUSE, leg.handle, 1)
    talk(rig, (a, b), 1_000)
    rig.command(Op.RECORD_PAUSE, leg.handle, 0)
    talk(rig, (a, b), 1_000)
    rig.command(Op.RECORD_STOP, leg.handle)
    sound = finish(rig, path)
    assert len(sound) == pytest.approx(24_000, abs=320)
    assert not sound[8_400:15_600].any()
    assert level(sound[17_000:23_000, 0], 500) > 7_000
    assert sum(frames for _, frames in recording_file.summary(path).pauses) == pytest.approx(8_000, abs=320)


def test_the_end_of_the_leg_ends_the_recording(call):
    rig, leg, a, b, path = call
    record(rig, leg, path)
    talk(rig, (a, b), 1_000)
    rig.command(Op.CLOSE, leg.handle)
    assert len(finish(rig, path)) == pytest.approx(8_000, abs=320)
    assert [fact.leg for fact in rig.told(Op.RECORDED)] == [leg.handle]


def test_one_recording_at_a_time_and_no_nonsense(call):
    rig, leg, _, _, path = call
    assert record(rig, leg, path, rate=44_100) == Error.BAD_RECORD
    assert record(rig, leg, path, channels=3) == Error.BAD_RECORD
    assert rig.command(Op.RECORD, leg.handle, 0, RECORD.pack(1, 8000, 2)).other == Error.BAD_RECORD
    assert record(rig, leg, path) == Error.OK
    assert record(rig, leg, path) == Error.BUSY


def press(rig, speaker, digit, ms=100):
    low, high = DIGITS[digit]
    for i in range(ms // 20):
        n = numpy.arange(160) + 160 * i
        sound = 4000 * (numpy.sin(2 * math.pi * low * n / 8000) + numpy.sin(2 * math.pi * high * n / 8000))
        speaker.talker.send(speaker.talker.packet(speaker.codec.encode(numpy.rint(sound).astype(numpy.int16))))
        rig.run(20)
        rig.shard.sent()


def test_digits_in_the_audio_are_told_where_asked(call):
    rig, leg, a, _, _ = call
    a.amplitude = 0.0
    talk(rig, (a,), 200)
    press(rig, a, "1")
    talk(rig, (a,), 200)
    assert rig.digits() == []
    rig.command(Op.DETECT, leg.handle, 1)
    for digit in "15#5":
        talk(rig, (a,), 100)
        press(rig, a, digit)
    talk(rig, (a,), 300)
    assert [name for name, _ in rig.digits()] == ["1", "5", "#", "5"]
    assert all(80 <= duration <= 125 for _, duration in rig.digits())


@pytest.mark.parametrize("side", [0, 1])
def test_digits_of_both_are_kept_out_of_the_recording_where_asked(call, side):
    rig, leg, *speakers, path = call
    who = speakers[side]
    who.amplitude = 0.0
    rig.command(Op.DETECT, leg.handle, 3)
    record(rig, leg, path)
    talk(rig, (who,), 500)
    press(rig, who, "5", 500)
    who.amplitude = 8000.0
    talk(rig, (who,), 500)
    rig.command(Op.RECORD_STOP, leg.handle)
    sound = finish(rig, path)[:, side]
    loud = numpy.abs(sound) > 500
    assert loud[: 8 * 1_000].sum() < 8 * 60  # what passes before a digit is suspected: less than anybody can read
    assert loud[8 * 1_150 : 8 * 1_400].sum() > 8 * 200, "speech after it is there"
    assert [name for name, _ in rig.digits()] == (["5"] if side == 0 else [])
