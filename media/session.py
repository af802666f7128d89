# SPDX-License-Identifier: Apache-2.0
"""One party's audio: offer and answer on one side, a leg of the media plane on the other."""

import itertools
import os
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from switchroom.media.config import MediaConfig
from switchroom.media.configure import NOWHERE, pack_configure
from switchroom.media.describe import describe
from switchroom.media.doctor import Doctor, Quality, quality
from switchroom.media.ear import Ear
from switchroom.media.errors import MediaError
from switchroom.media.events import PlaneLost as PlaneLostEvent
from switchroom.media.events import PlayDone
from switchroom.media.formats import Format
from switchroom.media.keys import pack_keys, tones_wanted
from switchroom.media.local import LocalMedia
from switchroom.media.move import Move
from switchroom.media.offer_answer import Agreed, Negotiator
from switchroom.media.plane import Plane
from switchroom.media.playing import Playing
from switchroom.media.prompts import PromptStore
from switchroom.media.recorder import Recording
from switchroom.media.sdp import Direction
from switchroom.media.srtp import KEY_BYTES, Keys, SrtpMode
from switchroom.media.stats import LegStats
from switchroom.media.wire import Op, pack_address

if TYPE_CHECKING:
    from switchroom.media.bridge import Bridge
    from switchroom.media.conference import Conference

_SECURE: Final = struct.Struct(f"=B{KEY_BYTES}s{KEY_BYTES}s")
_DELAY: Final = struct.Struct("=HH")
DtmfMode = Literal["auto", "in-band", "info"]
"""How keys are sent: as telephone-event or else as tones; as tones; in INFO, which is the caller's business."""
_AHEAD: Final = struct.Struct("=III")

_ids = itertools.count(1)


class Session(Playing):
    """Made by MediaServer.open. Commands return at once and are obeyed in order; after close() they do nothing."""

    def __init__(
        self,
        plane: Plane,
        prompts: PromptStore,
        config: MediaConfig,
        formats: tuple[Format, ...],
        handle: int,
        port: int,
        sdp_id: int,
    ) -> None:
        super().__init__(plane, prompts, handle)
        self.id = next(_ids)
        self.owner: Any = None
        self.port = port
        self.bridge: Bridge | None = None
        self.conference: Conference | None = None
        self.recording: Recording | None = None
        self._negotiator = Negotiator(
            LocalMedia(
                address=config.address,
                other=config.address6,
                port=port,
                codecs=formats,
                session_id=sdp_id,
                ptime_ms=config.ptime_ms,
                offer_rtcp_xr=config.rtcp_xr,
            )
        )
        self.doctor = Doctor()
        self._keys: Keys | None = None  # those that the plane has
        self._remote: tuple[bytes, bytes] | None = None  # the last addresses that could be reached
        self.confirmed = False
        self._asked = self._detecting = 0  # enum sr_detect
        self._dtmf: DtmfMode = "auto"
        self._last_stats = LegStats()
        self._ear: Ear | None = None
        self._ahead = False
        if (config.jitter_min_ms, config.jitter_max_ms) != (0, 400):
            self.jitter_bounds(config.jitter_min_ms, config.jitter_max_ms)

    # offer and answer

    @property
    def address(self) -> str:
        """What our SDP tells the peer."""
        return self._negotiator.local.address

    def face(self, host: str) -> None:
        """Offer the address of the family of `host`; what the peer then describes decides."""
        self._negotiator.local = self._negotiator.local.facing(host)

    def offer(self, direction: Direction = "sendrecv", codecs: Sequence[str] | None = None) -> bytes:
        """A new offer. Raises OfferPending, NotAcceptable."""
        return self._negotiator.offer(direction, codecs)

    def receive_offer(self, body: bytes) -> None:
        """Take the remote's offer. Raises SdpError, NotAcceptable, OfferPending; then nothing has changed."""
        self._negotiator.receive_offer(body)

    def answer(self, prefer: Sequence[str] = (), direction: Direction | None = None) -> bytes:
        """The answer to the last remote offer; the media plane follows at once. Raises OfferPending."""
        body = self._negotiator.answer(prefer, direction)
        self._configure()
        return body

    def receive_answer(self, body: bytes) -> None:
        """Take the answer to our offer. Raises as receive_offer does."""
        self._negotiator.receive_answer(body)
        self._configure()

    def rollback(self) -> None:
        """The pending offer, ours or the remote's, has been refused: back to what was agreed."""
        self._negotiator.rollback()

    @property
    def pending(self) -> str | None:
        """Whose offer is open: "local", "remote" or None."""
        return self._negotiator.pending

    @property
    def agreed(self) -> Agreed | None:
        return self._negotiator.agreed

    @property
    def codec(self) -> str | None:
        """Name of the codec that we send; None before anything was agreed."""
        agreed = self._negotiator.agreed
        return agreed.send.codec if agreed is not None else None

    @property
    def remote_codecs(self) -> tuple[str, ...]:
        """The remote's codecs that we have too, in the order of its last description."""
        return self._negotiator.remote_codecs

    @property
    def held(self) -> bool:
        """Whether the remote has put us on hold (RFC 3264 section 8.4)."""
        return self._negotiator.held

    @property
    def srtp(self) -> SrtpMode:
        """Whether SRTP is offered, taken, wanted; to be set before the first offer of either side."""
        return self._negotiator.srtp

    @srtp.setter
    def srtp(self, mode: SrtpMode) -> None:
        self._negotiator.srtp = mode

    @property
    def dtmf(self) -> DtmfMode:
        """How keys are sent to the party; to be set before the first offer of either side."""
        return self._dtmf

    @dtmf.setter
    def dtmf(self, mode: DtmfMode) -> None:
        self._dtmf = mode
        self._negotiator.local = msgspec.structs.replace(self._negotiator.local, telephone_event=mode == "auto")

    @property
    def comfort_noise(self) -> bool:
        """Whether silence goes to the party as comfort noise, where it agrees; to be set before the first offer."""
        return self._negotiator.local.comfort_noise

    @comfort_noise.setter
    def comfort_noise(self, on: bool) -> None:
        self._negotiator.local = msgspec.structs.replace(self._negotiator.local, comfort_noise=on)

    @property
    def secured(self) -> bool:
        """Whether SRTP was agreed: nothing in the clear is sent or taken."""
        return self.srtp_suite != ""

    @property
    def srtp_suite(self) -> str:
        """The suite that was agreed; empty for plain RTP."""
        agreed = self._negotiator.agreed
        return agreed.keys.suite.name if agreed is not None and agreed.keys is not None else ""

    def _secure(self, keys: Keys | None) -> None:
        if keys == self._keys:
            return
        self._keys = keys
        body = _SECURE.pack(keys.suite.number, keys.receive, keys.send) if keys is not None else bytes(_SECURE.size)
        self.order(Op.SECURE, body=body)

    def _configure(self) -> None:
        agreed = self._negotiator.agreed
        if agreed is None or self.closed:
            return
        self._secure(agreed.keys)
        if agreed.port != 0 and agreed.address not in NOWHERE:
            rtp = pack_address(agreed.address, agreed.port)
            self._remote = (rtp, pack_address(agreed.rtcp_address, agreed.rtcp_port))
        if self._remote is None:
            unreachable = pack_address("::" if ":" in self.address else "0.0.0.0", 0)
            self._remote = (unreachable, unreachable)
        self.order(Op.CONFIGURE, body=pack_configure(agreed, self._remote, self.plane.codecs))
        self.arrange_digits()
        if (partner := self.partner) is not None:
            partner.arrange_digits()

    def confirm(self) -> None:
        """The call is answered: the source of RTP is settled, silence of the remote counts from now on."""
        if not self.confirmed:
            self.confirmed = True
            self.order(Op.CONFIRM, lazy=True)
            self.arrange_digits()

    def tag(self, text: str) -> None:
        """What a later server shall know the leg by, where a media process outlives this one."""
        if self.plane.attached:
            self.order(Op.TAG, body=text.encode()[:47])

    # what is taken from the call

    def record(self, path: str | os.PathLike[str], stereo: bool = True, rate_hz: int = 8_000) -> Recording:
        """Record into a new file: the party left, what it hears right; or both mixed. Raises MediaError."""
        if self.closed:
            raise MediaError("the session is closed")
        if self.recording is not None and not self.recording.stopped:
            raise MediaError("the session is being recorded already")
        self.recording = Recording.of_session(self, path, stereo, rate_hz)
        return self.recording

    def record_ahead(self, seconds: float, stereo: bool = True, rate_hz: int = 8_000) -> None:
        """Keep the last seconds (at most 30 at 8000 Hz stereo): the next recording of this kind begins with them."""
        self._ahead = seconds > 0
        body = _AHEAD.pack(round(max(0.0, seconds) * 1000), rate_hz, 2 if stereo else 1)
        self.order(Op.RECORD_AHEAD, 0, body)

    def unlisten(self) -> None:
        """Close the ear."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None

    def listen(self, on_frame: Callable[[bytes], None]) -> Ear:
        """Have what the remote says told, each 20 ms as 160 samples at 8000 Hz, until the ear or session is closed."""
        if self.closed:
            raise MediaError("the session is closed")
        if self._ear is not None:
            self._ear.close()
        self._ear = Ear(self, on_frame)
        return self._ear

    def detect_digits(self, on: bool, mute: bool = False, keep: bool = False) -> None:
        """Tell digits that come as tones in the audio (ITU-T Q.24) also where telephone-event was agreed; else they are
        told anyway, but within a conference and to a partner that hears them as tones itself.

        `mute` keeps digits out of the recording, `keep` from everybody who hears the party.
        """
        self._asked = (1 if on else 0) | (2 if mute else 0) | (4 if keep else 0)
        self.arrange_digits()

    def send_digits(self, digits: str, on_ms: int = 100, off_ms: int = 100) -> None:
        """Press keys (0-9 * # A-D; `,` and `w` wait) after those that still wait, as telephone-event or as tones.

        Raises ValueError for what is no key, MediaError for more than fit.
        """
        for body in pack_keys(digits, on_ms, off_ms):
            self.order(Op.KEYS_SEND, body=body)

    def jitter_bounds(self, min_ms: int, max_ms: int) -> None:
        """Bounds of the jitter buffer's delay, 0 to 1000 ms."""
        self.order(Op.DELAY, body=_DELAY.pack(min_ms, max_ms))

    def drop_digits(self) -> None:
        """Press no more of the keys that wait."""
        self.order(Op.KEYS_DROP)

    @property
    def takes_events(self) -> bool:
        """Whether keys go to the party as telephone-event."""
        agreed = self._negotiator.agreed
        return agreed is not None and agreed.send_event is not None

    def arrange_digits(self) -> None:
        """Have tones listened to where nothing else tells digits; to be called when what decides that has changed."""
        if self.closed:
            return
        wanted = self._asked | tones_wanted(self)
        if wanted != self._detecting:
            self._detecting = wanted
            self.order(Op.DETECT, wanted, lazy=True)

    @property
    def partner(self) -> "Session | None":
        if self.bridge is None:
            return None
        return self.bridge.b if self.bridge.a is self else self.bridge.a

    # knowledge

    def stats(self) -> LegStats:
        """Both directions, at most 160 ms old; after close the last ones."""
        page = self.plane.page
        if page is not None and not self.closed:
            self._last_stats = page.leg(self.handle) or self._last_stats
        return self._last_stats

    def describe(self) -> str:
        """One line: where audio comes from, what is done with it, where it goes."""
        return describe(self)

    def quality(self) -> Quality:
        """How good the audio of both directions is, since the leg began."""
        return quality(self.stats())

    # the end

    def close(self) -> None:
        """Give back the leg and its ports."""
        if self.closed:
            return
        self.stats()
        self.order(Op.CLOSE, lazy=True)
        self.plane.sessions.pop(self.handle, None)
        self.end()

    def end(self) -> None:
        """The leg is gone, by close() or with its plane."""
        self.closed = True
        self._replace_loading("closed")
        for number in self._plays:  # the plane's own word comes when nobody listens any more
            self.plane.tell(PlayDone(self, number, "closed"))
        self._plays.clear()
        if self.bridge is not None:
            self.bridge.forget()
        if self.recording is not None:
            self.recording.stopped = True
        if self.conference is not None:
            self.conference.forget(self)
        if self._ear is not None:
            self._ear.close()

    def order(self, op: Op, other: "int | Session" = 0, body: bytes = b"", lazy: bool = False) -> None:
        """Order something for this leg, after what was ordered before; after close nothing."""
        if self.closed:
            return
        if self.move is not None:
            self.move.then(partial(self.order, op, other, body, lazy))
            return
        value = other if isinstance(other, int) else other.handle
        self.plane.post(op, self.handle, value, body, lazy)

    @property
    def home(self) -> Plane:
        """The shard where it is, or will be when it has arrived."""
        return self.plane if self.move is None else self.move.to

    @property
    def movable(self) -> bool:
        """Whether it may go to another shard: a recording and who listens tie it to its own."""
        return (self.recording is None or self.recording.stopped) and self._ear is None and not self._ahead

    def move_to(self, plane: Plane) -> None:
        """Go to another shard of this server; orders may go on. Raises MediaError."""
        if self.home is plane:
            return
        if not self.movable:
            raise MediaError("a session that is being recorded cannot be moved to another shard")
        if self.move is not None:
            self.move.to = plane
        else:
            self.move = Move(self, plane)

    def lost(self) -> None:
        """The leg is gone, and nobody else will say so."""
        if not self.closed:
            self.end()
            self.plane.tell(PlaneLostEvent(self))

    def join(self, other: "Session") -> None:
        """Hear each other: what Bridge orders."""
        self.order(Op.BRIDGE, other)

    def part(self) -> None:
        """No longer: what Bridge orders."""
        self.order(Op.UNBRIDGE, lazy=True)
