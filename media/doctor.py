# SPDX-License-Identifier: Apache-2.0
"""The leg doctor: out of what the plane counts of a leg, how good its audio is, and what is wrong with it.

`quality` judges a whole leg, `Doctor` the time since it last looked; a trouble is told when it begins and when it ends.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from switchroom.media import emodel
from switchroom.media.events import Trouble, TroubleKind
from switchroom.media.stats import LegStats

if TYPE_CHECKING:
    from switchroom.media.session import Session

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


def examine(session: "Session") -> list[Trouble]:
    """What has gone wrong with a session or come right since it was last examined."""
    agreed = session.agreed
    if agreed is None or not session.confirmed:
        return []
    news = session.doctor.look(session.stats(), agreed.receives, agreed.sends)
    return [Trouble(session, kind, on, figure) for kind, on, figure in news]
