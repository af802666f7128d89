# SPDX-License-Identifier: Apache-2.0
"""Keys that are sent: the packets of an event, tones where there are no events, and nothing else meanwhile."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from plane_rig import Rtp

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.ext.dtmf import Detector, frequencies
from switchroom.media.wire import Error, Op

A, B = ("10.1.0.1", 4000), ("10.1.0.2", 5000)
EVENT = 101


def keys(rig, leg, digits, on_ms=100, off_ms=100):
    body = struct.pack("=HHB32s", on_ms, off_ms, len(digits), digits.encode())
    return rig.command(Op.KEYS_SEND, leg.handle, body=body).other


def events(packets):
    """(code, end, duration, packet) of each event packet."""
    return [
        (packet.payload[0], packet.payload[1] >> 7, int.from_bytes(packet.payload[2:4], "big"), packet)
        for packet in packets
        if packet.payload_type == EVENT
    ]


def decoded(packets):
    codec = Codec(registry.capsule("PCMU"))
    return np.concatenate([np.frombuffer(codec.decode(packet.payload), np.int16) for packet in packets])


def test_one_key_is_one_event_with_three_ends(rig):
    leg, _ = rig.party(A)
    rig.run(50)
    rig.shard.sent()
    assert keys(rig, leg, "5", 100, 100) == Error.OK
    rig.run(300)
    found = events(rig.heard(leg))
    assert [(code, end, duration) for code, end, duration, _ in found] == [
        (5, 0, 160), (5, 0, 320), (5, 0, 480), (5, 0, 640), (5, 1, 800), (5, 1, 800), (5, 1, 800),
    ]  # fmt: skip
    packets = [packet for _, _, _, packet in found]
    assert len({packet.timestamp for packet in packets}) == 1
    assert [packet.marker for packet in packets] == [True] + [False] * 6
    assert {packet.payload[1] & 0x3F for packet in packets} == {10}


def test_nothing_else_goes_out_while_a_key_is_down_and_numbers_go_on(rig):
    leg_a, a = rig.party(A)
    leg_b, _ = rig.party(B, ssrc=0x9999)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    a.say(5)
    rig.shard.sent()
    keys(rig, leg_b, "12")
    a.say(40)
    packets = rig.heard(leg_b)
    assert [(after.sequence - before.sequence) & 0xFFFF for before, after in pairwise(packets)] == [1] * (
        len(packets) - 1
    )
    assert len({packet.ssrc for packet in packets}) == 1
    types = [packet.payload_type for packet in packets]
    first, last = types.index(EVENT), len(types) - types[::-1].index(EVENT)
    assert set(types[first:last]) == {EVENT}
    assert [code for code, end, _, packet in events(packets) if packet.marker] == [1, 2]
    assert types[-10:] == [0] * 10  # then the relay goes on
    times = [packet.timestamp for packet in packets if packet.payload_type == 0 or packet.marker]
    assert all(0 < (after - before) & 0xFFFFFFFF < 16_000 for before, after in pairwise(times))


def test_both_sides_of_this_exchange_understand_each_other(rig):
    leg, _ = rig.party(A)
    other, far = rig.party(B)
    keys(rig, leg, "0123456789*#ABCD", 60, 60)
    for _ in range(2_400):
        rig.step(1_000_000)
        for port, _to, data in rig.shard.sent():
            if port == leg.port:
                packet = Rtp.from_bytes(data)
                rig.deliver(other.port, packet._replace(ssrc=far.ssrc).to_bytes(), B)
    assert [name for name, _ in rig.digits()] == list("0123456789*#ABCD")
    assert {duration for _, duration in rig.digits()} == {60}


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_any_packet_length(rig, ptime_ms):
    leg, _ = rig.party(A, ptime_ms=ptime_ms)
    keys(rig, leg, "77", 90, 90)
    rig.run(600)
    found = events(rig.heard(leg))
    assert [end for _, end, _, _ in found].count(1) == 6
    assert sum(packet.marker for _, _, _, packet in found) == 2
    assert {duration for _, end, duration, _ in found if end} == {720}


def test_a_long_press_comes_in_segments(rig):
    leg, _ = rig.party(A)
    keys(rig, leg, "9", 9_000, 100)
    rig.run(9_400)
    found = events(rig.heard(leg))
    stamps = list(dict.fromkeys(packet.timestamp for _, _, _, packet in found))
    assert (stamps[1] - stamps[0]) & 0xFFFFFFFF == 0xFFFF
    assert len(stamps) == 2
    assert [end for _, end, _, _ in found].count(1) == 3
    assert 0xFFFF + found[-1][2] == 72_000


def test_tones_where_the_remote_has_no_events(rig):
    leg, _ = rig.party(A, event=(255, 255))
    rig.run(40)
    rig.shard.sent()
    keys(rig, leg, "159D#", 80, 80)
    rig.run(1_000)
    heard = [event for event in Detector(8000).feed(decoded(rig.heard(leg))) if event.kind == "end"]
    assert "".join(event.digit for event in heard) == "159D#"
    for event in heard:
        assert event.low_dbm0 == pytest.approx(-9, abs=0.7)
        assert abs(event.duration / 8 - 80) < 10


def test_a_pause_between_keys(rig):
    leg, _ = rig.party(A)
    keys(rig, leg, "1 2", 500, 100)
    rig.run(2_200)
    first, second = [packet.timestamp for _, _, _, packet in events(rig.heard(leg)) if packet.marker]
    assert (second - first) & 0xFFFFFFFF == pytest.approx(8 * 1_200, abs=200)


@pytest.mark.parametrize(("digits", "on_ms"), [("X", 100), ("", 100), ("1", 20), ("5" * 32, 39)])
def test_what_cannot_be_pressed(rig, digits, on_ms):
    leg, _ = rig.party(A)
    assert keys(rig, leg, digits, on_ms) == Error.BAD_RECORD


def test_keys_are_bounded_and_can_be_dropped(rig):
    leg, _ = rig.party(A)
    assert keys(rig, leg, "1" * 32, 40, 40) == Error.OK
    assert keys(rig, leg, "1" * 32, 40, 40) == Error.OK
    assert keys(rig, leg, "1") == Error.BAD_RECORD
    rig.run(10)
    assert rig.command(Op.KEYS_DROP, leg.handle).other == Error.OK
    rig.run(1_000)
    assert sum(packet.marker for _, _, _, packet in events(rig.heard(leg))) == 1
    rig.run(100)
    assert {packet.payload_type for packet in rig.heard(leg)} == {0}


def tone_packets(digits, on_ms=100, off_ms=100):
    """Digits as 20 ms packets of PCMU."""
    t = np.arange(on_ms * 8) / 8000
    parts = [np.zeros(1600)]
    for digit in digits:
        low, high = frequencies(digit)
        parts += [7000 * (np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t)), np.zeros(off_ms * 8)]
    pcm = np.concatenate([*parts, np.zeros(3_200)]).astype(np.int16)
    codec = Codec(registry.capsule("PCMU"))
    return [bytes(codec.encode(pcm[at : at + 160])) for at in range(0, len(pcm) - 159, 160)]


def test_tones_that_are_told_are_kept_from_the_partner(rig):
    leg_a, a = rig.party(A)
    leg_b, _ = rig.party(B, ssrc=0x9999)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    rig.command(Op.DETECT, leg_a.handle, 1 | 4)
    packets = tone_packets("2580")
    for payload in packets:
        a.send(a.packet(payload))
        rig.run(20)
    heard = decoded(rig.heard(leg_b))
    assert Detector(8000).feed(np.concatenate([heard, np.zeros(800, np.int16)])) == []
    loud = np.abs(heard.astype(int)) > 1_000
    assert loud.sum() < 4 * 8 * 45  # no more than the first moment of each
    assert [name for name, _ in rig.digits()] == list("2580")


def test_events_that_are_kept_reach_no_partner(rig):
    leg_a, a = rig.party(A)
    leg_b, _ = rig.party(B, ssrc=0x9999)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    rig.command(Op.DETECT, leg_a.handle, 4)
    a.say(3)
    a.event(5, 160, marker=True)
    a.event(5, 320, end=True)
    rig.run(100)
    assert EVENT not in {packet.payload_type for packet in rig.heard(leg_b)}
    assert [name for name, _ in rig.digits()] == ["5"]
