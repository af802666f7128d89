# SPDX-License-Identifier: Apache-2.0
"""Recordings: begun, paused, whole on disk, kept in another form."""

from switchroom.pbx.events.record import Record


class RecordingStarted(Record, frozen=True, tag="recording.started"):
    recording: str
    path: str
    """Where the audio will be."""
    call: str = ""
    """Empty for a room's."""
    leg: str = ""
    party: str = ""
    """Whose words are on the left of a stereo recording; what it heard is on the right."""
    label: str = ""
    """What whoever began it says about it: a queue, an agent, a room, a reason."""
    stereo: bool = False
    before_ms: int = 0
    """At most so much of it was said before it was begun."""


class RecordingPaused(Record, frozen=True, tag="recording.paused"):
    recording: str
    call: str = ""


class RecordingResumed(Record, frozen=True, tag="recording.resumed"):
    recording: str
    call: str = ""


class RecordingEnded(Record, frozen=True, tag="recording.ended"):
    """The file is whole."""

    recording: str
    path: str
    call: str = ""
    leg: str = ""
    duration_ms: int = 0
    paused_ms: int = 0
    lost_ms: int = 0
    """Could not be kept, and is silence in the file: a disk that was slow or full, a crash."""
    size_bytes: int = 0
    sha256: str = ""
    error: str = ""
    """What the system said when it last refused to write, or why there is no file."""
    repaired: bool = False
    """Mended after the exchange was killed; up to a second is missing at the end."""


class RecordingConverted(Record, frozen=True, tag="recording.converted"):
    """It is kept in another form from now on."""

    recording: str
    path: str
    size_bytes: int = 0
    sha256: str = ""
