# SPDX-License-Identifier: Apache-2.0
"""The methods and types of the operators' interface. Made by `python -m switchroom.client.generate`: do not edit."""

from typing import Any, Literal

import msgspec

from switchroom.client.connection import Connection


class Why(msgspec.Struct, frozen=True, kw_only=True):
    agent: str
    reasons: list[str]


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent now."""

    agent: str
    name: str
    status: Literal["available", "break", "logged-out"]
    reason: str
    status_for_s: float
    state: str
    state_for_s: float
    standing: str
    at: str
    call: str
    queue: str
    queues: list[str]
    skills: dict[str, int]
    calls: int
    talk_s: float
    watched_by: list[str]


class Agents(msgspec.Struct, frozen=True, kw_only=True):
    agents: list[AgentView]


class AgentFact(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an agent's log. Times are UTC, milliseconds since 1970."""

    number: int
    at_ms: int
    what: str
    text: str
    call: str = ""
    queue: str = ""


class AgentLog(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent did between two times."""

    agent: str
    facts: list[AgentFact]
    next: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It is done, and there is nothing else to say."""


class Blacklisted(msgspec.Struct, frozen=True, kw_only=True):
    configured: list[str]
    added: dict[str, str]


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


class SwitchroomPbxRpcMethodsCallsMessages(msgspec.Struct, frozen=True, kw_only=True):
    messages: list[TracedMessage]


class LegId(msgspec.Struct, frozen=True, kw_only=True):
    leg: str


class Cdrs(msgspec.Struct, frozen=True, kw_only=True):
    cdrs: list[Any]


class PartyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One party of a conference."""

    leg: str
    call: str
    party: str
    moderator: bool = False
    muted: bool
    speaking: bool
    for_s: float


class ConferenceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A conference that somebody is in."""

    conference: str
    locked: bool
    waiting: bool = False
    recording: str = ""
    for_s: float
    parties: list[PartyInfo]


class InvitedCall(msgspec.Struct, frozen=True, kw_only=True):
    call: str


class ConferenceList(msgspec.Struct, frozen=True, kw_only=True):
    conferences: list[ConferenceInfo]


class RecordingId(msgspec.Struct, frozen=True, kw_only=True):
    recording: str


class RoomInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A conference room of the configuration."""

    conference: str
    number: str
    pin: bool
    moderator_pin: bool
    moderators: list[str]
    max_parties: int


class RoomList(msgspec.Struct, frozen=True, kw_only=True):
    rooms: list[RoomInfo]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One key; secrets are not shown, only that they changed."""

    key: str
    before: str
    after: str
    live: bool


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    changes: list[Change]
    needs_restart: list[str]


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a user's forwarding."""

    on: Literal["always", "busy", "no-answer", "unregistered"]
    to: str
    when: str = ""


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a user can set for himself, by configuration, dial code or JSON-RPC."""

    forward: list[Forward] = msgspec.field(default_factory=list)
    dnd: bool = False
    call_waiting: bool = True
    find_me: list[str] = msgspec.field(default_factory=list)
    find_me_mode: Literal["at-once", "in-turn", "off"] = "in-turn"
    find_me_confirm: bool = True
    mobile: str = ""
    ring_s: float = 0.0
    language: Literal["", "en", "zh"] = ""


class DeskChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a desk differs from the configuration: only what is set."""

    forward: list[Forward] | None = None
    dnd: bool | None = None
    call_waiting: bool | None = None
    find_me: list[str] | None = None
    find_me_mode: Literal["at-once", "in-turn", "off"] | None = None
    find_me_confirm: bool | None = None
    mobile: str | None = None
    ring_s: float | None = None
    language: Literal["", "en", "zh"] | None = None
    pin: str | None = None


class DeskState(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    desk: Desk
    changed: DeskChange
    phone: str


class Reroute(msgspec.Struct, frozen=True, kw_only=True):
    """Where calls to a number go; it survives a restart."""

    to: str
    context: str = "default"


class Rerouted(msgspec.Struct, frozen=True, kw_only=True):
    rerouted: dict[str, Reroute]


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


class HoursState(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    on: bool
    switched: Literal["auto", "off", "on"]


class AllHours(msgspec.Struct, frozen=True, kw_only=True):
    hours: list[HoursState]


class Description(msgspec.Struct, frozen=True, kw_only=True):
    description: str


class Playing(msgspec.Struct, frozen=True, kw_only=True):
    play: int


class LegFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The media plane's figures of one leg."""

    leg: str
    figures: dict[str, Any]


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


class ParkedCall(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    call: str
    caller: str
    by: str
    for_s: float


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    parked: list[ParkedCall]


class PromptPlace(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    language: Literal["en", "zh"]


class SwitchroomPbxRpcMethodsFlowsRecordings(msgspec.Struct, frozen=True, kw_only=True):
    """The names of recorded prompts, each with the languages that it has."""

    prompts: dict[str, list[Literal["en", "zh"]]]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of waiting with one reason. Times are UTC, milliseconds since 1970."""

    from_ms: int
    to_ms: int
    queue: str
    reason: str
    text: str
    agents: list[str] = msgspec.field(default_factory=list)
    counts: dict[str, int] = msgspec.field(default_factory=dict)


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One offer, with everybody who was passed over and why."""

    at_ms: int
    queue: str
    agents: list[str]
    rule: str
    passed: dict[str, str]
    outcomes: dict[str, str]


class WaitStory(msgspec.Struct, frozen=True, kw_only=True):
    """All stays of one call in queues."""

    call: str
    waited_ms: int
    ended: str
    agent: str
    intervals: list[Interval]
    decisions: list[Decided]


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """One queue now."""

    name: str
    title: str
    open: bool
    strategy: str
    waiting: int
    talking: int
    agents: dict[str, int]
    longest_wait_s: float
    estimate_s: float | None
    service_level: float
    max_waiting: int
    max_calls: int


class Queues(msgspec.Struct, frozen=True, kw_only=True):
    queues: list[QueueView]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    queue: str
    settings: dict[str, Any]


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    """One caller who is not talking yet, in the order in which they go."""

    call: str
    caller: str
    queue: str
    priority: int
    waited_s: float
    skills: dict[str, int]
    offered_to: list[str]
    agent: str
    callback: bool


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    waiting: list[WaitingView]


class StoredRecording(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one recording, as the journal told it."""

    recording: str
    call: str = ""
    leg: str = ""
    party: str = ""
    label: str = ""
    path: str = ""
    state: Literal["ended", "paused", "recording"] = "recording"
    stereo: bool = False
    started_at_ms: int = 0
    ended_at_ms: int = 0
    before_ms: int = 0
    duration_ms: int = 0
    paused_ms: int = 0
    lost_ms: int = 0
    size_bytes: int = 0
    sha256: str = ""
    error: str = ""
    repaired: bool = False


class SwitchroomPbxRpcMethodsAudioRecordings(msgspec.Struct, frozen=True, kw_only=True):
    recordings: list[StoredRecording]


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


class AgentCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. The times from `ready_ms` on are what `logged_in_ms` was spent on, with talk, hold and wr"""

    ratings: int = 0
    rating_score: int = 0
    reviews: int = 0
    review_score: int = 0
    offered: int = 0
    answered: int = 0
    received: int = 0
    missed: int = 0
    transferred: int = 0
    dialled: int = 0
    dialled_answered: int = 0
    logins: int = 0
    logged_in_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    ready_ms: int = 0
    ringing_ms: int = 0
    break_ms: int = 0
    busy_ms: int = 0
    away_ms: int = 0
    scheduled_ms: int = 0
    adherent_ms: int = 0


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One agent in one interval."""

    agent: str
    since_ms: int
    counts: AgentCounts
    kpis: dict[str, float | None]


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    """Agents by interval, and each over the whole time."""

    rows: list[AgentRow]
    totals: list[AgentRow]
    attendance: float | None


class CallCounts(msgspec.Struct, frozen=True, kw_only=True):
    """All calls of the exchange, by when they began; those of callers who ask again, by their number."""

    calls: int = 0
    answered: int = 0
    lost: int = 0
    talk_ms: int = 0
    longest_talk_ms: int = 0
    callers: int = 0
    repeated: int = 0
    contacts: int = 0
    followed: int = 0


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """All calls of one interval."""

    since_ms: int
    counts: CallCounts
    kpis: dict[str, float | None]


class TrunkCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk, or other peer."""

    offered: int = 0
    blocked: int = 0
    answered: int = 0
    talk_ms: int = 0


class TrunkRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk in one interval."""

    trunk: str
    since_ms: int
    counts: TrunkCounts
    kpis: dict[str, float | None]


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """Calls and trunks by interval."""

    rows: list[CallRow]
    hours: list[CallRow]
    trunks: list[TrunkRow]
    total: CallRow


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    id: str
    name: str
    chinese: str
    formula: str
    unit: Literal["ms", "per-hour", "score", "share"]
    of: list[Literal["agent", "calls", "queue", "trunk"]]
    version: int = 1


class KpiList(msgspec.Struct, frozen=True, kw_only=True):
    kpis: list[Kpi]


class QueueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. A, O, Ab and T are those of the KPI table."""

    ratings: int = 0
    rating_score: int = 0
    reviews: int = 0
    review_score: int = 0
    offered: int = 0
    refused: int = 0
    queued: int = 0
    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    abandoned_in_time: int = 0
    left: int = 0
    wait_ms: int = 0
    longest_wait_ms: int = 0
    abandon_wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    completed: int = 0
    transferred: int = 0


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One queue in one interval; `since_ms` is its beginning."""

    queue: str
    since_ms: int
    counts: QueueCounts
    kpis: dict[str, float | None]


class QueueReport(msgspec.Struct, frozen=True, kw_only=True):
    """Queues by interval, and each over the whole time."""

    rows: list[QueueRow]
    totals: list[QueueRow]


class Whoami(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    role: str
    user: str
    rights: list[str]


class BanInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is not heard."""

    source: str
    reason: str
    since_ms: int
    until_ms: int | None
    times: int


class Bans(msgspec.Struct, frozen=True, kw_only=True):
    bans: list[BanInfo]
    total: int


class Unbanned(msgspec.Struct, frozen=True, kw_only=True):
    lifted: bool


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


class TrunkFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk; a limit of 0 is none."""

    name: str
    up: bool
    channels: int
    used: int
    blocked: int
    failed: int


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
    trunks: list[TrunkFigures] = msgspec.field(default_factory=list)


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One that TLS listeners show."""

    file: str
    names: list[str]
    issuer: str
    not_after_ms: int
    sha256: str


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    certificates: list[Certificate]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One carrier in the explanation of a route."""

    trunk: str
    verdict: Literal["cannot", "first", "next", "not at this time", "not for this number"]
    cost: float = 0.0
    reason: str = ""


class RouteExplained(msgspec.Struct, frozen=True, kw_only=True):
    carriers: list[Candidate]


class TrunkTarget(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    state: Literal["down", "unknown", "up"]


class TrunkState(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of 0 are none."""

    name: str
    gateway: str
    enabled: bool
    registered: bool
    health: Literal["down", "unknown", "up"]
    why_not: str
    targets: list[TrunkTarget]
    channels: int
    channels_in: int
    channels_out: int
    calls_per_second: float
    used_in: int
    used_out: int
    peak: int
    blocked_in: int
    blocked_out: int
    failed: int


class AllTrunks(msgspec.Struct, frozen=True, kw_only=True):
    trunks: list[TrunkState]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    id: str
    box: str
    caller: str
    caller_name: str = ""
    at_ms: int = 0
    duration_ms: int = 0
    state: Literal["new", "recording", "saved"] = "recording"
    forwarded_by: str = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What the lamp shows: messages not heard yet, and those that were."""

    new: int = 0
    saved: int = 0


class SwitchroomPbxRpcMethodsVoicemailMessages(msgspec.Struct, frozen=True, kw_only=True):
    messages: list[Message]
    counts: Counts


class QueueFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One queue."""

    ratings: int = 0
    rating_score: int = 0
    reviews: int = 0
    review_score: int = 0
    offered: int = 0
    refused: int = 0
    queued: int = 0
    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    abandoned_in_time: int = 0
    left: int = 0
    wait_ms: int = 0
    longest_wait_ms: int = 0
    abandon_wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    completed: int = 0
    transferred: int = 0
    queue: str
    waiting: int = 0
    talking: int = 0


class AgentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One agent."""

    ratings: int = 0
    rating_score: int = 0
    reviews: int = 0
    review_score: int = 0
    offered: int = 0
    answered: int = 0
    received: int = 0
    missed: int = 0
    transferred: int = 0
    dialled: int = 0
    dialled_answered: int = 0
    logins: int = 0
    logged_in_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    ready_ms: int = 0
    ringing_ms: int = 0
    break_ms: int = 0
    busy_ms: int = 0
    away_ms: int = 0
    scheduled_ms: int = 0
    adherent_ms: int = 0
    agent: str
    status: Literal["available", "break", "logged-out"] = "logged-out"
    reason: str = ""
    status_since_ms: int = 0
    state: Literal["busy", "idle", "offered", "paused", "talking", "wrap-up"] = "idle"
    state_since_ms: int = 0
    call: str = ""
    queue: str = ""
    reachable: bool = True


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All figures as they are after a number of the journal; what follows it are the changes."""

    number: int
    queues: list[QueueFigures]
    service_levels: dict[str, float | None]
    agents: list[AgentFigures]


class Client(Connection):
    """All methods of the exchange."""

    async def agents_explain(self, *, agent: str) -> Why:
        """agents.explain"""
        return await self.call("agents.explain", {"agent": agent}, Why)

    async def agents_list(self) -> Agents:
        """agents.list"""
        return await self.call("agents.list", {}, Agents)

    async def agents_log(
        self, *, agent: str, since_ms: int, until_ms: int, after: int | None = None, limit: int | None = None
    ) -> AgentLog:
        """agents.log"""
        return await self.call(
            "agents.log",
            {"agent": agent, "since_ms": since_ms, "until_ms": until_ms, "after": after, "limit": limit},
            AgentLog,
        )

    async def agents_set_skills(self, *, agent: str, skills: dict[str, int]) -> Done:
        """agents.set_skills"""
        return await self.call("agents.set_skills", {"agent": agent, "skills": skills}, Done)

    async def agents_set_status(
        self,
        *,
        agent: str,
        status: Literal["available", "break", "logged-out"],
        reason: str | None = None,
        at: str | None = None,
    ) -> Done:
        """agents.set_status"""
        return await self.call(
            "agents.set_status", {"agent": agent, "status": status, "reason": reason, "at": at}, Done
        )

    async def agents_wrap_up(self, *, agent: str, code: str | None = None) -> Done:
        """agents.wrap_up"""
        return await self.call("agents.wrap_up", {"agent": agent, "code": code}, Done)

    async def blacklist_add(self, *, number: str, reason: str | None = None) -> Done:
        """blacklist.add"""
        return await self.call("blacklist.add", {"number": number, "reason": reason}, Done)

    async def blacklist_list(self) -> Blacklisted:
        """blacklist.list"""
        return await self.call("blacklist.list", {}, Blacklisted)

    async def blacklist_remove(self, *, number: str) -> Done:
        """blacklist.remove"""
        return await self.call("blacklist.remove", {"number": number}, Done)

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

    async def calls_traced(self, *, sip_call_id: str) -> SwitchroomPbxRpcMethodsCallsMessages:
        """calls.traced"""
        return await self.call("calls.traced", {"sip_call_id": sip_call_id}, SwitchroomPbxRpcMethodsCallsMessages)

    async def calls_transfer(self, *, leg: str, to: str | None = None, consulted: str | None = None) -> LegId:
        """calls.transfer"""
        return await self.call("calls.transfer", {"leg": leg, "to": to, "consulted": consulted}, LegId)

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

    async def conference_end(self, *, conference: str) -> Done:
        """conference.end"""
        return await self.call("conference.end", {"conference": conference}, Done)

    async def conference_get(self, *, conference: str) -> ConferenceInfo:
        """conference.get"""
        return await self.call("conference.get", {"conference": conference}, ConferenceInfo)

    async def conference_invite(
        self, *, conference: str, to: str, context: str | None = None, moderator: bool | None = None
    ) -> InvitedCall:
        """conference.invite"""
        return await self.call(
            "conference.invite",
            {"conference": conference, "to": to, "context": context, "moderator": moderator},
            InvitedCall,
        )

    async def conference_kick(self, *, conference: str, leg: str) -> Done:
        """conference.kick"""
        return await self.call("conference.kick", {"conference": conference, "leg": leg}, Done)

    async def conference_list(self) -> ConferenceList:
        """conference.list"""
        return await self.call("conference.list", {}, ConferenceList)

    async def conference_lock(self, *, conference: str, on: bool | None = None) -> Done:
        """conference.lock"""
        return await self.call("conference.lock", {"conference": conference, "on": on}, Done)

    async def conference_mute(self, *, conference: str, leg: str, on: bool | None = None) -> Done:
        """conference.mute"""
        return await self.call("conference.mute", {"conference": conference, "leg": leg, "on": on}, Done)

    async def conference_mute_all(self, *, conference: str, on: bool | None = None) -> Done:
        """conference.mute_all"""
        return await self.call("conference.mute_all", {"conference": conference, "on": on}, Done)

    async def conference_record(self, *, conference: str, on: bool | None = None) -> RecordingId:
        """conference.record"""
        return await self.call("conference.record", {"conference": conference, "on": on}, RecordingId)

    async def conference_rooms(self) -> RoomList:
        """conference.rooms"""
        return await self.call("conference.rooms", {}, RoomList)

    async def config_diff(self) -> Changes:
        """config.diff"""
        return await self.call("config.diff", {}, Changes)

    async def config_reload(self, *, dry_run: bool | None = None) -> Changes:
        """config.reload"""
        return await self.call("config.reload", {"dry_run": dry_run}, Changes)

    async def desks_get(self, *, user: str) -> DeskState:
        """desks.get"""
        return await self.call("desks.get", {"user": user}, DeskState)

    async def desks_reset(self, *, user: str) -> DeskState:
        """desks.reset"""
        return await self.call("desks.reset", {"user": user}, DeskState)

    async def desks_set(self, *, user: str, set: DeskChange) -> DeskState:
        """desks.set"""
        return await self.call("desks.set", {"user": user, "set": set}, DeskState)

    async def desks_sit(self, *, user: str, phone: str) -> DeskState:
        """desks.sit"""
        return await self.call("desks.sit", {"user": user, "phone": phone}, DeskState)

    async def did_list(self) -> Rerouted:
        """did.list"""
        return await self.call("did.list", {}, Rerouted)

    async def did_reroute(self, *, number: str, to: str | None = None, context: str | None = None) -> Done:
        """did.reroute"""
        return await self.call("did.reroute", {"number": number, "to": to, "context": context}, Done)

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

    async def hours_list(self) -> AllHours:
        """hours.list"""
        return await self.call("hours.list", {}, AllHours)

    async def hours_set(self, *, name: str, state: Literal["auto", "off", "on"]) -> HoursState:
        """hours.set"""
        return await self.call("hours.set", {"name": name, "state": state}, HoursState)

    async def leg_change_play(
        self, *, leg: str, what: Literal["by", "pause", "resume", "stop", "to"], seconds: float | None = None
    ) -> Done:
        """leg.change_play"""
        return await self.call("leg.change_play", {"leg": leg, "what": what, "seconds": seconds}, Done)

    async def leg_describe(self, *, leg: str) -> Description:
        """leg.describe"""
        return await self.call("leg.describe", {"leg": leg}, Description)

    async def leg_play(
        self, *, leg: str, sounds: list[str], loop: bool | None = None, volume: float | None = None
    ) -> Playing:
        """leg.play"""
        return await self.call("leg.play", {"leg": leg, "sounds": sounds, "loop": loop, "volume": volume}, Playing)

    async def leg_stats(self, *, leg: str) -> LegFigures:
        """leg.stats"""
        return await self.call("leg.stats", {"leg": leg}, LegFigures)

    async def leg_tap(
        self, *, listener: str, leg: str, mode: Literal["barge", "listen", "whisper"] | None = None
    ) -> Done:
        """leg.tap"""
        return await self.call("leg.tap", {"listener": listener, "leg": leg, "mode": mode}, Done)

    async def leg_untap(self, *, listener: str) -> Done:
        """leg.untap"""
        return await self.call("leg.untap", {"listener": listener}, Done)

    async def media_close_found(self, *, tag: str | None = None) -> FoundSessions:
        """media.close_found"""
        return await self.call("media.close_found", {"tag": tag}, FoundSessions)

    async def media_found(self) -> FoundSessions:
        """media.found"""
        return await self.call("media.found", {}, FoundSessions)

    async def parking_list(self) -> Parked:
        """parking.list"""
        return await self.call("parking.list", {}, Parked)

    async def prompts_delete(self, *, name: str, language: Literal["en", "zh"]) -> PromptPlace:
        """prompts.delete"""
        return await self.call("prompts.delete", {"name": name, "language": language}, PromptPlace)

    async def prompts_list(self) -> SwitchroomPbxRpcMethodsFlowsRecordings:
        """prompts.list"""
        return await self.call("prompts.list", {}, SwitchroomPbxRpcMethodsFlowsRecordings)

    async def prompts_put(self, *, name: str, language: Literal["en", "zh"], audio: str) -> PromptPlace:
        """prompts.put"""
        return await self.call("prompts.put", {"name": name, "language": language, "audio": audio}, PromptPlace)

    async def queues_assign(self, *, call: str, agent: str) -> Done:
        """queues.assign"""
        return await self.call("queues.assign", {"call": call, "agent": agent}, Done)

    async def queues_cancel_callback(self, *, call: str) -> Done:
        """queues.cancel_callback"""
        return await self.call("queues.cancel_callback", {"call": call}, Done)

    async def queues_explain(self, *, call: str) -> WaitStory:
        """queues.explain"""
        return await self.call("queues.explain", {"call": call}, WaitStory)

    async def queues_list(self) -> Queues:
        """queues.list"""
        return await self.call("queues.list", {}, Queues)

    async def queues_move(self, *, call: str, queue: str) -> Done:
        """queues.move"""
        return await self.call("queues.move", {"call": call, "queue": queue}, Done)

    async def queues_prioritise(self, *, call: str, priority: int) -> Done:
        """queues.prioritise"""
        return await self.call("queues.prioritise", {"call": call, "priority": priority}, Done)

    async def queues_set(self, *, queue: str, changes: dict[str, Any]) -> Settings:
        """queues.set"""
        return await self.call("queues.set", {"queue": queue, "changes": changes}, Settings)

    async def queues_waiting(self, *, queue: str | None = None, limit: int | None = None) -> Waiting:
        """queues.waiting"""
        return await self.call("queues.waiting", {"queue": queue, "limit": limit}, Waiting)

    async def recording_list(
        self,
        *,
        recording: str | None = None,
        call: str | None = None,
        party: str | None = None,
        label: str | None = None,
        state: Literal["ended", "paused", "recording"] | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> SwitchroomPbxRpcMethodsAudioRecordings:
        """recording.list"""
        return await self.call(
            "recording.list",
            {
                "recording": recording,
                "call": call,
                "party": party,
                "label": label,
                "state": state,
                "since_ms": since_ms,
                "until_ms": until_ms,
                "limit": limit,
                "offset": offset,
            },
            SwitchroomPbxRpcMethodsAudioRecordings,
        )

    async def recording_pause(self, *, recording: str) -> Done:
        """recording.pause"""
        return await self.call("recording.pause", {"recording": recording}, Done)

    async def recording_resume(self, *, recording: str) -> Done:
        """recording.resume"""
        return await self.call("recording.resume", {"recording": recording}, Done)

    async def recording_start(self, *, leg: str, label: str | None = None, stereo: bool | None = None) -> RecordingId:
        """recording.start"""
        return await self.call("recording.start", {"leg": leg, "label": label, "stereo": stereo}, RecordingId)

    async def recording_stop(self, *, recording: str) -> Done:
        """recording.stop"""
        return await self.call("recording.stop", {"recording": recording}, Done)

    async def registrations_list(
        self, *, user: str | None = None, limit: int | None = None, offset: int | None = None
    ) -> Registrations:
        """registrations.list"""
        return await self.call("registrations.list", {"user": user, "limit": limit, "offset": offset}, Registrations)

    async def reports_agents(
        self,
        *,
        since_ms: int,
        until_ms: int,
        interval: Literal["all", "day", "hour", "quarter"] | None = None,
        offset_minutes: int | None = None,
        agent: str | None = None,
        shifts: dict[str, list[list[Any]]] | None = None,
    ) -> AgentReport:
        """reports.agents"""
        return await self.call(
            "reports.agents",
            {
                "since_ms": since_ms,
                "until_ms": until_ms,
                "interval": interval,
                "offset_minutes": offset_minutes,
                "agent": agent,
                "shifts": shifts,
            },
            AgentReport,
        )

    async def reports_calls(
        self,
        *,
        since_ms: int,
        until_ms: int,
        interval: Literal["all", "day", "hour", "quarter"] | None = None,
        offset_minutes: int | None = None,
    ) -> CallReport:
        """reports.calls"""
        return await self.call(
            "reports.calls",
            {"since_ms": since_ms, "until_ms": until_ms, "interval": interval, "offset_minutes": offset_minutes},
            CallReport,
        )

    async def reports_kpis(self) -> KpiList:
        """reports.kpis"""
        return await self.call("reports.kpis", {}, KpiList)

    async def reports_queues(
        self,
        *,
        since_ms: int,
        until_ms: int,
        interval: Literal["all", "day", "hour", "quarter"] | None = None,
        offset_minutes: int | None = None,
        queue: str | None = None,
    ) -> QueueReport:
        """reports.queues"""
        return await self.call(
            "reports.queues",
            {
                "since_ms": since_ms,
                "until_ms": until_ms,
                "interval": interval,
                "offset_minutes": offset_minutes,
                "queue": queue,
            },
            QueueReport,
        )

    async def rpc_whoami(self) -> Whoami:
        """Who the token is, and what it may do."""
        return await self.call("rpc.whoami", {}, Whoami)

    async def security_ban(self, *, source: str, reason: str | None = None, for_s: float | None = None) -> BanInfo:
        """security.ban"""
        return await self.call("security.ban", {"source": source, "reason": reason, "for_s": for_s}, BanInfo)

    async def security_bans(self, *, limit: int | None = None, offset: int | None = None) -> Bans:
        """security.bans"""
        return await self.call("security.bans", {"limit": limit, "offset": offset}, Bans)

    async def security_unban(self, *, source: str) -> Unbanned:
        """security.unban"""
        return await self.call("security.unban", {"source": source}, Unbanned)

    async def supervisor_leave(self, *, supervisor: str | None = None) -> Done:
        """supervisor.leave"""
        return await self.call("supervisor.leave", {"supervisor": supervisor}, Done)

    async def supervisor_pick(self, *, call: str, supervisor: str | None = None) -> Done:
        """supervisor.pick"""
        return await self.call("supervisor.pick", {"call": call, "supervisor": supervisor}, Done)

    async def supervisor_take_over(self, *, supervisor: str | None = None) -> Done:
        """supervisor.take_over"""
        return await self.call("supervisor.take_over", {"supervisor": supervisor}, Done)

    async def supervisor_watch(
        self, *, agent: str, mode: Literal["barge", "listen", "whisper"] | None = None, supervisor: str | None = None
    ) -> Done:
        """supervisor.watch"""
        return await self.call("supervisor.watch", {"agent": agent, "mode": mode, "supervisor": supervisor}, Done)

    async def system_status(self) -> Status:
        """system.status"""
        return await self.call("system.status", {}, Status)

    async def tls_certificates(self) -> Certificates:
        """tls.certificates"""
        return await self.call("tls.certificates", {}, Certificates)

    async def tls_reload(self) -> Certificates:
        """tls.reload"""
        return await self.call("tls.reload", {}, Certificates)

    async def trunks_explain(self, *, route: str, number: str) -> RouteExplained:
        """trunks.explain"""
        return await self.call("trunks.explain", {"route": route, "number": number}, RouteExplained)

    async def trunks_list(self) -> AllTrunks:
        """trunks.list"""
        return await self.call("trunks.list", {}, AllTrunks)

    async def trunks_set(
        self,
        *,
        trunk: str,
        channels: int | None = None,
        channels_in: int | None = None,
        channels_out: int | None = None,
        calls_per_second: float | None = None,
        enabled: bool | None = None,
    ) -> TrunkState:
        """trunks.set"""
        return await self.call(
            "trunks.set",
            {
                "trunk": trunk,
                "channels": channels,
                "channels_in": channels_in,
                "channels_out": channels_out,
                "calls_per_second": calls_per_second,
                "enabled": enabled,
            },
            TrunkState,
        )

    async def voicemail_delete(self, *, message: str) -> Done:
        """voicemail.delete"""
        return await self.call("voicemail.delete", {"message": message}, Done)

    async def voicemail_get(self, *, message: str) -> Message:
        """voicemail.get"""
        return await self.call("voicemail.get", {"message": message}, Message)

    async def voicemail_list(self, *, box: str) -> SwitchroomPbxRpcMethodsVoicemailMessages:
        """voicemail.list"""
        return await self.call("voicemail.list", {"box": box}, SwitchroomPbxRpcMethodsVoicemailMessages)

    async def voicemail_mark(self, *, message: str, state: Literal["new", "saved"]) -> Message:
        """voicemail.mark"""
        return await self.call("voicemail.mark", {"message": message, "state": state}, Message)

    async def wallboard_snapshot(self) -> Snapshot:
        """wallboard.snapshot"""
        return await self.call("wallboard.snapshot", {}, Snapshot)
