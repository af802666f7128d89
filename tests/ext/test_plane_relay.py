# SPDX-License-Identifier: Apache-2.0
"""Packets from one leg to the other: what the remote hears, under which numbers."""

from itertools import pairwise

import numpy
import pytest
from plane_rig import BOTH, HELD, RECEIVES, SENDS, Rtp, Talker

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media.wire import Error, Op

A = ("10.1.0.1", 4000)
B = ("10.1.0.2", 5000)


def bridged(rig, **second):
    (leg_a, a), (leg_b, b) = rig.party(A), rig.party(B, ssrc=0x9999, **second)
    assert rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle).other == Error.OK
    rig.shard.sent()
    return leg_a, a, leg_b, b


def assert_one_stream(packets):
    """One SSRC, no sequence number twice or left out, no time that runs backwards."""
    assert len({packet.ssrc for packet in packets}) == 1
    for before, after in pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert 0 < (after.timestamp - before.timestamp) & 0xFFFFFFFF < 80_000


def test_a_packet_is_relayed_when_it_arrives(rig):
    _, a, leg_b, _ = bridged(rig)
    a.send(a.packet(b"\x42" * 160))
    [(to, packet)] = rig.sent(leg_b)
    assert to == B
    assert packet.payload == b"\x42" * 160
    assert packet.payload_type == 0
    assert packet.marker
    assert packet.ssrc != a.ssrc


def test_numbers_go_on_as_the_source_numbers_them(rig):
    _, a, leg_b, _ = bridged(rig)
    first = a.packet()
    lost = a.packet()
    third, fourth = a.packet(), a.packet()
    for packet in (first, fourth, third):
        a.send(packet)
    one, four, three = rig.heard(leg_b)
    assert (four.sequence - one.sequence) & 0xFFFF == 3
    assert (three.sequence - one.sequence) & 0xFFFF == 2
    assert (four.timestamp - one.timestamp) & 0xFFFFFFFF == 480
    assert lost.sequence == first.sequence + 1


def test_a_packet_that_comes_twice_goes_out_once(rig):
    _, a, leg_b, _ = bridged(rig)
    packet = a.packet()
    a.send(packet)
    a.send(packet)
    assert len(rig.heard(leg_b)) == 1


def test_csrcs_extension_and_padding_are_not_relayed(rig):
    _, a, leg_b, _ = bridged(rig)
    plain = a.packet(b"\x42" * 160).to_bytes()
    data = bytes([0x80 | 0x20 | 0x10 | 2]) + plain[1:12] + b"\0" * 8 + b"\xbe\xde\0\1abcd" + plain[12:] + b"\0\0\0\4"
    rig.deliver(a.port, data, A)
    [packet] = rig.heard(leg_b)
    assert packet.payload == b"\x42" * 160


def test_a_source_that_changes_its_ssrc_stays_one_stream_for_the_other_side(rig):
    _, a, leg_b, _ = bridged(rig)
    a.say(5)
    other = Talker(rig, a.port, A, ssrc=0xABCD)
    other.sequence, other.timestamp = 7, 3_000_000_000
    other.say(5)
    packets = rig.heard(leg_b)
    assert_one_stream(packets)
    assert [packet.marker for packet in packets] == [True] + [False] * 4 + [True] + [False] * 4


def test_a_source_that_jumps_stays_one_stream_for_the_other_side(rig):
    _, a, leg_b, _ = bridged(rig)
    a.say(5)
    a.sequence += 30_000
    a.timestamp += 1_000_000_000
    a.say(5)
    packets = rig.heard(leg_b)
    assert_one_stream(packets)
    assert len(packets) == 9  # the first one after the jump might have been a stray


def test_sequence_numbers_wrap(rig):
    _, a, leg_b, _ = bridged(rig)
    a.sequence, a.timestamp = 65_530, 2**32 - 800
    a.say(12)
    packets = rig.heard(leg_b)
    assert len(packets) == 12
    assert_one_stream(packets)


def test_payload_types_are_mapped(rig):
    _, a, leg_b, _b = bridged(rig, send=(96, 0), receive=((0, 0),), event=(110, 101))
    a.send(a.packet())
    a.event(5, 160, marker=True)
    assert [packet.payload_type for packet in rig.heard(leg_b)] == [96, 110]


def test_a_digit_for_a_remote_without_events_leaves_no_hole(rig):
    _, a, leg_b, _ = bridged(rig, event=(255, 255))
    a.say(2)
    a.event(5, 160, marker=True)
    a.event(5, 320, end=True)
    a.timestamp += 320
    a.say(2)
    packets = rig.heard(leg_b)
    assert len(packets) == 4
    assert_one_stream(packets)
    rig.run(300)
    assert rig.digits() == [("5", 40)]


def test_prompt_and_relay_are_one_stream(rig):
    _, a, leg_b, _ = bridged(rig)
    a.say(5)
    rig.command(Op.ECHO, leg_b.handle, 1)
    rig.command(Op.ECHO, leg_b.handle, 0)
    rig.command(Op.UNBRIDGE, leg_b.handle)
    rig.run(100)  # silence goes out
    leg_c, c = rig.party(("10.1.0.3", 4000), ssrc=0x77)
    rig.command(Op.BRIDGE, leg_c.handle, leg_b.handle)
    c.say(5)
    packets = rig.heard(leg_b)
    assert_one_stream(packets)
    assert [packet.payload for packet in packets[5:-5]] == [b"\xff" * 160] * (len(packets) - 10)
    assert 4 <= len(packets) - 10 <= 6


def test_hold_lets_the_other_side_hear_silence_and_nothing_of_the_holder(rig):
    leg_a, a, leg_b, b = bridged(rig)
    rig.configure(leg_a, A, flags=HELD | RECEIVES)
    a.say(10, b"\x42" * 160)
    packets = rig.heard(leg_b)
    assert 9 <= len(packets) <= 11
    assert {packet.payload for packet in packets} == {b"\xff" * 160}
    assert_one_stream(packets)
    b.say(3)
    assert rig.heard(leg_a) == []  # who holds is not sent to
    rig.configure(leg_a, A, flags=BOTH)
    a.say(3, b"\x42" * 160)
    assert [packet.payload for packet in rig.heard(leg_b)] == [b"\x42" * 160] * 3


def test_echo(rig):
    leg, a = rig.party(A)
    rig.command(Op.ECHO, leg.handle, 1)
    rig.shard.sent()
    a.send(a.packet(b"\x42" * 160))
    [(to, packet)] = rig.sent(leg)
    assert (to, packet.payload) == (A, b"\x42" * 160)


def test_nothing_goes_out_before_the_answer_and_silence_after_it(rig):
    leg, _ = rig.party(A, confirm=False)
    rig.run(200)
    assert rig.heard(leg) == []
    rig.command(Op.CONFIRM, leg.handle)
    rig.run(200)
    assert 9 <= len(rig.heard(leg)) <= 11


def test_nothing_goes_to_a_remote_that_does_not_receive(rig):
    leg, a = rig.party(A, flags=RECEIVES)
    rig.command(Op.ECHO, leg.handle, 1)
    a.say(5)
    assert rig.heard(leg) == []


def test_a_remote_that_shall_not_send_is_not_heard(rig):
    leg_a, a, leg_b, _ = bridged(rig)
    rig.configure(leg_a, A, flags=SENDS)
    a.say(5, b"\x42" * 160)
    assert b"\x42" * 160 not in {packet.payload for packet in rig.heard(leg_b)}


def test_closing_one_leg_leaves_the_other_with_silence(rig):
    leg_a, a, leg_b, _b = bridged(rig)
    a.say(3)
    rig.command(Op.CLOSE, leg_a.handle)
    rig.shard.sent()
    rig.run(100)
    packets = rig.heard(leg_b)
    assert {packet.payload for packet in packets} == {b"\xff" * 160}
    assert rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle).other == Error.NO_LEG


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 50, 60])
def test_silence_has_the_agreed_packet_length(rig, ptime_ms):
    leg, _ = rig.party(A, ptime_ms=ptime_ms)
    rig.run(1_200)
    packets = [Rtp.from_bytes(data) for port, _, data in rig.shard.sent() if port == leg.port]
    assert {len(packet.payload) for packet in packets} == {8 * ptime_ms}
    assert abs(len(packets) - 1_200 // ptime_ms) <= 2
    assert_one_stream(packets)


def test_different_codecs_are_re_encoded(rig):
    _, a, leg_b, _ = bridged(rig, send=(8, 1), receive=((8, 1),))
    a.say(20, b"\xa0" * 160)  # +7932, which is 0x8b in A-law
    packets = rig.heard(leg_b)
    assert {packet.payload_type for packet in packets} == {8}
    assert_one_stream(packets)
    assert packets[-5].payload == bytes([0x8B]) * 160
    assert len(packets) == pytest.approx(20, abs=2)


def test_the_two_laws_of_g711_turn_into_each_other_as_packets_arrive(rig):
    leg_a, a, leg_b, b = bridged(rig, send=(8, 1), receive=((8, 1),))
    every = bytes(range(256))
    ulaw, alaw = (Codec(registry.capsule(name)) for name in ("PCMU", "PCMA"))
    a.send(a.packet(every))
    [heard] = rig.heard(leg_b)
    assert (heard.payload_type, heard.payload) == (8, alaw.encode(numpy.frombuffer(ulaw.decode(every), numpy.int16)))
    b.send(b.packet(every))
    [heard] = rig.heard(leg_a)
    assert (heard.payload_type, heard.payload) == (0, ulaw.encode(numpy.frombuffer(alaw.decode(every), numpy.int16)))
    rig.run(200)
    assert rig.heard(leg_b) == []  # nothing is generated


def test_different_packet_lengths_are_re_encoded(rig):
    _, a, leg_b, _ = bridged(rig, ptime_ms=30)
    a.say(30, b"\xa0" * 160)
    packets = rig.heard(leg_b)
    assert {len(packet.payload) for packet in packets} == {240}
    assert packets[-3].payload == b"\xa0" * 240
    assert_one_stream(packets)


@pytest.mark.parametrize("agreed", [{"send": (8, 1), "receive": ((8, 1),)}, {"ptime_ms": 10}])
def test_a_digit_passes_between_different_codecs(rig, agreed):
    _, a, leg_b, _ = bridged(rig, **agreed)
    a.say(10)
    for duration in range(160, 801, 160):
        a.event(7, duration, marker=duration == 160)
        rig.run(20)
    for _ in range(3):
        a.event(7, 960, end=True)
    a.timestamp += 960
    a.say(10)
    packets = rig.heard(leg_b)
    events = [packet for packet in packets if packet.payload_type == 101]
    assert len(events) == 8
    assert len({packet.timestamp for packet in events}) == 1
    assert [packet.marker for packet in events] == [True] + [False] * 7
    assert [packet.payload[0] for packet in events] == [7] * 8
    for before, after in pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF < 80_000
    assert rig.digits() == [("7", 120)]


def test_a_remote_that_changes_to_another_agreed_codec_is_followed(rig):
    leg_a, a = rig.party(A, receive=((0, 0), (8, 1)))
    leg_b, _ = rig.party(B)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    a.say(3)
    rig.shard.sent()
    a.payload_type = 8
    a.say(20, b"\x8b" * 160)
    packets = rig.heard(leg_b)
    assert {packet.payload_type for packet in packets} == {0}
    assert packets[-5].payload == b"\xa0" * 160
