# SPDX-License-Identifier: Apache-2.0
"""Reports sent and read (RFC 3550 section 6)."""

import itertools
import socket
import struct

import pytest
from plane_rig import BOTH, MS, MUX, RECORD

from switchroom.media.stats import StatsPage
from switchroom.media.wire import Op

A = ("10.1.0.1", 4000)
NTP = 2_208_988_800


def reports(rig, leg, port_offset=1):
    return [
        (to, data) for port, to, data in rig.shard.sent() if port == leg.port + port_offset and data[1] in (200, 201)
    ]


def parts(data):
    """Type, count and content of each packet of a compound; fails where the lengths do not add up."""
    found = []
    while data:
        length = 4 * (int.from_bytes(data[2:4], "big") + 1)
        assert data[0] >> 6 == 2
        assert len(data) >= length
        found.append((data[1], data[0] & 31, data[4:length]))
        data = data[length:]
    return found


def collect(rig, leg, talker, seconds, keep):
    """Let a talker talk; returns the reports."""
    found = []
    for i in range(seconds * 50):
        packet = talker.packet()
        if keep(i):
            talker.send(packet)
        rig.run(20)
        found += reports(rig, leg)
    return found


def test_a_sender_report_tells_loss_counts_and_the_time(rig):
    leg, a = rig.party(A)
    found = collect(rig, leg, a, 10, lambda i: i % 10 != 3)
    assert 2 <= len(found) <= 4
    to, data = found[-1]
    assert to == (A[0], A[1] + 1)
    (kind, blocks, report), (sdes, chunks, names) = parts(data)
    assert (kind, blocks, sdes, chunks) == (200, 1, 202, 1)
    ssrc, seconds, _, _timestamp, packets, octets = struct.unpack_from("!6I", report)
    assert abs(seconds - NTP - (rig.wall_ns + rig.now_ns) // (1000 * MS)) <= 5
    assert octets == packets * 160
    source, loss, highest, jitter, _, _ = struct.unpack_from("!6I", report, 24)
    assert source == a.ssrc
    assert abs((loss >> 24) - 256 // 10) <= 2
    assert (loss & 0xFFFFFF) == pytest.approx((highest - 999) * 0.1, abs=2)
    assert jitter == 0
    assert names[:4] == ssrc.to_bytes(4, "big")
    assert names[4:6] == b"\x01\x10"


def test_the_timestamp_of_a_report_is_that_of_its_moment(rig):
    leg, a = rig.party(A)
    rig.command(Op.ECHO, leg.handle, 1)
    found = []
    newest = None
    for _ in range(400):
        a.send(a.packet())
        for _ in range(20):
            for port, _, data in rig.shard.sent():
                if port == leg.port:
                    newest = (int.from_bytes(data[4:8], "big"), rig.now_ns)
                elif data[1] == 200:
                    found.append((int.from_bytes(data[16:20], "big"), rig.now_ns, newest))
            rig.run(1)
    assert found
    for timestamp, at_ns, (last, last_ns) in found:
        assert (timestamp - last) & 0xFFFFFFFF == (at_ns - last_ns) * 8 // MS


def test_reports_come_every_five_seconds_on_average_and_not_in_step(rig):
    legs = [rig.party((f"10.1.1.{i}", 4000))[0] for i in range(1, 11)]
    times = {leg.port + 1: [] for leg in legs}
    for _ in range(120_000 // 20):
        rig.run(20)
        for port, _, data in rig.shard.sent():
            if port in times and data[1] in (200, 201):
                times[port].append(rig.now_ns)
    counts = [len(at) for at in times.values()]
    assert 18 <= sum(counts) / len(counts) <= 31
    gaps = [b - a for at in times.values() for a, b in itertools.pairwise(at)]
    assert min(gaps) >= 2_000 * MS
    assert max(gaps) <= 6_300 * MS
    assert len({gap // (100 * MS) for gap in gaps}) > 15


def test_round_trip_from_the_remotes_report(rig):
    leg, a = rig.party(A)
    page = open_page(rig)
    a.say(3)
    found = []
    while not found:
        rig.run(20)
        found = reports(rig, leg)
    (_, _, report), *_ = parts(found[0][1])
    ssrc, seconds, fraction = struct.unpack_from("!3I", report)
    last = (seconds << 16 | fraction >> 16) & 0xFFFFFFFF
    rig.run(150)  # 100 ms of which the remote took
    block = struct.pack("!6I", ssrc, 25 << 24 | 7, 1000, 80, last, 6554)
    rig.deliver(leg.port + 1, struct.pack("!BBHI", 0x81, 201, 7, a.ssrc) + block, (A[0], A[1] + 1))
    rig.run(100)
    stats = page.leg(leg.handle)
    assert abs(stats.round_trip_us - 50_000) < 25_000  # the first report was seen up to 20 ms late
    assert stats.remote_lost == 7
    assert stats.remote_jitter_us == 10_000
    assert round(stats.remote_fraction_lost * 256) == 25
    page.close()


def open_page(rig):
    rig.ours.send(RECORD.pack(Op.HELLO, 0, 9999, 0, 1, 0, b""))
    rig.shard.advance(rig.now_ns, rig.wall_ns)
    _, control, _, _ = rig.ours.recvmsg(4096, socket.CMSG_SPACE(4))
    [(_, _, fd)] = control
    return StatsPage(int.from_bytes(fd[:4], "little"), ("PCMU", "PCMA"))


def test_on_one_port_when_agreed(rig):
    leg, a = rig.party(A, flags=BOTH | MUX)
    a.say(3)
    rig.shard.sent()
    rig.run(4_000)
    on_rtp_port = reports(rig, leg, 0)
    assert [to for to, _ in on_rtp_port] == [A] * len(on_rtp_port) != []
    data = struct.pack("!BBHI", 0x80, 201, 1, a.ssrc)
    rig.deliver(leg.port, data, A)  # not taken for audio


def test_goodbye(rig):
    leg, a = rig.party(A)
    a.say(50)
    rig.shard.sent()
    rig.command(Op.CLOSE, leg.handle)
    [(_, data)] = reports(rig, leg)
    assert [kind for kind, _, _ in parts(data)] == [200, 202, 203]


def test_nothing_is_sent_to_a_remote_that_has_no_address(rig):
    leg, _ = rig.party(A, flags=0)
    rig.run(20_000)
    rig.command(Op.CLOSE, leg.handle)
    assert rig.shard.sent() == []
