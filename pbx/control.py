# SPDX-License-Identifier: Apache-2.0
"""CallControl: the only door through which applications act on calls.

Verbs go down as plain calls on a `Leg`, which never wait and never fail but by StateError; facts come back as frozen
values to the leg's listener, in the order in which they happened. There are two implementations: the real one
(pbx/calls) and one without sockets or audio (pbx/sim), on which applications are tested and simulated.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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


class SentOn(SwitchroomError):
    """The party is wanted elsewhere; raised in an application at its next step. `serve` goes on with the leg."""

    def __init__(self, serve: "Callable[[Leg], Awaitable[None]]") -> None:
        super().__init__("wanted elsewhere")
        self.serve = serve


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


class AudioTrouble(Fact, frozen=True):
    """Something is wrong with the party's audio, or (`on` false) no longer; `kind` as in the record leg.trouble."""

    kind: str
    on: bool
    figure: float = 0.0


class Recorded(Fact, frozen=True):
    """A recording is over, and its file is whole. `lost_ms` of it could not be kept (disk slow or full)."""

    recording: str
    path: str
    duration_ms: int
    lost_ms: int = 0


class Speaking(Fact, frozen=True):
    """The party has begun to speak, or has ended; told in rooms, and where `Leg.detect_speech` asked for it."""

    on: bool


class TapEnded(Fact, frozen=True):
    """The leg that this one listened to is over."""


class TransferAsked(Fact, frozen=True):
    """The party asks that its partner be put through elsewhere (RFC 3515).

    The listener does so and calls `Leg.transferred`; without a listener that does, the party is told 501.
    """

    target: str
    """Whom: a number, or a URI."""
    replaced: "Leg | None" = None
    """The leg whose place the partner is to take, where the party consulted first (RFC 3891)."""


class SendOn(Fact, frozen=True):
    """The exchange wants the party elsewhere (parked, in a room, at another number).

    Whoever serves it lets go of it without ending it, and `serve` goes on with it to its end.
    """

    serve: Callable[["Leg"], Awaitable[None]]


class PickedUp(Fact, frozen=True):
    """Somebody else answers instead of the leg, which rings: `leg` takes its place.

    `over` is done when the one who listens has no more use for `leg`; SentOn is set there when it is wanted elsewhere.
    """

    leg: "Leg"
    over: "asyncio.Future[None]"


class Replaced(Fact, frozen=True):
    """Another leg is to take the place of this one at its partner's side, after a consultation the other way round: the
    one who consulted has the one it consulted put through.

    A listener that goes on with `leg` instead calls `take`; `over` is done when it has no more use for it, as for
    PickedUp. Where nobody takes it, whoever asked joins the two itself.
    """

    leg: "Leg"
    over: "asyncio.Future[None]"
    take: Callable[[], None]


Listener = Callable[["Leg", Fact], None]

TapMode = Literal["listen", "whisper", "barge"]
"""How a supervisor takes part: heard by nobody, by the tapped party alone, or by both."""


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """How a call is shown to the called party, beside the caller's number and name."""

    auto_answer: bool = False
    """Ask the phone to answer by itself (paging, headset agents)."""
    alert: str = ""
    """What its Alert-Info says: a URI, or the name of a ring."""
    private: bool = False
    """Keep the number from the called party (RFC 3323)."""
    diverted_by: tuple[str, ...] = ()
    """Numbers that sent the call on, the last one first (RFC 5806)."""


NORMAL = Presentation()


class Recording(Protocol):
    """A recording that runs; the fact `Recorded` tells its end to the leg's listener."""

    id: str
    path: str
    """Where the audio is, or will be."""

    @property
    def paused(self) -> bool: ...
    def pause(self) -> None:
        """Keep what follows out of the file, as for card numbers; it becomes silence of the same length."""

    def resume(self) -> None:
        """Go on."""

    def stop(self) -> None:
        """End it; so does the end of the leg. Idempotent."""


class Leg(Protocol):
    """One party of a call."""

    id: str
    party: Party
    state: LegState
    listener: Listener | None
    user: str
    """The user whose phone it is; empty for strangers."""

    @property
    def context(self) -> str:
        """The context of the dial plan in which the party may dial; empty: in none."""

    @property
    def called(self) -> bool:
        """Whether we called the party, and not it us."""

    @property
    def partner(self) -> "Leg | None":
        """The leg it is bridged to."""

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

    def play(self, source: str | Sequence[str], loop: bool = False, *, volume: float = 1.0) -> int:
        """Play something to the party, instead of what it hears now; `PlayDone` follows with the number returned.

        `source` is the path of an audio file; `tone:` with a frequency in Hz or the name of a call-progress tone, and
        after a slash its milliseconds (`tone:busy/2000`); `silence:500`; several of these to be played in a row; or
        `music:` with the name of a class of music, which all who are played it hear at the same place, for ever.
        `volume`: 1 as it is, up to 16 times as loud.
        """

    def pause_play(self, paused: bool = True) -> None:
        """Hold what is played at its place, or go on."""

    def seek_play(self, seconds: float, *, relative: bool = False) -> None:
        """Go to a place of what is played, or by so much from where it is."""

    def detect_speech(self, on: bool = True) -> None:
        """Tell when the party begins to speak, and when it has ended, by `Speaking`."""

    def detect_digits(self, on: bool = True, *, mute: bool = False, keep: bool = False) -> None:
        """Tell keys that come as tones in the audio as well, for parties whose phones do not send telephone events.

        `mute` keeps the tones of both sides out of recordings of the leg, `keep` those of the party from who hears it.
        """

    def stop(self) -> None:
        """Stop what is playing; the party hears its bridge again."""

    def echo(self, on: bool = True) -> None:
        """Let the party hear itself."""

    def send_digits(self, digits: str) -> None:
        """Press keys towards the party, one after the other, as it understands them (RFC 4733, tones or INFO)."""

    def record(self, path: str = "", *, stereo: bool = True, label: str = "") -> Recording:
        """Record into a new WAV file: what the party says on the left, what it hears on the right; or both mixed.

        Without a path the exchange chooses one in its archive, where the recording may become FLAC or Opus later. The
        `label` goes into the index: a queue, a reason. Raises CallError where there is no audio or no file.
        """

    def record_ahead(self, seconds: float, *, stereo: bool = True) -> None:
        """Keep the last seconds (at most 30), so that what `record` begins includes them; 0: no more."""

    def transferred(self, status: int) -> None:
        """Say how the transfer that the party asked for goes: 100 on the way, 200 done, or why not."""


class Endpoint(msgspec.Struct, frozen=True):
    """One place where a target can be reached: one registered contact, or one URI."""

    uri: str
    label: str
    """As the journal shows it."""
    way: object = None
    """What the implementation needs to get there."""
    codecs: tuple[str, ...] = ()
    """Codecs to offer, by preference; empty: those of the caller, then ours."""
    user: str = ""
    """The user whose phone it is; empty for strangers."""


class Room(Protocol):
    """Any number of legs that hear each other, each without itself. Made by `CallControl.room`."""

    @property
    def legs(self) -> Sequence[Leg]:
        """Who is in, in the order in which they came."""

    def join(self, leg: Leg, *, speaks: bool = True) -> None:
        """Let a leg in; it leaves its partner or former room. One that does not speak only listens."""

    def leave(self, leg: Leg) -> None:
        """Let a leg out, which then hears nothing; so does its end. Without effect on one that is not in."""

    def mute(self, leg: Leg, muted: bool = True) -> None:
        """Whether nobody hears the leg."""

    def hears(self, listener: Leg, speaker: Leg, gain: float | None) -> None:
        """How loud one leg hears another, whatever the others hear (0: not at all); None: as the others do."""

    def tone(self, name: str = "beep") -> None:
        """Let all hear a short tone, as when somebody comes or goes."""

    def record(self, path: str = "", *, label: str = "") -> Recording:
        """Record what is said in the room, mixed, as Leg.record does."""

    def close(self) -> None:
        """All leave. Idempotent."""


PutThrough = Callable[[Leg, TransferAsked, Leg, Callable[[], None]], Awaitable[None]]
"""The leg, what was asked, by whom, and what to call when somebody takes it: see CallControl."""


class CallControl(Protocol):
    """Where legs come from, and how they are joined."""

    def endpoints(self, target: str, codecs: Sequence[str] = ()) -> list[Endpoint]:
        """Where a target (`user:1002`, `sip:…`) can be reached now. Raises CallError when it is unknown or nowhere."""

    @property
    def put_through(self) -> PutThrough:
        """Serves an answered leg anew, to its end, as another asked for it: at a number that the other could dial, or
        in the place of the leg that it consulted. Calls back when somebody there takes it. Raises CallError when
        nobody does, CallerGone, SentOn."""

    def legs_of(self, user: str) -> Sequence[Leg]:
        """The legs of a user's phones that are not over, the oldest first."""

    def idle_since(self, user: str) -> float:
        """When the last of them was over, by the event loop's clock; 0: there was none."""

    async def originate(
        self,
        endpoint: Endpoint,
        *,
        caller: Party,
        beside: Leg | None = None,
        presentation: Presentation = NORMAL,
    ) -> Leg:
        """Call an endpoint. With `beside` the new leg belongs to that leg's call and prefers its codecs; without, it
        begins a call of its own. Facts follow at the leg's listener, which the caller sets at once. Raises CallError.
        """

    def bridge(self, one: Leg, other: Leg) -> None:
        """Let two legs hear each other; legs that were joined elsewhere leave there."""

    def unbridge(self, leg: Leg) -> None:
        """Take a leg and its partner apart; both hear nothing. Without effect on a leg that is not joined."""

    def room(self, top: int = 0) -> Room:
        """A room with nobody in it. `top`: only so many of the loudest are heard at a time; 0 for all."""

    def tap(self, listener: Leg, leg: Leg, mode: TapMode = "listen") -> None:
        """Let `listener` hear `leg` and whoever it is joined to, wherever `leg` is joined from now on; again with
        another mode changes the mode. It ends with either leg, or by `untap`. Neither party notices. Raises CallError.
        """

    def untap(self, listener: Leg) -> None:
        """End it; the listener hears nothing. Without effect on one that does not tap."""


async def nobody_puts_through(leg: Leg, asked: TransferAsked, by: Leg, on_answer: Callable[[], None]) -> None:
    """For want of a dial plan."""
    raise CallError(501, "nobody puts calls through")
