# SPDX-License-Identifier: Apache-2.0
"""The E-model against the points that the Recommendations print."""

import pytest

from switchroom.media.emodel import (
    IMPAIRMENTS,
    WITHOUT_CONCEALMENT,
    burst_ratio,
    delay_impairment,
    loss_impairment,
    mos,
    mos_of,
    rating,
)


@pytest.mark.parametrize(
    ("r", "score"), [(100, 4.5), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1)]
)
def test_rating_to_opinion_as_in_annex_b(r: float, score: float) -> None:
    assert mos_of(r) == pytest.approx(score, abs=0.01)


def test_the_default_is_93_2_and_4_41() -> None:
    assert rating("PCMU") == pytest.approx(93.2)
    assert mos("PCMA") == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("delay_ms", "idd"), [(0, 0), (100, 0), (200, 3.04), (300, 14.4), (400, 24.2), (500, 31.1)])
def test_delay(delay_ms: float, idd: float) -> None:
    assert delay_impairment(delay_ms) == pytest.approx(idd, abs=0.5)


def test_loss_hurts_less_when_it_is_concealed_and_more_in_bursts() -> None:
    g711 = IMPAIRMENTS["PCMU"]
    assert loss_impairment(g711, 0.02) == pytest.approx(95 * 2 / 27.1)
    assert loss_impairment(WITHOUT_CONCEALMENT, 0.02) == pytest.approx(95 * 2 / 6.3)
    assert loss_impairment(g711, 0.05, 2.0) > loss_impairment(g711, 0.05)
    assert rating("G729", loss=0.0) == pytest.approx(82.2)
    assert mos("PCMU", 50, 0.05) == pytest.approx(3.92, abs=0.03)


def test_scores_fall_with_everything_that_grows_and_stay_in_range() -> None:
    scores = [mos("PCMU", 60, loss / 100) for loss in range(101)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] >= 1
    assert mos("unknown", 10_000, 7.0) >= 1
    assert burst_ratio(0.1, 1 / 0.9) == pytest.approx(1)
    assert burst_ratio(0.1, 3) == pytest.approx(2.7)
