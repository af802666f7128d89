# SPDX-License-Identifier: Apache-2.0
"""What operators see and do, over the parts of a running server: the `Exchange` of pbx/rpc/exchange.py."""

import asyncio
import itertools
import time
from ipaddress import ip_network
from typing import TYPE_CHECKING, Literal

import msgspec

import switchroom
from switchroom.ivr.shelf import Shelf
from switchroom.pbx.acd.floor import Floor
from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.transfers import Transfer, ask
from switchroom.pbx.click_to_dial import ClickToDial
from switchroom.pbx.config_diff import Change
from switchroom.pbx.control import CallError, TransferAsked
from switchroom.pbx.events import OperatorCalled
from switchroom.pbx.io.certificates import CertificateError
from switchroom.pbx.journal import Journal
from switchroom.pbx.office import Office
from switchroom.pbx.operations_audio import OperationsAudio
from switchroom.pbx.reload import reload
from switchroom.pbx.reports.explanations import Explanations
from switchroom.pbx.reports.reports import Reports
from switchroom.pbx.rpc.exchange import (
    BanInfo,
    CallInfo,
    CallState,
    Certificate,
    FoundSession,
    JournalFigures,
    LegInfo,
    Registration,
    ShardFigures,
    SipFigures,
    Status,
    TracedMessage,
    TrunkFigures,
)
from switchroom.pbx.security.guard import Ban
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.storage.base import CdrQuery
from switchroom.pbx.story import Story
from switchroom.pbx.trunks.trunk import Trunk
from switchroom.pbx.trunks.trunks import Trunks

if TYPE_CHECKING:
    from switchroom.pbx.server import Server

ENDED_BY_OPERATOR = "ended by an operator"


class Operations:
    """One server's; made when all its parts are."""

    def __init__(self, server: "Server", click_to_dial: ClickToDial) -> None:
        self._server = server
        self._click_to_dial = click_to_dial
        self.audio = OperationsAudio(server)
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()

    @property
    def journal(self) -> Journal:
        return self._server.journal

    @property
    def floor(self) -> Floor:
        return self._server.call_centre.floor

    @property
    def explanations(self) -> Explanations:
        return self._server.explanations

    @property
    def flows(self) -> Shelf:
        return self._server.flows.shelf

    @property
    def reports(self) -> Reports:
        return self._server.reports

    @property
    def office(self) -> Office:
        return self._server.office

    @property
    def trunks(self) -> Trunks:
        return self._server.trunks

    def reload(self, dry_run: bool, by: str) -> list[Change]:
        return reload(self._server, dry_run=dry_run, by=by)

    def status(self) -> Status:
        server = self._server
        board, agent = server.board, server.board.agent
        return Status(
            name=server.config.server.name,
            version=switchroom.__version__,
            uptime_s=round(self._loop.time() - self._began_s, 3),
            draining=server.admission.closed,
            calls=len(board.stories),
            legs=sum(leg.state != "ended" for story in board.stories.values() for leg in story.legs),
            registrations=len(server.registrar.all()),
            refused=dict(server.incoming.refused),
            loop_late_ms=round(server.admission.lateness_s * 1000, 3),
            sip=SipFigures(
                received=agent.counts.received,
                malformed=agent.counts.malformed,
                stray=agent.counts.stray,
                overload=agent.counts.overload,
                faults=agent.counts.faults,
                transactions=len(agent.transactions),
                sessions=agent.sessions,
            ),
            media=[msgspec.convert(shard, ShardFigures, from_attributes=True) for shard in server.media.stats()],
            journal=msgspec.convert(server.journal.stats, JournalFigures, from_attributes=True),
            cdrs_written=server.cdrs.written,
            trunks=[_figures(trunk) for trunk in server.trunks.by_name.values()],
        )

    def registrations(self, user: str | None = None) -> list[Registration]:
        registrar = self._server.registrar
        now_s = time.time()
        return [
            Registration(
                user=binding.user,
                contact=binding.contact,
                transport=binding.flow.transport,
                source=f"{binding.flow.remote[0]}:{binding.flow.remote[1]}",
                expires_in_s=max(0, round(binding.expires_at_s - now_s)),
                q=binding.q,
                user_agent=binding.user_agent,
                behind_nat=binding.behind_nat,
            )
            for binding in (registrar.all() if user is None else registrar.lookup(user))
        ]

    def calls(self, call: str | None, offset: int, limit: int, describe: bool) -> tuple[list[CallInfo], int]:
        stories = self._server.board.stories
        if call is not None:
            stories = {call: stories[call]} if call in stories else {}
        chosen = itertools.islice(stories.values(), offset, offset + limit)
        return [self._call(story, describe) for story in chosen], len(stories)

    async def originate(self, from_: str, to: str, *, context: str, caller: str, caller_name: str) -> str:
        if reason := self._server.admission.refusal("operator"):
            raise CallError(503, reason, "refused")
        return await self._click_to_dial.begin(from_, to, context=context, caller=caller, caller_name=caller_name)

    def hangup(self, call: str) -> None:
        story = self._server.board.stories.get(call)
        if story is None:
            raise CallError(481, "no such call")
        for leg in list(story.legs):  # the first one first: the call's outcome is its
            leg.hangup(200 if leg.was_answered else 480, ENDED_BY_OPERATOR, "operator", "cancelled")

    def transfer(self, leg: str, to: str, consulted: str) -> None:
        asker, other = self._find_leg(leg), self._find_leg(consulted) if consulted else None
        if other is asker:
            raise CallError(400, "consulted is another leg")
        number = other.story.dialled if other is not None and not other.called else to
        transfer = Transfer(asker, TransferAsked(number, other))
        ask(asker, transfer)
        if not transfer.accepted:
            raise CallError(501, "the call is in no state to be transferred")

    def _find_leg(self, leg: str) -> Leg:
        story = self._server.board.stories.get(leg.partition("/")[0])
        for found in story.legs if story is not None else ():
            if found.id == leg and found.state != "ended":
                return found
        raise CallError(481, f"no leg {leg}")

    async def cdrs(self, query: CdrQuery) -> list[bytes]:
        return await self._server.store.cdrs.find(query)

    def trace(self, subject: str, on: bool) -> list[str]:
        trace = self._server.trace
        if on:
            try:
                trace.start(subject)
            except ValueError as error:
                raise CallError(503, str(error)) from error
        else:
            trace.stop(subject)
        return trace.subjects()

    def traced(self, sip_call_id: str) -> list[TracedMessage]:
        return [
            TracedMessage(at_ms=round(kept.at_s * 1000), direction=kept.direction, flow=kept.flow, text=kept.text)
            for kept in self._server.trace.messages(sip_call_id)
        ]

    def found_sessions(self, close: str | None = None) -> list[FoundSession]:
        media = self._server.media
        if close is not None:
            media.close_found(None if close == "*" else close)
        return [
            FoundSession(
                tag=leg.tag,
                port=leg.port,
                remote="{}:{}".format(*leg.remote),
                hears=leg.hears,
                bridged=leg.peer != 0,
                in_conference=leg.room is not None,
                recorded=leg.recorded,
            )
            for leg in media.found()
        ]

    def certificates(self, reload: bool = False) -> list[Certificate]:
        keeper = self._server.tls
        try:
            infos = keeper.reload() if reload else keeper.certificates.infos
        except CertificateError as error:
            raise CallError(500, str(error)) from error
        return [
            Certificate(
                file=info.file,
                names=info.names,
                issuer=info.issuer,
                not_after_ms=round(info.not_after.timestamp() * 1000),
                sha256=info.sha256,
            )
            for info in infos
        ]

    def bans(self) -> list[BanInfo]:
        return [_ban(ban) for ban in self._server.watch.guard.bans.values()]

    def ban(self, source: str, reason: str, for_s: float | None) -> BanInfo:
        network = ip_network(source, strict=False)
        if self._server.watch.covers_exempt(network):
            raise CallError(403, f"{network} holds a peer or an allowed address")
        return _ban(self._server.watch.guard.ban(network, reason, for_s))

    def unban(self, source: str) -> bool:
        return self._server.watch.guard.unban(ip_network(source, strict=False))

    def audit(self, record: OperatorCalled) -> None:
        self._server.journal.append(record)

    # ---- within

    def _call(self, story: Story[Leg], describe: bool) -> CallInfo:
        return CallInfo(
            call=story.id,
            caller=story.caller.number,
            caller_name=story.caller.name,
            dialled=story.dialled,
            user=story.user,
            started_at_ms=round((time.time() - (self._loop.time() - story.began_s)) * 1000),
            state=_state(story),
            legs=[_leg(leg, describe) for leg in story.legs],
        )


def _figures(trunk: Trunk) -> TrunkFigures:
    channels = trunk.channels
    return TrunkFigures(
        name=trunk.name,
        up=trunk.enabled and trunk.health != "down",
        channels=channels.both,
        used=channels.all_used,
        blocked=channels.blocked["in"] + channels.blocked["out"],
        failed=trunk.failed,
    )


def _ban(ban: Ban) -> BanInfo:
    return BanInfo(
        source=str(ban.source),
        reason=ban.reason,
        since_ms=round(ban.since_s * 1000),
        until_ms=None if ban.until_s is None else round(ban.until_s * 1000),
        times=ban.times,
    )


def _state(story: Story[Leg]) -> CallState:
    if any(leg.partner is not None and leg.state == "answered" == leg.partner.state for leg in story.legs):
        return "talking"
    return "answered" if story.legs[0].state == "answered" else "ringing"


def _leg(leg: Leg, describe: bool) -> LegInfo:
    direction: Literal["in", "out"] = "in" if isinstance(leg.sip, ServerSession) else "out"
    media = leg.media
    return LegInfo(
        leg=leg.id,
        party=leg.party.number,
        direction=direction,
        state=leg.state,
        codec=media.codec if media is not None else None,
        held=media is not None and media.held,
        talks_to=leg.partner.id if leg.partner is not None else None,
        sip_call_id=leg.sip.call_id if leg.sip is not None else "",
        describe=media.describe() if describe and media is not None else "",
    )
