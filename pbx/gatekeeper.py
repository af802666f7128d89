# SPDX-License-Identifier: Apache-2.0
"""Who is calling: a peer by its address, a user by digest; and the REGISTER of users."""

import secrets
import time
from collections.abc import Callable

import msgspec

from switchroom.pbx.config import Config, User
from switchroom.pbx.control import Party
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.registrar import IntervalTooBrief, Registrar
from switchroom.pbx.sip.auth import Accepted, Algorithm, Challenged, DigestServer, ha1
from switchroom.pbx.sip.errors import ParseError, SipError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.transaction import Transaction
from switchroom.pbx.sip.uri import parse_uri


class Caller(msgspec.Struct, frozen=True):
    """Somebody who may call. `user` is empty for peers."""

    party: Party
    context: str
    user: str = ""
    peer: str = ""
    max_calls: int = 0
    """0: as [limits] says for users, no limit for peers."""

    @property
    def account(self) -> str:
        """Whose calls are counted together."""
        return f"user {self.user}" if self.user else f"peer {self.peer}"


class Refusal(msgspec.Struct, frozen=True):
    """Why somebody may not, as a response."""

    status: int
    headers: Headers


class Gatekeeper:
    """Knows users and peers. `clock` is the event loop's."""

    def __init__(self, config: Config, registrar: Registrar, clock: Callable[[], float]) -> None:
        self._users = {user.name: user for user in config.users}
        self._peers = PeerTable(config.peers)
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

    def identify(self, request: Request, flow: Flow) -> Caller | Refusal:
        """Whose call this is."""
        peer = self._peers.find(flow.remote[0])
        if peer is not None:
            return Caller(_party_of(request), peer.context, peer=peer.name, max_calls=peer.max_calls)
        verdict = self._digest.check(request, flow.remote[0], proxy=True)
        if isinstance(verdict, Challenged):
            return Refusal(verdict.status, verdict.headers)
        user = self._users[self.sitting_at(verdict.user)]
        return Caller(Party(user.name, user.display_name), user.context, user.name, max_calls=user.max_calls)

    def on_register(self, request: Request, transaction: Transaction, flow: Flow) -> None:
        """Serve a REGISTER (section 10.3); users register themselves only."""
        status, headers = self._register(request, flow)
        response = request.response(status, to_tag=secrets.token_hex(8))
        response.headers.update(headers)
        transaction.respond(response)

    def _register(self, request: Request, flow: Flow) -> tuple[int, Headers]:
        verdict = self._digest.check(request, flow.remote[0])
        if not isinstance(verdict, Accepted):
            return verdict.status, verdict.headers
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
        headers["date"] = [time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())]
        return 200, headers

    def _secret_of(self, name: str, algorithm: Algorithm) -> str | None:
        key = (name, algorithm)
        if name not in self._users:
            return None
        if key not in self._ha1:
            self._ha1[key] = _ha1_of(self._users[name], algorithm, self._realm)
        return self._ha1[key]


def _ha1_of(user: User, algorithm: Algorithm, realm: str) -> str | None:
    if user.password:
        return ha1(algorithm, user.name, realm, user.password.reveal())
    given = user.ha1 if algorithm == "MD5" else user.ha1_sha256
    return given.reveal().lower() if given else None


def _party_of(request: Request) -> Party:
    """The caller as a trusted peer names it."""
    from_ = request.from_
    return Party(parse_uri(from_.uri).user or "", from_.display)
