# SPDX-License-Identifier: Apache-2.0
"""What the plane hears of a leg and counts for the doctor; extended reports (RFC 3611) sent and read."""

import struct

import numpy as np
import pytest
from plane_rig import BOTH
from test_plane_rtcp import parts

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media.wire import Error, Op

A, B = ("10.1.0.1", 4000), ("10.1.0.2", 5000)
XR = 32


def payloads(level_dbm0, seconds):
    t = np.arange(int(seconds * 8000)) / 8000
    peak = 32767 * 10 ** ((level_dbm0 - 3.14) / 20)
    pcm = np.clip(peak * np.sin(2 * np.pi * 1000 * t), -32768, 32767).astype(np.int16)
    codec = Codec(registry.capsule("PCMU"))
    return [bytes(codec.encode(pcm[at : at + 160])) for at in range(0, len(pcm) - 159, 160)]


def say(rig, talker, what):
    for payload in what:
        talker.send(talker.packet(payload))
        rig.run(20)


def stats(rig, leg):
    rig.run(200)
    return rig.page().leg(leg.handle)


def bridged(rig, **second):
    (leg_a, a), (leg_b, b) = rig.party(A), rig.party(B, ssrc=0x9999, **second)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    return leg_a, a, leg_b, b


@pytest.mark.parametrize("other", [{}, {"ptime_ms": 30}])
def test_levels_and_silence_of_a_relayed_and_of_a_mixed_leg(rig, other):
    leg_a, a, _, _ = bridged(rig, **other)
    say(rig, a, payloads(-20, 4.0))
    say(rig, a, [b"\xff" * 160] * 200)
    found = stats(rig, leg_a)
    assert found.heard_ms == pytest.approx(8_000, abs=100)
    assert found.silence_ms == pytest.approx(4_000, abs=100)
    assert found.silence_now_ms == pytest.approx(4_000, abs=100)
    assert found.speech_dbm0 == pytest.approx(-20, abs=0.5)
    assert found.noise_dbm0 < -100
    assert found.clipped == 0


def test_clipping(rig):
    leg_a, a, _, _ = bridged(rig)
    say(rig, a, payloads(9, 2.0))
    assert stats(rig, leg_a).clipped > 3_000


def test_losses_are_counted_one_by_one_and_in_bursts(rig):
    leg_a, a, _, _ = bridged(rig)
    for i in range(100):
        packet = a.packet()
        if i % 20 not in (5, 6, 7):
            a.send(packet)
        rig.run(20)
    found = stats(rig, leg_a)
    assert (found.lost, found.loss_gaps) == (15, 5)


def test_concealment_is_counted_where_there_is_a_jitter_buffer(rig):
    leg_a, a, _, _ = bridged(rig, ptime_ms=30)
    speech = payloads(-20, 4.0)
    for i, payload in enumerate(speech):
        packet = a.packet(payload)
        if i % 10 != 5:
            a.send(packet)
        rig.run(20)
    found = stats(rig, leg_a)
    assert found.concealed_ms == pytest.approx(400, abs=120)
    assert found.played_ms == pytest.approx(3_600, abs=200)
    rig.command(Op.UNBRIDGE, leg_a.handle)
    assert stats(rig, leg_a).concealed_ms >= found.concealed_ms - 20  # nothing is forgotten with the buffer


def test_bounds_of_the_jitter_buffer_hold_for_a_leg(rig):
    leg_a, a, _, _ = bridged(rig, ptime_ms=30)
    assert rig.command(Op.DELAY, leg_a.handle, body=struct.pack("=HH", 120, 200)).other == Error.OK
    say(rig, a, payloads(-20, 3.0))
    assert stats(rig, leg_a).delay_ms >= 115
    assert rig.command(Op.DELAY, leg_a.handle, body=struct.pack("=HH", 120, 60)).other == Error.BAD_RECORD


def blocks(data):
    """Block type and content of the XR packet of a compound."""
    [content] = [content for kind, _, content in parts(data) if kind == 207]
    found, at = {}, 4
    while at < len(content):
        size = 4 * int.from_bytes(content[at + 2 : at + 4], "big")
        found[content[at]] = content[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def report(rig, leg, talker, seconds=8):
    found = []
    for _ in range(seconds * 50):
        talker.send(talker.packet(b"\xa0" * 160))
        rig.run(20)
        found += [data for port, _, data in rig.shard.sent() if port == leg.port + 1]
    return found[-1]


def test_extended_reports_are_sent_where_agreed(rig):
    leg, a = rig.party(A, flags=BOTH | XR)
    reference = struct.pack("!BBHI", 0x80, 207, 4, a.ssrc) + struct.pack("!BBHII", 4, 0, 2, 0x11112222, 0x33334444)
    a.say(3)
    empty = struct.pack("!BBHI", 0x80, 201, 1, a.ssrc)
    rig.deliver(leg.port + 1, empty + reference, (A[0], A[1] + 1))
    found = blocks(report(rig, leg, a))
    assert set(found) == {4, 5, 7}
    ssrc, last, delay = struct.unpack("!III", found[5])
    assert (ssrc, last) == (a.ssrc, 0x22223333)
    assert 0 < delay < 10 * 65536
    assert struct.unpack_from("!I", found[7])[0] == a.ssrc
    assert found[7][4] == 0
    assert struct.unpack_from("b", found[7], 16)[0] in range(-20, 0)
    plain, b = rig.party(B, ssrc=0x9999)
    assert all(kind != 207 for kind, _, _ in parts(report(rig, plain, b)))


def test_extended_reports_are_always_read(rig):
    leg, a = rig.party(A)
    sender = report(rig, leg, a)
    _, _, content = parts(sender)[0]
    ours, seconds, fraction = struct.unpack_from("!III", content)
    middle = (seconds << 16 | fraction >> 16) & 0xFFFFFFFF
    voip = struct.pack("!I4BHHHHbbBBBBBBBBHHH", ours, 26, 13, 0, 0, 0, 0, 80, 45, -19, -55, 127, 16, 85, 127, 41, 40, 0,
                       0, 40, 60, 60)  # fmt: skip
    dlrr = struct.pack("!III", ours, middle, 0)
    body = struct.pack("!BBH", 7, 0, 8) + voip + struct.pack("!BBH", 5, 0, 3) + dlrr
    rig.run(50)
    empty = struct.pack("!BBHI", 0x80, 201, 1, a.ssrc)
    extended = struct.pack("!BBHI", 0x80, 207, 1 + len(body) // 4, a.ssrc) + body
    rig.deliver(leg.port + 1, empty + extended, (A[0], A[1] + 1))
    found = stats(rig, leg)
    assert found.xr is not None
    assert (round(found.xr.loss, 2), round(found.xr.discard, 2), found.xr.r) == (0.1, 0.05, 85)
    assert (found.xr.mos_lq, found.xr.mos_cq, found.xr.signal_dbm0, found.xr.noise_dbm0) == (4.1, 4.0, -19, -55)
    assert (found.xr.delay_ms, found.xr.end_delay_ms) == (80, 45)
    assert 0 < found.round_trip_us < 6_000_000


@pytest.mark.parametrize("size", [0, 1, 3, 7, 8, 0xFFFF])
def test_extended_reports_that_lie_about_their_lengths(rig, size):
    leg, a = rig.party(A)
    a.say(3)
    empty = struct.pack("!BBHI", 0x80, 201, 1, a.ssrc)
    for block in (4, 5, 6, 7, 99):
        body = struct.pack("!BBH", block, 0x80, size) + bytes(12)
        extended = struct.pack("!BBHI", 0x80, 207, 1 + len(body) // 4, a.ssrc) + body
        rig.deliver(leg.port + 1, empty + extended, (A[0], A[1] + 1))
    assert stats(rig, leg).xr is None
