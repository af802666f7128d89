# SPDX-License-Identifier: Apache-2.0
"""The jitter buffer against seeded networks in virtual time; the far end numbers its packets in their payload."""

import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from switchroom.ext.jitter import Jitter, Pulled

MS = 1_000_000
FRAME = 160  # ticks of 125 us: 20 ms at 8 kHz
PITCH = 56  # what time scaling takes out or puts in: 7 ms


@dataclass
class Sent:
    at_ns: int
    seq: int
    timestamp: int
    duration: int = FRAME
    marker: bool = False
    ssrc: int = 1
    kind: str = "audio"


@dataclass
class Run:
    """What the listener got."""

    buffer: Jitter
    pulls: list[tuple[int, Pulled]] = field(default_factory=list)
    delays_ms: list[tuple[int, float]] = field(default_factory=list)

    @property
    def verdicts(self) -> Counter[str]:
        return Counter(p.verdict for _, p in self.pulls)

    @property
    def played(self) -> list[int]:
        return [int(p.payload) for _, p in self.pulls if p.payload]

    def delay_ms(self, from_s: float, to_s: float) -> float:
        """The mean playing delay between two moments."""
        part = [d for at, d in self.delays_ms if from_s * 1000 * MS <= at < to_s * 1000 * MS]
        return sum(part) / len(part)


def stream(seconds: float, ptime_ms: int = 20, ppm: float = 0.0, seq: int = 65_500, timestamp: int = 2**32 - 4000):
    """Packets of a far end whose clock runs `ppm` fast; sequence and timestamp wrap on the way."""
    step = ptime_ms * MS / (1 + ppm * 1e-6)
    return [
        Sent(round(i * step), (seq + i) & 0xFFFF, (timestamp + i * ptime_ms * 8) & 0xFFFFFFFF, ptime_ms * 8)
        for i in range(int(seconds * 1000 / ptime_ms))
    ]


def network(sent: list[Sent], script=((1e9, 40, 0, 0.0),), seed: int = 1, duplicate: float = 0.0):
    """Arrivals (at_ns, packet) through a network whose script says (until_s, delay_ms, jitter_ms, loss)."""
    rng = random.Random(seed)
    arrivals = []
    for packet in sent:
        _, delay, jitter, loss = next(line for line in script if packet.at_ns < line[0] * 1000 * MS)
        if rng.random() >= loss:
            copies = 1 + (rng.random() < duplicate)
            arrivals += [(packet.at_ns + int((delay + rng.random() * jitter) * MS), packet) for _ in range(copies)]
    return sorted(arrivals, key=lambda a: a[0])


def listen(arrivals, seconds: float, buffer: Jitter | None = None, phase_ms: float = 3.0, frame: int = FRAME) -> Run:
    """Pull a frame every 20 ms while the packets come, scaling time where the buffer asks for it."""
    run = Run(buffer or Jitter())
    queued, i = 0, 0
    for tick in range(int(seconds * 8000 / frame)):
        now = int(phase_ms * MS) + tick * frame * 125_000
        while i < len(arrivals) and arrivals[i][0] <= now:
            at, p = arrivals[i]
            run.buffer.push(
                at, p.seq, p.timestamp, b"%d" % p.seq, p.duration, ssrc=p.ssrc, marker=p.marker, kind=p.kind
            )
            i += 1
        while queued < frame:
            pulled = run.buffer.pull(now, queued, frame - queued)
            assert pulled.duration > 0 or pulled.payload
            run.pulls.append((now, pulled))
            queued += pulled.duration
            if pulled.payload and pulled.verdict != "dtx":
                run.delays_ms.append((now, run.buffer.delay_ms))
                queued += {"expand": PITCH, "accelerate": -PITCH}.get(pulled.verdict, 0)
        queued -= frame
    return run


def in_order(seqs: list[int]) -> bool:
    return all(0 < (b - a) & 0xFFFF < 0x8000 for a, b in pairwise(seqs))


def test_a_clean_network_plays_every_packet_once_in_order() -> None:
    run = listen(network(stream(60)), 60)
    assert len(run.played) >= 60 * 50 - 4
    assert in_order(run.played)
    assert run.verdicts.keys() <= {"normal", "empty"}
    assert run.delay_ms(1, 60) < 26  # one step of the histogram and less than a packet: playing happens at ticks only


@pytest.mark.parametrize("seed", range(5))
def test_delay_follows_jitter_up_and_down(seed: int) -> None:
    script = [(20, 40, 4, 0), (60, 40, 90, 0), (120, 40, 4, 0)]
    run = listen(network(stream(120), script, seed), 120)
    calm, rough, after = run.delay_ms(5, 20), run.delay_ms(30, 60), run.delay_ms(90, 120)
    assert calm < 35
    assert 80 < rough < 130
    assert after < 45
    assert run.buffer.stats["reordered"] > 100
    assert run.buffer.stats["lost"] == 0 or run.buffer.stats["late"] >= run.buffer.stats["lost"]
    bad = [at for at, p in run.pulls if p.verdict in ("lost", "empty") and at > 25_000 * MS]
    assert len(bad) < 0.02 * 95 * 50


def test_bounds_hold_on_both_sides_and_can_be_changed() -> None:
    run = listen(network(stream(20)), 20, Jitter(min_delay_ms=80))
    assert 80 <= run.delay_ms(1, 20) < 101
    rough = network(stream(30), [(1e9, 40, 200, 0)])
    run = listen(rough, 30, Jitter(max_delay_ms=60))
    assert max(d for _, d in run.delays_ms) <= 60 + 20 + 20
    assert run.buffer.stats["discarded"] + run.buffer.stats["late"] > 300
    buffer = Jitter()
    buffer.bounds(100, 50)
    assert buffer.target_ms == 50


def test_path_delay_steps_up_and_down_are_followed() -> None:
    script = [(20, 40, 2, 0), (40, 140, 2, 0), (60, 40, 2, 0)]
    run = listen(network(stream(60), script), 60)
    assert run.delay_ms(32, 40) < 45  # counted from the new, slower path
    assert run.delay_ms(55, 60) < 45
    assert in_order(run.played)
    assert len(run.played) > 60 * 50 - 15


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
def test_losses_are_told_once_each(loss: float) -> None:
    arrivals = network(stream(60), [(1e9, 40, 15, loss)], seed=3)
    run = listen(arrivals, 60)
    gone = 3000 - len(arrivals)
    assert run.buffer.stats["lost"] == pytest.approx(gone, abs=3)
    concealed = sum(p.duration for at, p in run.pulls if p.verdict in ("lost", "empty") and at > 100 * MS)
    assert concealed == pytest.approx(gone * FRAME, abs=FRAME * (3 + 0.02 * gone))
    assert in_order(run.played)


def test_duplicates_are_counted_and_never_played_twice() -> None:
    run = listen(network(stream(30), [(1e9, 40, 50, 0)], duplicate=0.3), 30)
    assert run.buffer.stats["duplicate"] == pytest.approx(450, rel=0.2)
    assert in_order(run.played)


def test_a_single_late_packet_is_stretched_over_not_lost() -> None:
    held_until = network(stream(10))[136][0] + 35 * MS
    run = listen([(max(at, held_until) if i >= 136 else at, p) for i, (at, p) in enumerate(network(stream(10)))], 10)
    assert run.verdicts["lost"] == 0
    assert run.played.count(100) == 1
    assert run.buffer.stats["empty"] == 1


def test_stalled_network_comes_back_within_the_bound() -> None:
    def stall(at: int) -> int:
        return max(at, 12_000 * MS) if at >= 10_000 * MS else at

    run = listen([(stall(at), p) for at, p in network(stream(40))], 40, Jitter(max_delay_ms=200))
    assert run.buffer.stats["restarts"] == 0
    after = [d for at, d in run.delays_ms if at > 12_000 * MS]
    assert max(after) <= 200 + 40
    assert run.delay_ms(36, 40) < 50


def test_dtx_gaps_are_silence_and_not_loss() -> None:
    talk = stream(3) + [
        Sent(p.at_ns, (p.seq - 200) & 0xFFFF, p.timestamp, marker=i == 0) for i, p in enumerate(stream(12)[350:])
    ]
    run = listen(network(talk, [(1e9, 40, 10, 0)]), 12)
    assert run.buffer.stats["lost"] == 0
    assert len(run.played) >= len(talk) - 4
    silent = [at for at, p in run.pulls if p.verdict in ("dtx", "empty") and 3_100 * MS < at < 6_900 * MS]
    assert len(silent) >= 185


def test_silence_descriptors_open_a_gap_and_are_handed_out() -> None:
    buffer = Jitter()
    buffer.push(0, 1, 0, b"1")
    buffer.push(20 * MS, 2, 160, b"sid", 0, kind="sid")
    assert buffer.pull(20 * MS).verdict == "normal"
    sid = buffer.pull(40 * MS)
    assert (sid.verdict, sid.payload, sid.kind, sid.duration) == ("dtx", b"sid", "sid", 160)
    assert [buffer.pull((60 + i * 20) * MS).verdict for i in range(50)] == ["dtx"] * 50
    buffer.push(2000 * MS, 3, 16000, b"3", marker=True)
    assert buffer.pull(2010 * MS).payload == b"3"
    assert buffer.stats["lost"] == 0


def test_dtx_and_a_loss_at_its_edge_conceal_only_the_loss() -> None:
    talk = stream(1)[:-1] + [Sent(p.at_ns, (p.seq - 100) & 0xFFFF, p.timestamp) for p in stream(5)[150:]]
    run = listen(network(talk), 5)
    assert run.buffer.stats["lost"] == 1
    concealed = [p for at, p in run.pulls if p.verdict == "lost"]
    assert len(concealed) <= 1


def test_telephone_events_between_audio_are_no_losses() -> None:
    sent = stream(4)
    for p in sent[50:60]:
        p.kind, p.timestamp = "other", sent[50].timestamp
    run = listen(network(sent), 4)
    assert run.buffer.stats["lost"] == 0
    assert run.verdicts["lost"] == 0
    assert len(run.played) >= len(sent) - 10 - 4


@pytest.mark.parametrize(
    ("seq", "timestamp", "ssrc"), [(30_000, 5, 1), (65_000, 2**31, 1), (250 + 65_500 - 65_536, 77, 1), (9, 9, 2)]
)
def test_a_restarted_stream_plays_on(seq: int, timestamp: int, ssrc: int) -> None:
    first = stream(5)
    second = [
        Sent(p.at_ns + 5000 * MS, (seq + i) & 0xFFFF, (timestamp + i * FRAME) & 0xFFFFFFFF, ssrc=ssrc)
        for i, p in enumerate(stream(5))
    ]
    run = listen(network(first + second), 10)
    assert run.buffer.stats["restarts"] == 1
    assert len(run.played) >= 500 - 8
    assert run.delay_ms(8, 10) < 25


def test_one_stray_packet_does_not_restart_the_stream() -> None:
    buffer = Jitter()
    for i in range(20):
        buffer.push(i * 20 * MS, i, i * FRAME, b"x")
        if i == 10:
            assert buffer.push(i * 20 * MS, 40_000, 99, b"stray") == "dropped"
        assert buffer.pull(i * 20 * MS + MS).payload != b"stray"
    assert buffer.stats["restarts"] == 0


def test_packets_of_ten_to_sixty_ms_in_one_stream() -> None:
    rng = random.Random(5)
    sent, at = [], 0
    for seq in range(2000):
        ms = rng.choice([10, 20, 30, 40, 60])
        at += ms  # a packet leaves when its last sample is there
        sent.append(Sent(at * MS, seq, (at - ms) * 8, ms * 8))
    run = listen(network(sent, [(1e9, 30, 10, 0)]), at / 1000)
    assert run.buffer.stats["lost"] == run.buffer.stats["late"] == 0
    assert in_order(run.played)
    assert len(run.played) > 1990
    assert sum(p.duration for at, p in run.pulls if p.verdict in ("empty", "lost") and at > 2000 * MS) < 8000


@pytest.mark.parametrize("ppm", [200, -200])
def test_an_hour_of_clock_drift_loses_nothing(ppm: int) -> None:
    run = listen(network(stream(3601, ppm=ppm), [(1e9, 40, 8, 0)]), 3600)
    stats = run.buffer.stats
    assert stats["lost"] == stats["late"] == stats["discarded"] == 0
    assert stats["empty"] == 0
    scaled = run.verdicts["accelerate"] - run.verdicts["expand"]
    assert scaled * PITCH / 8 == pytest.approx(ppm * 3600 / 1000, abs=45)  # 720 ms in the hour
    assert min(run.verdicts["accelerate"], run.verdicts["expand"]) < 40
    delays = [d for at, d in run.delays_ms if at > 10_000 * MS]
    assert max(delays) < 70


def test_overfull_buffer_discards_the_oldest() -> None:
    buffer = Jitter()
    for i in range(200):
        buffer.push(0, i, i * FRAME, b"%d" % i)
    stats = buffer.stats
    assert stats["discarded"] == 200 - 64
    assert stats["lost"] == 0


def test_rubbish_is_refused_at_the_door() -> None:
    buffer = Jitter()
    assert buffer.push(0, 1, 0, bytes(1473)) == "dropped"
    assert buffer.pull(20 * MS).verdict == "empty"
    rng = random.Random(9)
    for i in range(20_000):
        kind = rng.choice(["audio", "audio", "sid", "other"])
        seq, ts = rng.getrandbits(16), rng.getrandbits(32)
        if rng.random() < 0.5:
            seq, ts = i & 0xFFFF, (i * FRAME) & 0xFFFFFFFF
        buffer.push(i * 20 * MS, seq, ts, b"x", rng.choice([0, 80, 160, 480]), ssrc=rng.choice([1, 1, 1, 2]), kind=kind)
        pulled = buffer.pull(i * 20 * MS, rng.randrange(160), 160)
        assert pulled.duration <= 480
    stats = buffer.stats
    assert stats["received"] == 20_001
    assert stats["played"] + stats["discarded"] + stats["late"] + stats["duplicate"] + stats["dropped"] <= 20_001


def test_flush_forgets_the_stream_but_not_the_network() -> None:
    run = listen(network(stream(10), [(1e9, 40, 90, 0)]), 10)
    target = run.buffer.target_ms
    run.buffer.flush()
    assert run.buffer.pull(10_000 * MS).verdict == "empty"
    assert run.buffer.target_ms == target > 60
