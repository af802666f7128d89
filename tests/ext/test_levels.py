# SPDX-License-Identifier: Apache-2.0
"""Levels, silence, clipping and DC as a leg doctor reads them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.ext.levels import Levels


def sine(peak: float, samples: int = 160, dc: float = 0) -> NDArray[np.int16]:
    return np.clip(peak * np.sin(2 * np.pi * np.arange(samples) / 16) + dc, -32768, 32767).astype(np.int16)


def test_a_full_scale_sine_is_3_14_dbm0_and_minus_3_dbov() -> None:
    levels = Levels()
    levels.add(sine(32767))
    assert levels.frame_dbm0 == pytest.approx(3.14, abs=0.02)
    assert levels.frame_dbov == pytest.approx(-3.01, abs=0.02)


def test_silence_is_counted_and_does_not_lower_the_speech_level() -> None:
    levels = Levels()
    for _ in range(50):
        levels.add(sine(3276.7))
        levels.add(np.zeros(160, np.int16))
    assert levels.speech_dbm0 == pytest.approx(3.14 - 20, abs=0.05)
    assert levels.stats["silent"] == 8000
    assert levels.silent_now == 160
    assert levels.frame_dbm0 == -127


def test_clipping_needs_two_samples_at_the_end_of_the_scale() -> None:
    levels = Levels()
    levels.add(sine(32124))
    assert levels.stats["clipped"] < 15
    levels.add(sine(60_000))
    assert levels.stats["clipped"] > 60
    assert levels.stats["peak"] == 32768


def test_dc_is_found_and_is_no_level() -> None:
    levels = Levels()
    for _ in range(200):
        levels.add(np.full(160, -900, np.int16))
    assert levels.stats["dc"] == pytest.approx(-900, abs=2)
    assert levels.frame_dbov < -60
    levels.add(sine(1000, dc=-900))
    assert levels.frame_dbov == pytest.approx(20 * np.log10(1000 / 2**0.5 / 32768), abs=0.1)
