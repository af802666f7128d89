# SPDX-License-Identifier: Apache-2.0
"""The methods and types of the operators' interface. Made by `python -m switchroom.client.generate`: do not edit."""

from typing import Any, Literal

import msgspec

from switchroom.client.connection import Connection


class CallId(msgspec.Struct, frozen=True, kw_only=True):
    call: str


class LegInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One party of a call that goes on."""

    leg: str
    party: str
    direction: Literal["in", "out"]
    state: str
    codec: str | None = None
    held: bool = False
    talks_to: str | None = None
    sip_call_id: str = ""
    describe: str = ""


class CallInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A call that goes on."""

    call: str
    caller: str
    caller_name: str = ""
    dialled: str
    user: str = ""
    started_at_ms: int
    state: Literal["answered", "ringing", "talking"]
    legs: list[LegInfo]


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    calls: list[CallInfo]
    total: int


class Subjects(msgspec.Struct, frozen=True, kw_only=True):
    subjects: list[str]


class TracedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One SIP message of a trace."""

    at_ms: int
    direction: str
    flow: str
    text: str


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    messages: list[TracedMessage]


class Cdrs(msgspec.Struct, frozen=True, kw_only=True):
    cdrs: list[Any]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    at_ns: int
    record: dict[str, Any]


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that a reader will not get, first and last included: pruned, or told before a crash but neve"""

    first: int
    last: int


class Events(msgspec.Struct, frozen=True, kw_only=True):
    events: list[Event]
    gaps: list[Gap]
    next: int
    last: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It is done, and there is nothing else to say."""


class Active(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with a flow, and where in it."""

    key: str
    reason: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """`mistakes` keep a flow from running, `findings` do not."""

    mistakes: list[Finding]
    findings: list[Finding]


class FlowText(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    text: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A flow in a list."""

    name: str
    title: str = ""
    kind: str = "data"
    version: int = 0
    versions: list[int] = msgspec.field(default_factory=list)


class Flows(msgspec.Struct, frozen=True, kw_only=True):
    flows: list[About]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    findings: list[Finding]


class FoundSession(msgspec.Struct, frozen=True, kw_only=True):
    """A media session of a former server, which talks on in the media process."""

    tag: str
    port: int
    remote: str
    hears: str
    bridged: bool
    in_conference: bool
    recorded: bool


class FoundSessions(msgspec.Struct, frozen=True, kw_only=True):
    sessions: list[FoundSession]


class PromptPlace(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    language: Literal["en", "zh"]


class Recordings(msgspec.Struct, frozen=True, kw_only=True):
    """The names of recorded prompts, each with the languages that it has."""

    prompts: dict[str, list[Literal["en", "zh"]]]


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """One contact of a user."""

    user: str
    contact: str
    transport: str
    source: str
    expires_in_s: int
    q: float = 1.0
    user_agent: str = ""
    behind_nat: bool = False


class Registrations(msgspec.Struct, frozen=True, kw_only=True):
    registrations: list[Registration]
    total: int


class Whoami(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    role: str
    user: str
    rights: list[str]


class SipFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Messages since the start, and what there is now."""

    received: int = 0
    malformed: int = 0
    stray: int = 0
    overload: int = 0
    faults: int = 0
    transactions: int = 0
    sessions: int = 0


class ShardFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One media thread. A slot is 5 ms of its clock."""

    slots: int = 0
    skipped_slots: int = 0
    late_slots: int = 0
    max_late_us: int = 0
    received_packets: int = 0
    sent_packets: int = 0
    open_legs: int = 0
    max_legs: int = 0
    free_ports: int = 0
    facts_lost: int = 0


class JournalFigures(msgspec.Struct, frozen=True, kw_only=True):
    """`last` is the newest number; up to `durable` no crash can take them."""

    last: int = 0
    durable: int = 0
    lost: int = 0
    write_errors: int = 0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange at a glance."""

    name: str
    version: str
    uptime_s: float
    draining: bool = False
    calls: int = 0
    legs: int = 0
    registrations: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    loop_late_ms: float = 0.0
    sip: SipFigures = msgspec.field(default_factory=SipFigures)
    media: list[ShardFigures] = msgspec.field(default_factory=list)
    journal: JournalFigures = msgspec.field(default_factory=JournalFigures)
    cdrs_written: int = 0


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One that TLS listeners show."""

    file: str
    names: list[str]
    issuer: str
    not_after_ms: int
    sha256: str


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    certificates: list[Certificate]


class Client(Connection):
    """All methods of the exchange."""

    async def calls_hangup(self, *, call: str) -> CallId:
        """calls.hangup"""
        return await self.call("calls.hangup", {"call": call}, CallId)

    async def calls_list(
        self,
        *,
        call: str | None = None,
        describe: bool | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Calls:
        """calls.list"""
        return await self.call(
            "calls.list", {"call": call, "describe": describe, "limit": limit, "offset": offset}, Calls
        )

    async def calls_originate(
        self,
        *,
        from_: str,
        to: str,
        context: str | None = None,
        caller: str | None = None,
        caller_name: str | None = None,
    ) -> CallId:
        """calls.originate"""
        return await self.call(
            "calls.originate",
            {"from": from_, "to": to, "context": context, "caller": caller, "caller_name": caller_name},
            CallId,
        )

    async def calls_trace(self, *, subject: str, on: bool | None = None) -> Subjects:
        """calls.trace"""
        return await self.call("calls.trace", {"subject": subject, "on": on}, Subjects)

    async def calls_traced(self, *, sip_call_id: str) -> Messages:
        """calls.traced"""
        return await self.call("calls.traced", {"sip_call_id": sip_call_id}, Messages)

    async def cdr_list(
        self,
        *,
        call: str | None = None,
        number: str | None = None,
        user: str | None = None,
        result: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Cdrs:
        """cdr.list"""
        return await self.call(
            "cdr.list",
            {
                "call": call,
                "number": number,
                "user": user,
                "result": result,
                "since_ms": since_ms,
                "until_ms": until_ms,
                "limit": limit,
                "offset": offset,
            },
            Cdrs,
        )

    async def events_list(self, *, after: int | None = None, limit: int | None = None) -> Events:
        """events.list"""
        return await self.call("events.list", {"after": after, "limit": limit}, Events)

    async def events_unsubscribe(self, *, subscription: int) -> Done:
        """events.unsubscribe"""
        return await self.call("events.unsubscribe", {"subscription": subscription}, Done)

    async def flows_activate(self, *, name: str, version: int) -> Active:
        """flows.activate"""
        return await self.call("flows.activate", {"name": name, "version": version}, Active)

    async def flows_check(self, *, flow: str | dict[str, Any]) -> Checked:
        """flows.check"""
        return await self.call("flows.check", {"flow": flow}, Checked)

    async def flows_get(self, *, name: str, version: int | None = None) -> FlowText:
        """flows.get"""
        return await self.call("flows.get", {"name": name, "version": version}, FlowText)

    async def flows_list(self) -> Flows:
        """flows.list"""
        return await self.call("flows.list", {}, Flows)

    async def flows_put(self, *, flow: str | dict[str, Any], activate: bool | None = None) -> Kept:
        """flows.put"""
        return await self.call("flows.put", {"flow": flow, "activate": activate}, Kept)

    async def media_close_found(self, *, tag: str | None = None) -> FoundSessions:
        """media.close_found"""
        return await self.call("media.close_found", {"tag": tag}, FoundSessions)

    async def media_found(self) -> FoundSessions:
        """media.found"""
        return await self.call("media.found", {}, FoundSessions)

    async def prompts_delete(self, *, name: str, language: Literal["en", "zh"]) -> PromptPlace:
        """prompts.delete"""
        return await self.call("prompts.delete", {"name": name, "language": language}, PromptPlace)

    async def prompts_list(self) -> Recordings:
        """prompts.list"""
        return await self.call("prompts.list", {}, Recordings)

    async def prompts_put(self, *, name: str, language: Literal["en", "zh"], audio: str) -> PromptPlace:
        """prompts.put"""
        return await self.call("prompts.put", {"name": name, "language": language, "audio": audio}, PromptPlace)

    async def registrations_list(
        self, *, user: str | None = None, limit: int | None = None, offset: int | None = None
    ) -> Registrations:
        """registrations.list"""
        return await self.call("registrations.list", {"user": user, "limit": limit, "offset": offset}, Registrations)

    async def rpc_whoami(self) -> Whoami:
        """Who the token is, and what it may do."""
        return await self.call("rpc.whoami", {}, Whoami)

    async def system_status(self) -> Status:
        """system.status"""
        return await self.call("system.status", {}, Status)

    async def tls_certificates(self) -> Certificates:
        """tls.certificates"""
        return await self.call("tls.certificates", {}, Certificates)

    async def tls_reload(self) -> Certificates:
        """tls.reload"""
        return await self.call("tls.reload", {}, Certificates)
