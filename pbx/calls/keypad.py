# SPDX-License-Identifier: Apache-2.0
"""The keys of one leg: those that its party presses, by whatever way they come, and those that we press towards it."""

import asyncio
import weakref
from typing import TYPE_CHECKING

from switchroom.media.errors import MediaError
from switchroom.pbx.calls.digits import (
    DEFAULT_MS,
    DTMF,
    DTMF_RELAY,
    MIN_MS,
    DigitSource,
    Keys,
    Press,
    read_info,
    write_info,
)
from switchroom.pbx.control import CallError, Digit
from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.message import Request

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg


class Keypad:
    """Belongs to a leg, which it does not keep alive."""

    def __init__(self, leg: "Leg") -> None:
        self._leg: Leg = weakref.proxy(leg)
        self._keys = Keys()

    def send(self, digits: str) -> None:
        """Press keys as the party understands them. Raises StateError without audio, CallError for what is no key."""
        media = self._leg.media
        if media is None:
            raise StateError("the leg has no media session, or no more")
        if self._leg.terms.dtmf == "info":
            for digit in digits:
                self._send_info(Press(digit, DEFAULT_MS))
            return
        try:
            media.send_digits(digits)
        except (MediaError, ValueError) as error:
            raise CallError(400, str(error)) from error

    def heard(self, press: Press, source: DigitSource) -> None:
        """The party pressed a key. Its partner gets it too, in the partner's way of sending keys."""
        if not self._keys.is_new(press, source, asyncio.get_running_loop().time()):
            return
        self._leg.tell(Digit(press.digit, press.duration_ms))
        if self._leg.partner is not None:
            self._leg.partner.keypad.pass_on(press, source)

    def pass_on(self, press: Press, source: DigitSource) -> None:
        """Press a key of the partner's towards this party, unless the audio or the plane has carried it there."""
        media = self._leg.media
        if self._leg.state != "answered" or media is None or press.digit == "!":
            return
        if self._leg.terms.dtmf == "info":
            self._send_info(press)
        elif source == "info" or (source == "event") != media.takes_events:
            media.send_digits(press.digit, on_ms=max(press.duration_ms, MIN_MS))

    def take_info(self, request: Request) -> bool:
        """An INFO of the party; False when it holds what we do not know."""
        if not request.body:
            return True
        if request.content_type not in (DTMF, DTMF_RELAY):
            return False
        press = read_info(request.content_type, request.body)
        if press is not None:
            self.heard(press, "info")
        return True

    def _send_info(self, press: Press) -> None:
        if self._leg.sip is not None and self._leg.state == "answered":
            content_type, body = write_info(press)
            self._leg.sip.send_request("INFO", {"content-type": [content_type]}, body)
