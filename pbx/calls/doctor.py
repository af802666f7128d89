# SPDX-License-Identifier: Apache-2.0
"""What a record keeps of a leg's audio: the counts of the media plane and the doctor's judgement."""

from switchroom.media.doctor import quality
from switchroom.media.stats import LegStats


def media_figures(stats: LegStats) -> dict[str, float]:
    """Figures of both directions; what is not known is left out."""
    found = quality(stats)
    figures: dict[str, float] = {
        "received_packets": stats.received_packets,
        "sent_packets": stats.sent_packets,
        "lost": stats.lost,
        "late": stats.late,
        "duplicate": stats.duplicate,
        "stranger": stats.stranger,
        "jitter_ms": stats.jitter_us / 1000,
        "round_trip_ms": stats.round_trip_us / 1000,
        "remote_lost": stats.remote_lost,
        "remote_jitter_ms": stats.remote_jitter_us / 1000,
        "digits": stats.digits,
        "loss_received": found.loss_received,
        "loss_sent": found.loss_sent,
        "delay_ms": found.delay_ms,
        "concealed": found.concealed,
    }
    if found.mos_received is not None:
        figures["mos_received"] = found.mos_received
    if found.mos_sent is not None:
        figures["mos_sent"] = found.mos_sent
    if stats.heard_ms:
        figures |= {"silence": found.silence, "clipped": stats.clipped}
        if stats.speech_dbm0 is not None:
            figures["speech_dbm0"] = stats.speech_dbm0
        if stats.noise_dbm0 is not None:
            figures["noise_dbm0"] = stats.noise_dbm0
    if stats.suite:
        figures |= {"unauthentic": stats.unauthentic, "replayed": stats.replayed}
    return figures
