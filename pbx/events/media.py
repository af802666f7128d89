# SPDX-License-Identifier: Apache-2.0
"""Records of the leg doctor and of the media threads."""

from switchroom.pbx.events.record import Record


class LegTrouble(Record, frozen=True, tag="leg.trouble"):
    """Something is wrong with a leg's audio, or (`on` false) no longer."""

    call: str
    leg: str
    kind: str
    """`nothing-received`, `nothing-arrives`, `silence` (the three of one-way audio), `loss`, `jitter`, `delay`,
    `clipping`, `wrong-key`."""
    on: bool
    figure: float = 0.0
    """Milliseconds, a share or a count, as the kind has it."""


class MediaGone(Record, frozen=True, tag="media.gone"):
    """A media thread or process is gone and all calls on it have ended; or (`on` false) it is there again."""

    shard: int
    on: bool
    reason: str = ""


class MediaLate(Record, frozen=True, tag="media.late"):
    """A media thread is overloaded, or (`on` false) no longer. The figures are those since the last such record."""

    shard: int
    on: bool
    late_slots: int
    """Slots of 5 ms to which it came more than 2 ms late."""
    skipped_slots: int
    """Slots that were left out: gaps in the audio."""
    worst_ms: float
