# SPDX-License-Identifier: Apache-2.0
"""Conferences: who hears whom, how loud, and that it stays one clean stream."""

import math
import struct
from itertools import pairwise

import numpy
import pytest
from plane_rig import RECEIVES, TONE, Rig
from test_plane_transcode import NAMES, Ear, Speaker

from switchroom.media.wire import Error, Op

PLACES = {"PCMU": (0, 0), "PCMA": (8, 1), "G722": (9, 2)}
FREQUENCIES = (400.0, 700.0, 1100.0, 1700.0)
COMMON = 0xFFFF


class Party:
    def __init__(self, rig, index, codec="PCMU", join=True, gain=256, **agreed):
        place = PLACES[codec]
        self.rig = rig
        self.leg, talker = rig.party((f"10.3.0.{index + 1}", 4000), send=place, receive=(place,), ssrc=index, **agreed)
        self.hz = FREQUENCIES[index % 4]
        self.speaker = Speaker(talker, codec, self.hz, 4000.0)
        self.ear = Ear(rig, self.leg, codec)
        if join:
            assert self.join(gain=gain) == Error.OK

    def join(self, room=0, top=0, gain=256):
        return self.rig.command(Op.JOIN, self.leg.handle, room, struct.pack("=II", top, gain)).other


def run(rig, parties, ticks, talkers=None):
    """What each hears, in the order of `parties`."""
    heard = [[] for _ in parties]
    codecs = {party.leg.port: (i, party.ear.codec) for i, party in enumerate(parties)}
    for _ in range(ticks):
        for party in parties if talkers is None else talkers:
            party.speaker.talker.send(party.speaker.packet())
        rig.run(20)
        for port, _, data in rig.shard.sent():
            if port in codecs and data[1] & 0x7F < 64:
                index, codec = codecs[port]
                heard[index].append(numpy.frombuffer(codec.decode(data[12:]), numpy.int16).astype(float))
    return [numpy.concatenate(sound) if sound else numpy.zeros(0) for sound in heard]


def level(sound, hz, rate=8000):
    """Of one frequency, against that of a sine of 4000, in dB; over the last 0.8 s."""
    tail = sound[-(rate * 4 // 5) :]
    turns = numpy.exp(-2j * math.pi * hz * numpy.arange(len(tail)) / rate)
    return 20 * math.log10(2 * abs(numpy.mean(tail * turns)) / 4000 + 1e-9)


@pytest.fixture
def wide():
    rig = Rig(codecs=NAMES, max_legs=1200, ports=(20_000, 24_000))
    yield rig
    rig.close()


def test_everybody_hears_the_others_and_not_itself(wide):
    parties = [Party(wide, i) for i in range(4)]
    heard = run(wide, parties, 75)
    for i, sound in enumerate(heard):
        for j, party in enumerate(parties):
            if i == j:
                assert level(sound, party.hz) < -35
            else:
                assert level(sound, party.hz) == pytest.approx(0, abs=0.5)


def test_codecs_and_packet_lengths_mix(wide):
    parties = [Party(wide, 0), Party(wide, 1, "PCMA", ptime_ms=30), Party(wide, 2, "G722", ptime_ms=10)]
    heard = run(wide, parties, 100)
    for i, (sound, rate) in enumerate(zip(heard, (8000, 8000, 16000), strict=True)):
        for j, party in enumerate(parties):
            expected = pytest.approx(0, abs=0.5) if i != j else pytest.approx(-90, abs=55)
            assert level(sound, party.hz, rate) == expected


def test_monitor_whisper_barge(wide):
    agent, customer, boss = parties = [Party(wide, 0), Party(wide, 1), Party(wide, 2, gain=0)]
    heard = run(wide, parties, 75)
    assert level(heard[0], boss.hz) < -35
    assert level(heard[1], boss.hz) < -35
    assert level(heard[2], agent.hz) == pytest.approx(0, abs=0.5)
    assert level(heard[2], customer.hz) == pytest.approx(0, abs=0.5)
    wide.command(Op.HEARS, agent.leg.handle, boss.leg.handle, struct.pack("=I", 128))
    heard = run(wide, parties, 75)
    assert level(heard[0], boss.hz) == pytest.approx(-6, abs=0.5)
    assert level(heard[1], boss.hz) < -35
    wide.command(Op.HEARS, agent.leg.handle, boss.leg.handle, struct.pack("=I", COMMON))
    wide.command(Op.GAIN, boss.leg.handle, 256)
    heard = run(wide, parties, 75)
    assert level(heard[0], boss.hz) == pytest.approx(0, abs=0.5)
    assert level(heard[1], boss.hz) == pytest.approx(0, abs=0.5)


def test_listeners_who_hear_the_same_get_the_same_packets(wide):
    talker = Party(wide, 0)
    listeners = [Party(wide, i) for i in range(1, 20)]
    run(wide, [talker, *listeners], 50, [talker])
    talker.speaker.talker.send(talker.speaker.packet())
    wide.run(20)
    payloads = {data[12:] for port, _, data in wide.shard.sent() if port != talker.leg.port and port % 2 == 0}
    assert len(payloads) == 1


def test_only_the_loudest_are_heard_where_chosen(wide):
    parties = [Party(wide, i, join=False) for i in range(4)]
    for party, amplitude in zip(parties, (8000.0, 4000.0, 300.0, 200.0), strict=True):
        assert party.join(top=2) == Error.OK
        party.speaker.amplitude = amplitude
    heard = run(wide, parties, 100)
    assert level(heard[3], parties[0].hz) == pytest.approx(6, abs=0.5)
    assert level(heard[3], parties[1].hz) == pytest.approx(0, abs=0.5)
    assert level(heard[3], parties[2].hz) < -40


def test_entering_and_leaving_keep_one_stream(wide):
    a, b, c = (Party(wide, i, join=False) for i in range(3))
    wide.command(Op.BRIDGE, a.leg.handle, b.leg.handle)
    wide.shard.sent()
    packets = []

    def talk(ticks):
        for _ in range(ticks):
            for party in (a, b, c):
                party.speaker.talker.send(party.speaker.packet())
            wide.run(20)
            packets.extend(wide.heard(a.leg))

    talk(20)
    for party in (a, b, c):
        party.join()
    talk(20)
    wide.command(Op.LEAVE, c.leg.handle)
    talk(5)
    wide.command(Op.BRIDGE, a.leg.handle, b.leg.handle)
    talk(20)
    for before, after in pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert 0 < (after.timestamp - before.timestamp) & 0xFFFFFFFF <= 480
    assert len(packets) == pytest.approx(65, abs=3)


def test_a_tone_is_heard_by_all(wide):
    parties = [Party(wide, i) for i in range(3)]
    body = TONE.pack(0, 400, -10.0, 1500.0, 0, 0, 0, 0, 0, 0, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 1)
    assert wide.command(Op.ROOM_TONE, 0, 0, body).other == Error.OK
    heard = run(wide, parties, 18, [])
    for sound in heard:
        turns = numpy.exp(-2j * math.pi * 1500 * numpy.arange(len(sound)) / 8000)
        assert abs(numpy.mean(sound * turns)) > 1500
    assert wide.command(Op.ROOM_TONE, 0, 7, body).other == Error.NO_ROOM


def test_who_speaks_is_told(wide):
    a, b = Party(wide, 0), Party(wide, 1)
    run(wide, [a, b], 30, [a])
    a.speaker.amplitude = 0.0
    run(wide, [a, b], 60, [a])
    assert [(fact.leg, fact.other) for fact in wide.told(Op.SPEAKING)] == [(a.leg.handle, 1), (a.leg.handle, 0)]


def test_a_member_on_hold_is_not_heard(wide):
    a, b = Party(wide, 0), Party(wide, 1)
    run(wide, [a, b], 20)
    wide.configure(a.leg, ("10.3.0.1", 4000), flags=4)
    heard = run(wide, [a, b], 60)
    assert level(heard[1], a.hz) < -40
    assert len(heard[0]) == 0


def test_two_hundred_in_a_room_and_all_go(wide):
    parties = [Party(wide, i) for i in range(200)]
    run(wide, parties, 10, parties[:3])
    for party in parties:
        wide.command(Op.CLOSE, party.leg.handle)
    wide.run(100)
    alone = Party(wide, 250)
    [sound] = run(wide, [alone], 20)
    assert not sound.any()


def test_nonsense_is_refused(wide):
    party = Party(wide, 0, join=False, flags=RECEIVES)
    assert party.join(room=512) == Error.BAD_RECORD
    assert party.join(top=17) == Error.BAD_RECORD
    assert party.join(gain=70_000) == Error.BAD_RECORD
    assert wide.command(Op.GAIN, party.leg.handle, 5_000).other == Error.BAD_RECORD
    assert wide.command(Op.HEARS, party.leg.handle, 12_345, struct.pack("=I", 256)).other == Error.BAD_RECORD
