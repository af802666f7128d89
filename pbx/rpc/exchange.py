# SPDX-License-Identifier: Apache-2.0
"""What the operators' interface needs of an exchange, and the values that come back.

`pbx/operations.py` implements it over a running server, tests over nothing. Times of day are UTC, in milliseconds
since 1970.
"""

from typing import Literal, Protocol

import msgspec

from switchroom.ivr.shelf import Shelf
from switchroom.pbx.acd.floor import Floor
from switchroom.pbx.apps.blacklist import Blacklist
from switchroom.pbx.apps.desks import Desks
from switchroom.pbx.apps.parking import Lot
from switchroom.pbx.apps.reroutes import Reroutes
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.apps.switches import HandSwitches
from switchroom.pbx.apps.voicemail.boxes import Boxes
from switchroom.pbx.config_diff import Change
from switchroom.pbx.events import OperatorCalled
from switchroom.pbx.journal import Journal
from switchroom.pbx.reports.explanations import Explanations
from switchroom.pbx.reports.reports import Reports
from switchroom.pbx.rpc.audio import Audio
from switchroom.pbx.storage.base import CdrQuery
from switchroom.pbx.trunks.trunks import Trunks

CallState = Literal["ringing", "answered", "talking"]


class SipFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Messages since the start, and what there is now."""

    received: int = 0
    malformed: int = 0
    stray: int = 0
    overload: int = 0
    faults: int = 0
    transactions: int = 0
    sessions: int = 0


class FoundSession(msgspec.Struct, frozen=True, kw_only=True):
    """A media session of a former server, which talks on in the media process."""

    tag: str
    """Call and leg, as the former server's journal has them."""
    port: int
    remote: str
    hears: str
    bridged: bool
    in_conference: bool
    recorded: bool


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
    """New calls are refused, because the exchange is shutting down."""
    calls: int = 0
    legs: int = 0
    registrations: int = 0
    refused: dict[str, int] = {}
    """Calls refused since the start, by the limit that did it."""
    loop_late_ms: float = 0.0
    """How late the event loop comes to its timers: the measure of overload."""
    sip: SipFigures = SipFigures()
    media: list[ShardFigures] = []
    journal: JournalFigures = JournalFigures()
    cdrs_written: int = 0
    trunks: list[TrunkFigures] = []


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """One contact of a user."""

    user: str
    contact: str
    transport: str
    source: str
    """host:port from which it registered."""
    expires_in_s: int
    q: float = 1.0
    user_agent: str = ""
    behind_nat: bool = False


class BanInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is not heard."""

    source: str
    reason: str
    since_ms: int
    until_ms: int | None
    """None: until it is lifted."""
    times: int
    """The how manieth ban of this source."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One that TLS listeners show."""

    file: str
    names: tuple[str, ...]
    issuer: str
    not_after_ms: int
    sha256: str


class LegInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One party of a call that goes on."""

    leg: str
    party: str
    direction: Literal["in", "out"]
    state: str
    codec: str | None = None
    held: bool = False
    """The party has put us on hold."""
    talks_to: str | None = None
    """The leg it is joined to."""
    sip_call_id: str = ""
    describe: str = ""
    """Its audio in words; only when asked for."""


class CallInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A call that goes on."""

    call: str
    caller: str
    caller_name: str = ""
    dialled: str
    user: str = ""
    started_at_ms: int
    state: CallState
    legs: list[LegInfo]


class TracedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One SIP message of a trace."""

    at_ms: int
    direction: str
    """`<` received, `>` sent."""
    flow: str
    text: str


class Office(Protocol):
    """The applications of office phones."""

    desks: Desks
    boxes: Boxes
    routing: Routing
    lot: Lot
    blacklist: Blacklist
    switches: HandSwitches
    reroutes: Reroutes


class Exchange(Protocol):
    """A running exchange."""

    @property
    def journal(self) -> Journal: ...

    @property
    def floor(self) -> Floor:
        """The call centre: queues, agents, supervisors."""
        ...

    @property
    def explanations(self) -> Explanations:
        """Why callers waited, and what agents did."""
        ...

    @property
    def flows(self) -> Shelf:
        """The IVR's flows and prompts."""
        ...

    @property
    def office(self) -> Office:
        """What users set, leave and park."""
        ...

    @property
    def trunks(self) -> Trunks:
        """Lines to the outside."""
        ...

    def reload(self, dry_run: bool, by: str) -> list[Change]:
        """Read the configuration file again, and use it unless it is a dry run. Raises ConfigError, SwitchroomError."""
        ...

    @property
    def audio(self) -> Audio:
        """Conferences, recordings, legs."""
        ...

    @property
    def reports(self) -> Reports:
        """Figures of the past."""
        ...

    def status(self) -> Status: ...

    def registrations(self, user: str | None = None) -> list[Registration]:
        """Those of one user, or all."""
        ...

    def calls(self, call: str | None, offset: int, limit: int, describe: bool) -> tuple[list[CallInfo], int]:
        """One call, or a part of all, oldest first; and how many there are."""
        ...

    async def originate(self, from_: str, to: str, *, context: str, caller: str, caller_name: str) -> str:
        """Ring `from_`, and route it to `to` once it answers; returns the id of the call at once.

        `from_` is a user or a target, `to` a number of the dial plan's `context` or a target; `caller` and
        `caller_name` are shown to the called party, when given. Raises CallError.
        """
        ...

    def hangup(self, call: str) -> None:
        """End a call. Raises CallError (481) when there is none such."""
        ...

    def transfer(self, leg: str, to: str, consulted: str) -> None:
        """Have the partner of a leg put through to a number, or in the place of the leg that `consulted` names, as if
        the party of `leg` had asked for it. Raises CallError (481, 501)."""
        ...

    async def cdrs(self, query: CdrQuery) -> list[bytes]:
        """CDRs as JSON, newest first. Raises StoreError."""
        ...

    def trace(self, subject: str, on: bool) -> list[str]:
        """Trace a SIP Call-ID, user or number, or no longer; returns what is traced now. Raises CallError (503)."""
        ...

    def traced(self, sip_call_id: str) -> list[TracedMessage]:
        """What was kept of one SIP Call-ID."""
        ...

    def certificates(self, reload: bool = False) -> list[Certificate]:
        """Those in use, the default one first. `reload` reads the files again first; raises CallError (500)."""
        ...

    def found_sessions(self, close: str | None = None) -> list[FoundSession]:
        """Media sessions of a former server. `close`: first close those of a tag, or all (`*`)."""
        ...

    def bans(self) -> list[BanInfo]:
        """Sources that are not heard, the oldest ban first."""
        ...

    def ban(self, source: str, reason: str, for_s: float | None) -> BanInfo:
        """Ban an address or network; None: until it is lifted. Raises ValueError for no network, CallError (403)."""
        ...

    def unban(self, source: str) -> bool:
        """Lift a ban; False where there is none. Raises ValueError for what is no network."""
        ...

    def audit(self, record: OperatorCalled) -> None:
        """Write down that an operator changed something."""
        ...
