# SPDX-License-Identifier: Apache-2.0
"""What the media plane tells, as facts for a leg."""

from typing import TYPE_CHECKING

from switchroom.media.events import Digit as MediaDigit
from switchroom.media.events import MediaEvent, PlaneLost, PlayDone, RtpResumed, RtpTimeout, Speaking
from switchroom.pbx import control
from switchroom.pbx.calls.digits import Press

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg


def deliver(leg: "Leg", event: MediaEvent) -> None:
    """Tell a leg what its media session reports."""
    if isinstance(event, MediaDigit):
        leg.keypad.heard(Press(event.digit, event.duration_ms), "tone" if event.in_band else "event")
    elif isinstance(event, PlayDone):
        leg.tell(control.PlayDone(event.play, event.reason == "finished"))
    elif isinstance(event, RtpTimeout):
        leg.on_silent()
    elif isinstance(event, RtpResumed):
        leg.on_heard()
    elif isinstance(event, Speaking):
        leg.tell(control.Speaking(event.on))
    elif isinstance(event, PlaneLost):
        leg.hangup(500, "media plane lost", result="failed")
