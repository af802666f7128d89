# SPDX-License-Identifier: Apache-2.0
"""Digest authentication (RFC 7616, and RFC 8760 for its use in SIP), as the side that asks and the side that answers.

A nonce carries its own time and a seal, so nothing is kept for challenges that nobody answers; only nonces that were
used rightly are remembered, for their counts. An unknown user costs the same work and gets the same answer as a wrong
password.
"""

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.header import quote, unquote
from switchroom.pbx.sip.message import Headers, Message, Request
from switchroom.pbx.sip.uri import parse_uri

Algorithm = Literal["MD5", "SHA-256"]

_HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
# Possessive, so that white space is never tried in two ways: a header may hold 30 kB of it.
_PAIR = re.compile(r'\s*+([A-Za-z0-9_-]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"|[^\s,"]*+)\s*+(?:,|$)')
MAX_NONCES = 100_000


def digest(algorithm: str, text: str) -> str:
    """The hexadecimal hash that an algorithm's name stands for."""
    return _HASHES[algorithm](text.encode("utf-8", "surrogateescape")).hexdigest()


def ha1(algorithm: str, user: str, realm: str, password: str) -> str:
    """H(user:realm:password): all that a server need know of a password."""
    return digest(algorithm, f"{user}:{realm}:{password}")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request is this user's."""

    user: str


@dataclass(frozen=True, slots=True)
class Challenged:
    """The request is to be answered with this status and these headers."""

    status: int
    headers: Headers
    user: str | None = None
    """Who was named with a wrong password (or is not known); None where nothing was answered yet, or in vain."""


class DigestServer:
    """Asks for and checks credentials of one realm.

    `lookup(user, algorithm)` gives HA1 for the realm, or None. `secret` seals the nonces; `clock` is in seconds.
    User agents whose name begins with one of `md5_only` are asked for MD5 alone: RFC 8760 section 2.4 has a client pass
    over what it does not know, but some give up instead.
    """

    def __init__(
        self,
        realm: str,
        secret: bytes,
        lookup: Callable[[str, Algorithm], str | None],
        clock: Callable[[], float],
        *,
        algorithms: Sequence[Algorithm] = ("SHA-256", "MD5"),
        nonce_lifetime_s: float = 300.0,
        md5_only: Sequence[str] = (),
    ) -> None:
        self.realm = realm
        self._secret = secret
        self._lookup = lookup
        self._clock = clock
        self._algorithms = tuple(algorithms)
        self._lifetime_s = nonce_lifetime_s
        self._md5_only = tuple(md5_only)
        self._serial = 0
        self._counts: OrderedDict[str, int] = OrderedDict()
        """Highest nonce-count seen, by nonce."""

    def check(self, request: Request, source: str, proxy: bool = False) -> Accepted | Challenged:
        """Whose request this is, or the challenge that it is to be answered with.

        `source` is the peer's address: a nonce serves only there. `proxy` chooses 407 and the Proxy- headers, which is
        what an INVITE through us gets; a REGISTER to us gets 401.
        """
        stale, wrong = False, None
        for value in request.headers.get("proxy-authorization" if proxy else "authorization", ()):
            fields = parse_credentials(value)
            if fields is None or fields.get("realm") != self.realm:
                continue
            verdict = self._verify(request, fields, source)
            if verdict == "stale":
                stale = True
            elif verdict == "wrong":
                wrong = fields.get("username", "")
            elif verdict is not None:
                return Accepted(verdict[0])
        agent = request.get("user-agent") or ""
        algorithms: Sequence[str] = self._algorithms
        if "MD5" in algorithms and self._md5_only and agent.startswith(self._md5_only):
            algorithms = ("MD5",)
        return self._challenge(source, proxy, stale, algorithms, None if stale else wrong)

    def _challenge(
        self, source: str, proxy: bool, stale: bool, algorithms: Sequence[str], wrong: str | None
    ) -> Challenged:
        """Ask for credentials; one header per algorithm, the preferred first (RFC 8760 section 2.3)."""
        nonce = self._new_nonce(source)
        tail = ", stale=true" if stale else ""
        values = [
            f'Digest realm={quote(self.realm)}, nonce="{nonce}", algorithm={algorithm}, qop="auth"{tail}'
            for algorithm in algorithms
        ]
        name = "proxy-authenticate" if proxy else "www-authenticate"
        return Challenged(407 if proxy else 401, {name: values}, wrong)

    # ---- within

    def _verify(
        self, request: Request, fields: dict[str, str], source: str
    ) -> tuple[str] | Literal["stale", "wrong"] | None:
        algorithm = fields.get("algorithm", "MD5").upper()
        user, nonce, uri = fields.get("username", ""), fields.get("nonce", ""), fields.get("uri", "")
        qop, count, cnonce = fields.get("qop", ""), fields.get("nc", ""), fields.get("cnonce", "")
        if algorithm not in self._algorithms or qop not in ("", "auth"):
            return None
        if qop and not (re.fullmatch(r"[0-9a-fA-F]{8}", count) and cnonce):
            return None
        age_s = self._age_of(nonce, source)
        if age_s is None:
            # Not ours, or another source's: the peer may know the password all the same, so it is told to try anew.
            return "stale" if nonce else None
        known = self._lookup(user, "MD5" if algorithm == "MD5" else "SHA-256")
        nobodys = digest(algorithm, nonce)  # an unknown user costs the same
        secret = known or nobodys
        expected = response_for(algorithm, secret, request.method, uri, nonce, qop, count, cnonce)
        right = hmac.compare_digest(expected.encode(), fields.get("response", "").lower().encode("utf-8", "replace"))
        if not right or known is None:
            return "wrong"
        if not self._same_target(uri, request):
            return None
        if age_s > self._lifetime_s:
            return "stale"
        if qop and not self._count(nonce, int(count, 16)):
            return "stale"
        return (user,)

    def _count(self, nonce: str, count: int) -> bool:
        """Note a nonce-count; False for one that was used before: a replay."""
        if count <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = count
        self._counts.move_to_end(nonce)
        if len(self._counts) > MAX_NONCES:
            # What falls out could be replayed within its life; so its time is kept as the oldest that is still good.
            old, _ = self._counts.popitem(last=False)
            self._oldest_s = max(self._oldest_s, _time_of(old))
        return True

    _oldest_s = -1.0

    def _new_nonce(self, source: str) -> str:
        self._serial += 1
        head = f"{int(self._clock() * 1000):x}.{self._serial:x}"
        return f"{head}.{self._seal(head, source)}"

    def _age_of(self, nonce: str, source: str) -> float | None:
        """Seconds since we made a nonce for this source; None for one that we did not make."""
        head, dot, seal = nonce.rpartition(".")
        if not dot or not hmac.compare_digest(seal.encode("utf-8", "replace"), self._seal(head, source).encode()):
            return None
        made_s = _time_of(nonce)
        return self._clock() - made_s if made_s > self._oldest_s else self._lifetime_s + 1

    def _seal(self, head: str, source: str) -> str:
        text = f"{head}|{source}|{self.realm}".encode("utf-8", "surrogateescape")
        return hmac.new(self._secret, text, "sha256").hexdigest()[:32]

    @staticmethod
    def _same_target(uri: str, request: Request) -> bool:
        """Whether the credentials are for this request.

        A proxy on the way may have changed host and parameters; what was dialled, and so what it costs, must be the
        same (RFC 7616 section 3.4.6).
        """
        if uri == request.uri:
            return True
        try:
            signed, asked = parse_uri(uri), parse_uri(request.uri)
        except ParseError:
            return False
        return (signed.scheme, signed.user) == (asked.scheme, asked.user)


class DigestClient:
    """Answers challenges for one user, counting its use of a nonce."""

    def __init__(self, user: str, password: str, cnonce: Callable[[], str]) -> None:
        self._user = user
        self._password = password
        self._cnonce = cnonce
        self._nonce = ""
        self._count = 0

    def respond(self, challenged: Message, method: str, uri: str) -> Headers | None:
        """The header that answers a 401 or 407; None where no challenge can be answered.

        A second challenge after an answer means wrong credentials, unless it says `stale=true`.
        """
        for name, answer in (("www-authenticate", "authorization"), ("proxy-authenticate", "proxy-authorization")):
            offers = [fields for value in challenged.headers.get(name, ()) if (fields := parse_credentials(value))]
            usable = [fields for fields in offers if fields.get("algorithm", "MD5").upper() in _HASHES]
            if not usable:
                continue
            best = max(usable, key=lambda fields: fields.get("algorithm", "MD5").upper() == "SHA-256")
            refused = self._nonce and best.get("stale", "").lower() != "true"
            return None if refused else {answer: [self._answer(best, method, uri)]}
        return None

    def _answer(self, fields: dict[str, str], method: str, uri: str) -> str:
        algorithm = fields.get("algorithm", "MD5").upper()
        nonce, realm = fields.get("nonce", ""), fields.get("realm", "")
        self._count = self._count + 1 if nonce == self._nonce else 1
        self._nonce = nonce
        qops = [qop.strip() for qop in fields.get("qop", "").split(",")]
        qop = "auth" if "auth" in qops else ""
        count, cnonce = f"{self._count:08x}", self._cnonce() if qop else ""
        secret = ha1(algorithm, self._user, realm, self._password)
        response = response_for(algorithm, secret, method, uri, nonce, qop, count, cnonce)
        parts = [
            f"Digest username={quote(self._user)}", f"realm={quote(realm)}", f"nonce={quote(nonce)}",
            f"uri={quote(uri)}", f'response="{response}"', f"algorithm={algorithm}",
        ]  # fmt: skip
        if "opaque" in fields:
            parts.append(f"opaque={quote(fields['opaque'])}")
        if qop:
            parts += [f"qop={qop}", f"nc={count}", f'cnonce="{cnonce}"']
        return ", ".join(parts)


def response_for(
    algorithm: str, secret: str, method: str, uri: str, nonce: str, qop: str, count: str, cnonce: str
) -> str:
    """The `response` of RFC 7616 section 3.4.1; without qop that of RFC 2069."""
    request = digest(algorithm, f"{method}:{uri}")
    middle = f"{nonce}:{count}:{cnonce}:{qop}" if qop else nonce
    return digest(algorithm, f"{secret}:{middle}:{request}")


def parse_credentials(value: str) -> dict[str, str] | None:
    """The fields of a Digest header value; None for another scheme, and for what cannot be read."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    fields: dict[str, str] = {}
    end = 0
    while (match := _PAIR.match(rest, end)) is not None:
        end = match.end()
        name = match[1].lower()
        if name in fields:
            return None
        fields[name] = unquote(match[2])
    return fields if not rest[end:].strip(" ,") else None


def _time_of(nonce: str) -> float:
    try:
        return int(nonce.partition(".")[0], 16) / 1000
    except ValueError:
        return -1.0
