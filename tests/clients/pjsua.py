# SPDX-License-Identifier: Apache-2.0
"""pjsua as a phone, with the face of Baresip: driven by its console, heard by the file that it records."""

import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

from tests.clients.audio import write_tone
from tests.clients.server import HOST, ServerProcess
from tests.ports import free_port

EVENTS = {"CALL_ESTABLISHED": "state changed to CONFIRMED", "CALL_CLOSED": r"is DISCONNECTED|changed to DISCONNECTED"}
COMMANDS = {
    "hangup": "h",
    "hold": "H",
    "resume": "v",
    "transfer_to_call": "X",
    "sndcode": "#",
    "next": "]",
}
"""`transfer_to_call` takes the number of its other call; the first one is 0."""


def program() -> str | None:
    """Where pjsua is: $PJSUA, or on the path; it is in no Debian package. None: nowhere."""
    return os.environ.get("PJSUA") or shutil.which("pjsua")


class Pjsua:
    """One pjsua. `hz` is the frequency of the tone that it sends."""

    def __init__(
        self,
        folder: Path,
        server: ServerProcess,
        user: str,
        *,
        hz: int = 440,
        transport: str = "udp",
        more: tuple[str, ...] = (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.user, self.hz, self._transport = folder, user, hz, transport
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._seen = 0
        write_tone(folder / "tone.wav", hz, 60)
        self.port = server.port(transport)
        suffix = f":{self.port};transport={transport}"
        self._arguments = [
            f"--id=sip:{user}@{HOST}:{self.port}", f"--registrar=sip:{HOST}{suffix}", f"--proxy=sip:{HOST}{suffix};lr",
            "--realm=*", f"--username={user}", f"--password=pw{user}", f"--local-port={free_port()}",
            f"--rtp-port={31000 + int(user[-2:]) * 20}", f"--bound-addr={HOST}", f"--ip-addr={HOST}", "--null-audio",
            "--clock-rate=8000", "--no-vad", "--ec-tail=0", "--auto-answer=200", f"--play-file={folder}/tone.wav",
            "--auto-play", f"--rec-file={folder}/heard.wav", "--auto-rec", "--no-color", "--app-log-level=4",
            "--dis-codec=*", "--add-codec=pcmu", "--add-codec=pcma", "--max-calls=4",
            "--no-tcp" if transport == "udp" else "--no-udp", *more,
        ]  # fmt: skip
        if transport == "tls":
            self._arguments += ["--use-tls", f"--tls-ca-file={server.certificate}", "--tls-verify-server"]

    def start(self) -> "Pjsua":
        found = program()
        assert found is not None
        self._process = subprocess.Popen(
            ["stdbuf", "-oL", found, *self._arguments],  # line by line, though no terminal is there
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            cwd=self.folder,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        self._wait("registration success", 15)
        return self

    def command(self, command: str, params: str = "") -> None:
        """One command, by baresip's name for it."""
        self._seen = len(self._lines)
        if command == "dial":
            self._type(f"m\n{params};transport={self._transport}")
        else:
            self._type("\n".join(filter(None, (COMMANDS[command], params))))

    def wait(self, kind: str, timeout_s: float = 10.0) -> None:
        """Wait for an event, by baresip's name for it, since the last command or event."""
        self._wait(EVENTS[kind], timeout_s)

    def rest(self, seconds: float) -> None:
        """Let the call go on."""
        time.sleep(seconds)

    def recording(self) -> Path:
        """What it heard; pjsua writes its file when it ends."""
        self.stop()
        return self.folder / "heard.wav"

    def stop(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._type("q")
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

    def _wait(self, pattern: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for at in range(self._seen, len(self._lines)):
                if re.search(pattern, self._lines[at]):
                    self._seen = at + 1
                    return
            time.sleep(0.05)
        raise AssertionError(f"pjsua {self.user}: no {pattern!r} in {timeout_s} s\n{''.join(self._lines[-40:])}")
