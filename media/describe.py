# SPDX-License-Identifier: Apache-2.0
"""A session in one line, for people who look for what is wrong with a call."""

from typing import TYPE_CHECKING

from switchroom.media.doctor import quality
from switchroom.media.stats import LegStats

if TYPE_CHECKING:
    from switchroom.media.session import Session


def describe(session: "Session") -> str:
    """The whole chain of a leg in one line: where audio comes from, what becomes of it, where it goes, how good."""
    agreed, stats = session.agreed, session.stats()
    where = f"session {session.id} on {session.address}:{session.port}"
    if session.closed:
        where += " (closed)"
    if agreed is None:
        return f"{where}: nothing agreed yet"
    way = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (agreed.sends, agreed.receives), "inactive"
    )
    way += f" {stats.suite}" if stats.suite else ""
    host, port = stats.source
    moved = "" if (host, port) == (agreed.address, agreed.port) else f", signalled {agreed.address}:{agreed.port}"
    heard = "nothing received yet" if stats.silent_ms is None else f"last packet {stats.silent_ms} ms ago"
    found = quality(stats)
    parts = [
        f"{where}: {agreed.send.codec} {agreed.ptime_ms} ms {way}{' held' if agreed.held else ''}",
        f"remote {host}:{port}{moved}{' confirmed' if stats.confirmed else ''}",
        f"in {stats.received_packets} packets {stats.receive_codec or '-'}, lost {stats.lost}, jitter "
        f"{stats.jitter_us / 1000:.1f} ms, strangers {stats.stranger}, invalid {stats.invalid}, {heard}"
        + _levels(stats),
    ]
    if stats.played_ms:
        parts.append(f"buffer {stats.delay_ms} ms, late {stats.discarded}, concealed {100 * found.concealed:.1f} %")
    parts.append(f"out {stats.sent_packets} packets, hears {stats.feed}, remote lost {stats.remote_lost}")
    parts.append(f"round trip {stats.round_trip_us / 1000:.0f} ms" if stats.round_trip_us else "round trip unknown")
    if stats.digits:
        parts.append(f"digits {stats.digits}")
    scores = [
        f"{name} {score:.1f}"
        for name, score in (("in", found.mos_received), ("out", found.mos_sent))
        if score is not None
    ]
    if scores:
        parts.append(f"MOS {', '.join(scores)}")
    if session.doctor.found:
        parts.append(f"trouble: {', '.join(session.doctor.found)}")
    return "; ".join(parts)


def _levels(stats: LegStats) -> str:
    if stats.speech_dbm0 is None:
        return ""
    silence = 100 * stats.silence_ms / stats.heard_ms if stats.heard_ms else 0
    clipped = f", clipped {stats.clipped}" if stats.clipped else ""
    return f", speech {stats.speech_dbm0:.0f} dBm0, noise {stats.noise_dbm0:.0f} dBm0, silent {silence:.0f} %{clipped}"
