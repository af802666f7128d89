# SPDX-License-Identifier: Apache-2.0
"""Symmetric RTP: who is followed, and every way in which somebody else might try to take a leg over."""

import pytest
from plane_rig import BOTH, Rig, Talker

from switchroom.media.wire import Op, unpack_address

SIGNALLED = ("192.168.1.10", 4000)
NAT = ("198.51.100.7", 61_000)
NAT_MOVED = ("198.51.100.7", 61_777)
STRANGER = ("203.0.113.66", 9999)


def leg_and_phone(rig, address=SIGNALLED, confirm=True, **agreed):
    """A leg that echoes, so that both what it takes and where it sends to can be seen."""
    leg, phone = rig.party(SIGNALLED, confirm=confirm, **agreed)
    phone.address = address
    rig.command(Op.ECHO, leg.handle, 1)
    rig.shard.sent()
    return leg, phone


def heard_from(rig, leg):
    return [(to, packet.payload[:1]) for to, packet in rig.sent(leg)]


def latched(rig):
    return [unpack_address(fact.body) for fact in rig.told(Op.LATCHED)]


def test_the_signalled_address_is_taken_at_once_and_silently(rig):
    leg, phone = leg_and_phone(rig)
    phone.say()
    assert heard_from(rig, leg) == [(SIGNALLED, b"\x11")]
    assert latched(rig) == []


@pytest.mark.parametrize("confirm", [False, True])
def test_a_phone_behind_a_nat_is_followed_from_its_second_packet(rig, confirm):
    leg, phone = leg_and_phone(rig, NAT, confirm)
    phone.say(3)
    assert heard_from(rig, leg) == [(NAT, b"\x11")] * 2
    assert latched(rig) == [NAT]


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("address", [SIGNALLED, NAT])
def test_a_stranger_beside_a_talking_phone_is_not_heard_and_moves_nothing(rig, address, confirm):
    leg, phone = leg_and_phone(rig, address, confirm)
    phone.say(3)
    rig.shard.sent()
    stranger = Talker(rig, leg.port, STRANGER, ssrc=0xBAD)
    for _ in range(50):
        stranger.send(stranger.packet(b"\xbb" * 160))
        phone.say()
    assert heard_from(rig, leg) == [(address, b"\x11")] * 50


def test_a_stranger_who_copies_ssrc_and_numbers_is_not_heard_while_the_phone_talks(rig):
    leg, phone = leg_and_phone(rig)
    phone.say(3)
    rig.shard.sent()
    for _ in range(20):
        copy = phone.packet(b"\xbb" * 160)._replace(sequence=phone.sequence + 1)
        rig.deliver(leg.port, copy.to_bytes(), STRANGER)
        rig.deliver(leg.port, copy._replace(sequence=copy.sequence + 1).to_bytes(), STRANGER)
        phone.say()
    assert heard_from(rig, leg) == [(SIGNALLED, b"\x11")] * 20


def test_a_stranger_with_another_ssrc_never_gets_a_confirmed_leg_however_long_it_is_silent(rig):
    leg, phone = leg_and_phone(rig)
    phone.say(3)
    rig.shard.sent()
    rig.run(30_000)
    stranger = Talker(rig, leg.port, STRANGER, ssrc=0xBAD)
    stranger.say(50)
    assert heard_from(rig, leg) == []
    assert latched(rig) == []


@pytest.mark.parametrize(
    ("sequence_off", "timestamp_off"), [(-1, 0), (-400, 0), (600, 0), (20_000, 0), (0, -1_000_000), (0, 900_000_000)]
)
def test_a_stranger_who_knows_the_ssrc_but_must_guess_the_numbers_fails(rig, sequence_off, timestamp_off):
    leg, phone = leg_and_phone(rig)
    phone.say(3)
    rig.shard.sent()
    rig.run(500)
    thief = Talker(rig, leg.port, STRANGER, ssrc=phone.ssrc)
    thief.sequence = phone.sequence + sequence_off
    thief.timestamp = phone.timestamp + timestamp_off
    if sequence_off == -1:
        thief.sequence -= 10
    thief.say(9, b"\xbb" * 160)
    assert heard_from(rig, leg) == []


def test_a_phone_without_a_nat_that_moves_on_is_followed_once_the_old_address_is_silent(rig):
    leg, phone = leg_and_phone(rig)
    phone.say(3)
    rig.shard.sent()
    phone.address = ("192.168.1.10", 4002)
    phone.say(20)
    packets = heard_from(rig, leg)
    assert packets[0] == (phone.address, b"\x11")
    assert len(packets) >= 6  # the socket takes nothing from elsewhere for 260 ms at most
    assert latched(rig) == [phone.address]


def test_a_nat_that_gives_the_phone_a_new_port_is_followed(rig):
    leg, phone = leg_and_phone(rig, NAT)
    phone.say(3)
    rig.shard.sent()
    phone.address = NAT_MOVED
    phone.say(10)
    packets = heard_from(rig, leg)
    assert packets[0] == (NAT_MOVED, b"\x11")
    assert len(packets) >= 6  # the old address had to be silent for 60 ms first
    assert latched(rig) == [NAT, NAT_MOVED]


def test_a_nat_that_forgets_the_phone_during_a_long_hold_is_followed(rig):
    leg, phone = leg_and_phone(rig, NAT)
    phone.say(3)
    rig.run(60_000)
    rig.shard.sent()
    phone.timestamp += 8 * 60_000
    phone.address = NAT_MOVED
    phone.say(3)
    assert heard_from(rig, leg) == [(NAT_MOVED, b"\x11")] * 2


def test_a_single_stray_packet_takes_nothing(rig):
    leg, phone = leg_and_phone(rig, confirm=False)
    stranger = Talker(rig, leg.port, STRANGER, ssrc=0xBAD)
    stranger.say()
    stranger.sequence += 7
    stranger.say()
    assert heard_from(rig, leg) == []
    phone.say()
    assert heard_from(rig, leg) == [(SIGNALLED, b"\x11")]


@pytest.mark.parametrize("confirm", [False, True])
def test_the_signalled_address_takes_the_leg_back_from_who_was_first(rig, confirm):
    leg, phone = leg_and_phone(rig, confirm=confirm)
    stranger = Talker(rig, leg.port, STRANGER, ssrc=0xBAD)
    stranger.say(5)
    rig.shard.sent()
    phone.say(3)
    stranger.say(3, b"\xbb" * 160)
    assert heard_from(rig, leg) == [(SIGNALLED, b"\x11")] * 3


def test_before_the_answer_the_signalled_host_beats_another_host(rig):
    leg, phone = leg_and_phone(rig, (SIGNALLED[0], 5555), confirm=False)
    stranger = Talker(rig, leg.port, STRANGER, ssrc=0xBAD)
    stranger.say(5)
    rig.shard.sent()
    phone.say(4)
    assert heard_from(rig, leg) == [((SIGNALLED[0], 5555), b"\x11")] * 3


def test_before_the_answer_a_source_that_went_silent_is_replaced(rig):
    leg, phone = leg_and_phone(rig, NAT, confirm=False)
    phone.say(3)
    rig.run(1_100)
    rig.shard.sent()
    other = Talker(rig, leg.port, NAT_MOVED, ssrc=0x55)
    other.say(3)
    assert heard_from(rig, leg) == [(NAT_MOVED, b"\x11")] * 2


def test_a_new_address_in_the_sdp_is_used_at_once(rig):
    leg, phone = leg_and_phone(rig)
    phone.say(5)
    new = ("10.7.7.7", 7000)
    rig.configure(leg, new)
    rig.command(Op.ECHO, leg.handle, 0)
    rig.shard.sent()
    rig.run(100)
    assert {to for to, _ in rig.sent(leg)} == {new}  # silence goes there
    rig.command(Op.ECHO, leg.handle, 1)
    phone.say(5)  # the old phone has not noticed yet
    assert heard_from(rig, leg) == []
    moved = Talker(rig, leg.port, new, ssrc=0x777)
    moved.say(3)
    assert heard_from(rig, leg) == [(new, b"\x11")] * 3


def test_the_same_address_in_a_new_sdp_changes_nothing_for_a_phone_behind_a_nat(rig):
    leg, phone = leg_and_phone(rig, NAT)
    phone.say(5)
    rig.configure(leg, SIGNALLED, flags=BOTH)
    rig.shard.sent()
    phone.say(2)
    assert heard_from(rig, leg) == [(NAT, b"\x11")] * 2


def test_payload_types_that_were_not_agreed_latch_nothing(rig):
    leg, phone = leg_and_phone(rig, NAT)
    phone.payload_type = 9
    phone.say(5)
    assert heard_from(rig, leg) == []
    assert latched(rig) == []


def test_ipv6_is_refused_on_an_ipv4_plane(rig):
    leg = rig.open()
    assert rig.configure(leg, ("2001:db8::1", 4000)).other != 0


def test_rtcp_of_a_stranger_does_not_redirect_the_reports():
    rig = Rig()
    leg, phone = leg_and_phone(rig)
    phone.say(3)
    report = bytes([0x80, 201, 0, 1]) + (0xBAD).to_bytes(4, "big")
    rig.deliver(leg.port + 1, report, STRANGER)
    rig.deliver(leg.port + 1, report, (SIGNALLED[0], 6666))
    rig.shard.sent()
    rig.run(8_000)
    reports = {to for port, to, _ in rig.shard.sent() if port == leg.port + 1}
    assert reports == {(SIGNALLED[0], SIGNALLED[1] + 1)}
    rig.close()
