# SPDX-License-Identifier: Apache-2.0
"""Legs and ports come and go; silence is told; rubbish harms nothing."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plane_rig import BOTH, CONFIGURE, HELD, RECORD, SENDS, Leg, Rig, Rtp

from switchroom.media.wire import Error, Op, pack_address

A = ("10.1.0.1", 4000)


def test_ports_are_even_distinct_and_end():
    rig = Rig(ports=(20_001, 20_009))
    ports = {rig.open().port for _ in range(4)}
    assert ports == {20_002, 20_004, 20_006, 20_008}
    assert rig.command(Op.OPEN).other == Error.NO_PORT
    rig.close()


def test_a_freed_port_rests_before_it_is_given_out_again():
    rig = Rig(ports=(20_000, 20_001))
    first = rig.open()
    rig.command(Op.CLOSE, first.handle)
    rig.run(1_900)
    assert rig.command(Op.OPEN).other == Error.NO_PORT
    rig.run(200)
    second = rig.open()
    assert second.port == first.port
    assert second.handle != first.handle
    rig.close()


def test_ports_of_other_programs_are_passed_over():
    rig = Rig(ports=(20_000, 20_007))
    for port in (20_000, 20_003, 20_006):  # two RTP ports and an RTCP port
        rig.shard.refuse(port)
    assert rig.open().port == 20_004
    assert rig.command(Op.OPEN).other == Error.NO_PORT
    for port in (20_000, 20_003, 20_006):
        rig.shard.refuse(port, False)
    rig.run(2_100)
    assert {rig.open().port for _ in range(3)} == {20_000, 20_002, 20_006}
    rig.close()


def test_more_legs_than_configured_are_refused():
    rig = Rig(max_legs=3)
    legs = [rig.open() for _ in range(3)]
    assert rig.command(Op.OPEN).other == Error.NO_ROOM
    rig.command(Op.CLOSE, legs[1].handle)
    assert rig.open().handle not in {leg.handle for leg in legs}
    rig.close()


def test_stale_and_wild_handles_are_errors(rig):
    leg = rig.open()
    rig.command(Op.CLOSE, leg.handle)
    for handle in (leg.handle, 0, 0xFFFFFFFF, leg.handle + 1, 1 << 16 | 60_000):
        assert rig.command(Op.CONFIRM, handle).other == Error.NO_LEG


def test_ten_thousand_legs_leave_nothing_behind(rig):
    files = len(os.listdir("/proc/self/fd"))
    for i in range(10_000):
        leg = rig.open()
        rig.configure(leg, (f"10.9.{i >> 8 & 255}.{i & 255}", 4000))
        if i % 3 == 0:
            rig.command(Op.ECHO, leg.handle, 1)
        rig.command(Op.CLOSE, leg.handle)
        rig.step(150_000_000)
    assert len(os.listdir("/proc/self/fd")) == files
    rig.run(2_100)
    assert len({rig.open().port for _ in range(20)}) == 20


def test_silence_is_told_once_and_so_is_its_end(rig):
    leg, a = rig.party(A)
    rig.run(2_900)
    assert rig.told(Op.TIMED_OUT) == []
    rig.run(200)
    assert [fact.leg for fact in rig.told(Op.TIMED_OUT)] == [leg.handle]
    rig.run(10_000)
    assert len(rig.told(Op.TIMED_OUT)) == 1
    a.say(5)
    assert len(rig.told(Op.RESUMED)) == 1
    rig.run(3_200)
    assert len(rig.told(Op.TIMED_OUT)) == 2


@pytest.mark.parametrize("flags", [HELD, HELD | SENDS, 0])
def test_who_is_not_to_send_may_be_silent(rig, flags):
    leg, a = rig.party(A)
    a.say(5)
    rig.configure(leg, A, flags=flags)
    rig.run(20_000)
    assert rig.told(Op.TIMED_OUT) == []
    rig.configure(leg, A, flags=BOTH)
    rig.run(2_900)
    assert rig.told(Op.TIMED_OUT) == []  # it has as long as ever to begin again
    rig.run(300)
    assert len(rig.told(Op.TIMED_OUT)) == 1


def test_a_ringing_leg_may_be_silent(rig):
    leg, _ = rig.party(A, confirm=False)
    rig.run(20_000)
    assert rig.told(Op.TIMED_OUT) == []
    rig.command(Op.CONFIRM, leg.handle)
    rig.run(2_900)
    assert rig.told(Op.TIMED_OUT) == []


def test_strangers_do_not_keep_a_leg_alive(rig):
    leg, a = rig.party(A)
    a.say(3)
    a.address, a.ssrc = ("203.0.113.66", 9), 0xBAD
    a.say(200)
    assert [fact.leg for fact in rig.told(Op.TIMED_OUT)] == [leg.handle]


def test_a_clock_that_stood_still_is_not_made_up_by_a_burst(rig):
    leg, _ = rig.party(A)
    rig.run(100)
    rig.shard.sent()
    rig.step(5_000_000_000)
    assert len(rig.sent(leg)) <= 4
    rig.run(200)
    packets = rig.heard(leg)
    assert 9 <= len(packets) <= 11


def test_failing_sends_are_survived(rig):
    leg, a = rig.party(A)
    rig.command(Op.ECHO, leg.handle, 1)
    rig.shard.fail_sends(True)
    a.say(3)
    rig.shard.fail_sends(False)
    rig.shard.sent()
    a.say(3)
    assert len(rig.sent(leg)) == 3


def test_the_end_of_the_wire_is_noticed(rig):
    assert rig.alive
    rig.ours.close()
    assert not rig.shard.advance(rig.now_ns + 1)


def configure_with(rig, leg, **changes):
    values = {
        "clock": 8000,
        "flags": BOTH,
        "ptime": 20,
        "type": 0,
        "codec": 0,
        "event": 101,
        "revent": 101,
        "count": 1,
        "noise": 13,
        "send_noise": 255,
    }
    values |= changes
    address = pack_address(*A)
    noise = values.pop("send_noise")
    body = CONFIGURE.pack(address, address, *values.values(), b"\0", b"\0", noise)
    return rig.command(Op.CONFIGURE, leg.handle, 0, body).other


@pytest.mark.parametrize(
    "bad",
    [
        {"ptime": 0},
        {"ptime": 15},
        {"ptime": 70},
        {"codec": 2},
        {"type": 72},
        {"type": 128},
        {"event": 128},
        {"revent": 200},
        {"count": 13},
        {"clock": 0},
        {"send_noise": 200},
    ],
)
def test_configurations_out_of_range_change_nothing(rig, bad):
    leg, a = rig.party(A)
    rig.command(Op.ECHO, leg.handle, 1)
    assert configure_with(rig, leg, **bad) == Error.BAD_RECORD
    a.say(2)
    assert {packet.payload for packet in rig.heard(leg)[-2:]} == {b"\x11" * 160}


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=20))
def test_any_datagram_is_survived(datagrams):
    rig = Rig(max_legs=4)
    leg_a, a = rig.party(A)
    leg_b, _ = rig.party(("10.1.0.2", 4000), send=(8, 1), receive=((8, 1),))
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    for control, data in datagrams:
        rig.deliver(leg_a.port + control, data, A)
        rig.deliver(leg_a.port, b"\x80\x00" + data, A)
        rig.deliver(leg_a.port, b"\xb2\x65" + data, A)
        rig.deliver(leg_a.port + 1, b"\x81\xc9" + data, A)
        rig.run(5)
    a.say(3)
    rig.close()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.integers(0, 20))
def test_any_command_is_survived(messages, op):
    rig = Rig(max_legs=4)
    leg = rig.open()
    for message in messages:
        rig.ours.send(message)
        body = (message * 104)[:104]
        rig.ours.send(RECORD.pack(op, 0, 0, leg.handle, message[0], 0, body))
        rig.run(5)
    rig.close()


def test_what_is_relayed_survives_a_rebuild_of_both_legs(rig):
    """The same slots are used again and again, with nothing of the former leg in them."""
    for round_ in range(100):
        legs: list[Leg] = []
        talkers = []
        for i in range(2):
            leg, talker = rig.party((f"10.1.{round_}.{i + 1}", 4000), ssrc=round_ * 2 + i)
            legs.append(leg)
            talkers.append(talker)
        rig.command(Op.BRIDGE, legs[0].handle, legs[1].handle)
        rig.shard.sent()
        talkers[0].send(talkers[0].packet(bytes([round_]) * 160))
        [packet] = rig.heard(legs[1])
        assert isinstance(packet, Rtp)
        assert packet.payload == bytes([round_]) * 160
        for leg in legs:
            rig.command(Op.CLOSE, leg.handle)
        rig.step(300_000_000)
