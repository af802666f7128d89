# SPDX-License-Identifier: Apache-2.0
"""Offer and answer (RFC 3264) for one audio stream per session, without I/O.

A `Negotiator` belongs to one SIP dialog. It makes and takes descriptions as bytes and keeps what was agreed as a frozen
`Agreed`; a description that raises an error changes nothing. Other m= lines are refused with port 0 and kept in place.
"""

from collections.abc import Callable, Sequence
from secrets import token_bytes
from typing import Final, Literal

import msgspec

from switchroom.media import sdp
from switchroom.media.errors import NotAcceptable, OfferPending, SdpError
from switchroom.media.formats import (
    CN,
    EVENT,
    EVENT_RANGE,
    FIRST_DYNAMIC,
    LAST_PAYLOAD_TYPE,
    Format,
    answer_parameters,
    write_format,
)
from switchroom.media.local import LocalMedia
from switchroom.media.remote import SECURE, Remote, read_stream
from switchroom.media.sdp import Connection, Description, Direction, Media, Origin
from switchroom.media.srtp import (
    Crypto,
    Keys,
    SrtpMode,
    check_offer,
    keys_of_answer,
    keys_to_answer,
    keys_to_offer,
)

_SENDING: Final = ("sendrecv", "sendonly")
_RECEIVING: Final = ("sendrecv", "recvonly")


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides agreed: everything that the media plane must know about the peer."""

    address: str
    port: int
    """Where our RTP goes, as long as `sends`; 0 while the peer has switched the stream off."""
    rtcp_address: str
    rtcp_port: int
    """0 when no RTCP may be sent either (c=0.0.0.0, port 0); on an ordinary hold RTCP goes on."""
    rtcp_mux: bool
    send: Format
    """The codec to send, with the payload type and the fmtp that the peer asked for."""
    receive: tuple[Format, ...]
    """What may arrive, with our payload types and our fmtp; the codec of `send` comes first."""
    send_event: Format | None
    """telephone-event at the clock of `send` under the peer's payload type; None when the peer has none."""
    receive_events: tuple[Format, ...]
    send_noise: Format | None = None
    """Comfort noise for our silence; None: it is sent as audio."""
    receive_noise: Format | None = None
    ptime_ms: int
    """Length of the packets that we send."""
    sends: bool
    receives: bool
    held: bool
    """The peer has put us on hold: sendonly, inactive, an address of 0.0.0.0 or a port of 0."""
    remote_codecs: tuple[str, ...]
    keys: Keys | None = None
    """SRTP in both directions; None: plain RTP."""
    rtcp_xr: bool = False
    """The peer wants extended reports."""


class _Slot(msgspec.Struct, frozen=True):
    """One m= line of the session: re-offers repeat all of them in the same order (RFC 3264 section 8)."""

    kind: str
    protocol: str
    formats: tuple[str, ...]


class _Layout(msgspec.Struct, frozen=True):
    """The m= lines of the session, which of them is ours, and the payload types in use (RFC 3264 section 8.3.2)."""

    slots: tuple[_Slot, ...] = (_Slot("audio", "RTP/AVP", ()),)
    audio: int = 0
    numbers: dict[tuple[str, int, int], int] = {}


class _Offered(msgspec.Struct, frozen=True):
    """An offer of ours: what it held, so that any answer to it can be judged."""

    layout: _Layout
    codecs: tuple[Format, ...]
    events: tuple[Format, ...]
    noise: tuple[Format, ...]
    direction: Direction
    rtcp_mux: bool
    crypto: tuple[Crypto, ...]

    @property
    def secure(self) -> bool:
        return self.layout.slots[self.layout.audio].protocol in SECURE


class Negotiator:
    """One side of the offers and answers of a dialog.

    `offer` and `receive_offer` open an exchange, `receive_answer` and `answer` close it, `rollback` gives it up. Every
    method raises OfferPending when it comes out of turn, SdpError and NotAcceptable for what the peer wrote.
    """

    def __init__(self, local: LocalMedia, new_key: Callable[[int], bytes] = token_bytes) -> None:
        self.local = local
        self.srtp: SrtpMode = "off"
        """`optional`: what the peer offers is answered in kind; our first offer is RTP/AVP with keys, which a phone may
        leave unused. An answer without keys then means plain RTP."""
        self._new_key = new_key
        self.agreed: Agreed | None = None
        self._wanted: Direction = "sendrecv"
        self._layout = _Layout()
        self._offered: _Offered | None = None  # our last offer, kept after its answer for a second answer (forking)
        self._waiting = False  # our offer has no answer yet
        self._remote: Remote | None = None  # the last description of the peer
        self._theirs: Remote | None = None  # an offer of the peer that we have not answered yet
        self._theirs_layout = self._layout
        self._answer: bytes | None = None  # our answer to the last offer of the peer
        self._content: Description | None = None  # the last description that we sent
        self._body = b""

    @property
    def pending(self) -> Literal["local", "remote"] | None:
        """Whose offer is open."""
        if self._waiting:
            return "local"
        return "remote" if self._theirs is not None else None

    @property
    def remote_codecs(self) -> tuple[str, ...]:
        """Names of the peer's codecs that we know, in the order of its last description."""
        remote = self._theirs or self._remote
        return remote.names if remote is not None else ()

    @property
    def held(self) -> bool:
        """Whether the peer's last description puts us on hold (RFC 3264 section 8.4)."""
        remote = self._theirs or self._remote
        return remote is not None and remote.holds

    @property
    def _keys(self) -> Keys | None:
        return self.agreed.keys if self.agreed is not None else None

    def offer(self, direction: Direction = "sendrecv", codecs: Sequence[str] | None = None) -> bytes:
        """A new offer with our codecs, or those of them named in `codecs`, in that order.

        An agreed codec comes first unless `codecs` says otherwise. Raises NotAcceptable when none of `codecs` is ours.
        """
        self._require(None)
        chosen = self._choose_codecs(codecs)
        layout = self._layout
        numbers = dict(layout.numbers)
        numbered = tuple([_numbered(form, numbers) for form in chosen])
        events = self._events(numbered, numbers)
        noise = self._noise(numbered, numbers)
        crypto = keys_to_offer(self.srtp, self.agreed is not None, self._keys, self._new_key)
        layout = _Layout(self._offer_slots(), layout.audio, numbers)
        mux = self.local.offer_rtcp_mux or (self.agreed is not None and self.agreed.rtcp_mux)
        self._offered = _Offered(layout, numbered, events, noise, direction, mux, crypto)
        self._waiting = True
        self._answer = None
        return self._write(layout, numbered + noise + events, direction, self.local.ptime_ms, mux, crypto)

    def receive_answer(self, body: bytes) -> None:
        """Take the answer to our offer. A later answer to the same offer (a forked call) replaces the former."""
        offered = self._offered
        if offered is None or self._theirs is not None:
            raise OfferPending("an answer without an offer")
        description = sdp.parse(body)
        audio = offered.layout.audio
        if len(description.media) <= audio:
            raise SdpError(f"answer of {len(description.media)} m= lines to {len(offered.layout.slots)}")
        remote = read_stream(description, audio, self.local.families, offered.codecs)
        if remote is None or remote.port == 0:
            raise NotAcceptable("the peer refused the audio stream")
        self._agreed_on(
            remote,
            remote.codecs[0][1],
            offered.codecs,
            offered.events,
            offered.noise,
            offered.direction,
            remote.rtcp_mux and offered.rtcp_mux,
            keys_of_answer(offered.crypto, remote.crypto, remote.secure or offered.secure),
        )
        self._wanted = offered.direction
        self._layout = offered.layout
        self._waiting = False

    def receive_offer(self, body: bytes) -> None:
        """Take an offer of the peer; nothing is agreed before `answer`."""
        self._require(None)
        description = sdp.parse(body)
        audio, remote = self._find_stream(description)
        slots = tuple([_Slot(media.kind, media.protocol, media.formats) for media in description.media])
        # The peer's numbers win (RFC 3264 section 6.1); of two for one codec, the first.
        named = [theirs for _, theirs in remote.codecs] + list(remote.events + remote.noise)
        taken = {form.payload_type for form in named}
        numbers = {key: number for key, number in self._layout.numbers.items() if number not in taken}
        numbers |= {form.key: form.payload_type for form in reversed(named)}
        self._theirs = remote
        self._answer = None
        self._theirs_layout = _Layout(slots, audio, numbers)

    def answer(self, prefer: Sequence[str] = (), direction: Direction | None = None) -> bytes:
        """The answer to the peer's last offer: one codec, the first of `prefer` that both have, else the peer's first.

        `direction` is our wish, by default that of our last offer or answer; the answer never exceeds what the offer
        allows (RFC 3264 section 6.1). Called again for the same offer it gives the same bytes.
        """
        if self._answer is not None:
            return self._answer
        remote = self._theirs
        if remote is None:
            raise OfferPending("no offer to answer")
        if direction is not None:
            self._wanted = direction
        ours, theirs = _preferred(remote.codecs, prefer)
        codec = Format(theirs.payload_type, ours.name, ours.clock_hz, ours.channels, answer_parameters(ours, theirs))
        events = remote.events if self.local.telephone_event else ()
        events = tuple(
            [
                Format(event.payload_type, EVENT, event.clock_hz, 1, EVENT_RANGE)
                for event in events
                if event.clock_hz == codec.clock_hz
            ]
        )
        noise = remote.noise[:1] if self.local.comfort_noise and codec.takes_noise else ()
        crypto, keys = keys_to_answer(self.srtp, remote.crypto, self._keys, self._new_key)
        agreed = self._agreed_on(remote, theirs, (codec,), events, noise, self._wanted, remote.rtcp_mux, keys)
        self._layout = self._theirs_layout
        self._theirs = None
        self._offered = None
        self._answer = self._write(
            self._layout,
            (codec, *noise, *events),
            _direction(agreed.sends, agreed.receives),
            agreed.ptime_ms,
            remote.rtcp_mux,
            crypto,
            refused=remote.port == 0,
        )
        return self._answer

    def rollback(self) -> None:
        """Give up the open offer, ours or the peer's: what was agreed before holds on. Without one nothing happens."""
        if self._waiting:
            self._waiting = False
            self._offered = None
        self._theirs = None

    def _require(self, pending: Literal["local", "remote"] | None) -> None:
        if self.pending != pending:
            raise OfferPending(f"a {self.pending} offer is open")

    def _find_stream(self, description: Description) -> tuple[int, Remote]:
        """The audio line to use: the agreed one if it is still good, else the first that we can do."""
        current = self._layout.audio
        media = description.media
        order = sorted(
            range(len(media)),
            key=lambda index: (
                index != current or self.agreed is None,
                self.srtp != "off" and media[index].protocol not in SECURE,
            ),
        )
        reason = "no audio stream is offered"
        for index in order:
            try:
                remote = read_stream(description, index, self.local.families, self.local.codecs)
                if remote is not None:
                    check_offer(self.srtp, remote.secure, remote.crypto)
            except NotAcceptable as error:
                reason = str(error)
                continue
            if remote is not None and remote.port != 0:
                return index, remote
        if self.agreed is not None and self._remote is not None and current < len(media):
            audio = media[current]
            if audio.kind == "audio" and audio.port == 0:  # switched off, may come back: RFC 3264 section 8.2
                return current, msgspec.structs.replace(self._remote, port=0, rtcp_port=0, direction="inactive")
        raise NotAcceptable(reason)

    def _offer_slots(self) -> tuple[_Slot, ...]:
        """The m= lines of an offer; the protocol of ours is settled by the first exchange."""
        layout = self._layout
        if self.agreed is not None and (self.srtp != "required" or self._keys is not None):
            return layout.slots
        protocol = "RTP/SAVP" if self.srtp == "required" else "RTP/AVP"
        audio = msgspec.structs.replace(layout.slots[layout.audio], protocol=protocol)
        return (*layout.slots[: layout.audio], audio, *layout.slots[layout.audio + 1 :])

    def _choose_codecs(self, names: Sequence[str] | None) -> list[Format]:
        codecs = self.local.codecs
        if names is not None:
            ours = {form.codec.lower(): form for form in codecs}
            chosen = [ours[name.lower()] for name in dict.fromkeys(names) if name.lower() in ours]
            if not chosen:
                raise NotAcceptable(f"none of the codecs {', '.join(names)} is ours")
            return chosen
        current = self.agreed.send.key if self.agreed is not None else None
        return sorted(codecs, key=lambda form: form.key != current)

    def _events(self, codecs: tuple[Format, ...], numbers: dict[tuple[str, int, int], int]) -> tuple[Format, ...]:
        """One telephone-event per clock rate: it must match the codec beside it (RFC 4733 section 2.5.1.2)."""
        if not self.local.telephone_event:
            return ()
        clocks = dict.fromkeys(form.clock_hz for form in codecs)
        return tuple([_numbered(Format(101, EVENT, clock, 1, EVENT_RANGE), numbers) for clock in clocks])

    def _noise(self, codecs: tuple[Format, ...], numbers: dict[tuple[str, int, int], int]) -> tuple[Format, ...]:
        wanted = self.local.comfort_noise and any(form.takes_noise for form in codecs)
        return (_numbered(CN, numbers),) if wanted else ()

    def _agreed_on(
        self,
        remote: Remote,
        send: Format,
        codecs: tuple[Format, ...],
        events: tuple[Format, ...],
        noise: tuple[Format, ...],
        direction: Direction,
        rtcp_mux: bool,
        keys: Keys | None,
    ) -> Agreed:
        """Join the peer's description with ours. `codecs` and `events` carry the payload types at which we receive."""
        switched_on = remote.port != 0
        if remote.reachable:  # the old hold says 0.0.0.0 whatever the family
            self.local = self.local.facing(remote.address)
        self._remote = remote
        self.agreed = Agreed(
            address=remote.address,
            port=remote.port,
            rtcp_address=remote.address if rtcp_mux else remote.rtcp_address,
            rtcp_port=0 if not remote.reachable else remote.port if rtcp_mux else remote.rtcp_port,
            rtcp_mux=rtcp_mux,
            send=send,
            receive=tuple(sorted(codecs, key=lambda form: form.key != send.key)),
            send_event=next((event for event in remote.events if event.clock_hz == send.clock_hz and events), None),
            receive_events=events if remote.events else (),
            send_noise=remote.noise[0] if noise and remote.noise and send.takes_noise else None,
            receive_noise=noise[0] if noise and remote.noise else None,
            ptime_ms=min(remote.packet_ms(self.local.ptime_ms), send.max_ptime_ms),
            sends=switched_on and direction in _SENDING and remote.direction in _RECEIVING,
            receives=switched_on and direction in _RECEIVING and remote.direction in _SENDING,
            held=remote.holds,
            remote_codecs=remote.names,
            keys=keys,
            rtcp_xr=remote.rtcp_xr,
        )
        return self.agreed

    def _write(
        self,
        layout: _Layout,
        formats: tuple[Format, ...],
        direction: Direction,
        ptime_ms: int,
        rtcp_mux: bool,
        crypto: tuple[Crypto, ...],
        refused: bool = False,
    ) -> bytes:
        """Our description as bytes. The version in o= rises when, and only when, the rest differs from the last one."""
        local = self.local
        family = sdp.address_family(local.address) or "IP4"
        attributes: list[tuple[str, str | None]] = []
        for form in formats:
            attributes += write_format(form)
        attributes += [line.line() for line in crypto]
        attributes.append(("ptime", str(ptime_ms)))
        if rtcp_mux:
            attributes.append(("rtcp-mux", None))
        if local.offer_rtcp_xr or (self._remote is not None and self._remote.rtcp_xr):
            attributes.append(("rtcp-xr", "rcvr-rtt=all voip-metrics"))
        if local.rtcp_port is not None and local.rtcp_port != local.port + 1 and not rtcp_mux:
            attributes.append(("rtcp", str(local.rtcp_port)))
        attributes.append((direction, None))
        sections = [
            Media(kind=slot.kind, port=0, protocol=slot.protocol, formats=slot.formats) for slot in layout.slots
        ]
        if not refused:
            sections[layout.audio] = Media(
                kind="audio",
                port=local.port,
                protocol=layout.slots[layout.audio].protocol,
                formats=tuple([str(form.payload_type) for form in formats]),
                attributes=tuple(attributes),
            )
        version = int(self._content.origin.version) if self._content is not None else 1
        origin = Origin(str(local.session_id), str(version), local.address, family)
        content = Description(origin=origin, connection=Connection(local.address, family), media=tuple(sections))
        if content != self._content:
            if self._content is not None:
                origin = msgspec.structs.replace(origin, version=str(version + 1))
                content = msgspec.structs.replace(content, origin=origin)
            self._content = content
            self._body = content.to_bytes()
        return self._body


def _preferred(pairs: tuple[tuple[Format, Format], ...], prefer: Sequence[str]) -> tuple[Format, Format]:
    for name in prefer:
        for pair in pairs:
            if pair[0].codec.lower() == name.lower():
                return pair
    return pairs[0]


def _direction(sends: bool, receives: bool) -> Direction:
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def _numbered(form: Format, numbers: dict[tuple[str, int, int], int]) -> Format:
    """The format under the number that the session already uses for it, else its own, else a free dynamic one."""
    number = numbers.get(form.key)
    if number is None:
        number = form.payload_type
        taken = set(numbers.values())
        if number in taken:
            number = next(free for free in range(FIRST_DYNAMIC, LAST_PAYLOAD_TYPE + 1) if free not in taken)
        numbers[form.key] = number
    if number == form.payload_type:
        return form
    return msgspec.structs.replace(form, payload_type=number)
