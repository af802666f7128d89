# SPDX-License-Identifier: Apache-2.0
"""STUN keep-alives on the SIP port: what is answered, by RFC 5769's example address, and what is not."""

import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from switchroom.pbx.io import stun
from tests.pbx.test_server_transports import HOST, PORTS, running
from tests.sim.small_phone import SmallPhone

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = bytes.fromhex("000100002112a442") + TRANSACTION


@pytest.mark.parametrize(
    ("host", "port", "value"),
    [
        ("192.0.2.1", 32853, "0001a147e112a643"),  # RFC 5769 section 2.2
        ("2001:db8:1234:5678:11:2233:4455:6677", 32853, "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"),  # section 2.3
    ],
)
def test_who_asks_is_told_where_from(host: str, port: int, value: str) -> None:
    body = bytes.fromhex(value)
    told = stun.answer(REQUEST, host, port)
    assert told is not None
    assert told[:2] == b"\x01\x01"
    assert told[4:20] == REQUEST[4:20]
    assert told[20:] == b"\x00\x20" + len(body).to_bytes(2) + body
    assert int.from_bytes(told[2:4]) == len(told) - 20


@pytest.mark.parametrize(
    "data",
    [
        REQUEST[:19],
        b"\x00\x02" + REQUEST[2:],  # not a Binding
        REQUEST[:4] + bytes(4) + REQUEST[8:],  # of RFC 3489, without the cookie
        REQUEST + b"\x80\x22\x00\x04test",  # longer than it says
    ],
)
def test_what_is_none_is_dropped(data: bytes) -> None:
    assert stun.answer(data, "192.0.2.1", 5060) is None


async def test_the_sip_port_answers_it(tmp_path: Path) -> None:
    async with running(tmp_path):
        phone = await SmallPhone("1001", (HOST, PORTS["UDP"])).open("127.0.33.5")
        try:
            assert (await phone.register()).status == 200
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.33.5", 0))
                sock.setblocking(False)
                sock.sendto(REQUEST, (HOST, PORTS["UDP"]))
                assert (await phone.register()).status == 200  # the exchange has looked at it by now
                told = sock.recv(100)
            family, port, address = told[25], int.from_bytes(told[26:28]) ^ 0x2112, told[28:32]
            assert family == 1
            assert port > 0
            assert bytes(a ^ b for a, b in zip(address, REQUEST[4:8], strict=True)) == ip_address("127.0.33.5").packed
        finally:
            await phone.close()
