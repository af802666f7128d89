# SPDX-License-Identifier: Apache-2.0
"""What happens to an INVITE that begins a call: admitted, identified, routed, served."""

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec

from switchroom.pbx.admission import Admission
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.reroutes import Reroute
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.call import Call
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.replaces import replaced_by
from switchroom.pbx.calls.switchboard import Switchboard, number_of
from switchroom.pbx.calls.trunk_attempts import digest_of
from switchroom.pbx.control import CallError, Presentation
from switchroom.pbx.events import CallBlocked
from switchroom.pbx.gatekeeper import Caller, Gatekeeper, Refusal
from switchroom.pbx.sip.errors import SipError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.session import Session, SessionUser
from switchroom.pbx.sip.session_timer import too_brief
from switchroom.pbx.sip.uri import Uri, parse_uri
from switchroom.pbx.trunks import causes
from switchroom.pbx.trunks.trunk import Trunk

RETRY_S = 5
NO_CIRCUIT, NETWORK_OUT_OF_ORDER = 34, 38
SUPPORTED = "100rel, norefersub, replaces, timer"
DIALOG_METHODS = {"INFO", "MESSAGE", "PRACK", "REFER", "UPDATE"}


class _HeldBack:
    """The user of a session that will only be refused: until then nothing but a CANCEL can happen to it."""

    def on_cancel(self, session: Session, reason: str) -> None:
        pass

    def on_ended(self, session: Session, status: int, reason: str) -> None:
        pass


class Incoming:
    """Hangs itself into the user agent core and takes its new calls."""

    def __init__(
        self,
        board: Switchboard,
        gatekeeper: Gatekeeper,
        admission: Admission,
        routing: Routing,
        destinations: Destinations,
        blacklisted: Callable[[str, str], int],
        rerouted: Callable[[str], Reroute | None] = lambda number: None,
    ) -> None:
        self.board = board
        self._routing = routing
        self._blacklisted = blacklisted
        self._rerouted = rerouted
        self.refused: dict[str, int] = {}
        """Calls refused before they cost anything, by reason."""
        self._gatekeeper = gatekeeper
        self._admission = admission
        self._destinations = destinations
        board.agent.supported = SUPPORTED
        board.agent.dialog_methods |= DIALOG_METHODS
        board.agent.timer_rules = board.terms.of_account("").timers
        board.agent.accept_invite = self._admit
        board.agent.on_invite = self._receive
        board.agent.refuse_options = self._options

    def _admit(self, request: Request, flow: Flow) -> tuple[int, Headers] | None:
        reason = self._admission.refusal(flow.remote[0])
        if not reason:
            return None
        self._count(reason)
        return 503, {"retry-after": [str(RETRY_S + self.board.ids.below(RETRY_S))]}

    def _options(self, request: Request, flow: Flow) -> int:
        """404 to a peer for a number that it could not call. Strangers are not told which numbers there are."""
        number = number_of(request)
        if not number or not self._gatekeeper.is_peer(flow.remote[0]):
            return 0
        caller = self._gatekeeper.identify(request, flow)
        if not isinstance(caller, Caller):
            return 0
        if (trunk := self.board.trunks.by_name.get(caller.peer)) is not None:
            number = trunk.called_in(number)
        known = self._rerouted(number) is not None or self._routing.plan.route(number, caller.context) is not None
        return 0 if known else 404

    def _receive(self, session: ServerSession) -> SessionUser | None:
        caller = self._gatekeeper.identify(session.request, session.flow)
        if not isinstance(caller, Caller):
            if caller.delay_s:
                return self._hold_back(session, caller)
            session.reject(caller.status, headers=caller.headers)
            return None
        if not caller.user and (status := self._blacklisted(caller.party.number, session.flow.remote[0])):
            self._count("blacklist")
            session.reject(status)
            return None
        trunk = self.board.trunks.by_name.get(caller.peer) if caller.peer else None
        dialled = ""
        if trunk is not None:
            caller = msgspec.structs.replace(caller, party=trunk.caller_in(caller.party))
            dialled = trunk.called_in(number_of(session.request))
        session.timer_rules = self.board.terms.of_account(caller.account).timers
        brief = too_brief(session.request, session.timer_rules)
        if brief is not None:
            session.reject(422, headers=brief)
            return None
        replaced = None
        if "replaces" in session.request.headers:
            try:
                replaced = replaced_by(self.board, session.request)
            except SipError as error:
                session.reject(error.status)
                return None
        limit = caller.max_calls or (self.board.limits.calls_per_user if caller.user else 0)
        if limit and self.board.calls_of.get(caller.account, 0) >= limit:
            self._count("calls_per_user" if caller.user else "calls_per_peer")
            if not caller.user:
                source = f"{session.flow.remote[0]}:{session.flow.remote[1]}"
                self.board.write(CallBlocked(peer=caller.peer, source=source, reason="calls_per_peer"))
            session.reject(503, headers={"retry-after": [str(RETRY_S)]})
            return None
        if trunk is not None and not self._take_channel(trunk, session):
            return None
        leg = self.board.receive(
            session,
            caller.party,
            caller.user,
            caller.account,
            lambda leg: self._serve_or_note(leg, session, caller, replaced),
            dialled,
        )
        if trunk is not None:
            session.digest = digest_of(trunk.config, self.board.ids.tag)
            leg.trunk = trunk.name
            leg.when_over(lambda leg: trunk.channels.give_back("in"))
        return leg

    def _take_channel(self, trunk: Trunk, session: ServerSession) -> bool:
        """A channel of the trunk for a call that comes in; else it is refused as a switch without circuits would."""
        if trunk.enabled and trunk.channels.take("in"):
            return True
        self._count("trunk_channels" if trunk.enabled else "trunk_out_of_service")
        headers = {"retry-after": [str(RETRY_S)]}
        if trunk.config.tells_causes:
            headers["reason"] = [causes.reason(NO_CIRCUIT if trunk.enabled else NETWORK_OUT_OF_ORDER)]
        session.reject(503, headers=headers)
        return False

    def _hold_back(self, session: ServerSession, refusal: Refusal) -> SessionUser:
        """Refuse later: the source has been guessing."""

        def refuse() -> None:
            if not session.ended and not session.answered:
                session.reject(refusal.status, headers=refusal.headers)

        asyncio.get_running_loop().call_later(refusal.delay_s, refuse)
        return cast(SessionUser, _HeldBack())

    async def _take_place(self, call: Call, replaced: Leg) -> None:
        if replaced.state != "answered":
            if not await call.pick_up(replaced):
                raise CallError(481, "the call rings no more", "not-found")
        elif replaced.partner is not None:
            await call.talk_to(replaced.partner)
        else:
            raise CallError(481, "nobody to talk to", "not-found")

    async def _serve_or_note(self, leg: Leg, session: ServerSession, caller: Caller, replaced: Leg | None) -> None:
        try:
            await self._serve(leg, session, caller, replaced)
        except CallError as error:
            if error.status == 404 and caller.user:  # who does it again and again looks for numbers
                self._gatekeeper.guard.offend(session.flow.remote[0], "unknown number")
            raise

    async def _serve(self, leg: Leg, session: ServerSession, caller: Caller, replaced: Leg | None) -> None:
        uri = parse_uri(session.request.uri)
        dialled = leg.story.dialled
        leg.private = caller.private
        call = Call(self.board, leg, dialled, caller.user, context=caller.context)
        call.presentation = Presentation(private=caller.private, diverted_by=caller.diverted_by)
        if replaced is not None:
            await self._take_place(call, replaced)
            return
        if not self._is_ours(uri):
            if not caller.user:
                raise CallError(404, "Not Found", "not-found")  # no relay for strangers
            target = str(uri).removeprefix("sip:")
            leg.story.routed(f"sip:{target}", "")
            await self._destinations.send(call, "sip", target)
            return
        if not caller.user and (other := self._rerouted(dialled)) is not None:
            leg.story.routed(other.to, "re-routed")
            await self._routing.send(call, other.to, other.context)
            return
        route = self._routing.plan.route(dialled, caller.context) if dialled else None
        if route is None and self._may_go_on(dialled, caller):
            raise CallError(484, "Address Incomplete", "not-found")
        if route is None:
            raise CallError(404, "Not Found", "not-found")
        leg.story.routed(str(route.to), route.rule.name)
        await self._destinations.send(call, route.to.kind, route.to.argument, route.rule)

    def _is_ours(self, uri: Uri) -> bool:
        return uri.scheme == "tel" or self.board.stack.is_ours(uri, self.board.config.sip.domains)

    def _may_go_on(self, dialled: str, caller: Caller) -> bool:
        """Whether more digits may follow: the trunk sends them one by one (RFC 3578)."""
        trunk = self.board.trunks.by_name.get(caller.peer)
        return trunk is not None and trunk.overlap and self._routing.plan.may_become(dialled, caller.context)

    def _count(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1
