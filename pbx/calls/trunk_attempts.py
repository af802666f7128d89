# SPDX-License-Identifier: Apache-2.0
"""A call to the outside: trunk after trunk, target after target, until one of them is heard.

An attempt is given up for the next one when nothing at all comes back in time, when its connection breaks, or when it
is refused for a reason that is the trunk's and not the called party's. What has rung is not given up any more.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from switchroom.media.errors import MediaError
from switchroom.media.srtp import SrtpMode
from switchroom.pbx.calls.terms import FALLBACKS, REFUSALS
from switchroom.pbx.control import Party
from switchroom.pbx.events import EndedBy, TrunkTried
from switchroom.pbx.io.stack import Unreachable
from switchroom.pbx.sip.auth import DigestClient
from switchroom.pbx.sip.challenge import Credentials, Digest
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import parse_name_addr
from switchroom.pbx.sip.identity import Shown, from_of, headers_of
from switchroom.pbx.sip.message import Headers, Response
from switchroom.pbx.trunks import causes
from switchroom.pbx.trunks.config import TrunkConfig
from switchroom.pbx.trunks.outside import Pass, Refused
from switchroom.pbx.trunks.targets import Target
from switchroom.pbx.trunks.trunk import Trunk
from switchroom.pbx.trunks.trunks import WayOut

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg
    from switchroom.pbx.calls.switchboard import Switchboard

NEXT_STATUSES = frozenset({408, 500, 502, 503, 504})
NEXT_CAUSES = frozenset({34, 38, 41, 42, 44, 47})
"""No circuit, network out of order, temporary failure, congestion, circuit not available, no resource (Q.850)."""
NO_CIRCUIT = 34
NETWORK_OUT_OF_ORDER = 38
MAX_ATTEMPTS = 30


class Place(msgspec.Struct, frozen=True):
    """Where one attempt goes."""

    trunk: Trunk
    target: Target
    flow: Flow


class TrunkAttempts:
    """The attempts of one leg. `let` is what the limits against toll fraud said of the caller."""

    def __init__(
        self,
        board: "Switchboard",
        way: WayOut,
        *,
        caller: Party,
        private: bool,
        diverted_by: tuple[str, ...],
        codecs: Sequence[str],
        hops: int,
        call_id: str,
        let: Pass,
    ) -> None:
        self._board, self._way, self._call_id = board, way, call_id
        self._caller, self._private, self._codecs, self._hops = caller, private, codecs, hops
        self._diverted_by = diverted_by
        self._let, self._let_trunk = let, Pass((), 0.0)
        self._places = self._walk()
        self._place: Place | None = None
        """Of the attempt under way, whose channel is taken."""
        self._fallbacks: list[SrtpMode] = []
        self._clock: asyncio.TimerHandle | None = None
        self._leg: Leg | None = None
        self._offered = False
        self._came_to: tuple[int, str, EndedBy, int] = (503, "no trunk", "exchange", NETWORK_OUT_OF_ORDER)
        """What the caller is told when nothing is left."""

    def begin(self, leg: "Leg") -> None:
        self._leg = leg
        leg.when_over(self._over)
        self._board.spawn(self._next(leg))

    def goes_on(self, leg: "Leg", session: ClientSession, status: int, reason: str, response: Response | None) -> bool:
        self._stop_clock()
        place = self._place
        if place is None:
            return False
        if response is not None and status in REFUSALS and self._fallbacks and leg.media is not None:
            leg.media.srtp = self._fallbacks.pop(0)
            self._invite(leg, place, {"cseq": [f"{session.request.cseq.number + 1} INVITE"]})
            return True
        broken = response is None and status in (408, 503)
        if leg.state != "calling" or not (broken or _by_the_trunk(status, leg.cause)):
            return False
        self._failed(leg, place, status, reason, leg.cause, broken=broken)
        self._board.spawn(self._next(leg))
        return True

    def answered(self, leg: "Leg") -> None:
        """The leg was answered: it may last as long as the limits of caller and trunk say."""
        self._stop_clock()
        limits = [let.limit_s for let in (self._let, self._let_trunk) if let.limit_s]
        if limits:
            leg.end_after(min(limits), "no minutes are left for calls outside")

    # ---- within

    async def _next(self, leg: "Leg") -> None:
        """Try the next place; without one the leg is over."""
        try:
            place = await anext(self._places, None)
        except Exception:
            leg.came_to_nothing(500, "Server Internal Error", "exchange", 41)
            raise
        if place is None:
            if leg.state != "ended":
                leg.came_to_nothing(*self._came_to)
            return
        self._place = place
        if leg.state == "ended":
            self._give_back()
            return
        leg.terms = terms = self._board.terms.of_account(f"peer {place.trunk.name}")
        leg.trunk, leg.cause = place.trunk.name, 0
        media = leg.media
        assert media is not None, "a leg that is not over has its audio"
        media.srtp, media.dtmf, media.comfort_noise = terms.srtp, terms.dtmf, terms.comfort_noise
        self._fallbacks = list(FALLBACKS) if terms.srtp == "optional" else []
        self._invite(leg, place, {})

    async def _walk(self) -> AsyncIterator[Place]:
        """Every place to try, each with its channel taken."""
        leg, attempts = self._leg, 0
        assert leg is not None
        for trunk in self._way.trunks:
            for target in trunk.targets.order():
                for flow in await self._flows(leg, trunk, target):
                    if attempts >= MAX_ATTEMPTS:
                        return
                    if not self._take(leg, trunk):
                        break
                    attempts += 1
                    yield Place(trunk, target, flow)
                else:
                    continue
                break

    async def _flows(self, leg: "Leg", trunk: Trunk, target: Target) -> list[Flow]:
        stack = self._board.stack
        hop = parse_name_addr(trunk.service_route[0]).uri if trunk.service_route else target.uri
        if (flow := stack.flow_to(hop)) is not None:
            return [flow]
        flows: list[Flow] = []
        try:
            flows.extend(map(stack.open, await stack.resolve_all(hop)))  # keeps those before one that fails
        except Unreachable as error:
            if not flows:
                self._note(leg, trunk, target.uri, 503, str(error), NETWORK_OUT_OF_ORDER)
                self._board.trunks.found(trunk, target, "down", str(error))
        return flows

    def _take(self, leg: "Leg", trunk: Trunk) -> bool:
        """A channel of the trunk, and its leave to call the number."""
        if not trunk.channels.take("out"):
            self._note(leg, trunk, "", 503, "no free channel", NO_CIRCUIT)
            return False
        try:
            self._let_trunk = self._board.trunks.tolls.admit((f"trunk {trunk.name}",), self._way.number)
        except Refused as error:
            trunk.channels.give_back("out")
            self._note(leg, trunk, "", 403, str(error), 0)
            return False
        return True

    def _invite(self, leg: "Leg", place: Place, more: Headers) -> None:
        trunk, board, media = place.trunk, self._board, leg.media
        assert media is not None
        if self._offered:
            media.rollback()
        try:
            body = media.offer(codecs=self._codecs or trunk.codecs or None)
        except MediaError as error:
            leg.came_to_nothing(500, str(error), "exchange", 0)
            return
        self._offered = True
        host, port = board.stack.sent_by(place.flow)
        origin = f"{host}:{port}" if port != 5060 else host
        shown, private = trunk.caller_out(self._caller, self._private)
        config = trunk.config
        domain = (config.register.home if config.register is not None else "") or origin
        number = trunk.called_out(self._way.number)
        told = Shown(
            host=domain,
            number=shown.number,
            name=shown.name,
            private=private,
            trusted=config.trusted,
            diverted_by=self._diverted_by,
        )
        route: Headers = {"route": list(trunk.service_route)} if trunk.service_route else {}
        session = board.agent.invite(
            place.target.with_user(number),
            place.flow,
            leg,
            from_=from_of(told),
            body=body,
            headers={"call-id": [self._call_id], **headers_of(told, number), **route, **more},
            max_forwards=self._hops,
            contact_user=config.register.user if config.register is not None else "" if private else shown.number,
            timer_rules=leg.terms.timers,
        )
        session.digest = digest_of(config, board.ids.tag)
        wait_s = config.failover_s
        self._clock = asyncio.get_running_loop().call_later(wait_s, self._on_silence, leg, session)
        leg.invited(session)

    def _on_silence(self, leg: "Leg", session: ClientSession) -> None:
        """Nothing came back. What still comes is cancelled, or acknowledged and ended (RFC 3261 section 9.1)."""
        place = self._place
        if session.heard or leg.sip is not session or place is None:
            return
        session.let_go()
        session.cancel()
        self._failed(leg, place, 408, "no response", NETWORK_OUT_OF_ORDER, broken=True)
        self._board.spawn(self._next(leg))

    def _failed(self, leg: "Leg", place: Place, status: int, reason: str, cause: int, *, broken: bool) -> None:
        place.trunk.failed += 1
        if broken and place.trunk.config.options_s:  # which will find it up again
            self._board.trunks.found(place.trunk, place.target, "down", reason)
        self._note(leg, place.trunk, place.target.uri, status, reason, cause)
        if broken:
            self._came_to = 503, "no carrier answers", "exchange", NETWORK_OUT_OF_ORDER
        else:
            told = causes.told_status(status, cause) if cause and leg.terms.causes else status
            self._came_to = told, reason, "callee", cause
        self._give_back()

    def _note(self, leg: "Leg", trunk: Trunk, target: str, status: int, reason: str, cause: int) -> None:
        self._came_to = status, reason, "exchange", cause
        leg.story.write(
            TrunkTried(
                call=leg.call_id, leg=leg.id, trunk=trunk.name, target=target, status=status, reason=reason, cause=cause
            )
        )

    def _give_back(self) -> None:
        if self._place is not None:
            self._place.trunk.channels.give_back("out")
            self._board.trunks.tolls.over(self._let_trunk, 0.0)
            self._place = None

    def _over(self, leg: "Leg") -> None:
        """The leg is over."""
        self._stop_clock()
        talked_s = asyncio.get_running_loop().time() - leg.answered_s if leg.was_answered else 0.0
        if self._place is not None:
            self._board.trunks.tolls.over(self._let_trunk, talked_s)
            self._let_trunk = Pass((), 0.0)
            self._give_back()
        self._board.trunks.tolls.over(self._let, talked_s)
        self._leg = None

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def _by_the_trunk(status: int, cause: int) -> bool:
    """Whether a refusal is the trunk's own, so that another one may do better. A cause of the class "normal event" is
    about the called number, whatever status it comes with (Q.850; 16 and 31 say nothing)."""
    if 0 < cause < 32 and cause not in (16, 31):
        return False
    return status in NEXT_STATUSES or cause in NEXT_CAUSES


def digest_of(config: TrunkConfig, tag: Callable[[], str]) -> Digest | None:
    """Who answers the challenges of a trunk, call by call and request by request; None for one without a name."""
    if not config.username:
        return None

    def credentials() -> Credentials:
        return DigestClient(config.username, config.password.reveal(), tag).respond

    return credentials
