# SPDX-License-Identifier: Apache-2.0
"""A name server of few lines for tests: answers A, AAAA, SRV and NAPTR over UDP from a table, and counts questions."""

import asyncio
import struct
from ipaddress import ip_address
from typing import Final

A, AAAA, SRV, NAPTR = 1, 28, 33, 35
TYPES: Final = {"A": A, "AAAA": AAAA, "SRV": SRV, "NAPTR": NAPTR}


class DnsServer(asyncio.DatagramProtocol):
    """`records` maps (name, type) to the values of a zone file, such as `10 5 5060 host.example`."""

    def __init__(self, records: dict[tuple[str, str], list[str]], ttl_s: int = 60) -> None:
        self.records = records
        self.ttl_s = ttl_s
        self.asked: list[tuple[str, str]] = []
        self.silent = False
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, host: str) -> str:
        """`host:port` at which it answers."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, (host, 0))
        return f"{host}:{self._transport.get_extra_info('sockname')[1]}"

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while size := data[at]:
            labels.append(data[at + 1 : at + 1 + size].decode())
            at += 1 + size
        name, question = ".".join(labels).lower(), data[12 : at + 5]
        number = struct.unpack_from("!H", data, at + 1)[0]
        kind = next((kind for kind, value in TYPES.items() if value == number), str(number))
        self.asked.append((name, kind))
        if self.silent or self._transport is None:
            return
        values = self.records.get((name, kind), [])
        known = any(known == name for known, _ in self.records)
        answers = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", number, 1, self.ttl_s, len(rdata)) + rdata
            for rdata in (_rdata(kind, value) for value in values)
        )
        flags = 0x8580 | (0 if known else 3)
        self._transport.sendto(data[:2] + struct.pack("!5H", flags, 1, len(values), 0, 0) + question + answers, addr)


def _rdata(kind: str, value: str) -> bytes:
    if kind in ("A", "AAAA"):
        return ip_address(value).packed
    fields = value.split()
    if kind == "SRV":
        return struct.pack("!3H", *map(int, fields[:3])) + _name(fields[3])
    texts = b"".join(bytes([len(text)]) + text.encode() for text in (f.strip('"') for f in fields[2:5]))
    return struct.pack("!2H", *map(int, fields[:2])) + texts + _name(fields[5])


def _name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.strip(".").split(".") if label) + b"\0"
