# SPDX-License-Identifier: Apache-2.0
"""What the media part tells: frozen values, nearly all of them about one session."""

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from switchroom.media.session import Session

PlayEnd = Literal["finished", "stopped", "replaced", "closed", "failed"]


TroubleKind = Literal[
    "nothing-received", "nothing-arrives", "silence", "loss", "jitter", "delay", "clipping", "wrong-key"
]
"""`nothing-received`: the party should send and does not; `nothing-arrives`: it reports that it hears nothing of us;
`silence`: it sends, but nothing can be heard; `loss`, `jitter`, `delay` of its packets; `clipping`: it is too loud;
`wrong-key`: SRTP that cannot be opened. The first three are one-way audio."""


class MediaEvent(msgspec.Struct, frozen=True):
    """The root of the tree."""


class SessionEvent(MediaEvent, frozen=True):
    """Something about a session."""

    session: "Session"


class RtpTimeout(SessionEvent, frozen=True):
    """A remote that should send has been silent for MediaConfig.rtp_timeout_ms. Told once, until RtpResumed."""


class RtpResumed(SessionEvent, frozen=True):
    """RTP is back after RtpTimeout."""


class Digit(SessionEvent, frozen=True):
    """A key was pressed and released: one of 0-9 * # A-D, or ! for flash."""

    digit: str
    duration_ms: int
    in_band: bool = False
    """Heard as tones, not as a telephone event."""


class PlayDone(SessionEvent, frozen=True):
    """A play or tone is over; each ends with exactly one of these."""

    play: int
    reason: PlayEnd


class Latched(SessionEvent, frozen=True):
    """RTP comes from, and now goes to, another address than before (symmetric RTP)."""

    address: str
    port: int


class Speaking(SessionEvent, frozen=True):
    """A party of a conference has begun to speak, or has ended."""

    on: bool


class Recorded(MediaEvent, frozen=True):
    """A recording is complete on disk: `frames` long, of which `lost` could not be kept (slow or full disk)."""

    session: "Session | None"
    """None: it was that of a conference."""
    recording: int
    frames: int
    lost: int
    rate_hz: int
    error: str | None
    """What the system said when it last refused to write."""


class Trouble(SessionEvent, frozen=True):
    """The leg doctor has found something wrong with the audio, or (`on` false) finds it no more."""

    kind: TroubleKind
    on: bool
    figure: float


class PlaneLate(MediaEvent, frozen=True):
    """A shard is overloaded, or (`on` false) no longer; the slots of 5 ms are those since this was last told."""

    shard: int
    on: bool
    late_slots: int
    skipped_slots: int
    worst_ms: float


class PlaneGone(MediaEvent, frozen=True):
    """A shard has gone, and all its sessions with it; or (`on` false) it is there again."""

    shard: int
    on: bool
    reason: str = ""


class PlaneLost(SessionEvent, frozen=True):
    """The thread or process that carried the session is gone, and the session with it."""
