# SPDX-License-Identifier: Apache-2.0
"""A session in one line, for people who look for what is wrong with a call."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from switchroom.media.session import Session


def describe(session: "Session") -> str:
    """Where audio comes from, what is done with it, where it goes."""
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
    return (
        f"{where}: {agreed.send.name} {agreed.ptime_ms} ms {way}{' held' if agreed.held else ''}"
        f"; remote {host}:{port}{moved}{' confirmed' if stats.confirmed else ''}"
        f"; in {stats.received_packets} packets {stats.receive_codec or '-'}, lost {stats.lost}"
        f", jitter {stats.jitter_us / 1000:.1f} ms, strangers {stats.stranger}, invalid {stats.invalid}, {heard}"
        f"; out {stats.sent_packets} packets, hears {stats.feed}, remote lost {stats.remote_lost}"
    )
