# SPDX-License-Identifier: Apache-2.0
"""DNS records for locating servers: asked for by aiodns, once however many wait, and kept as long as they say."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, cast

import aiodns

from switchroom.pbx.sip.locating import Naptr, Srv

MAX_ENTRIES: Final = 4_096
MAX_TTL_S: Final = 3_600.0
MIN_TTL_S: Final = 1.0
NEGATIVE_TTL_S: Final = 30.0
"""A name without records is not asked about again for so long."""
FAILURE_TTL_S: Final = 5.0
"""When no server answers, what was known before is used for so long (RFC 8767), or nothing."""
TIMEOUT_S: Final = 2.0
"""For one try; there are two."""

_NOTHING: Final = frozenset({aiodns.error.ARES_ENODATA, aiodns.error.ARES_ENOTFOUND})

T = TypeVar("T")


class Dns:
    """The `Names` of pbx/sip/locating.py. `servers` are `address` or `address:port`; none: those of the system."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._loop = asyncio.get_running_loop()
        self._servers = list(servers)
        self._resolver: aiodns.DNSResolver | None = None
        self._kept: dict[tuple[str, str], tuple[float, Sequence[Any]]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Sequence[Any]]] = {}

    async def naptr(self, name: str) -> Sequence[Naptr]:
        return await self._get("NAPTR", name, self._naptr)

    async def srv(self, name: str) -> Sequence[Srv]:
        return await self._get("SRV", name, self._srv)

    async def addresses(self, name: str) -> Sequence[str]:
        return await self._get("A", name, self._addresses)

    def forget(self) -> None:
        """Ask anew for everything."""
        self._kept.clear()

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    # ---- within

    async def _get(
        self, kind: str, name: str, ask: Callable[[str], Awaitable[tuple[float, Sequence[T]]]]
    ) -> Sequence[T]:
        key = (kind, name.rstrip(".").lower())
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._loop.time():
            return kept[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = self._loop.create_task(self._ask(key, ask))
        return await asyncio.shield(task)  # who gives up must not take the answer from the others

    async def _ask(
        self, key: tuple[str, str], ask: Callable[[str], Awaitable[tuple[float, Sequence[T]]]]
    ) -> Sequence[T]:
        ttl_s, records = NEGATIVE_TTL_S, cast(Sequence[T], ())
        try:
            ttl_s, records = await ask(key[1])
        except aiodns.error.DNSError as error:
            if error.args[0] not in _NOTHING:
                ttl_s, records = FAILURE_TTL_S, self._kept.get(key, (0.0, ()))[1]
        except (OSError, ValueError):  # no name that could be asked for
            pass
        finally:
            del self._asking[key]
        if len(self._kept) >= MAX_ENTRIES:
            self._kept.clear()
        self._kept[key] = (self._loop.time() + min(max(ttl_s, MIN_TTL_S), MAX_TTL_S), records)
        return records

    async def _naptr(self, name: str) -> tuple[float, Sequence[Naptr]]:
        answer = await self._client.query_dns(name, "NAPTR")
        return _with_ttl(
            answer,
            lambda d: Naptr(d.order, d.preference, _text(d.flags), _text(d.service), _text(d.replacement)),
            "order",
        )

    async def _srv(self, name: str) -> tuple[float, Sequence[Srv]]:
        answer = await self._client.query_dns(name, "SRV")
        return _with_ttl(answer, lambda d: Srv(d.priority, d.weight, d.port, _text(d.target)), "weight")

    async def _addresses(self, name: str) -> tuple[float, Sequence[str]]:
        """Of both families, as the system prefers them (RFC 6724); the file of hosts is looked at too."""
        answer = await self._client.getaddrinfo(name, family=socket.AF_UNSPEC, type=socket.SOCK_DGRAM)
        found = [(node.ttl, _text(node.addr[0])) for node in answer.nodes]
        return min((ttl for ttl, _ in found), default=NEGATIVE_TTL_S), tuple(dict.fromkeys(a for _, a in found))

    @property
    def _client(self) -> aiodns.DNSResolver:
        if self._resolver is None:
            self._resolver = aiodns.DNSResolver(self._servers or None, self._loop, timeout=TIMEOUT_S, tries=2)
        return self._resolver


def _with_ttl(answer: Any, make: Callable[[Any], T], field: str) -> tuple[float, Sequence[T]]:
    """The records that have `field`, and the shortest of their lives; a CNAME on the way has it not."""
    found = [record for record in answer.answer if hasattr(record.data, field)]
    return min((float(record.ttl) for record in found), default=NEGATIVE_TTL_S), tuple(make(r.data) for r in found)


def _text(value: str | bytes) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
