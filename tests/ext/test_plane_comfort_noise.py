# SPDX-License-Identifier: Apache-2.0
"""Comfort noise (RFC 3389): sent in place of silence to who takes it, made for who does not, and no loss to anybody."""

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from plane_rig import Rig, Rtp
from sound_measures import COMMON_HZ, NAMES, PLACES, Hearing, Sound, Voice, converse, hiss, level_db, tone
from test_plane_tap import finish, record

from switchroom.codecs.g711 import PCMU
from switchroom.ext.cng import describe
from switchroom.ext.codec import Codec
from switchroom.ext.playout import Playout
from switchroom.media.wire import Error, Op

NOISE_TYPE = 13
FULL_DB = 20 * np.log10(32_768)
A, B = ("10.1.0.1", 4000), ("10.1.0.2", 5000)


def heard_of(
    sound: Sound, noise: int = NOISE_TYPE, ptime_ms: int = 20, kind: Op = Op.BRIDGE
) -> list[tuple[float, Rtp]]:
    """The packets for a party that takes comfort noise, each with its time in ms."""
    rig = Rig(codecs=NAMES)
    leg_a, a = rig.party(A, send=PLACES["L16/16000"], receive=(PLACES["L16/16000"],))
    leg_b, _ = rig.party(B, ssrc=0x99, noise=noise, ptime_ms=ptime_ms)
    if kind == Op.BRIDGE:
        rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    else:
        for leg in (leg_a, leg_b):
            rig.command(Op.JOIN, leg.handle, 0, struct.pack("=II", 0, 256))
    rig.shard.sent()
    packets: list[tuple[float, Rtp]] = []
    began_ns = rig.now_ns
    voice = Voice(a, "L16/16000", sound)
    for packet in voice.packets():
        a.send(packet)
        for _ in range(20):
            rig.run(1)
            packets += [((rig.now_ns - began_ns) / 1e6, packet) for packet in rig.heard(leg_b)]
    rig.close()
    return packets


TALK_NOISE_TALK = np.concatenate([tone(1.0), hiss(4.0, -60), tone(1.0)])


@pytest.mark.parametrize("kind", [Op.BRIDGE, Op.JOIN])
@pytest.mark.parametrize("ptime_ms", [10, 20, 30])
def test_silence_is_described_and_not_sent(kind: Op, ptime_ms: int) -> None:
    packets = heard_of(TALK_NOISE_TALK, ptime_ms=ptime_ms, kind=kind)
    noise = [(at, packet) for at, packet in packets if packet.payload_type == NOISE_TYPE]
    pause = [packet for at, packet in packets if 1_400 < at < 5_000]
    assert 1_200 < noise[0][0] < 1_400  # the soft end of a word is still sent
    assert 3 <= len(pause) <= 6, "about one description each second, and nothing else"
    assert {packet.payload_type for packet in pause} == {NOISE_TYPE}
    for _, packet in noise:
        assert len(packet.payload) == 7
        assert packet.payload[0] == pytest.approx(60, abs=2)
    for (_, before), (_, after) in pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
    (first_ms, first), (last_ms, last) = packets[0], packets[-1]
    assert ((last.timestamp - first.timestamp) & 0xFFFFFFFF) / 8 == pytest.approx(last_ms - first_ms, abs=10)


def test_a_talk_spurt_begins_with_the_marker_and_whole() -> None:
    packets = heard_of(TALK_NOISE_TALK)
    marked = [at for at, packet in packets if packet.marker]
    assert len(marked) == 2, "the beginning and the spurt after the pause"
    spurt = [packet for at, packet in packets if at >= marked[1]]
    assert marked[1] == pytest.approx(5_000, abs=45)
    assert {packet.payload_type for packet in spurt} == {0}
    assert len(spurt) >= 48


def test_the_phone_hears_noise_at_the_level_and_no_loss() -> None:
    phone, frame = Playout(PCMU), np.zeros(160, np.int16)
    packets = heard_of(TALK_NOISE_TALK)
    heard, at = [], 0
    for now_ms in range(3, 6_000, 20):
        while at < len(packets) and packets[at][0] <= now_ms:
            when, packet = packets[at]
            is_noise = packet.payload_type == NOISE_TYPE
            units, kind = (0, "sid") if is_noise else (160, "audio")
            phone.push(int(when * 1e6), packet.sequence, packet.timestamp, packet.payload, units, kind)
            at += 1
        phone.frame(now_ms * 1_000_000, frame)
        heard.append(frame.copy())
    sound = np.concatenate(heard).astype(float)
    assert level_db(sound[8_000 * 2 : 8_000 * 4]) - FULL_DB == pytest.approx(-60, abs=1.5)
    assert level_db(sound[4_000:7_000]) - FULL_DB == pytest.approx(level_db(tone(1.0)) - FULL_DB, abs=0.5)
    assert phone.stats["lost"] == 0
    assert phone.stats["noise"] > 3 * 8_000


def test_steady_sound_above_the_noises_is_never_taken_for_one() -> None:
    packets = heard_of(tone(6.0, amplitude=32_768 * 10 ** (-38 / 20), hz=440.0))
    assert {packet.payload_type for _, packet in packets} == {0}
    assert len(packets) == pytest.approx(300, abs=4)


def test_nothing_at_all_is_said_as_such() -> None:
    packets = heard_of(np.concatenate([tone(0.5), np.zeros(3 * COMMON_HZ)]))
    assert {packet.payload[0] for _, packet in packets if packet.payload_type == NOISE_TYPE} == {127}


def test_who_does_not_take_it_hears_silence_as_audio() -> None:
    packets = heard_of(TALK_NOISE_TALK, noise=255)
    assert {packet.payload_type for _, packet in packets} == {0}
    assert len(packets) == pytest.approx(300, abs=4)


def call_with_dtx(**second: int) -> tuple[Rig, list[Rtp]]:
    """A phone talks, describes its noise, rests for 3 s and talks again; what the other party of one codec gets."""
    rig = Rig(rtp_timeout_ms=500)
    leg_a, a = rig.party(A)
    leg_b, _ = rig.party(B, ssrc=0x99, **second)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    a.say(25)
    rig.shard.sent()
    noise = describe(hiss(0.02, -50)[::2].astype(np.int16), 6)
    a.send(a.packet(noise, NOISE_TYPE))
    a.timestamp += 24_000 - len(noise)
    rig.run(3_000)
    talk = a.packet(marker=True)
    a.send(talk)
    rig.run(20)
    a.say(24)
    packets = rig.heard(leg_b)
    rig.run(200)
    stats = rig.page().leg(leg_a.handle)
    assert (stats.lost, stats.late) == (0, 0)
    assert [fact for fact in rig.told(Op.TIMED_OUT) if fact.leg == leg_a.handle] == [], "it rests, it is not gone"
    return rig, packets


def test_comfort_noise_is_relayed_to_who_takes_it() -> None:
    rig, packets = call_with_dtx(noise=19)
    assert [packet.payload_type for packet in packets[:2]] == [19, 0]
    assert packets[1].marker
    assert (packets[1].timestamp - packets[0].timestamp) & 0xFFFFFFFF == 24_000
    assert len(packets) == 26
    rig.close()


def test_comfort_noise_is_made_for_who_does_not_take_it() -> None:
    rig, packets = call_with_dtx()
    assert {packet.payload_type for packet in packets} == {0}
    assert len(packets) == pytest.approx(175, abs=4), "each 20 ms, also in the pause"
    sound = Codec(PCMU).decode(b"".join(packet.payload for packet in packets[50:140]))
    assert level_db(np.frombuffer(sound, np.int16).astype(float)) - FULL_DB == pytest.approx(-50, abs=2)
    rig.close()


def test_a_phone_that_rests_for_ever_is_gone_after_all() -> None:
    rig = Rig(rtp_timeout_ms=500)
    leg, a = rig.party(A)
    a.say(10)
    a.send(a.packet(b"\x40", NOISE_TYPE))
    rig.run(4_500)
    assert rig.told(Op.TIMED_OUT) == []
    rig.run(1_000)
    assert [fact.leg for fact in rig.told(Op.TIMED_OUT)] == [leg.handle]
    rig.close()


def test_a_recording_has_the_noise_that_was_heard(tmp_path: Path) -> None:
    rig = Rig(codecs=NAMES)
    leg_a, a = rig.party(A, send=PLACES["L16/16000"], receive=(PLACES["L16/16000"],))
    leg_b, _ = rig.party(B, ssrc=0x99, noise=NOISE_TYPE)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    assert record(rig, leg_b, tmp_path / "call") == Error.OK
    converse(rig, Voice(a, "L16/16000", hiss(4.0, -60)), Hearing(rig, leg_a, "L16/16000"))
    rig.command(Op.RECORD_STOP, leg_b.handle)
    sound = finish(rig, tmp_path / "call")
    assert level_db(sound[2 * 8_000 : 3 * 8_000, 1]) - FULL_DB == pytest.approx(-60, abs=1.5)
    assert rig.page().leg(leg_b.handle).sent_packets < 50
    rig.close()
