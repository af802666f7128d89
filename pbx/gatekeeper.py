# SPDX-License-Identifier: Apache-2.0
"""Who is calling: a peer by its address, a user by digest; and the REGISTER of users."""

import secrets
import time
from collections.abc import Callable, Mapping

import msgspec

from switchroom.pbx.config import Config, User
from switchroom.pbx.control import Party
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.registrar import IntervalTooBrief, Registrar
from switchroom.pbx.security.guard import Guard
from switchroom.pbx.sip import identity
from switchroom.pbx.sip.auth import Accepted, Algorithm, Challenged, DigestServer, ha1
from switchroom.pbx.sip.errors import ParseError, SipError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Headers, Request, Response
from switchroom.pbx.sip.transaction import TERMINATED, Transaction
from switchroom.pbx.sip.uri import parse_uri

FLOW_TIMER_S = 120
"""How often a phone shows that its connection stands: often enough for NATs, seldom enough for batteries."""


class Caller(msgspec.Struct, frozen=True):
    """Somebody who may call. `user` is empty for peers."""

    party: Party
    context: str
    user: str = ""
    peer: str = ""
    max_calls: int = 0
    """0: as [limits] says for users, no limit for peers."""
    private: bool = False
    """Its number is to be kept from whom it calls."""
    diverted_by: tuple[str, ...] = ()
    """Who sent the call on before it came here, the last one first."""

    @property
    def account(self) -> str:
        """Whose calls are counted together."""
        return f"user {self.user}" if self.user else f"peer {self.peer}"


class Refusal(msgspec.Struct, frozen=True):
    """Why somebody may not, as a response."""

    status: int
    headers: Headers
    delay_s: float = 0.0
    """To be held back for so long: the source guesses."""


class Gatekeeper:
    """Knows users and peers. `clock` is the event loop's; `later(seconds, function, *arguments)` too."""

    def __init__(
        self,
        config: Config,
        registrar: Registrar,
        clock: Callable[[], float],
        guard: Guard,
        later: Callable[..., object],
    ) -> None:
        self.guard = guard
        self._later = later
        self._users = {user.name: user for user in config.users}
        self.peers = PeerTable(config.known_addresses)
        self._by_name = {peer.name: peer for peer in config.known_addresses}
        self.learned: Mapping[str, str] = {}
        """Addresses beside those of the configuration, and the name of the trunk that they belong to."""
        self._registrar = registrar
        self._realm = config.sip.realm
        self.sitting_at: Callable[[str], str] = lambda phone: phone
        """Who sits at the phone that registers as a user (hot desking)."""
        self._ha1: dict[tuple[str, Algorithm], str | None] = {}
        self._digest = DigestServer(
            config.sip.realm,
            secrets.token_bytes(32),
            self._secret_of,
            clock,
            algorithms=config.sip.digest,
            nonce_lifetime_s=config.sip.nonce_lifetime_s,
            md5_only=config.sip.md5_only,
        )

    def apply(self, config: Config) -> None:
        """New users and peers."""
        self._users = {user.name: user for user in config.users}
        self.peers = PeerTable(config.known_addresses)
        self._by_name = {peer.name: peer for peer in config.known_addresses}
        self._ha1.clear()

    def identify(self, request: Request, flow: Flow) -> Caller | Refusal:
        """Whose call this is."""
        peer = self.peers.find(flow.remote[0]) or self._by_name.get(self.learned.get(flow.remote[0], ""))
        if peer is not None:
            told = identity.read(request, peer.trusted)
            return Caller(
                Party(told.number, told.name), peer.context, peer=peer.name, max_calls=peer.max_calls,
                private=told.private, diverted_by=told.diverted_by,
            )  # fmt: skip
        verdict = self._digest.check(request, flow.remote[0], proxy=True)
        if isinstance(verdict, Challenged):
            return self._refusal(verdict, request, flow)
        user = self._accepted(verdict, flow)
        if user is None:
            return Refusal(403, {})
        user = self._users[self.sitting_at(user.name)]
        return Caller(
            Party(user.name, user.display_name), user.context, user.name, max_calls=user.max_calls,
            private=identity.wants_privacy(request),
        )  # fmt: skip

    def is_peer(self, host: str) -> bool:
        """Whether an address is a peer's."""
        return self.peers.find(host) is not None

    def on_register(self, request: Request, transaction: Transaction, flow: Flow) -> None:
        """Serve a REGISTER (section 10.3); users register themselves only."""
        answer = self._register(request, flow)
        response = request.response(answer.status, to_tag=secrets.token_hex(8))
        response.headers.update(answer.headers)
        if answer.delay_s:
            self._later(answer.delay_s, _respond_if_open, transaction, response)
        else:
            transaction.respond(response)

    def _register(self, request: Request, flow: Flow) -> Refusal:
        verdict = self._digest.check(request, flow.remote[0])
        if not isinstance(verdict, Accepted):
            return self._refusal(verdict, request, flow)
        if self._accepted(verdict, flow) is None:
            return Refusal(403, {})
        return Refusal(*self._bind(verdict, request, flow))

    def _refusal(self, verdict: Challenged, request: Request, flow: Flow) -> Refusal:
        """The challenge, held back where the source has been guessing. It looks the same for every name."""
        host = flow.remote[0]
        if verdict.user is not None:
            self.guard.wrong(host, verdict.user)
        else:
            try:
                named = parse_uri(request.from_.uri).user
            except ParseError:
                named = None
            self.guard.challenged(host, named or "")
        return Refusal(verdict.status, verdict.headers, self.guard.delay_s(host))

    def _accepted(self, verdict: Accepted, flow: Flow) -> User | None:
        """The user, or None for one that may not come by this transport."""
        self.guard.accepted(flow.remote[0], verdict.user)
        user = self._users[verdict.user]
        return None if user.require_tls and flow.transport not in ("TLS", "WSS") else user

    def _bind(self, verdict: Accepted, request: Request, flow: Flow) -> tuple[int, Headers]:
        try:
            to = parse_uri(request.to.uri)
            if to.scheme not in ("sip", "sips"):
                return 400, {}
            if to.user != verdict.user:
                return 403, {}
            headers = self._registrar.register(verdict.user, request, flow)
        except IntervalTooBrief as error:
            return error.status, error.headers
        except (ParseError, SipError) as error:
            return error.status, {}
        supported = {"path"} & request.tokens("supported")
        if supported and "path" in request.headers:
            headers["path"] = request.headers["path"]
        if _by_outbound(request):
            headers["require"] = ["outbound"]
            if flow.reliable:
                headers["flow-timer"] = [str(FLOW_TIMER_S)]
        headers["date"] = [time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())]
        return 200, headers

    def _secret_of(self, name: str, algorithm: Algorithm) -> str | None:
        key = (name, algorithm)
        if name not in self._users:
            return None
        if key not in self._ha1:
            self._ha1[key] = _ha1_of(self._users[name], algorithm, self._realm)
        return self._ha1[key]


def _by_outbound(request: Request) -> bool:
    """Whether a phone registers one of its flows, and we are the first to see it (RFC 5626 section 6)."""
    if "outbound" not in request.tokens("supported") or len(request.all("via")) != 1:
        return False
    return any({"reg-id", "+sip.instance"} <= contact.params.keys() for contact in request.contacts())


def _ha1_of(user: User, algorithm: Algorithm, realm: str) -> str | None:
    if user.password:
        return ha1(algorithm, user.name, realm, user.password.reveal())
    given = user.ha1 if algorithm == "MD5" else user.ha1_sha256
    return given.reveal().lower() if given else None


def _respond_if_open(transaction: Transaction, response: Response) -> None:
    """A connection may have ended meanwhile, and the transaction with it."""
    if transaction.state != TERMINATED:
        transaction.respond(response)
