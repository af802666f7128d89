# SPDX-License-Identifier: Apache-2.0
"""Attacks on the real server process. In each of them a registered phone goes on registering and calling."""

import contextlib
import itertools
import socket
import time
from collections.abc import Iterator

import pytest

from tests.hostile.rig import ATTACKER, SERVER, START_S, Phone, Server, Waiting, connect, drain, many_descriptors

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PATIENCE_S = 8.0
"""Register and call are six messages and their answers; some may be lost to a flood and come again after 0.5 to 2 s."""
MEDIA_DESCRIPTORS = 60
"""Sockets of the phone's own calls; a port rests for a while after its call."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("hostile"))
    phone = Phone()
    end = time.monotonic() + START_S
    while True:
        try:
            assert phone.options() == 200
            break
        except (ConnectionError, AssertionError):
            assert server.process.poll() is None, server.log.read_text()
            assert time.monotonic() < end
            time.sleep(0.2)
    phone.close()
    yield server
    server.stop()
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def phone(server: Server) -> Iterator[Phone]:
    phone = Phone()
    assert phone.register() == 200
    yield phone
    assert (phone.register(), phone.call()) == (200, 200), "when the attack is over, all is as before"
    assert server.process.poll() is None
    phone.close()


def served(waiting: Waiting) -> None:
    assert waiting.rounds >= 2
    assert waiting.failures == []
    assert waiting.longest_s < PATIENCE_S


def invite(number: int, more: str = "") -> bytes:
    lines = [
        "INVITE sip:9000@127.0.32.10:15060 SIP/2.0",
        f"Via: SIP/2.0/UDP {ATTACKER}:5060;branch=z9hG4bKflood{number};rport",
        f"Max-Forwards: 70\r\nFrom: <sip:x@{ATTACKER}>;tag=f{number}\r\nTo: <sip:9000@127.0.32.10>",
        f"Call-ID: flood{number}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{ATTACKER}>\r\n{more}Content-Length: 0\r\n\r\n",
    ]
    return "\r\n".join(lines).encode()


def test_headers_of_a_megabyte(server: Server, phone: Phone) -> None:
    waiting, before_kb = Waiting(), server.resident_kb()
    head = b"OPTIONS sip:127.0.32.10 SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
    shapes = [
        head + b"Subject: " + b"x" * 1_000_000,
        head + b"X: y\r\n" * 170_000,
        head + b"Subject: " + b"\r\n x" * 250_000,
        b"A" * 1_000_000,
        invite(1, "Content-Length: 1000000\r\n") + b"x" * 1_000_000,
        b"\r\n\r\n" * 250_000 + b"rubbish\n",
    ]
    with waiting.measured(phone):
        for shape in shapes * 5:
            with connect() as sock, contextlib.suppress(OSError):
                sock.sendall(shape)
                sock.shutdown(socket.SHUT_WR)
                drain(sock)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((ATTACKER, 0))
            for shape in shapes * 20:
                sock.sendto(shape[:65_000], SERVER)
        time.sleep(1)
    served(waiting)
    assert server.resident_kb() - before_kb < 50_000


def test_ten_thousand_half_open_connections(server: Server, phone: Phone) -> None:
    waiting, before = Waiting(), server.descriptors()
    with many_descriptors(), contextlib.ExitStack() as stack:
        with waiting.measured(phone):
            for number in range(10_000):
                sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                sock.bind((f"127.32.{number % 20}.{1 + number // 20 % 250}", 0))
                sock.setblocking(False)
                sock.connect_ex(SERVER)
                if number % 100 == 0:
                    time.sleep(0.01)
            time.sleep(1)
        assert server.descriptors() - before <= 1_000 + MEDIA_DESCRIPTORS
        served(waiting)
        with connect("127.0.32.13") as newcomer:  # a phone that comes by TCP in the midst of it
            newcomer.sendall(invite(2).replace(b"INVITE", b"OPTIONS").replace(b"UDP", b"TCP"))
            assert newcomer.recv(4_096).startswith(b"SIP/2.0 200 ")
    time.sleep(3)
    assert server.descriptors() - before <= MEDIA_DESCRIPTORS, "silent connections are closed at the deadline"


def test_slow_loris(server: Server, phone: Phone) -> None:
    waiting, before = Waiting(), server.descriptors()
    message = invite(3)
    closed = 0
    with contextlib.ExitStack() as stack, waiting.measured(phone):
        lorises = [stack.enter_context(connect()) for _ in range(100)]
        for loris in lorises:
            loris.setblocking(False)
        for byte in itertools.islice(itertools.cycle(message), 20):
            for loris in lorises:
                try:
                    loris.send(bytes([byte]))
                except (ConnectionError, BlockingIOError):
                    closed += 1
            time.sleep(0.2)
    served(waiting)
    assert closed > 0
    time.sleep(0.5)
    assert server.descriptors() - before <= MEDIA_DESCRIPTORS


def test_a_flood_of_invites_from_one_source(server: Server, phone: Phone) -> None:
    waiting, before_kb = Waiting(), server.resident_kb()
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, waiting.measured(phone):
        sock.bind((ATTACKER, 0))
        end = time.monotonic() + 8
        while time.monotonic() < end:
            for _ in range(40):
                sent += 1
                sock.sendto(invite(1_000 + sent), SERVER)
            time.sleep(0.01)
    print(f"{sent} INVITEs in 8 s; {waiting.rounds} calls of the phone, the longest took {waiting.longest_s:.2f} s")
    assert sent > 8_000
    served(waiting)
    assert server.resident_kb() - before_kb < 100_000
