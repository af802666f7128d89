# SPDX-License-Identifier: Apache-2.0
"""The leg doctor: quality out of figures, and troubles that begin and end."""

import pytest
from msgspec.structs import replace

from switchroom.media.doctor import Doctor, quality
from switchroom.media.stats import LegStats, XrMetrics

GOOD = LegStats(
    received_packets=500, sent_packets=500, rtcp_received=2, receive_codec="PCMU", send_codec="PCMU", silent_ms=10,
    heard_ms=10_000, silence_ms=2_000, jitter_us=1_000, round_trip_us=20_000, speech_dbm0=-20.0, noise_dbm0=-60.0,
)  # fmt: skip


def test_a_good_leg() -> None:
    found = quality(GOOD)
    assert found.mos_received == pytest.approx(4.4, abs=0.05)
    assert found.mos_sent == pytest.approx(4.4, abs=0.05)
    assert (found.loss_received, found.loss_sent, found.silence) == (0, 0, 0.2)


@pytest.mark.parametrize(("lost", "gaps", "low", "high"), [(5, 5, 4.2, 4.4), (25, 25, 3.7, 4.1), (25, 8, 3.4, 3.9)])
def test_loss_costs_and_bursts_cost_more(lost: int, gaps: int, low: float, high: float) -> None:
    found = quality(replace(GOOD, received_packets=500 - lost, lost=lost, loss_gaps=gaps))
    assert found.loss_received == lost / 500
    assert found.mos_received is not None
    assert low < found.mos_received < high


def test_what_came_too_late_is_lost_too() -> None:
    assert quality(replace(GOOD, discarded=50)).loss_received == 0.1


def test_what_the_remote_tells_of_our_stream() -> None:
    told = XrMetrics(
        loss=0.05, discard=0.05, signal_dbm0=-20, noise_dbm0=-60, r=None, mos_lq=None, mos_cq=None, delay_ms=10,
        end_delay_ms=60, lost=5,
    )  # fmt: skip
    assert quality(replace(GOOD, xr=told)).loss_sent == 0.1
    assert quality(replace(GOOD, remote_lost=50)).loss_sent == 0.1


def test_nothing_is_judged_before_there_is_something() -> None:
    found = quality(LegStats())
    assert (found.mos_received, found.mos_sent) == (None, None)


def after(**changes: object) -> list[str]:
    """Troubles of a leg that was good when the doctor looked first."""
    doctor = Doctor()
    assert doctor.look(GOOD, True, True) == []
    grown = replace(GOOD, received_packets=750, sent_packets=750, heard_ms=15_000)
    return [kind for kind, on, _ in doctor.look(replace(grown, **changes), True, True) if on]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, []),
        ({"silent_ms": 4_000}, ["nothing-received"]),
        ({"received_packets": 500, "silent_ms": None}, ["nothing-received"]),
        ({"remote_fraction_lost": 0.99}, ["nothing-arrives"]),
        ({"silence_now_ms": 12_000}, ["silence"]),
        ({"lost": 20}, ["loss"]),
        ({"lost": 5}, []),
        ({"jitter_us": 80_000}, ["jitter"]),
        ({"round_trip_us": 900_000}, ["delay"]),
        ({"clipped": 1_000}, ["clipping"]),
        ({"unauthentic": 3}, ["wrong-key"]),
    ],
)
def test_troubles(changes: dict[str, object], kinds: list[str]) -> None:
    assert after(**changes) == kinds


def test_a_trouble_is_told_once_and_its_end_once() -> None:
    doctor = Doctor()
    doctor.look(GOOD, True, True)
    bad = replace(GOOD, silent_ms=5_000)
    assert [(kind, on) for kind, on, _ in doctor.look(bad, True, True)] == [("nothing-received", True)]
    assert doctor.look(bad, True, True) == []
    assert list(doctor.found) == ["nothing-received"]
    assert [(kind, on) for kind, on, _ in doctor.look(GOOD, True, True)] == [("nothing-received", False)]


def test_who_is_on_hold_need_not_send() -> None:
    assert Doctor().look(replace(GOOD, silent_ms=60_000, silence_now_ms=60_000), False, True) == []
