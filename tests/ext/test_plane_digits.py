# SPDX-License-Identifier: Apache-2.0
"""Telephone events (RFC 4733): whatever happens to the packets, each digit comes out once."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plane_rig import Rig

A = ("10.1.0.1", 4000)


def press(talker, code, packets=5, ends=3, skip=(), timestamp=None):
    """A key of `packets` packets of 20 ms; `skip` are the places of lost ones. The end comes three times."""
    plan = [(160 * (i + 1), False) for i in range(packets)] + [(160 * (packets + 1), True)] * ends
    for place, (duration, end) in enumerate(plan):
        if place in skip:
            talker.sequence += 1
        else:
            talker.event(code, duration, end, marker=place == 0, timestamp=timestamp)
        if not end:
            talker.rig.run(20)
    if timestamp is None:
        talker.timestamp += 160 * (packets + 1)


@pytest.fixture
def phone(rig):
    return rig.party(A)[1]


def test_every_key(rig, phone):
    for code in range(17):
        press(phone, code)
        phone.say(3)
    assert [name for name, _ in rig.digits()] == list("0123456789*#ABCD!")


def test_the_duration_is_that_of_the_last_packet(rig, phone):
    press(phone, 1, packets=9)
    assert rig.digits() == [("1", 200)]


def test_the_same_key_twice(rig, phone):
    for _ in range(4):
        press(phone, 3)
        phone.say(2)
    assert [name for name, _ in rig.digits()] == list("3333")


def test_all_end_packets_are_lost(rig, phone):
    press(phone, 4, ends=0)
    assert rig.digits() == []
    rig.run(400)
    assert rig.digits() == [("4", 100)]
    phone.say(5)
    assert len(rig.digits()) == 1


def test_lost_ends_are_made_up_by_the_next_digit(rig, phone):
    press(phone, 4, ends=0)
    press(phone, 5)
    assert [name for name, _ in rig.digits()] == ["4", "5"]


@pytest.mark.parametrize("skip", [*itertools.combinations(range(8), 2), (0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4)])
def test_lost_packets(rig, phone, skip):
    press(phone, 9, skip=skip)
    phone.say(20)
    assert [name for name, _ in rig.digits()] == ["9"]


def test_a_sender_that_reuses_the_timestamp(rig, phone):
    for _ in range(3):
        press(phone, 6, timestamp=777_000)
        rig.run(60)
    press(phone, 7, timestamp=777_000)
    assert [name for name, _ in rig.digits()] == list("6667")


def test_a_sender_that_reuses_the_timestamp_and_marks_nothing(rig, phone):
    press(phone, 6, timestamp=777_000)
    rig.run(60)
    press(phone, 6, skip=(0,), timestamp=777_000)
    assert [name for name, _ in rig.digits()] == list("66")


@pytest.mark.parametrize("first", [0, 160])
def test_a_sender_that_lets_the_timestamp_run_on(rig, phone, first):
    for _ in range(3):
        for i in range(6):
            phone.event(7, first + 160 * i, marker=i == 0, timestamp=phone.timestamp + 160 * i)
            rig.run(20)
        for i in range(3):
            phone.event(7, first + 960, end=True, timestamp=phone.timestamp + 160 * (6 + i))
        phone.timestamp += 160 * 9
        phone.say(4)
    assert [name for name, _ in rig.digits()] == list("777")


def test_ends_that_come_out_of_order(rig, phone):
    for _ in range(2):
        phone.event(5, 160, marker=True)
        phone.event(5, 320)
        start = phone.sequence
        for offset in (2, 0, 1):
            phone.sequence = start + offset
            phone.event(5, 480, end=True)
        phone.sequence = start + 3
        phone.timestamp += 640
        phone.say(2)
    assert [name for name, _ in rig.digits()] == ["5", "5"]


def test_a_late_packet_of_a_finished_digit_is_not_a_new_one(rig, phone):
    press(phone, 6)
    phone.sequence -= 5
    phone.timestamp -= 960
    phone.event(6, 640)
    phone.sequence += 4
    phone.timestamp += 960
    phone.say(20)
    assert len(rig.digits()) == 1


def test_a_key_held_for_seconds_is_one_digit(rig, phone):
    """Its duration does not fit into 16 bits: RFC 4733 section 2.5.1.3."""
    start = phone.timestamp
    for tick in range(1, 601):  # 12 s
        total = tick * 160
        segments, duration = divmod(total, 0xFFFF)
        phone.event(2, duration or 0xFFFF, marker=tick == 1, timestamp=start + segments * 0xFFFF)
        rig.run(20)
        if total // 0xFFFF != (total + 160) // 0xFFFF:
            phone.event(2, 0xFFFF, timestamp=start + segments * 0xFFFF)
    phone.event(2, duration + 160, end=True, timestamp=start + segments * 0xFFFF)
    [(name, duration_ms)] = rig.digits()
    assert name == "2"
    assert duration_ms == pytest.approx(12_020, abs=30)


def test_a_new_ssrc_begins_a_new_digit(rig, phone):
    press(phone, 8)
    phone.ssrc += 1
    press(phone, 8, timestamp=phone.timestamp - 960)
    assert [name for name, _ in rig.digits()] == ["8", "8"]


def test_events_that_are_no_keys_are_not_told(rig, phone):
    press(phone, 40)
    phone.send(phone.packet(b"\x05\x80", 101))
    rig.run(400)
    assert rig.digits() == []


@settings(max_examples=150, deadline=None)
@given(
    keys=st.lists(st.integers(0, 15), min_size=1, max_size=6),
    drops=st.sets(st.integers(0, 47), max_size=14),
    swaps=st.sets(st.integers(0, 46), max_size=8),
    doubles=st.sets(st.integers(0, 47), max_size=8),
)
def test_loss_order_and_repetition_never_make_a_digit_up_or_double_one(keys, drops, swaps, doubles):
    """As long as one packet of each digit arrives, in whatever state, it comes out exactly once."""
    rig = Rig()
    try:
        _, phone = rig.party(A)
        places = itertools.count()
        for code in keys:
            packets = []
            for i in range(8):
                place = next(places)
                payload = bytes([code, 0x8A if i >= 5 else 0x0A]) + (160 * min(i + 1, 6)).to_bytes(2, "big")
                packet = phone.packet(payload, 101, marker=i == 0)
                phone.timestamp -= len(payload)
                lost = place in drops and i != 5
                packets += [packet] * (0 if lost else 2 if place in doubles else 1)
            for i in range(len(packets) - 1):
                if i in swaps and packets[i] is not packets[i + 1]:
                    packets[i], packets[i + 1] = packets[i + 1], packets[i]
            for packet in packets:
                phone.send(packet)
                rig.run(20)
            phone.timestamp += 1_600
        rig.run(400)
        assert [name for name, _ in rig.digits()] == ["0123456789*#ABCD"[code] for code in keys]
    finally:
        rig.close()
