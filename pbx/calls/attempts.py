# SPDX-License-Identifier: Apache-2.0
"""How a leg that we call comes to an answer: one INVITE after another, until one is heard.

A leg knows only `Attempts`; to whoever listens to the leg it is one call all the time.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from switchroom.media.srtp import SrtpMode
from switchroom.pbx.calls.terms import FALLBACKS, REFUSALS
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.message import Headers, Response

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg


class Attempts(Protocol):
    """What a leg asks of the way it is called."""

    def begin(self, leg: "Leg") -> None:
        """Send the first INVITE, now or soon; `leg.invited` takes each session before it is started."""

    def goes_on(self, leg: "Leg", session: ClientSession, status: int, reason: str, response: Response | None) -> bool:
        """An INVITE came to nothing: whether another one is sent, so that the leg is not over."""

    def answered(self, leg: "Leg") -> None:
        """One was answered."""


class OnePlace:
    """The attempts at one place: `invite` makes a session given some headers more, and again, with more or less
    encryption, where an optional offer is refused (RFC 3261 section 8.1.3.5)."""

    def __init__(self, invite: Callable[[Headers], ClientSession]) -> None:
        self._invite = invite
        self._fallbacks: list[SrtpMode] = []

    def begin(self, leg: "Leg") -> None:
        self._fallbacks = list(FALLBACKS) if leg.terms.srtp == "optional" else []
        leg.invited(self._invite({}))

    def goes_on(self, leg: "Leg", session: ClientSession, status: int, reason: str, response: Response | None) -> bool:
        if response is None or status not in REFUSALS or not self._fallbacks or leg.media is None:
            return False
        leg.media.rollback()
        leg.media.srtp = self._fallbacks.pop(0)
        number = session.request.cseq.number + 1
        leg.invited(self._invite({"call-id": [session.call_id], "cseq": [f"{number} INVITE"]}))
        return True

    def answered(self, leg: "Leg") -> None:
        pass
