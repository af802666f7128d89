# SPDX-License-Identifier: Apache-2.0
"""An exchange that only remembers what it was told, for tests of the operators' interface."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

from aiohttp.test_utils import TestClient

from switchroom.pbx.config import Token
from switchroom.pbx.config_values import Secret
from switchroom.pbx.control import CallError
from switchroom.pbx.events import OperatorCalled
from switchroom.pbx.journal import Journal
from switchroom.pbx.rpc.exchange import (
    BanInfo,
    CallInfo,
    Certificate,
    FoundSession,
    LegInfo,
    Registration,
    ShardFigures,
    Status,
    TracedMessage,
)
from switchroom.pbx.storage.base import CdrQuery

OPERATOR, OBSERVER = "operator-token", "observer-token"
TOKENS = (
    Token(name="ada", token=Secret(OPERATOR)),
    Token(name="bob", token=Secret(OBSERVER), role="observer"),
)
PHONE = Registration(
    user="1001", contact="sip:1001@192.0.2.1", transport="UDP", source="192.0.2.1:5060", expires_in_s=9
)
CALL = CallInfo(
    call="1-a",
    caller="1001",
    dialled="1002",
    started_at_ms=1_700_000_000_000,
    state="talking",
    legs=[LegInfo(leg="1-a/1", party="1001", direction="in", state="answered", codec="PCMU")],
)


Start = Callable[..., Awaitable[TestClient[Any, Any]]]


class FakeExchange:
    """One call, one registration; remembers what it is told to do."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.audio: Any = None
        self.hung_up: list[str] = []
        self.transferred: list[tuple[str, str, str]] = []
        self.originated: list[tuple[str, str, str, str]] = []
        self.queries: list[CdrQuery] = []
        self.subjects: list[str] = []
        self.fault: Exception | None = None

    def status(self) -> Status:
        if self.fault is not None:
            raise self.fault
        return Status(name="test", version="1.2.3", uptime_s=5.0, calls=1, media=[ShardFigures(open_legs=7)])

    def registrations(self, user: str | None = None) -> list[Registration]:
        return [PHONE] if user in (None, PHONE.user) else []

    def calls(self, call: str | None, offset: int, limit: int, describe: bool) -> tuple[list[CallInfo], int]:
        found = [CALL] if call in (None, CALL.call) else []
        return found[offset : offset + limit], len(found)

    async def originate(self, from_: str, to: str, *, context: str, caller: str, caller_name: str) -> str:
        if from_ != "1001":
            raise CallError(480, "Temporarily Unavailable", "unavailable")
        self.originated.append((from_, to, context, caller))
        return "2-b"

    def hangup(self, call: str) -> None:
        if call != CALL.call:
            raise CallError(481, "no such call")
        self.hung_up.append(call)

    def transfer(self, leg: str, to: str, consulted: str) -> None:
        if not leg.startswith(CALL.call):
            raise CallError(481, "no such leg")
        self.transferred.append((leg, to, consulted))

    async def cdrs(self, query: CdrQuery) -> list[bytes]:
        self.queries.append(query)
        return [b'{"call":"1-a"}']

    def trace(self, subject: str, on: bool) -> list[str]:
        (self.subjects.append if on else self.subjects.remove)(subject)
        return self.subjects

    def traced(self, sip_call_id: str) -> list[TracedMessage]:
        return [TracedMessage(at_ms=1, direction="<", flow="UDP", text=f"OPTIONS {sip_call_id}")]

    def found_sessions(self, close: str | None = None) -> list[FoundSession]:
        if close is not None:
            return []
        return [
            FoundSession(
                tag="c1 l1",
                port=16384,
                remote="192.0.2.1:4000",
                hears="relay",
                bridged=True,
                in_conference=False,
                recorded=False,
            )
        ]

    def certificates(self, reload: bool = False) -> list[Certificate]:
        if reload:
            raise CallError(500, "tls.crt: is no certificate in PEM")
        return [Certificate(file="tls.crt", names=("pbx.example",), issuer="CN=x", not_after_ms=1, sha256="00")]

    def bans(self) -> list[BanInfo]:
        return [BanInfo(source="192.0.2.7/32", reason="wrong password", since_ms=1, until_ms=None, times=2)]

    def ban(self, source: str, reason: str, for_s: float | None) -> BanInfo:
        if source == "192.0.2.9":
            raise CallError(403, "192.0.2.9/32 holds a peer or an allowed address")
        network = ip_network(source, strict=False)
        return BanInfo(source=str(network), reason=reason, since_ms=1, until_ms=None, times=1)

    def unban(self, source: str) -> bool:
        return str(ip_network(source)) == "192.0.2.7/32"

    def audit(self, record: OperatorCalled) -> None:
        self.journal.append(record)
