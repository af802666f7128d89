# SPDX-License-Identifier: Apache-2.0
"""Supervisors who listen to legs, whisper to them, or take part.

A tapped leg and its partner stay bridged. While anybody listens, both and all who listen sit in a conference laid over
the bridge, with a gain for who hears whom; with the last listener it goes, and the bridge is heard as before. A leg in
a room is listened to there, and one that is alone has a conference of its own. Listeners follow their leg wherever it
is joined.
"""

from typing import TYPE_CHECKING, NamedTuple

from switchroom.media.conference import Conference
from switchroom.media.errors import MediaError
from switchroom.pbx.control import CallError, TapEnded, TapMode

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg
    from switchroom.pbx.calls.switchboard import Switchboard

MAX_LISTENERS = 8
"""Of one leg."""


class Tap(NamedTuple):
    """One listener's."""

    leg: "Leg"
    mode: TapMode


class Taps:
    """All taps of one exchange. The switchboard says when legs are joined, parted and over."""

    def __init__(self, board: "Switchboard") -> None:
        self._board = board
        self._taps: dict[Leg, Tap] = {}
        """By listener."""
        self._laid: dict[Leg, Conference] = {}
        """The conference that is laid over a leg's bridge, or that it has alone; of both partners the same."""

    def begin(self, listener: "Leg", leg: "Leg", mode: TapMode) -> None:
        """As CallControl.tap says."""
        if listener is leg or leg in self._taps:
            raise CallError(400, "a listener cannot be listened to")
        if listener.media is None or leg.media is None:
            raise CallError(481, "the leg is over")
        former = self._taps.get(listener)
        if former is None or former.leg is not leg:
            if sum(tap.leg is leg for tap in self._taps.values()) >= MAX_LISTENERS:
                raise CallError(503, f"a leg has at most {MAX_LISTENERS} listeners", "refused")
            self._board.part(listener)
        self._taps[listener] = Tap(leg, mode)
        try:
            self._arrange(leg)
        except MediaError as error:
            self.end(listener)
            raise CallError(503, str(error), "refused") from error

    def end(self, listener: "Leg") -> None:
        """As CallControl.untap says."""
        tap = self._taps.pop(listener, None)
        if tap is None:
            return
        if listener.media is not None and listener.media.conference is not None:
            listener.media.conference.leave(listener.media)
        self.follow(tap.leg)

    def of(self, leg: "Leg") -> "list[Leg]":
        """Who listens to a leg."""
        return [listener for listener, tap in self._taps.items() if tap.leg is leg]

    def leg_over(self, leg: "Leg") -> None:
        """A leg ends: so does its tap, and so do those on it."""
        self.end(leg)
        for listener in self.of(leg):
            self.end(listener)
            listener.tell(TapEnded())

    def lift(self, leg: "Leg") -> None:
        """Take away what is laid over a leg, before it is joined elsewhere; `follow` comes after that."""
        conference = self._laid.get(leg)
        if conference is not None:
            self._laid = {other: laid for other, laid in self._laid.items() if laid is not conference}
            conference.close()

    def follow(self, leg: "Leg") -> None:
        """A leg was joined or parted: those who listen to it, or to its partner, go along."""
        try:
            self._arrange(leg)
        except MediaError as error:
            self._board.note(leg, "listeners could not follow", error)

    # ---- within

    def _arrange(self, leg: "Leg") -> None:
        if not self._taps and leg not in self._laid:
            return
        pair = [leg] if leg.partner is None else [leg, leg.partner]
        taps = {listener: tap for listener, tap in self._taps.items() if tap.leg in pair}
        if not taps:
            self.lift(leg)
            return
        conference = leg.room.conference if leg.room is not None else self._lay(pair)
        if conference is None:
            return
        for listener, tap in taps.items():
            if listener.media is not None and tap.leg.media is not None:
                conference.join(listener.media, 1.0 if tap.mode == "barge" else 0.0)
                conference.hear(tap.leg.media, listener.media, 1.0 if tap.mode == "whisper" else None)

    def _lay(self, pair: "list[Leg]") -> Conference | None:
        conference = self._laid.get(pair[0])
        for leg in pair:
            if leg.media is None:
                return None
            if conference is None:
                conference = self._board.media.conference(leg.media)
            if leg not in self._laid:
                conference.join(leg.media, over_bridge=True)
                self._laid[leg] = conference
        return conference
