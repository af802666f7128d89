# SPDX-License-Identifier: Apache-2.0
"""What the media plane tells, as facts for a leg."""

from typing import TYPE_CHECKING

from switchroom.media.events import Digit as MediaDigit
from switchroom.media.events import MediaEvent, PlaneLost, PlayDone, RtpResumed, RtpTimeout, Speaking, Trouble
from switchroom.pbx import control
from switchroom.pbx.calls import keypad
from switchroom.pbx.calls.digits import Press
from switchroom.pbx.events import LegTrouble

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg


def deliver(leg: "Leg", event: MediaEvent) -> None:
    """Tell a leg what its media session reports."""
    if isinstance(event, MediaDigit):
        keypad.heard(leg, Press(event.digit, event.duration_ms), "tone" if event.in_band else "event")
    elif isinstance(event, PlayDone):
        leg.tell(control.PlayDone(event.play, event.reason == "finished"))
    elif isinstance(event, RtpTimeout):
        leg.on_silent()
    elif isinstance(event, RtpResumed):
        leg.on_heard()
    elif isinstance(event, Speaking):
        leg.tell(control.Speaking(event.on))
    elif isinstance(event, Trouble):
        leg.story.write(
            LegTrouble(call=leg.call_id, leg=leg.id, kind=event.kind, on=event.on, figure=round(event.figure, 3))
        )
        leg.tell(control.AudioTrouble(event.kind, event.on, event.figure))
    elif isinstance(event, PlaneLost):
        leg.hangup(500, "media plane lost", result="failed")
