# SPDX-License-Identifier: Apache-2.0
"""Where a request for a URI can go, in which order (RFC 3263): transport by NAPTR, hosts and ports by SRV, addresses.

Nothing here asks a name server: `Names` does, which the shell provides; the order among equals is drawn by `below`.
"""

from collections.abc import Callable, Collection, Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple, Protocol

from switchroom.pbx.sip.uri import DEFAULT_PORTS, Uri

MAX_TARGETS: Final = 16
"""Nobody waits for more tries than that; a zone with thousands of records costs no more."""


class Naptr(NamedTuple):
    """A NAPTR record (RFC 2915), as far as RFC 3263 uses it."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    """An SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Target(NamedTuple):
    """One place to try. `name` is what a certificate there must be for: the host of the URI (RFC 5922 section 4)."""

    transport: str
    host: str
    """Numeric."""
    port: int
    name: str


class Names(Protocol):
    """A source of DNS records; a name that has none, and a server that does not answer, give an empty list."""

    async def naptr(self, name: str) -> Sequence[Naptr]: ...
    async def srv(self, name: str) -> Sequence[Srv]: ...
    async def addresses(self, name: str) -> Sequence[str]:
        """Numeric addresses of both families, the preferred ones first."""
        ...

    async def close(self) -> None: ...


# Section 4.1, RFC 7118 section 5.3 (browsers are never called back by name, so WebSocket is left out).
_SERVICES: Final = {"SIPS+D2T": "TLS", "SIP+D2U": "UDP", "SIP+D2T": "TCP"}
_PREFIXES: Final = {"UDP": "_sip._udp.", "TCP": "_sip._tcp.", "TLS": "_sips._tcp."}
_PREFERENCE: Final = ("UDP", "TCP", "TLS")


async def locate(uri: Uri, names: Names, supported: Collection[str], below: Callable[[int], int]) -> list[Target]:
    """The targets of a URI by transports that are `supported`, in the order in which they are to be tried."""
    host = (uri.params.get("maddr") or uri.host).strip("[]").lower()
    given = uri.transport if uri.params.get("transport") or uri.scheme == "sips" else ""
    if given and given not in supported:
        return []
    if _is_numeric(host):
        transport = given or "UDP"
        return [Target(transport, host, uri.port or DEFAULT_PORTS.get(transport, 5060), host)]
    if uri.port is not None or "." not in host:  # a name without a dot is of the local network: nobody keeps SRV for it
        transport = given or "UDP"
        return await _by_address(transport, host, uri.port or DEFAULT_PORTS.get(transport, 5060), names)
    for transport, service in await _services(host, given, names, supported):
        records = await names.srv(service)
        if records and not (len(records) == 1 and records[0].target in ("", ".")):  # RFC 2782: "." is "decidedly not"
            found: list[Target] = []
            for record in ordered(records, below):
                found += [
                    target._replace(name=host)
                    for target in await _by_address(transport, record.target, record.port, names)
                ]
                if len(found) >= MAX_TARGETS:
                    break
            if found:
                return found[:MAX_TARGETS]
    transport = given or "UDP"
    return await _by_address(transport, host, DEFAULT_PORTS.get(transport, 5060), names)


def ordered(records: Sequence[Srv], below: Callable[[int], int]) -> list[Srv]:
    """The order of RFC 2782: lower priorities first, and within one a draw by weight for each place."""
    result: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        # Those of weight 0 come first in the sum, which gives them their small chance.
        left = sorted((r for r in records if r.priority == priority), key=lambda record: record.weight > 0)
        while left:
            drawn = below(sum(record.weight for record in left) + 1)
            for chosen in left:
                drawn -= chosen.weight
                if drawn <= 0:
                    break
            left.remove(chosen)
            result.append(chosen)
    return result


async def _services(host: str, given: str, names: Names, supported: Collection[str]) -> list[tuple[str, str]]:
    """(transport, name of its SRV records), the preferred one first."""
    if not given:
        usable = [
            record for record in await names.naptr(host)
            if record.flags.lower() == "s" and _SERVICES.get(record.service.upper()) in supported
        ]  # fmt: skip
        if usable:
            usable.sort(key=lambda record: (record.order, record.preference))
            return [(_SERVICES[record.service.upper()], record.replacement) for record in usable]
    wanted = (given,) if given else _PREFERENCE
    return [
        (transport, _PREFIXES[transport] + host)
        for transport in wanted
        if transport in supported and transport in _PREFIXES
    ]


async def _by_address(transport: str, host: str, port: int, names: Names) -> list[Target]:
    addresses = [host] if _is_numeric(host) else await names.addresses(host)
    return [Target(transport, address, port, host) for address in addresses[:MAX_TARGETS]]


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
