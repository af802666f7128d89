# SPDX-License-Identifier: Apache-2.0
"""The leg doctor: what the media plane measures of a leg, as the journal and the CDR keep it."""

from switchroom.media.stats import LegStats


def media_figures(stats: LegStats) -> dict[str, float]:
    """What a record keeps of a leg's audio."""
    return {
        "received_packets": stats.received_packets,
        "sent_packets": stats.sent_packets,
        "lost": stats.lost,
        "late": stats.late,
        "duplicate": stats.duplicate,
        "stranger": stats.stranger,
        "jitter_ms": stats.jitter_us / 1000,
        "round_trip_ms": stats.round_trip_us / 1000,
        "remote_lost": stats.remote_lost,
        "digits": stats.digits,
    }
