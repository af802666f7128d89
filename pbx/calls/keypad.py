# SPDX-License-Identifier: Apache-2.0
"""The keys of a leg: those that its party presses, by whatever way they come, and those that we press towards it."""

import asyncio
from typing import TYPE_CHECKING

from switchroom.media.errors import MediaError
from switchroom.pbx.calls.digits import (
    DEFAULT_MS,
    DTMF,
    DTMF_RELAY,
    MIN_MS,
    DigitSource,
    Press,
    read_info,
    write_info,
)
from switchroom.pbx.control import CallError, Digit
from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.message import Request

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg


def send(leg: "Leg", digits: str) -> None:
    """Press keys as the party understands them. Raises StateError without audio, CallError for what is no key."""
    if leg.media is None:
        raise StateError("the leg has no media session, or no more")
    if leg.terms.dtmf == "info":
        for digit in digits:
            _send_info(leg, Press(digit, DEFAULT_MS))
        return
    try:
        leg.media.send_digits(digits)
    except (MediaError, ValueError) as error:
        raise CallError(400, str(error)) from error


def heard(leg: "Leg", press: Press, source: DigitSource) -> None:
    """The party pressed a key. Its partner gets it too, in the partner's way of sending keys."""
    if not leg.keys.is_new(press, source, asyncio.get_running_loop().time()):
        return
    leg.tell(Digit(press.digit, press.duration_ms))
    if leg.partner is not None:
        _pass_on(leg.partner, press, source)


def take_info(leg: "Leg", request: Request) -> bool:
    """An INFO of the party; False when it holds what we do not know."""
    if not request.body:
        return True
    if request.content_type not in (DTMF, DTMF_RELAY):
        return False
    press = read_info(request.content_type, request.body)
    if press is not None:
        heard(leg, press, "info")
    return True


def _pass_on(leg: "Leg", press: Press, source: DigitSource) -> None:
    """Press a key of the partner's towards this party, unless the audio or the plane has carried it there."""
    if leg.state != "answered" or leg.media is None or press.digit == "!":
        return
    if leg.terms.dtmf == "info":
        _send_info(leg, press)
    elif source == "info" or (source == "event") != leg.media.takes_events:
        leg.media.send_digits(press.digit, on_ms=max(press.duration_ms, MIN_MS))


def _send_info(leg: "Leg", press: Press) -> None:
    if leg.sip is not None and leg.state == "answered":
        content_type, body = write_info(press)
        leg.sip.send_request("INFO", {"content-type": [content_type]}, body)
