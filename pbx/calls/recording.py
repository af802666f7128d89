# SPDX-License-Identifier: Apache-2.0
"""A recording of a leg, by the media plane's own hand."""

from switchroom.media.events import Recorded as MediaRecorded
from switchroom.media.recorder import Recording as MediaRecording
from switchroom.pbx.control import Recorded


class Recording:
    """Made by Leg.record."""

    def __init__(self, media: MediaRecording) -> None:
        self.id = str(media.number)
        self.path = str(media.path)
        self._media = media

    def pause(self) -> None:
        self._media.pause()

    def resume(self) -> None:
        self._media.resume()

    def stop(self) -> None:
        self._media.stop()

    def fact(self, event: MediaRecorded) -> Recorded:
        """What the listener is told of its end."""
        per_ms = self._media.rate_hz // 1000
        return Recorded(self.id, self.path, event.frames // per_ms, event.lost // per_ms)
