# SPDX-License-Identifier: Apache-2.0
"""Audio truth: what goes through a bridge or a mix keeps its level, and comes when it should, whatever the codecs.

Everything runs on the shard's own clock, so the figures are exact and the same on every machine. The delay is what the
exchange adds: a packet that is heard as it comes, without a jitter buffer behind it, against the same without exchange.
"""

import itertools
import struct

import numpy as np
import pytest
from plane_rig import Leg, Rig, Talker
from sound_measures import (
    COMMON_HZ,
    NAMES,
    PLACES,
    Hearing,
    Sound,
    Voice,
    converse,
    lag,
    level_db,
    segmental_snr_db,
    spectral_distance_db,
    speech,
    tone,
)

from switchroom.media.doctor import Quality, quality
from switchroom.media.wire import Op

PTIMES = (10, 20, 30, 60)
MOST_DELAY_MS = 45.0
LEVEL_DB = 0.5
G729_LEVEL_DB = 0.85
"""Of each time that G.729 is coded: its filters take 0.5 to 0.75 dB off, in the ITU-T's own code as in ours."""
TONE_S, SPEECH_S = 1.0, 2.5
SAID = np.concatenate([tone(TONE_S), speech(SPEECH_S)])
TONE = slice(COMMON_HZ // 2, int(0.97 * COMMON_HZ))
SPEECH = slice(int(1.06 * COMMON_HZ), int(3.4 * COMMON_HZ))


class Line:
    """Two parties joined by a bridge or a mix; the first speaks, the second listens."""

    def __init__(
        self, kind: str, names: tuple[str, str], ptimes: tuple[int, int] = (20, 20), phase_ms: int = 7
    ) -> None:
        self.rig = Rig(codecs=NAMES)
        self.names, self.ptimes = names, ptimes
        (self.leg, self.talker), (self.other, _) = (self._party(i) for i in range(2))
        if kind == "bridge":
            self.rig.command(Op.BRIDGE, self.leg.handle, self.other.handle)
        else:
            for leg in (self.leg, self.other):
                self.rig.command(Op.JOIN, leg.handle, 0, struct.pack("=II", 0, 256))
        self.rig.run(phase_ms)  # between the clock of the shard and that of the speaker
        self.rig.shard.sent()

    def _party(self, i: int) -> tuple[Leg, Talker]:
        place = PLACES[self.names[i]]
        return self.rig.party(
            (f"10.1.0.{i + 1}", 4000), send=place, receive=(place,), ssrc=0x100 + i, ptime_ms=self.ptimes[i]
        )

    def carry(self, sound: Sound, network=None) -> tuple[Sound, float]:
        """What is heard from its first packet on, and how much after the first said one that came, in ms."""
        voice = Voice(self.talker, self.names[0], sound, self.ptimes[0])
        hearing = Hearing(self.rig, self.other, self.names[1])
        said_ns = converse(self.rig, voice, hearing, network)
        return hearing.sound, (hearing.began_ns - said_ns) / 1e6

    def quality(self) -> Quality:
        return quality(self.rig.page().leg(self.leg.handle))


def in_step(said: Sound, heard: Sound) -> tuple[Sound, int]:
    """What is heard, moved to where it was said, and by how many samples."""
    late = lag(said, heard)
    moved = heard[late:] if late >= 0 else np.concatenate([np.zeros(-late), heard])
    return np.pad(moved, (0, max(0, len(said) - len(moved))))[: len(said)], late


def is_relayed(kind: str, names: tuple[str, str], ptimes: tuple[int, int]) -> bool:
    return kind == "bridge" and ptimes[0] == ptimes[1] and (names[0] == names[1] or set(names) == {"PCMU", "PCMA"})


def check(kind: str, names: tuple[str, str], ptimes: tuple[int, int], phase_ms: int = 7) -> None:
    line = Line(kind, names, ptimes, phase_ms)
    sound, began_ms = line.carry(SAID)
    heard, late = in_step(SAID, sound)
    relayed = is_relayed(kind, names, ptimes)
    times = 1 if relayed else names.count("G729")
    for part in (TONE, SPEECH):
        assert level_db(heard[part]) - level_db(SAID[part]) == pytest.approx(0, abs=times * G729_LEVEL_DB or LEVEL_DB)
    if relayed:
        of_codec_ms = {"G722": 1.5, "G729": 5.0}.get(names[0], 0.0)  # its filters and look-ahead, in our ears
        assert began_ms == 0
        assert late * 1000 / COMMON_HZ <= of_codec_ms
    else:
        longer_ms = max(0, ptimes[1] - 20)  # a packet cannot leave before its last sample is there
        assert began_ms + late * 1000 / COMMON_HZ <= MOST_DELAY_MS + longer_ms
    if "G729" not in names:  # it keeps no waveform
        assert segmental_snr_db(SAID[SPEECH], heard[SPEECH]) > 27
    line.rig.close()


@pytest.mark.parametrize("kind", ["bridge", "mix"])
@pytest.mark.parametrize("names", list(itertools.product(NAMES, repeat=2)), ids="-".join)
def test_level_and_delay_between_all_codecs(kind: str, names: tuple[str, str]) -> None:
    check(kind, names, (20, 20))


@pytest.mark.parametrize("kind", ["bridge", "mix"])
@pytest.mark.parametrize("ptimes", list(itertools.product(PTIMES, repeat=2)), ids=str)
@pytest.mark.parametrize("names", [("PCMU", "PCMU"), ("PCMU", "G722"), ("G729", "PCMA")], ids="-".join)
def test_level_and_delay_between_all_packet_lengths(kind: str, ptimes: tuple[int, int], names: tuple[str, str]) -> None:
    check(kind, names, ptimes)


@pytest.mark.parametrize("kind", ["bridge", "mix"])
@pytest.mark.parametrize("ptime_ms", PTIMES)
@pytest.mark.parametrize("phase_ms", range(0, 20, 3))
def test_the_delay_holds_wherever_the_clocks_stand_to_each_other(kind: str, ptime_ms: int, phase_ms: int) -> None:
    check(kind, ("PCMU", "L16/16000"), (ptime_ms, 20), phase_ms)


@pytest.mark.parametrize("ptime_ms", PTIMES)
def test_on_a_steady_network_nothing_is_stretched_or_concealed(ptime_ms: int) -> None:
    said = speech(12.0)
    line = Line("mix", ("L16/8000", "L16/16000"), (ptime_ms, 20))
    sound, _ = line.carry(said)
    settled = slice(2 * COMMON_HZ, 11 * COMMON_HZ)
    heard, _ = in_step(said[settled], sound)
    assert segmental_snr_db(said[settled], heard) == pytest.approx(35, abs=0.2)  # as it was, sample by sample
    line.rig.close()


class Network:
    """Loses a share of the packets, in bursts of so many, and lets the rest come late by up to `jitter_ms`."""

    def __init__(self, share: float, burst: int, jitter_ms: float) -> None:
        rng = np.random.default_rng(3)
        self._gone = np.zeros(2_000, bool)
        for at in np.flatnonzero(rng.random(2_000) < share / burst):
            self._gone[at : at + burst] = True
        self._late_ms = rng.uniform(0, jitter_ms, 2_000)

    def __call__(self, i: int) -> float | None:
        return None if self._gone[i] else float(self._late_ms[i])


NETWORKS = {
    "clean": Network(0, 1, 0),
    "5 % random": Network(0.05, 1, 0),
    "5 % in bursts of 3": Network(0.05, 3, 0),
    "30 ms jitter": Network(0, 1, 30),
    "5 % random, 30 ms jitter": Network(0.05, 1, 30),
}
EXPECTED = {
    ("PCMU", "clean"): (4.4, 34, 1.7),
    ("PCMU", "5 % random"): (3.9, 30, 2.1),
    ("PCMU", "5 % in bursts of 3"): (3.8, 31, 2.2),
    ("PCMU", "30 ms jitter"): (4.4, 34, 1.7),
    ("PCMU", "5 % random, 30 ms jitter"): (3.9, 30, 2.1),
    ("G722", "clean"): (4.4, 31, 2.2),
    ("G722", "5 % random"): (3.9, 24, 2.7),
    ("G722", "5 % in bursts of 3"): (3.8, 26, 2.8),
    ("G722", "30 ms jitter"): (4.4, 31, 2.2),
    ("G722", "5 % random, 30 ms jitter"): (3.9, 24, 2.7),
    ("G729", "clean"): (4.0, 6, 4.4),
    ("G729", "5 % random"): (3.3, 5, 5.5),
    ("G729", "5 % in bursts of 3"): (3.2, 5, 5.0),
    ("G729", "30 ms jitter"): (4.0, 6, 4.4),
    ("G729", "5 % random, 30 ms jitter"): (3.3, 4, 6.6),
}
"""At least so much MOS (E-model) and segmental SNR, at most so much log-spectral distance; 20 s of speech, measured."""


@pytest.mark.parametrize(("name", "network"), list(EXPECTED), ids=str)
def test_what_loss_bursts_and_jitter_leave(name: str, network: str) -> None:
    least_mos, least_snr_db, most_distance_db = EXPECTED[name, network]
    said = speech(20.0)
    line = Line("mix", (name, "L16/16000"))
    sound, _ = line.carry(said, NETWORKS[network])
    sound = np.pad(sound, (0, COMMON_HZ))
    figures = []
    for at in range(COMMON_HZ, len(said) - COMMON_HZ // 2, COMMON_HZ // 2):  # each half second, as the delay follows
        block = said[at : at + COMMON_HZ // 2]
        heard, _ = in_step(block, sound[at - 2_000 : at + COMMON_HZ // 2 + 4_000])
        figures.append((segmental_snr_db(block, heard), spectral_distance_db(block, heard)))
    snr_db, distance_db = np.mean(figures, axis=0)
    found = line.quality()
    line.rig.close()
    assert found.mos_received is not None
    assert found.mos_received >= least_mos
    assert snr_db >= least_snr_db
    assert distance_db <= most_distance_db
    assert found.loss_received == pytest.approx(0.047 if "5 %" in network else 0, abs=0.002)
