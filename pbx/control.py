# SPDX-License-Identifier: Apache-2.0
"""CallControl: the only door through which applications act on calls.

Verbs go down as plain calls on a `Leg`, which never wait and never fail but by StateError; facts come back as frozen
values to the leg's listener, in the order in which they happened. There are two implementations: the real one
(pbx/calls) and one without sockets or audio (pbx/sim), on which applications are tested and simulated.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import CallResult, EndedBy

LegState = Literal["calling", "offered", "ringing", "answered", "ended"]
"""`calling`: ours, nothing heard yet; `offered`: the peer's, nothing said yet."""


class CallError(SwitchroomError):
    """A call could not be made; `status` is the SIP status that says why."""

    def __init__(
        self, status: int, reason: str, result: CallResult | None = "failed", by: EndedBy = "exchange"
    ) -> None:
        super().__init__(reason or str(status))
        self.status = status
        self.reason = reason
        self.result = result
        """None: what the status says."""
        self.by = by


class CallerGone(SwitchroomError):
    """The caller has hung up; raised in an application at its next step."""


class Party(msgspec.Struct, frozen=True):
    """How somebody is shown: a number or user name, and a display name."""

    number: str
    name: str = ""


class Fact(msgspec.Struct, frozen=True):
    """The base of what a listener is told."""


class Ringing(Fact, frozen=True):
    """The called party is being alerted; with `early_media` it can be heard already."""

    early_media: bool = False


class Answered(Fact, frozen=True):
    """The called party has answered, or the caller has confirmed our answer."""


class Ended(Fact, frozen=True):
    """The leg is over. `redirect` holds the URIs of a 3xx answer."""

    status: int
    reason: str
    by: EndedBy
    redirect: tuple[str, ...] = ()


class Digit(Fact, frozen=True):
    """The party pressed a key."""

    digit: str
    duration_ms: int = 0


class PlayDone(Fact, frozen=True):
    """What was playing is over; `play` is the number that `Leg.play` gave."""

    play: int
    finished: bool
    """False when it was stopped or replaced."""


class Held(Fact, frozen=True):
    """The party put us on hold."""


class Resumed(Fact, frozen=True):
    """The party took us off hold."""


class MediaSilent(Fact, frozen=True):
    """No RTP has come for the configured time, though it should."""


class MediaHeard(Fact, frozen=True):
    """RTP comes again."""


Listener = Callable[["Leg", Fact], None]


class Leg(Protocol):
    """One party of a call."""

    id: str
    party: Party
    state: LegState
    listener: Listener | None

    @property
    def call_id(self) -> str:
        """The id of the call that the leg belongs to."""

    def ring(self, early_media: bool = False) -> None:
        """Tell the caller that it rings; with `early_media` let it hear its bridge, or what is played, at once."""

    def answer(self) -> None:
        """Answer the caller."""

    def hangup(
        self, status: int = 480, reason: str = "", by: EndedBy = "exchange", result: CallResult | None = None
    ) -> None:
        """End the leg: refuse, cancel or say BYE, as its state asks for. `Ended` follows. Idempotent.

        `status` and `reason` are what an unanswered caller is told; `result` names the outcome of the call where the
        status does not.
        """

    def redirect(self, uris: Sequence[str]) -> None:
        """Answer an unanswered caller with 302 and these URIs."""

    def hold(self) -> None:
        """Put the party on hold, by a re-INVITE."""

    def resume(self) -> None:
        """Take the party off hold again."""

    def play(self, source: str, loop: bool = False) -> int:
        """Play something to the party, instead of what it hears now; `PlayDone` follows with the number returned.

        `source` is the path of an audio file, or `tone:` with a frequency in Hz or the name of a call-progress tone.
        """

    def stop(self) -> None:
        """Stop what is playing; the party hears its bridge again."""

    def echo(self, on: bool = True) -> None:
        """Let the party hear itself."""


class Endpoint(msgspec.Struct, frozen=True):
    """One place where a target can be reached: one registered contact, or one URI."""

    uri: str
    label: str
    """As the journal shows it."""
    way: object = None
    """What the implementation needs to get there."""
    codecs: tuple[str, ...] = ()
    """Codecs to offer, by preference; empty: those of the caller, then ours."""


class CallControl(Protocol):
    """Where legs come from, and how they are joined."""

    def endpoints(self, target: str, codecs: Sequence[str] = ()) -> list[Endpoint]:
        """Where a target (`user:1002`, `sip:…`) can be reached now. Raises CallError when it is unknown or nowhere."""

    async def originate(self, endpoint: Endpoint, *, caller: Party, beside: Leg | None = None) -> Leg:
        """Call an endpoint. With `beside` the new leg belongs to that leg's call and prefers its codecs; without, it
        begins a call of its own. Facts follow at the leg's listener, which the caller sets at once. Raises CallError.
        """

    def bridge(self, one: Leg, other: Leg) -> None:
        """Let two legs hear each other; legs that were joined elsewhere leave there."""

    def unbridge(self, leg: Leg) -> None:
        """Take a leg and its partner apart; both hear nothing. Without effect on a leg that is not joined."""
