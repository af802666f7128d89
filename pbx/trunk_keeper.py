# SPDX-License-Identifier: Apache-2.0
"""Keeps trunks alive: asks their targets by OPTIONS whether they are there, and registers where a carrier wants that.

What is found out goes to `Trunks`, whose records are the alarms.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from switchroom.pbx.events import AnyRecord, TrunkDown, TrunkRegistered
from switchroom.pbx.io.stack import SipStack, Unreachable
from switchroom.pbx.sip.auth import DigestClient
from switchroom.pbx.sip.contact import contact
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr, parse_name_addr
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.transaction import TERMINATED, Transaction
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.trunks.config import Registration
from switchroom.pbx.trunks.targets import State, Target
from switchroom.pbx.trunks.trunk import Trunk
from switchroom.pbx.trunks.trunks import Trunks

PROBE_S = 4.0
"""Which is time for three OPTIONS over UDP; a target that says nothing to them is down."""
DOWN_S = 10.0
"""A target that is down is asked at least so often."""
REGISTER_S = 32.0
BACKOFF_S = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
MAX_LEARNED = 1000
MAX_CHALLENGES = 2
MAX_SERVICE_ROUTES = 8
LOST = "registration"


class _Answer:
    """Waits for the final response of a transaction; None: there was none."""

    def __init__(self) -> None:
        self.done: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

    def on_response(self, transaction: Transaction, response: Response) -> None:
        if response.status >= 200 and not self.done.done():
            self.done.set_result(response)

    def on_failure(self, transaction: Transaction, status: int) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def on_ack(self, transaction: Transaction, ack: Request) -> None:
        raise AssertionError("only an INVITE is acknowledged")


class TrunkKeeper:
    """One task for each target and each registration."""

    def __init__(self, stack: SipStack, trunks: Trunks, write: Callable[[AnyRecord], object]) -> None:
        self._stack, self._trunks, self._write = stack, trunks, write
        self._tasks: dict[tuple[str, object], asyncio.Task[None]] = {}

    def apply(self) -> None:
        """The trunks have changed."""
        wanted = dict(self._wanted())
        for key in [key for key in self._tasks if key not in wanted]:
            self._tasks.pop(key).cancel()
        for key, trunk in wanted.items():
            if key not in self._tasks:
                what = key[1]
                work = self._watch(trunk, what) if isinstance(what, Target) else self._register(trunk)
                self._tasks[key] = asyncio.get_running_loop().create_task(work)

    async def close(self) -> None:
        """Stop, and tell registrars that we are gone. Idempotent."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    # ---- within

    def _wanted(self) -> Iterator[tuple[tuple[str, object], Trunk]]:
        for trunk in self._trunks.by_name.values():
            if trunk.config.options_s:
                for target in trunk.targets.states:
                    yield (trunk.name, target), trunk
            if trunk.config.register is not None:
                yield (trunk.name, (trunk.config.register, trunk.config.username)), trunk

    async def _watch(self, trunk: Trunk, target: Target) -> None:
        while True:
            state, reason = await self._probe(trunk, target)
            self._trunks.found(trunk, target, state, reason)
            often_s = trunk.config.options_s
            await asyncio.sleep(min(often_s, DOWN_S) if state == "down" else often_s)

    async def _probe(self, trunk: Trunk, target: Target) -> tuple[State, str]:
        try:
            flow = await self._stack.resolve(target.uri)
        except Unreachable as error:
            return "down", str(error)
        self._learn(trunk, flow)
        host, port = self._stack.sent_by(flow)
        from_ = NameAddr("", f"sip:{host}:{port}", {})
        response = await self._ask("OPTIONS", target.uri, flow, from_, {"accept": ["application/sdp"]}, PROBE_S)
        if response is None:
            return "down", "no answer to OPTIONS"
        if response.status == 503:
            return "down", f"503 {response.reason}"
        return "up", ""

    async def _register(self, trunk: Trunk) -> None:
        """Register, and again at half of its life; after failures later and later."""
        registration = trunk.config.register
        assert registration is not None
        failures, number, call_id = 0, 0, self._stack.agent.ids.call_id()
        flow: Flow | None = None
        try:
            while True:
                number += MAX_CHALLENGES + 1
                try:
                    flow = await self._stack.resolve(registration.registrar)
                    self._learn(trunk, flow)
                    life_s = await self._registered(trunk, registration, flow, call_id, number, registration.expires_s)
                except (Unreachable, _Refused) as error:
                    pause_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                    failures += 1
                    if trunk.registered or failures == 1:
                        trunk.registered = False
                        self._write(TrunkDown(trunk=trunk.name, target=LOST, reason=str(error)))
                    await asyncio.sleep(pause_s * (0.75 + self._stack.agent.ids.below(500) / 1000))
                    continue
                failures = 0
                if not trunk.registered:
                    trunk.registered = True
                    self._write(TrunkRegistered(trunk=trunk.name, expires_s=round(life_s)))
                await asyncio.sleep(max(1.0, life_s / 2))
        finally:
            if trunk.registered and flow is not None:
                trunk.registered = False
                with contextlib.suppress(Exception, asyncio.CancelledError):
                    async with asyncio.timeout(1.0):
                        await self._registered(trunk, registration, flow, call_id, number + MAX_CHALLENGES + 1, 0)

    async def _registered(
        self, trunk: Trunk, registration: Registration, flow: Flow, call_id: str, number: int, expires_s: int
    ) -> float:
        """For how long the registrar has us. Raises _Refused."""
        who = NameAddr("", f"sip:{registration.user}@{registration.home}", {})
        host, port = self._stack.sent_by(flow)
        ours = contact(host, port, flow.transport, registration.user, registration.registrar.startswith("sips:"))
        digest = DigestClient(trunk.config.username, trunk.config.password.reveal(), self._stack.agent.ids.tag)
        more: Headers = {}
        for attempt in range(MAX_CHALLENGES + 1):
            headers: Headers = {
                "to": [str(who)], "call-id": [call_id], "cseq": [f"{number + attempt} REGISTER"],
                "contact": [ours], "expires": [str(expires_s)], **more,
            }  # fmt: skip
            response = await self._ask("REGISTER", registration.registrar, flow, who, headers, REGISTER_S)
            if response is None:
                raise _Refused("the registrar does not answer")
            if response.status < 300:
                trunk.service_route = _service_route(response)
                return _life_s(response, ours, expires_s)
            if response.status == 423 and (least := response.get("min-expires") or "").isdecimal():
                expires_s = int(least)
                continue
            answer = None
            if response.status in (401, 407) and trunk.config.username:
                answer = digest.respond(response, "REGISTER", registration.registrar)
            if answer is None:
                raise _Refused(f"{response.status} {response.reason}")
            more = answer
        raise _Refused("the registrar asks again and again")

    async def _ask(
        self, method: str, uri: str, flow: Flow, from_: NameAddr, headers: Headers, wait_s: float
    ) -> Response | None:
        user = _Answer()
        transaction = self._stack.agent.request(method, uri, flow, user, from_=from_, headers=headers)
        try:
            async with asyncio.timeout(wait_s):
                return await user.done
        except TimeoutError:
            if transaction.state != TERMINATED:
                transaction.abandon()
            return None

    def _learn(self, trunk: Trunk, flow: Flow) -> None:
        """What comes from where a name leads to is the trunk's."""
        if len(self._trunks.learned) < MAX_LEARNED:
            self._trunks.learned[flow.remote[0]] = trunk.name


class _Refused(Exception):
    """The registrar does not have us."""


def _service_route(response: Response) -> tuple[str, ...]:
    """The route set that the registrar gives (RFC 3608 section 5.1), wholly or, if any of it is wrong, not at all."""
    values = response.all("service-route")
    try:
        routed = all("lr" in parse_uri(parse_name_addr(value).uri).params for value in values)
    except ParseError:
        return ()
    return tuple(values) if routed and len(values) <= MAX_SERVICE_ROUTES else ()


def _life_s(response: Response, ours: str, asked_s: int) -> float:
    """How long our binding lives: as our Contact says, else Expires (RFC 3261 section 10.2.4)."""
    uri = ours.partition("<")[2].partition(">")[0] or ours
    with contextlib.suppress(ParseError, ValueError):
        for one in response.contacts():
            if one.uri == uri and (expires := one.params.get("expires")):
                return float(int(expires))
        if expires := response.get("expires"):
            return float(int(expires))
    return float(asked_s)
