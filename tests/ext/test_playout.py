# SPDX-License-Identifier: Apache-2.0
"""A leg's ear: what is heard through jitter, loss, silence and clock drift."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.codecs.g722 import G722
from switchroom.codecs.l16 import L16_8000, L16_16000
from switchroom.ext.codec import Codec
from switchroom.ext.playout import Playout

MS = 1_000_000
Pcm = NDArray[np.int16]


def tone(samples: int, rate_hz: int, hz: float = 200) -> Pcm:
    t = np.arange(samples) / rate_hz
    return np.asarray(6000 * np.sin(2 * np.pi * hz * t) + 2000 * np.sin(4 * np.pi * hz * t), np.int16)


def hear(capsule, pcm: Pcm, lost: frozenset[int] = frozenset(), ppm: float = 0, jitter_ms: float = 0):  # type: ignore[no-untyped-def]
    """Send PCM in packets of 20 ms by a far end whose clock is `ppm` fast; returns what is heard, and the leg."""
    codec, leg, rng = Codec(capsule), Playout(capsule), np.random.default_rng(1)
    size, ticks = codec.sample_rate_hz // 50, codec.clock_rate_hz // 50
    packets = [codec.encode(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    arrivals = sorted(
        (int((i * 20 / (1 + ppm * 1e-6) + rng.uniform(0, jitter_ms)) * MS), i) for i in range(len(packets))
    )
    heard, at = [], 0
    for tick in range(len(packets) - (50 if ppm else 2)):  # to where the faster clock ends
        now = tick * 20 * MS + 3 * MS
        while at < len(arrivals) and arrivals[at][0] <= now:
            when, i = arrivals[at]
            if i not in lost:
                leg.push(when, i, i * ticks, packets[i], ticks)
            at += 1
        frame = np.zeros(size, np.int16)
        leg.frame(now, frame)
        heard.append(frame)
    return np.concatenate(heard), leg


def bend(pcm: Pcm) -> int:
    """The sharpest bend of the wave: a click is sharper than any of the signal's own."""
    return int(np.abs(np.diff(pcm.astype(int), 2)).max())


@pytest.mark.parametrize("capsule", [L16_8000, L16_16000])
def test_a_clean_stream_passes_untouched(capsule) -> None:  # type: ignore[no-untyped-def]
    rate_hz = Codec(capsule).sample_rate_hz
    pcm = tone(rate_hz * 2, rate_hz)
    heard, leg = hear(capsule, pcm)
    start, frame = int(np.flatnonzero(heard)[0]) * 50 // rate_hz * rate_hz // 50, rate_hz // 50
    assert start < rate_hz * 0.045
    assert (heard[start + frame :] == pcm[frame : len(heard) - start]).all()  # the first frame is faded in
    assert leg.stats["concealed"] == 0


def test_g722_keeps_its_two_rates_apart() -> None:
    heard, leg = hear(G722, tone(32_000, 16_000), jitter_ms=8)
    assert leg.stats["lost"] == leg.stats["concealed"] == 0
    spectrum = np.abs(np.fft.rfft(heard[8000:24_000].astype(float)))
    assert int(spectrum.argmax()) == 200


def test_losses_are_filled_without_a_click() -> None:
    pcm = tone(16_000, 8000)
    heard, leg = hear(L16_8000, pcm, frozenset({20, 40, 41, 60}))
    assert leg.stats["lost"] == 4
    assert leg.stats["concealed"] == 4 * 160
    assert bend(heard[800:]) < 1.5 * bend(pcm)


@pytest.mark.parametrize("ppm", [200, -200])
def test_an_hour_of_clock_drift_is_heard_by_nobody(ppm: float) -> None:
    second = tone(8000, 8000)
    heard, leg = hear(L16_8000, np.tile(second, 3600), ppm=ppm, jitter_ms=6)
    stats = leg.stats
    assert stats["concealed"] == stats["lost"] == stats["late"] == stats["discarded"] == 0
    assert stats["accelerated" if ppm > 0 else "expanded"] > 50
    assert bend(heard[8000:]) < 1.3 * bend(second)


def test_silence_descriptors_become_comfort_noise() -> None:
    leg, frame = Playout(L16_8000), np.zeros(160, np.int16)
    leg.push(0, 1, 0, bytes(320), 160)
    leg.push(20 * MS, 2, 160, bytes([40]), 0, "sid")
    levels = []
    for tick in range(1, 60):
        leg.frame(tick * 20 * MS + MS, frame)
        levels.append(float(np.sqrt((frame.astype(float) ** 2).mean())))
    assert np.mean(levels[10:]) == pytest.approx(327.68, rel=0.1)
    assert leg.stats["noise"] > 50 * 160
    assert leg.stats["concealed"] == 0


def test_payloads_that_are_none_are_counted() -> None:
    leg, frame = Playout(L16_8000), np.zeros(160, np.int16)
    for i in range(50):
        leg.push(i * 20 * MS, i, i * 160, b"odd", 160)
        leg.frame(i * 20 * MS + 5 * MS, frame)
    assert leg.stats["bad"] > 40
    assert not frame.any()
