# SPDX-License-Identifier: Apache-2.0
"""Configuration values that are written as one text: addresses, networks, secrets.

Each has `from_text(text)`, which raises ValueError with a reason fit for the person who wrote the file.
"""

import hmac
import ipaddress
from typing import Literal, Self, cast, get_args

import msgspec

Transport = Literal["udp", "tcp", "tls", "ws", "wss"]


def host_and_port(text: str) -> tuple[str, int]:
    """Split `127.0.0.1:5060` or `[::1]:5060`; the host must be a numeric address, the port 0 to 65535."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"expected address:port, found {text!r}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        return str(ipaddress.ip_address(host)), int(port)
    except ValueError:
        raise ValueError(f"{host!r} is not an IP address") from None


class Endpoint(msgspec.Struct, frozen=True):
    """An address and port to listen at."""

    host: str
    port: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        return cls(*host_and_port(text))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NameServer(msgspec.Struct, frozen=True):
    """A DNS server: `192.0.2.53` or, where it is not port 53, `192.0.2.53:5353`."""

    host: str
    port: int = 53

    @classmethod
    def from_text(cls, text: str) -> Self:
        try:
            return cls(str(ipaddress.ip_address(text.strip("[]"))))
        except ValueError:
            return cls(*host_and_port(text))

    def __str__(self) -> str:
        return str(Endpoint(self.host, self.port))


class Listener(msgspec.Struct, frozen=True):
    """A SIP listener: `udp:127.0.0.1:5060`."""

    transport: Transport
    host: str
    port: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        transport, colon, address = text.partition(":")
        if not colon or transport.lower() not in get_args(Transport):
            raise ValueError(f"expected transport:address:port with udp, tcp, tls, ws or wss, found {text!r}")
        return cls(cast(Transport, transport.lower()), *host_and_port(address))

    @property
    def secure(self) -> bool:
        """Whether it needs a certificate."""
        return self.transport in ("tls", "wss")

    def __str__(self) -> str:
        return f"{self.transport}:{Endpoint(self.host, self.port)}"


class Network(msgspec.Struct, frozen=True):
    """One address or a CIDR range: `127.0.0.22`, `192.0.2.0/24`."""

    range: ipaddress.IPv4Network | ipaddress.IPv6Network

    @classmethod
    def from_text(cls, text: str) -> Self:
        try:
            return cls(ipaddress.ip_network(text))
        except ValueError as error:
            raise ValueError(f"expected an IP address or a network such as 192.0.2.0/24: {error}") from None

    def __contains__(self, host: str) -> bool:
        return ipaddress.ip_address(host) in self.range

    def __str__(self) -> str:
        return str(self.range.network_address) if self.range.num_addresses == 1 else str(self.range)


class Secret:
    """A text that no log, error or repr shows; `reveal()` gives it to the code that must have it."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    @classmethod
    def from_text(cls, text: str) -> Self:
        return cls(text)

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(***)" if self._text else "Secret()"
