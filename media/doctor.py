# SPDX-License-Identifier: Apache-2.0
"""The leg doctor: out of what the plane counts of a leg, how good its audio is, and what is wrong with it.

`quality` judges a whole leg, `Doctor` the time since it last looked; a trouble is told when it begins and when it ends.
"""

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from switchroom.media import emodel
from switchroom.media.stats import LegStats

if TYPE_CHECKING:
    from switchroom.media.session import Session

TroubleKind = Literal[
    "nothing-received", "nothing-arrives", "silence", "loss", "jitter", "delay", "clipping", "wrong-key"
]
"""`nothing-received`: the party should send and does not; `nothing-arrives`: it reports that it hears nothing of us;
`silence`: it sends, but nothing can be heard; `loss`, `jitter`, `delay` of its packets; `clipping`: it is too loud;
`wrong-key`: SRTP that cannot be opened. The first three are one-way audio."""
ONE_WAY: Final = ("nothing-received", "nothing-arrives", "silence")

RECEIVED_MS: Final = 3_000
SILENCE_MS: Final = 10_000
ARRIVES: Final = 0.9
LOSS: Final = 0.05
JITTER_MS: Final = 50.0
ROUND_TRIP_MS: Final = 600.0
CLIPPED: Final = 0.005
FEWEST: Final = 50
"""Packets without which nothing is said about shares."""
PACKET_MS: Final = 20


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """A leg as a listener would judge it. `received`: what the party says; `sent`: what it hears, if it tells."""

    mos_received: float | None = None
    mos_sent: float | None = None
    loss_received: float = 0.0
    """Share of the packets, those that came too late included."""
    loss_sent: float = 0.0
    delay_ms: float = 0.0
    """One way, from mouth to ear within our reach: half the round trip, packet, jitter buffer."""
    silence: float = 0.0
    """Share of what was listened to."""
    concealed: float = 0.0
    """Share of what was played."""


def quality(stats: LegStats) -> Quality:
    """Both directions of a leg since its beginning, by the E-model (ITU-T G.107)."""
    expected = stats.received_packets - stats.duplicate + stats.lost
    missing = stats.lost + stats.discarded
    loss = min(1.0, missing / expected) if expected > 0 else 0.0
    bursts = emodel.burst_ratio(loss, stats.lost / stats.loss_gaps) if stats.loss_gaps else 1.0
    buffer_ms = stats.delay_ms or 2 * stats.jitter_us / 1000 + PACKET_MS
    delay_ms = stats.round_trip_us / 2000 + PACKET_MS + buffer_ms
    sent_loss = max(0.0, stats.remote_lost / stats.sent_packets) if stats.sent_packets else 0.0
    sent_delay_ms = stats.round_trip_us / 2000 + 2 * PACKET_MS + 2 * stats.remote_jitter_us / 1000
    if stats.xr is not None:
        sent_loss = min(1.0, stats.xr.loss + stats.xr.discard)
    received, sent = None, None
    if expected >= FEWEST:
        received = round(emodel.mos(stats.receive_codec or "", delay_ms, loss, bursts), 2)
    if stats.sent_packets >= FEWEST and stats.rtcp_received:
        sent = round(emodel.mos(stats.send_codec or "", sent_delay_ms, sent_loss), 2)
    return Quality(
        mos_received=received,
        mos_sent=sent,
        loss_received=round(loss, 4),
        loss_sent=round(sent_loss, 4),
        delay_ms=round(delay_ms, 1),
        silence=round(stats.silence_ms / stats.heard_ms, 3) if stats.heard_ms else 0.0,
        concealed=round(stats.concealed_ms / (stats.played_ms + stats.concealed_ms), 4) if stats.concealed_ms else 0.0,
    )


class Doctor:
    """Looks at one leg again and again."""

    def __init__(self) -> None:
        self.found: dict[TroubleKind, float] = {}
        """What is wrong now, with its figure."""
        self._last = LegStats()

    def look(self, stats: LegStats, expected: bool, sends: bool) -> list[tuple[TroubleKind, bool, float]]:
        """What has begun (True) and what has ended since the last look, with its figure.

        `expected`: the party is to send; `sends`: we send to it.
        """
        last, self._last = self._last, stats
        now = dict(_signs(stats, last, expected, sends))
        news: list[tuple[TroubleKind, bool, float]] = []
        for kind, figure in now.items():
            if kind not in self.found:
                news.append((kind, True, figure))
        for kind, figure in self.found.items():
            if kind not in now:
                news.append((kind, False, figure))
        self.found = now
        return news


def _signs(stats: LegStats, last: LegStats, expected: bool, sends: bool) -> list[tuple[TroubleKind, float]]:
    found: list[tuple[TroubleKind, float]] = []
    received = stats.received_packets - last.received_packets
    lost = stats.lost - last.lost
    heard_ms = stats.heard_ms - last.heard_ms
    if expected and stats.sent_packets >= FEWEST and (stats.silent_ms is None or stats.silent_ms >= RECEIVED_MS):
        found.append(("nothing-received", float(stats.silent_ms or 0)))
    if sends and stats.sent_packets - last.sent_packets >= FEWEST and stats.remote_fraction_lost >= ARRIVES:
        found.append(("nothing-arrives", round(stats.remote_fraction_lost, 3)))
    if expected and received > 0 and stats.silence_now_ms >= SILENCE_MS:
        found.append(("silence", float(stats.silence_now_ms)))
    if received + lost >= FEWEST and lost / (received + lost) >= LOSS:
        found.append(("loss", round(lost / (received + lost), 3)))
    if received >= FEWEST and stats.jitter_us >= 1000 * JITTER_MS:
        found.append(("jitter", stats.jitter_us / 1000))
    if stats.round_trip_us >= 1000 * ROUND_TRIP_MS:
        found.append(("delay", stats.round_trip_us / 1000))
    if heard_ms > 0 and (stats.clipped - last.clipped) / (8 * heard_ms) >= CLIPPED:
        found.append(("clipping", round((stats.clipped - last.clipped) / (8 * heard_ms), 3)))
    if stats.unauthentic > last.unauthentic:
        found.append(("wrong-key", float(stats.unauthentic - last.unauthentic)))
    return found


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
        f"{where}: {agreed.send.name} {agreed.ptime_ms} ms {way}{' held' if agreed.held else ''}",
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
