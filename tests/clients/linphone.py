# SPDX-License-Identifier: Apache-2.0
"""Linphone's console phone, with the face of Baresip: driven by its commands, heard by the file that it records."""

import os
import re
import subprocess
import threading
import time
from pathlib import Path

from tests.clients.audio import write_tone
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess
from tests.ports import free_port

CONFIG = """
[sip]
{ports}
default_proxy=0
root_ca={certificate}
verify_server_certs=1
verify_server_cn=0
[proxy_0]
reg_proxy=<sip:{host}:{port};transport={transport}>
reg_route=<sip:{host}:{port};transport={transport};lr>
reg_identity=sip:{user}@{host}
reg_expires=600
reg_sendregister=1
publish=0
[auth_info_0]
username={user}
passwd=pw{user}
realm=switchroom
domain=switchroom
[rtp]
audio_rtp_port={rtp}
[sound]
echocancellation=0
"""
EVENTS = {"CALL_ESTABLISHED": r"Media streams established", "CALL_CLOSED": r"Call \d+ with .* ended"}
COMMANDS = {"hangup": "terminate", "hold": "pause", "resume": "resume"}


class Linphone:
    """One linphonec. `hz` is the frequency of the tone that it sends; it answers by itself."""

    def __init__(
        self, folder: Path, server: ServerProcess, user: str, *, hz: int = 440, transport: str = "udp"
    ) -> None:
        need("linphonec")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.user, self.hz = folder, user, hz
        self.port = server.port(transport)
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._seen = 0
        write_tone(folder / "tone.wav", hz, 60)
        (folder / ".local" / "share" / "linphone").mkdir(parents=True)
        ours = dict.fromkeys(("sip_port", "sip_tcp_port", "sip_tls_port"), 0)
        ours["sip_port" if transport == "udp" else f"sip_{transport}_port"] = free_port()
        (folder / "linphonerc").write_text(
            CONFIG.format(
                ports="\n".join(f"{name}={port}" for name, port in ours.items()),
                certificate=server.certificate,
                host=HOST,
                port=self.port,
                transport=transport,
                user=user,
                rtp=32000 + int(user[-2:]) * 20,
            )
        )

    def start(self) -> "Linphone":
        self._process = subprocess.Popen(
            ["stdbuf", "-oL", "linphonec", "-c", "linphonerc", "-a"], cwd=self.folder, text=True, errors="replace",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(self.folder)},
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        self._type("soundcard use files")
        self._type(f"play {self.folder}/tone.wav")
        self._type(f"record {self.folder}/heard.wav")
        return self

    def command(self, command: str, params: str = "") -> None:
        """One command, by baresip's name for it."""
        self._seen = len(self._lines)
        self._type(f"call {params}" if command == "dial" else COMMANDS[command])

    def wait(self, kind: str, timeout_s: float = 10.0) -> None:
        """Wait for an event, by baresip's name for it, since the last command or event."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for at in range(self._seen, len(self._lines)):
                if re.search(EVENTS[kind], self._lines[at]):
                    self._seen = at + 1
                    return
            time.sleep(0.05)
        raise AssertionError(f"linphonec {self.user}: no {kind} in {timeout_s} s\n{''.join(self._lines[-40:])}")

    def rest(self, seconds: float) -> None:
        """Let the call go on."""
        time.sleep(seconds)

    def recording(self) -> Path:
        """What it heard."""
        self.stop()
        return self.folder / "heard.wav"

    def stop(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._type("quit")
            try:
                self._process.wait(8)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _type(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.append(line)
