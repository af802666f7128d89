# SPDX-License-Identifier: Apache-2.0
"""The real server as a process, a phone that wants to be served all the time, and those who want to prevent it."""

import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from switchroom.pbx.sip.auth import DigestClient
from switchroom.pbx.sip.message import Response
from switchroom.pbx.sip.parser import parse

SERVER = ("127.0.32.10", 15_060)
PHONE = "127.0.32.11"
ATTACKER = "127.0.32.12"
START_S = 20.0
DESCRIPTORS = 15_000

_SERIALS = count(1)

CONFIG = """
[server]
data_dir = "data"
log_level = "warning"
drain_s = 0.1
[sip]
listen = ["udp:127.0.32.10:15060", "tcp:127.0.32.10:15060"]
tcp_connections = 1000
tcp_connections_per_source = 100
tcp_message_s = 2.0
[media]
address = "127.0.32.10"
ports = [24000, 24999]
[limits]
calls_per_second_per_source = 50
requests_per_second_per_source = 1000
[rpc]
enabled = false
[[user]]
name = "1001"
password = "pw1001"
[dial_plan]
default = [{ number = "9000", to = "echo" }]
"""


class Server:
    """`switchroom serve` until the end of the test."""

    def __init__(self, folder: Path) -> None:
        file = folder / "hostile.toml"
        file.write_text(CONFIG)
        self.log = folder / "server.log"
        with self.log.open("w") as out:
            command = [sys.executable, "-m", "switchroom", "serve", "-c", str(file)]
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(10) == 0
        finally:
            self.process.kill()

    def resident_kb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


class Phone:
    """User 1001 over UDP: registers and calls with digest, retransmitting as RFC 3261 says."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((PHONE, 0))
        self.sock.connect(SERVER)
        self._number = 0
        self._serial = next(_SERIALS)

    def close(self) -> None:
        self.sock.close()

    def options(self) -> int:
        return self._exchange("OPTIONS", "sip:127.0.32.10", "").status

    def register(self) -> int:
        """Two round trips: challenge and answer."""
        return self._authenticated("REGISTER", "sip:127.0.32.10:15060").status

    def call(self) -> int:
        """Call the echo application and hang up; the status of the INVITE."""
        answer = self._authenticated("INVITE", "sip:9000@127.0.32.10:15060")
        if answer.status == 200:
            tag = answer.to.params["tag"]
            self.sock.send(self._request("ACK", "sip:9000@127.0.32.10:15060", "", f";tag={tag}"))
            self._number += 1
            assert self._exchange("BYE", "sip:9000@127.0.32.10:15060", "", f";tag={tag}").status == 200
        return answer.status

    def _authenticated(self, method: str, uri: str) -> Response:
        self._serial = next(_SERIALS)
        self._number = 1
        client = DigestClient("1001", "pw1001", lambda: "cnonce")
        first = self._exchange(method, uri, "")
        if first.status not in (401, 407):
            return first
        if method == "INVITE":
            self.sock.send(self._request("ACK", uri, "", f";tag={first.to.params['tag']}"))
        answer = client.respond(first, method, uri)
        assert answer is not None
        name, values = next(iter(answer.items()))
        self._number = 2
        return self._exchange(method, uri, f"{name}: {values[0]}\r\n")

    def _request(self, method: str, uri: str, more: str, to_tag: str = "") -> bytes:
        host, port = self.sock.getsockname()
        body = ""
        if method == "INVITE":
            body = f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
            more += "Content-Type: application/sdp\r\n"
        cseq = f"{self._number} {method}"
        branch = f"z9hG4bK{self._serial}x{cseq.replace(' ', 'x')}".replace("ACK", "INVITE")
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch={branch};rport",
            "Max-Forwards: 70",
            "From: <sip:1001@127.0.32.10>;tag=phone",
            f"To: <sip:1001@127.0.32.10>{to_tag}",
            f"Call-ID: {self._serial}@{host}",
            f"CSeq: {cseq}",
            f"Contact: <sip:1001@{host}:{port}>",
            f"{more}Content-Length: {len(body)}",
            "",
            body,
        ]
        return "\r\n".join(lines).encode()

    def _exchange(self, method: str, uri: str, more: str, to_tag: str = "") -> Response:
        """One transaction: the final response. TimeoutError after 64*T1."""
        if method == "OPTIONS":
            self._serial = next(_SERIALS)
        request = self._request(method, uri, more, to_tag)
        end, wait = time.monotonic() + 32, 0.5
        provisional = False
        while time.monotonic() < end:
            if not provisional:
                self.sock.send(request)
            self.sock.settimeout(wait)
            wait = min(2 * wait, 4.0)
            try:
                while True:
                    message = parse(self.sock.recv(65_535))
                    assert isinstance(message, Response)
                    if message.call_id.startswith(f"{self._serial}@") and message.cseq == (self._number, method):
                        if message.status >= 200:
                            return message
                        provisional = True
            except TimeoutError:
                continue
        raise TimeoutError(f"{method} got no answer")


class Waiting:
    """How long a phone waits for its service while something goes on."""

    def __init__(self) -> None:
        self.rounds = 0
        self.failures: list[str] = []
        self.longest_s = 0.0

    @contextmanager
    def measured(self, phone: Phone) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._serve, args=(phone, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def _serve(self, phone: Phone, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                statuses = (phone.register(), phone.call())
                if statuses != (200, 200):
                    self.failures.append(f"statuses {statuses}")
            except (TimeoutError, AssertionError) as error:
                self.failures.append(repr(error))
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.rounds += 1
            stop.wait(0.1)


def connect(source: str = ATTACKER) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(5)
    sock.bind((source, 0))
    sock.connect(SERVER)
    return sock


def drain(sock: socket.socket) -> None:
    """Read until the other side closes."""
    while sock.recv(65_536):
        pass


@contextmanager
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, DESCRIPTORS), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
