# SPDX-License-Identifier: Apache-2.0
"""The real CallControl: legs that are SIP sessions with audio, and the stories that they make up.

An incoming INVITE is admitted, identified and given its story and first leg here; what then happens to it is decided by
`serve`, which the server sets. Nothing here knows the dial plan or an application.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path

from switchroom.media.errors import MediaError, NotAcceptable
from switchroom.media.events import MediaEvent, Recorded, SessionEvent
from switchroom.media.server import MediaServer
from switchroom.media.session import Session as MediaSession
from switchroom.pbx import control
from switchroom.pbx.calls.attempts import OnePlace
from switchroom.pbx.calls.connected import ConnectedLine
from switchroom.pbx.calls.digits import DTMF, DTMF_RELAY
from switchroom.pbx.calls.keypad import take_info
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.media_facts import deliver
from switchroom.pbx.calls.outside import call_outside, hops_left
from switchroom.pbx.calls.recordings import Recordings
from switchroom.pbx.calls.replaces import REMEMBERED, Over
from switchroom.pbx.calls.room import Room
from switchroom.pbx.calls.taps import Taps
from switchroom.pbx.calls.terms import TermsTable
from switchroom.pbx.config import Config, Limits
from switchroom.pbx.control import (
    NORMAL,
    CallerGone,
    CallError,
    Endpoint,
    Party,
    Presentation,
    PutThrough,
    TapMode,
    nobody_puts_through,
)
from switchroom.pbx.events import AnyRecord
from switchroom.pbx.io.stack import SipStack, Unreachable
from switchroom.pbx.lines import Lines
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.registrar import Registrar
from switchroom.pbx.sip.client_session import ClientSession, Way
from switchroom.pbx.sip.header import NameAddr, parse_name_addr
from switchroom.pbx.sip.identity import Shown, from_of, headers_of
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.session import Session
from switchroom.pbx.sip.transaction import Transaction
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.sip.user_agent import Ids
from switchroom.pbx.story import Story
from switchroom.pbx.trunks.trunks import Trunks, WayOut

Note = Callable[..., None]
"""A log line: an event name and fields."""


class Switchboard:
    """All stories and legs of one exchange."""

    def __init__(
        self,
        *,
        config: Config,
        stack: SipStack,
        media: MediaServer,
        registrar: Registrar,
        ids: Ids,
        write: Callable[[AnyRecord], object],
        log: Note,
        utc_s: Callable[[], float] = lambda: 0.0,
        trunks: Trunks | None = None,
    ) -> None:
        self.config = config
        self.limits: Limits = config.limits
        self.max_session_s = config.sip.max_session_s
        self.rtp_timeout_s = config.media.rtp_timeout_ms / 1000
        self.stack = stack
        self.agent = stack.agent
        self.media = media
        self.registrar = registrar
        self.ids = ids
        self.phone_of: Callable[[str], str] = lambda user: user
        """As whom the phone registers where a user sits (hot desking); empty: nowhere."""
        self.on_line: Callable[[str], None] = lambda user: None
        """Told of a user whose calls have changed."""
        self.put_through: PutThrough = nobody_puts_through
        self.taps = Taps(self)
        self.recordings = Recordings(
            Path(config.recording.folder or Path(config.server.data_dir) / "recordings"),
            config.recording.format,
            tag=lambda: ids.tag(),
            utc_s=utc_s,
            write=write,
            log=log,
        )
        self.trunks = trunks or Trunks(lambda: 0.0, utc_s, lambda limit: 0, write)
        self.stories: dict[str, Story[Leg]] = {}
        self.lines: Lines[Leg] = Lines()
        self.names = {user.name: user.display_name for user in config.users}
        self.connected = ConnectedLine(self.names)
        self.over: Over = Over(maxlen=REMEMBERED)
        self.calls_of: dict[str, int] = {}
        """Calls at this time by Caller.account, of a user or a peer."""
        self._codecs_of_user: dict[str, tuple[str, ...]] = {user.name: user.codecs for user in config.users}
        self._peers = PeerTable(config.known_addresses)
        self.terms = TermsTable(config, self._peers)
        self.write = write
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        self._order = 0

    def apply(self, config: Config) -> None:
        """A new configuration; calls that go on keep their terms."""
        self.config = config
        self.limits = config.limits
        self.names = {user.name: user.display_name for user in config.users}
        self.connected = ConnectedLine(self.names)
        self._codecs_of_user = {user.name: user.codecs for user in config.users}
        self._peers = PeerTable(config.known_addresses)
        self.terms = TermsTable(config, self._peers)

    # ---- CallControl

    def endpoints(self, target: str, codecs: Sequence[str] = ()) -> list[Endpoint]:
        kind, _, argument = target.partition(":")
        if kind in ("trunk", "route"):
            way = self.trunks.way_out(kind, argument)
            return [Endpoint(target, way.number, way, tuple(codecs))]
        uri = parse_uri(target) if not target.startswith("user:") else None
        if uri is not None and not (self.stack.is_ours(uri, self.config.sip.domains) and uri.user):
            return [Endpoint(target, target, None, tuple(codecs) or self._codecs_of_peer(target))]
        name = target.removeprefix("user:") if uri is None else uri.user or ""
        if not self.registrar.knows(name):
            raise CallError(404, "Not Found", "not-found")
        bindings = self.registrar.lookup(self.phone_of(name))
        if not bindings:
            raise CallError(480, "Temporarily Unavailable", "unavailable")
        offered = tuple(codecs) or self._codecs_of_user.get(name, ())
        return [Endpoint(binding.contact, name, binding, offered, name) for binding in bindings]

    async def originate(
        self,
        endpoint: Endpoint,
        *,
        caller: Party,
        beside: control.Leg | None = None,
        presentation: Presentation = NORMAL,
        dialled: str = "",
        calling: Party | None = None,
    ) -> Leg:
        """As CallControl says. A call that begins here may name what was `dialled` (else the endpoint), and whom this
        endpoint is shown as `calling` (else the caller)."""
        assert beside is None or isinstance(beside, Leg)
        if isinstance(endpoint.way, WayOut):
            return await call_outside(self, endpoint, endpoint.way, caller, beside, presentation, dialled, calling)
        hops = hops_left(beside)
        try:
            flow, path, others = getattr(endpoint.way, "flow", None), getattr(endpoint.way, "path", ()), list[Way]()
            if flow is None or not self.stack.is_open(flow):  # its connection broke, or was one of the last run
                flow, others = await self.stack.ways(parse_name_addr(path[0]).uri if path else endpoint.uri)
        except Unreachable as error:
            raise CallError(480, str(error), "unavailable") from error
        media = await self.open_media(beside)
        story = beside.story if beside is not None else self.new_story(caller, dialled or endpoint.label)
        leg = Leg(self, story, self.leg_id(story), Party(endpoint.label), endpoint.user)
        leg.terms = terms = self.terms.of_endpoint(endpoint)
        leg.take_media(media)
        media.face(flow.remote[0])
        caller = calling or caller
        leg.connected_to = caller.number
        call_id = self.ids.call_id()
        host, port = self.stack.sent_by(flow)
        origin = f"{host}:{port}" if port != 5060 else host
        shown = Shown(
            host=origin, number=caller.number, name=caller.name, trusted=terms.trusted,
            private=presentation.private or (beside is not None and beside.private),
            diverted_by=presentation.diverted_by, auto_answer=presentation.auto_answer, alert=presentation.alert,
        )  # fmt: skip
        headers = headers_of(shown, endpoint.user or parse_uri(endpoint.uri).user or "")
        if path:
            headers["route"] = list(path)
        label = parse_uri(endpoint.uri) if ":" in endpoint.label else None
        codecs = self.codecs_for(endpoint, beside)

        def invite(more: Headers) -> ClientSession:
            session = self.agent.invite(
                endpoint.uri,
                flow,
                leg,
                from_=from_of(shown),
                to=NameAddr("", f"sip:{endpoint.label}@{origin}", {}) if label is None else None,
                body=media.offer(codecs=codecs),
                headers={"call-id": [call_id], **headers, **more},
                max_forwards=hops,
                contact_user="" if shown.private else caller.number,
                timer_rules=terms.timers,
            )
            session.alternatives = list(others)
            return session

        leg.begin_outgoing(OnePlace(invite), call_id)
        return leg

    def legs_of(self, user: str) -> Sequence[Leg]:
        return self.lines.of(user)

    def idle_since(self, user: str) -> float:
        return self.lines.idle_since(user)

    def bridge(self, one: control.Leg, other: control.Leg) -> None:
        assert isinstance(one, Leg)
        assert isinstance(other, Leg)
        if one.partner is other:
            return
        self.part(one)
        self.part(other)
        self.taps.lift(one)
        self.taps.lift(other)
        if one.media is None or other.media is None:
            return
        one.partner, other.partner = other, one
        one.bridge = other.bridge = self.media.bridge(one.media, other.media)
        one.story.bridged(one, other)
        self.connected.joined(one, other)
        self.taps.follow(one)

    def unbridge(self, leg: control.Leg) -> None:
        assert isinstance(leg, Leg)
        partner = leg.partner
        if partner is None:
            return
        self.taps.lift(leg)
        if leg.bridge is not None:
            leg.bridge.close()
        leg.partner = partner.partner = None
        leg.bridge = partner.bridge = None
        leg.story.unbridged(leg, partner)
        self.taps.follow(leg)
        self.taps.follow(partner)

    def room(self, top: int = 0) -> Room:
        return Room(self, top)

    def tap(self, listener: control.Leg, leg: control.Leg, mode: TapMode = "listen") -> None:
        assert isinstance(listener, Leg)
        assert isinstance(leg, Leg)
        self.taps.begin(listener, leg, mode)

    def untap(self, listener: control.Leg) -> None:
        assert isinstance(listener, Leg)
        self.taps.end(listener)

    def part(self, leg: Leg) -> None:
        """The leg leaves its partner, its room, or whom it listens to."""
        self.taps.end(leg)
        self.unbridge(leg)
        if leg.room is not None:
            leg.room.leave(leg)

    # ---- incoming calls

    def receive(
        self,
        session: ServerSession,
        party: Party,
        user: str,
        counted_as: str,
        serve: Callable[[Leg], Awaitable[None]],
        dialled: str = "",
    ) -> Leg:
        """Make the story and first leg of an identified, admitted INVITE, and have it served. `dialled`: where it is
        not what the Request-URI says."""
        dialled = dialled or number_of(session.request)
        story = self.new_story(
            party,
            dialled,
            source=f"{session.flow.remote[0]}:{session.flow.remote[1]}",
            user=user,
            counted_as=counted_as,
        )
        leg = Leg(self, story, self.leg_id(story), party, user)
        leg.terms = self.terms.of_account(counted_as)
        leg.begin_incoming(session)
        self.spawn(self._serve(leg, serve))
        return leg

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something that belongs to a call; kept until done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, leg: Leg, serve: Callable[[Leg], Awaitable[None]]) -> None:
        try:
            media = (await self.media.open())[0]
        except MediaError as error:
            leg.hangup(503, str(error), result="refused")
            return
        if leg.state == "ended":
            media.close()
            return
        try:
            leg.take_media(media)
        except MediaError as error:
            leg.hangup(488 if isinstance(error, NotAcceptable) else 400, str(error))
            return
        try:
            await serve(leg)
        except CallerGone:
            pass
        except CallError as error:
            leg.hangup(error.status, error.reason, error.by, error.result)
        except Exception as error:
            self._log("call.fault", call=leg.call_id, error=repr(error), exc_info=error)
            leg.hangup(500, "Server Internal Error", result="failed")
        finally:
            leg.hangup(480 if not leg.was_answered else 200)

    async def close(self) -> None:
        """Hang up everything, and let what serves calls come to its end."""
        for story in list(self.stories.values()):
            for leg in list(story.legs):
                leg.hangup(503, "shutting down")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- for legs

    def line_changed(self, leg: Leg) -> None:
        """A leg is in another state: whoever watches its user is told."""
        if leg.user:
            self.on_line(leg.user)

    def leg_of(self, session: Session) -> Leg | None:
        """The leg whose session it is."""
        leg = session.user
        return leg if isinstance(leg, Leg) else None

    def note(self, leg: Leg, event: str, error: Exception) -> None:
        """Log something odd about a leg."""
        self._log("leg.note", call=leg.call_id, leg=leg.id, note=event, error=str(error))

    def on_dialog_request(self, leg: Leg, session: Session, request: Request, transaction: Transaction) -> None:
        """A request within a dialog that is none of the session's own."""
        if request.method == "MESSAGE":
            pass_on_message(leg, session, request, transaction)
            return
        if request.method == "INFO" and not take_info(leg, request):
            session.reply(transaction, 415, {"accept": [DTMF_RELAY, DTMF]})
            return
        session.reply(transaction, 200)

    def on_media_event(self, event: MediaEvent) -> None:
        if isinstance(event, Recorded):
            self.recordings.on_recorded(event)
            return
        leg = event.session.owner if isinstance(event, SessionEvent) else None
        if isinstance(leg, Leg):
            deliver(leg, event)

    # ---- within

    async def open_media(self, beside: Leg | None) -> MediaSession:
        """Audio for a leg that is to be called. Raises CallError."""
        try:
            media = (await self.media.open(beside=beside.media if beside is not None else None))[0]
        except MediaError as error:
            raise CallError(503, str(error), "refused") from error
        if beside is not None and beside.state == "ended":
            media.close()
            raise CallError(487, "caller gone", "cancelled")
        return media

    def new_story(
        self, caller: Party, dialled: str, *, source: str = "", user: str = "", counted_as: str = ""
    ) -> Story[Leg]:
        self._order += 1
        story: Story[Leg] = Story(
            f"{self._order:x}-{self.ids.tag()}", caller, dialled, source=source, user=user, counted_as=counted_as,
            began_s=asyncio.get_running_loop().time(), write=self.write, on_over=self._story_over,
        )  # fmt: skip
        self.stories[story.id] = story
        if counted_as:
            self.calls_of[counted_as] = self.calls_of.get(counted_as, 0) + 1
        return story

    def _story_over(self, story: Story[Leg]) -> None:
        self.stories.pop(story.id, None)
        if story.counted_as:
            left = self.calls_of[story.counted_as] - 1
            if left:
                self.calls_of[story.counted_as] = left
            else:
                del self.calls_of[story.counted_as]

    def leg_id(self, story: Story[Leg]) -> str:
        return f"{story.id}/{len(story.legs) + 1}"

    def _codecs_of_peer(self, uri: str) -> tuple[str, ...]:
        peer = self.terms.peer_of(uri)
        return peer.codecs if peer is not None else ()

    def codecs_for(self, endpoint: Endpoint, beside: Leg | None) -> Sequence[str] | None:
        """What to offer: what rule, user or peer say; else the caller's codecs first, to need no transcoding."""
        if endpoint.codecs:
            return endpoint.codecs
        ours = self.config.media.codecs
        if beside is None or beside.media is None:
            return ours
        theirs = [codec for codec in beside.media.remote_codecs if codec in ours]
        return [*theirs, *(codec for codec in ours if codec not in theirs)]


def number_of(request: Request) -> str:
    """The number that a Request-URI names: its user without parameters, or the digits of a tel URI."""
    uri = parse_uri(request.uri)
    if uri.scheme == "tel":
        return uri.opaque.partition(";")[0].replace("-", "").replace(".", "")
    return (uri.user or "").partition(";")[0]


def pass_on_message(leg: Leg, session: Session, request: Request, transaction: Transaction) -> None:
    """A text from one party of a call goes to the other (RFC 3428 section 4)."""
    partner = leg.partner.sip if leg.partner is not None else None
    if partner is None or partner.ended:
        session.reply(transaction, 480)
        return
    names = "content-type", "content-encoding"
    headers: Headers = {name: request.headers[name] for name in names if name in request.headers}
    partner.send_apart("MESSAGE", headers, request.body)
    session.reply(transaction, 200)
