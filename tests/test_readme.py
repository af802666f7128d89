# SPDX-License-Identifier: Apache-2.0
"""The program of the README, run as it stands there: it answers a call, plays a file, and hangs up."""

import os
import re
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
EXCHANGE, CALLER = ("127.0.33.1", 5060), "127.0.33.9"
CONFIG = f"""
[server]
log_level = "error"
[sip]
listen = ["udp:{EXCHANGE[0]}:{EXCHANGE[1]}"]
[media]
address = "{EXCHANGE[0]}"
ports = [21000, 21099]
[rpc]
enabled = false
[[peer]]
name = "tests"
addresses = ["{CALLER}"]
"""
PLAYED_S = 0.4


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    (source,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "readme.py").write_text(source, encoding="utf-8")
    (tmp_path / "office.toml").write_text(CONFIG, encoding="utf-8")
    with wave.open(str(tmp_path / "hello.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x40" * int(8000 * PLAYED_S))
    environment = os.environ | {"PYTHONPATH": str(README.parent / "src")}
    process = subprocess.Popen([sys.executable, "readme.py"], cwd=tmp_path, env=environment)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


class Caller:
    """The least SIP that makes one call; a request is repeated until it is answered."""

    def __init__(self) -> None:
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for bound in (self.sip, self.rtp):
            bound.bind((CALLER, 0))
        self.port = self.sip.getsockname()[1]
        self.to = "<sip:9000@127.0.33.1>"

    def close(self) -> None:
        self.sip.close()
        self.rtp.close()

    def request(self, method: str, body: str = "") -> bytes:
        lines = [
            f"{method} sip:9000@127.0.33.1 SIP/2.0",
            f"Via: SIP/2.0/UDP {CALLER}:{self.port};branch=z9hG4bK{method.lower()}",
            "Max-Forwards: 70",
            f"From: <sip:caller@{CALLER}>;tag=1",
            f"To: {self.to}",
            "Call-ID: readme@test",
            f"CSeq: 1 {method}",
            f"Contact: <sip:caller@{CALLER}:{self.port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", body]).encode()

    def receive(self, start: str, repeated: bytes = b"") -> str:
        """The next message that starts so; `repeated` is sent until anything comes."""
        self.sip.settimeout(0.5)
        for _ in range(40):
            if repeated:
                self.sip.sendto(repeated, EXCHANGE)
            try:
                while True:
                    text = self.sip.recv(65535).decode()
                    if text.startswith(start):
                        return text
                    assert text.startswith("SIP/2.0 1"), text
                    repeated = b""
            except TimeoutError:
                continue
        raise AssertionError(f"no {start}")


@pytest.fixture
def caller() -> Iterator[Caller]:
    made = Caller()
    yield made
    made.close()


def test_the_program_of_the_readme(program: subprocess.Popen[bytes], caller: Caller) -> None:
    host, port = caller.rtp.getsockname()
    offer = f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    answer = caller.receive("SIP/2.0 200", caller.request("INVITE", offer))
    to = re.search(r"(?im)^To: *(.*?)\r$", answer)
    assert to is not None
    caller.to = to[1]
    caller.sip.sendto(caller.request("ACK"), EXCHANGE)

    bye = caller.receive("BYE ")
    headers = re.findall(r"(?im)^(?:Via|From|To|Call-ID|CSeq):.*\r\n", bye)
    caller.sip.sendto(("SIP/2.0 200 OK\r\n" + "".join(headers) + "Content-Length: 0\r\n\r\n").encode(), EXCHANGE)

    caller.rtp.setblocking(False)
    heard = b""
    while True:
        try:
            heard += caller.rtp.recv(2048)[12:]
        except BlockingIOError:
            break
    loud = sum(sample not in (0xFF, 0x7F) for sample in heard)
    assert loud / 8000 == pytest.approx(PLAYED_S, abs=0.05)

    program.send_signal(signal.SIGTERM)
    assert program.wait(timeout=20) == 0
