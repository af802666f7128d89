# SPDX-License-Identifier: Apache-2.0
"""Socket addresses: where we listen, what family an address has, which of our addresses a peer can reach."""

import socket
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

Address = tuple[str, int]
"""Numeric host and port."""


class Listener(NamedTuple):
    """One address to listen on. `transport` is `UDP` or `TCP`; port 0 takes a free one."""

    transport: str
    host: str
    port: int


@lru_cache(maxsize=4096)
def family_of(host: str) -> socket.AddressFamily:
    """AF_INET or AF_INET6. Raises ValueError for anything but a numeric address."""
    return socket.AF_INET if ip_address(host).version == 4 else socket.AF_INET6


def is_wildcard(host: str) -> bool:
    """Whether a bound address means all of the machine's addresses."""
    return host in ("0.0.0.0", "::")


def is_numeric4(host: str) -> bool:
    """Whether it is an IPv4 address, not a name and not an IPv6 one."""
    try:
        return family_of(host) == socket.AF_INET
    except ValueError:
        return False


def address_towards(remote: Address, otherwise: str) -> str:
    """Our address on the route to `remote`, which is the one that a peer there can answer to."""
    with socket.socket(family_of(remote[0]), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((remote[0], remote[1] or 9))  # sends nothing, only looks up the route
        except OSError:
            return otherwise
        host: str = probe.getsockname()[0]
        return host


def bound_socket(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    """A non-blocking socket bound to an address. Raises OSError, ValueError where the host is not numeric."""
    sock = socket.socket(family_of(host), kind)
    try:
        sock.setblocking(False)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # an IPv4 listener stands beside it
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
