# SPDX-License-Identifier: Apache-2.0
"""The real server as its own process, for tests with real clients."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.clients.audio import write_tone
from tests.ports import free_port

HOST = "127.0.0.1"
TOKEN = "clients-token"
START_S = 15.0
MUSIC_HZ = 2200.0
"""What held parties hear."""

CONFIG = """
[server]
data_dir = "{folder}/data"
log_level = "info"
drain_s = 1.0
[sip]
listen = ["udp:127.0.0.1:{sip}", "tcp:127.0.0.1:{sip}", "tls:127.0.0.1:{tls}"]
{sip_more}
[media]
address = "127.0.0.1"
ports = [{rtp}, {rtp_last}]
{media_more}
[limits]
{limits}
[rpc]
listen = "127.0.0.1:{rpc}"
tokens = [{{ name = "tests", token = "{token}" }}]
[[peer]]
name = "tester"
addresses = ["127.0.0.9"]
[dial_plan]
default = [
  {{ number = "10XX", to = "user:{{number}}" }},
  {{ number = "9000", to = "echo" }},
  {{ number = "9002", to = "tone:1000" }},
  {{ number = "9003", to = "ring" }},
  {{ number = "9004", to = "busy" }},
  {{ number = "9005", to = "digits" }},
  {{ number = "9010", to = "conference:tests" }},
  {{ number = "7.", to = "sip:{{number}}@127.0.0.9:{peer}" }},
{rules}
]
"""
USER = '[[user]]\nname = "{0}"\npassword = "pw{0}"\ndisplay_name = "Phone {0}"\n'


class ServerProcess:
    """`switchroom serve` with a configuration for the tests; stop it with `stop`."""

    def __init__(
        self,
        folder: Path,
        *,
        sip_more: str = "",
        limits: str = "",
        rtp: int = 21000,
        users: int = 4,
        srtp: dict[str, str] | None = None,
        rules: str = "",
        more: str = "",
        media_more: str = "",
    ) -> None:
        self.folder = folder
        self.sip, self.tls = free_port(), free_port()
        self.rpc = free_port()
        self.peer = free_port(host="127.0.0.9")
        config = CONFIG.format(
            folder=folder, sip=self.sip, tls=self.tls, rpc=self.rpc, rtp=rtp, rtp_last=rtp + 999, token=TOKEN,
            peer=self.peer, sip_more=sip_more, limits=limits, rules=rules, media_more=media_more,
        )  # fmt: skip
        for user in map(str, range(1001, 1001 + users)):
            config += USER.format(user) + f'srtp = "{(srtp or {}).get(user, "")}"\n'
        if "[music.default]" not in more:  # a tone that is nobody's voice
            (folder / "music").mkdir(exist_ok=True)
            write_tone(folder / "music" / "hold.wav", MUSIC_HZ, 1.0)
            config += '[music.default]\nfolder = "music"\n'
        self.file = folder / "server.toml"
        self.file.write_text(config + more)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "ServerProcess":
        """Start it and wait until it answers OPTIONS."""
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "switchroom", "serve", "-c", str(self.file)], stdout=log, stderr=log,
                cwd=self.folder,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.answers_options():
                return self
        raise AssertionError(f"the server did not start:\n{self.log()}")

    def port(self, transport: str) -> int:
        """Where it listens for phones of a transport."""
        return self.tls if transport == "tls" else self.sip

    @property
    def certificate(self) -> Path:
        """The one that it has made for itself."""
        return self.folder / "data" / "tls.crt"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-5000:]

    def answers_options(self, timeout_s: float = 0.3, at: tuple[str, int] | None = None) -> bool:
        """Whether an OPTIONS to there is answered; to the server itself if nothing is said."""
        host, there = at or (HOST, self.sip)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            sock.settimeout(timeout_s)
            port = sock.getsockname()[1]
            sock.sendto(
                (
                    f"OPTIONS sip:{host}:{there} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bK{os.urandom(6).hex()}\r\n"
                    f"Max-Forwards: 70\r\nFrom: <sip:probe@{HOST}>;tag=1\r\nTo: <sip:{HOST}>\r\n"
                    f"Call-ID: {os.urandom(6).hex()}\r\n"
                    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
                ).encode(),
                (host, there),
            )
            try:
                return sock.recv(4096).startswith(b"SIP/2.0 200")
            except OSError:
                time.sleep(0.05)
                return False

    def call(self, method: str, **params: Any) -> Any:
        """A JSON-RPC call. Raises AssertionError with the server's error."""
        request = urllib.request.Request(
            f"http://{HOST}:{self.rpc}/rpc",
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode(),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def wait_for(self, what: str, probe: Any, timeout_s: float = 10.0) -> Any:
        """Poll until `probe()` is true; its value."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if found := probe():
                return found
            time.sleep(0.05)
        raise AssertionError(f"{what} did not happen within {timeout_s} s:\n{self.log()}")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
