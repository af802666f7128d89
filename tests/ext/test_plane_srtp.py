# SPDX-License-Identifier: Apache-2.0
"""Encrypted legs, against another binding of libsrtp at the far end: what is opened, what is refused, what goes out."""

import struct

import pytest
from plane_rig import BOTH, Rtp, Talker
from pylibsrtp import Policy, Session

from switchroom.media.srtp import SUITES
from switchroom.media.wire import Error, Op

A = ("10.1.0.1", 4000)
B = ("10.1.0.2", 5000)
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (1, Policy.SRTP_PROFILE_AES128_CM_SHA1_80),
    "AES_CM_128_HMAC_SHA1_32": (2, Policy.SRTP_PROFILE_AES128_CM_SHA1_32),
    "AEAD_AES_128_GCM": (3, Policy.SRTP_PROFILE_AEAD_AES_128_GCM),
    "AEAD_AES_256_GCM": (4, Policy.SRTP_PROFILE_AEAD_AES_256_GCM),
}
SIZES = {suite.name: suite.bytes for suite in SUITES}


class Far:
    """The remote's end of the encryption."""

    def __init__(self, suite: str, name: int = 1) -> None:
        number, profile = PROFILES[suite]
        theirs, ours = bytes([name]) * SIZES[suite], bytes([name + 100]) * SIZES[suite]
        self.body = struct.pack("=B46s46s", number, theirs, ours)
        self.sends = Session(Policy(theirs, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self.hears = Session(Policy(ours, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))


class SecureTalker(Talker):
    far: Far

    def send(self, packet: Rtp) -> None:
        self.rig.deliver(self.port, self.far.sends.protect(packet.to_bytes()), self.address)


def secure(rig, leg, far: Far) -> None:
    assert rig.command(Op.SECURE, leg.handle, body=far.body).other == Error.OK


def secured(rig, address, suite="AES_CM_128_HMAC_SHA1_80", **agreed):
    leg, plain = rig.party(address, **agreed)
    talker = SecureTalker(rig, plain.port, address, plain.ssrc, plain.payload_type)
    talker.far = Far(suite)
    secure(rig, leg, talker.far)
    return leg, talker


def stats(rig, leg):
    rig.run(200)
    return rig.page().leg(leg.handle)


@pytest.mark.parametrize("suite", PROFILES)
def test_from_an_encrypted_leg_to_a_plain_one_and_back(rig, suite):
    leg_a, a = secured(rig, A, suite)
    leg_b, b = rig.party(B, ssrc=0x9999)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    rig.shard.sent()
    a.send(a.packet(b"\x42" * 160))
    [(to, packet)] = rig.sent(leg_b)
    assert (to, packet.payload) == (B, b"\x42" * 160)
    b.send(b.packet(b"\x43" * 160))
    [(_, to, data)] = rig.shard.sent()
    assert to == A
    assert b"\x43" * 16 not in data
    assert Rtp.from_bytes(a.far.hears.unprotect(data)).payload == b"\x43" * 160


def test_both_sides_encrypted_with_keys_of_their_own(rig):
    leg_a, a = secured(rig, A, "AEAD_AES_256_GCM")
    leg_b, b = secured(rig, B, "AES_CM_128_HMAC_SHA1_32")
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    rig.shard.sent()
    for _ in range(5):
        a.send(a.packet(b"\x42" * 160))
    heard = [Rtp.from_bytes(b.far.hears.unprotect(data)) for _, _, data in rig.shard.sent()]
    assert [packet.payload for packet in heard] == [b"\x42" * 160] * 5


def test_generated_audio_is_encrypted(rig):
    _leg, a = secured(rig, A)
    rig.run(100)
    packets = [Rtp.from_bytes(a.far.hears.unprotect(data)) for _, _, data in rig.shard.sent()]
    assert len(packets) >= 4
    assert {packet.payload for packet in packets} == {b"\xff" * 160}


def test_wrong_keys_replays_and_plain_packets_reach_nobody_and_are_counted(rig):
    leg_a, a = secured(rig, A)
    leg_b, _ = rig.party(B)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    good = a.far.sends.protect(a.packet(b"\x42" * 160).to_bytes())
    rig.deliver(leg_a.port, good, A)
    rig.shard.sent()
    before = stats(rig, leg_a)
    rig.shard.sent()
    rig.deliver(leg_a.port, good, A)
    stranger = Far("AES_CM_128_HMAC_SHA1_80", name=7)
    rig.deliver(leg_a.port, stranger.sends.protect(a.packet(b"\x66" * 160).to_bytes()), A)
    rig.deliver(leg_a.port, a.packet(b"\x66" * 160).to_bytes(), A)
    assert [packet.payload for packet in rig.heard(leg_b) if packet.payload != b"\xff" * 160] == []
    after = stats(rig, leg_a)
    assert after.replayed - before.replayed == 1
    assert after.unauthentic - before.unauthentic == 2
    assert after.received_packets == before.received_packets == 1
    assert after.suite == "AES_CM_128_HMAC_SHA1_80"


def test_who_has_no_key_cannot_take_the_leg_over(rig):
    leg, a = secured(rig, A)
    thief = Talker(rig, leg.port, ("10.9.9.9", 1))
    for _ in range(10):
        thief.send(thief.packet())
    assert rig.told(Op.LATCHED) == []
    a.send(a.packet())
    assert stats(rig, leg).source == A


def test_new_keys_of_a_new_agreement(rig):
    leg_a, a = secured(rig, A)
    leg_b, _ = rig.party(B)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    a.say(5, b"\x41" * 160)
    under_way = a.far.sends.protect(a.packet(b"\x42" * 160).to_bytes())
    rig.shard.sent()
    a.far = Far("AEAD_AES_128_GCM", name=2)
    secure(rig, leg_a, a.far)
    rig.deliver(leg_a.port, under_way, A)  # sent under the former key
    a.send(a.packet(b"\x43" * 160))
    assert [packet.payload[:1] for packet in rig.heard(leg_b)] == [b"\x42", b"\x43"]
    rig.run(2_100)
    rig.shard.sent()
    former = Far("AES_CM_128_HMAC_SHA1_80")
    rig.deliver(leg_a.port, former.sends.protect(a.packet(b"\x44" * 160).to_bytes()), A)
    assert b"\x44" * 160 not in {packet.payload for packet in rig.heard(leg_b)}


def test_the_same_keys_again_disturb_nothing(rig):
    leg_a, a = secured(rig, A)
    leg_b, _ = rig.party(B)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    first = a.far.sends.protect(a.packet(b"\x41" * 160).to_bytes())
    rig.deliver(leg_a.port, first, A)
    secure(rig, leg_a, a.far)
    rig.shard.sent()
    rig.deliver(leg_a.port, first, A)  # still a replay
    a.send(a.packet(b"\x43" * 160))
    assert [packet.payload[:1] for packet in rig.heard(leg_b)] == [b"\x43"]


def test_back_to_plain_rtp(rig):
    leg_a, _a = secured(rig, A)
    leg_b, _ = rig.party(B)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    assert rig.command(Op.SECURE, leg_a.handle, body=bytes(93)).other == Error.OK
    plain = Talker(rig, leg_a.port, A)
    plain.send(plain.packet(b"\x42" * 160))
    assert rig.heard(leg_b)[-1].payload == b"\x42" * 160


def test_an_unknown_suite_changes_nothing(rig):
    leg_a, a = secured(rig, A)
    assert rig.command(Op.SECURE, leg_a.handle, body=bytes([9]) + bytes(92)).other == Error.BAD_RECORD
    a.send(a.packet())
    assert stats(rig, leg_a).received_packets == 1


def test_a_remote_may_change_its_ssrc_as_often_as_it_likes(rig):
    leg_a, a = secured(rig, A)
    leg_b, _ = rig.party(B)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    rig.shard.sent()
    for ssrc in range(1, 50):
        a.ssrc = ssrc
        a.send(a.packet(bytes([ssrc]) * 160))
    assert [packet.payload[0] for packet in rig.heard(leg_b)] == list(range(1, 50))


def test_sequence_numbers_wrap_under_encryption(rig):
    leg_a, a = secured(rig, A)
    leg_b, b = secured(rig, B)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    rig.shard.sent()
    a.sequence = 65_500
    for _ in range(80):
        a.send(a.packet())
    heard = [b.far.hears.unprotect(data) for port, _, data in rig.shard.sent() if port == leg_b.port]
    assert len(heard) == 80


def test_reports_are_encrypted_and_read(rig):
    leg, a = secured(rig, A)
    a.say(10)
    rig.run(6_000)
    reports = [data for port, _, data in rig.shard.sent() if port == leg.port + 1]
    assert reports
    plain = a.far.hears.unprotect_rtcp(reports[0])
    assert plain[1] in (200, 201)
    ours = struct.unpack_from("!I", plain, 4)[0]
    block = struct.pack("!IIIIII", ours, 64 << 24 | 7, 0, 80, 0, 0)
    report = struct.pack("!BBHI", 0x81, 201, 7, a.ssrc) + block
    rig.deliver(leg.port + 1, report, (A[0], A[1] + 1))  # a plain one is nobody's
    assert stats(rig, leg).rtcp_received == 0
    rig.deliver(leg.port + 1, a.far.sends.protect_rtcp(report), (A[0], A[1] + 1))
    found = stats(rig, leg)
    assert (found.rtcp_received, found.remote_lost, found.remote_fraction_lost) == (1, 7, 0.25)


def test_a_closed_leg_leaves_no_key_behind(rig):
    leg, _ = secured(rig, A)
    rig.command(Op.CLOSE, leg.handle)
    for _ in range(200):  # the slot comes round again
        again = rig.open()
        assert rig.configure(again, A, flags=BOTH).other == Error.OK
        assert stats(rig, again).suite == ""
        rig.command(Op.CLOSE, again.handle)
        if again.handle & 0xFFFF == leg.handle & 0xFFFF:
            return
    raise AssertionError("the slot was not used again")
