# SPDX-License-Identifier: Apache-2.0
"""Who is asking: bearer tokens (RFC 6750), compared by their SHA-256 in constant time.

Without any token configured whoever is on this machine is an operator; web pages that run on it are not.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import hdrs, web

from switchroom.pbx.config import Role, Token

_MAX_TOKEN: Final = 4096


class Operator(msgspec.Struct, frozen=True):
    """Somebody who may use the interface; `name` stands in the audit records."""

    name: str
    role: Role
    user: str = ""
    """The user or agent for whom a token of the role `agent` or `supervisor` acts."""


LOCAL: Final = Operator("local", "operator")


class Gate:
    """Knows the tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = [(_digest(token), Operator(token.name, token.role, token.user)) for token in tokens]

    def identify(self, request: web.Request) -> Operator | None:
        """Whose request this is; None: nobody's that we know."""
        if not self._tokens:
            return LOCAL if _is_local(request) and not _is_of_a_page(request) else None
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or len(token) > _MAX_TOKEN:
            return None
        given = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for digest, operator in self._tokens:  # all of them, so that the time taken tells nothing
            if hmac.compare_digest(given, digest):
                found = operator
        return found

    def may_read_metrics(self, request: web.Request) -> bool:
        """Metrics are for holders of a token, and for whatever collects them on this machine."""
        return _is_local(request) or self.identify(request) is not None


def _digest(token: Token) -> bytes:
    if token.token:
        return hashlib.sha256(token.token.reveal().encode()).digest()
    return bytes.fromhex(token.token_sha256.reveal())


def _is_local(request: web.Request) -> bool:
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _is_of_a_page(request: web.Request) -> bool:
    """Whether a browser sends this for some web page: it names an Origin, or a Host that merely leads here."""
    host = request.url.host or ""
    try:
        named = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        named = False
    return hdrs.ORIGIN in request.headers or not named
