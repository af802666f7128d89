# SPDX-License-Identifier: Apache-2.0
"""baresip as a phone: configured in a folder of its own, driven over its control port."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.clients.audio import write_tone
from tests.clients.server import HOST, ServerProcess
from tests.ports import free_port

MODULES = "/usr/lib/baresip/modules"

CONFIG = """
poll_method epoll
sip_cafile {certificate}
sip_verify_server yes
sip_listen {host}:{sip}
call_local_timeout 120
call_max_calls 4
audio_player aubridge,nil
audio_source {source}
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
rtp_ports {rtp}-{rtp_last}
rtp_stats yes
module_path {modules}
module stdio.so
module g711.so
module g722.so
module l16.so
module ausine.so
module aufile.so
module aubridge.so
module sndfile.so
module srtp.so
snd_path {folder}
module_app account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
"""


class Baresip:
    """One baresip. `hz` is the frequency of the tone that it sends."""

    def __init__(
        self,
        folder: Path,
        server: ServerProcess,
        user: str,
        *,
        hz: int = 440,
        transport: str = "udp",
        auto: bool = True,
        media_encryption: str = "",
        codecs: str = "pcmu,pcma",
        proxy: str = "",
    ) -> None:
        """`proxy` is a URI by which all goes."""
        self.folder, self.user, self.hz = folder, user, hz
        folder.mkdir(parents=True, exist_ok=True)
        self.port = server.port(transport)
        self._control_port = free_port()
        rtp = 30000 + int(user[-2:]) * 20
        source = folder / "tone.wav"
        write_tone(source, hz, 60)
        (folder / "config").write_text(
            CONFIG.format(
                host=HOST,
                certificate=server.certificate,
                sip=free_port(),
                source=f"aufile,{source}",
                rtp=rtp,
                rtp_last=rtp + 18,
                modules=MODULES,
                folder=folder,
                control=self._control_port,
            )
        )
        answer = "auto" if auto else "manual"
        (folder / "accounts").write_text(
            f"<sip:{user}@{HOST}:{self.port};transport={transport}>;auth_pass=pw{user};answermode={answer};"
            f"audio_codecs={codecs};regint=120;mediaenc={media_encryption}"
            + (f';outbound="{proxy}"\n' if proxy else "\n")
        )
        self.events: list[dict[str, Any]] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._pending = b""

    @staticmethod
    def available() -> bool:
        return shutil.which("baresip") is not None

    def start(self) -> "Baresip":
        with open(self.folder / "baresip.log", "wb") as log:
            self._process = subprocess.Popen(
                ["baresip", "-f", str(self.folder)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + 10
        while True:
            try:
                self._socket = socket.create_connection((HOST, self._control_port), 1)
                break
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise AssertionError(f"baresip did not start:\n{self.log()}") from None
                time.sleep(0.05)
        return self

    def log(self) -> str:
        return (self.folder / "baresip.log").read_text(errors="replace")[-3000:]

    def command(self, command: str, params: str = "") -> None:
        """Send one command."""
        assert self._socket is not None
        body = json.dumps({"command": command, "params": params, "token": "t"}).encode()
        self._socket.sendall(f"{len(body)}:".encode() + body + b",")

    def wait(self, kind: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """Wait for an event of a type such as CALL_ESTABLISHED, from now on or not yet waited for."""
        deadline = time.monotonic() + timeout_s
        while True:
            for i, event in enumerate(self.events):
                if event.get("type") == kind:
                    del self.events[: i + 1]
                    return event
            if time.monotonic() > deadline:
                raise AssertionError(f"baresip {self.user}: no {kind} in {timeout_s} s; {self.events}\n{self.log()}")
            self._read(0.1)

    def rest(self, seconds: float) -> None:
        """Let the call go on, reading events."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(min(left, 0.1))

    def recording(self) -> Path:
        """What it heard in its last call (sndfile writes one file per direction)."""
        return self._dump("dec")

    def said(self) -> Path:
        """What it said in its last call, as its codec got it."""
        return self._dump("enc")

    def _dump(self, way: str) -> Path:
        files = sorted(self.folder.glob(f"dump-*-{way}.wav"), key=lambda path: path.stat().st_mtime)
        assert files, f"nothing was recorded in {self.folder}: {[path.name for path in self.folder.iterdir()]}"
        return files[-1]

    def quit(self) -> None:
        """Begin to end."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self.command("quit")

    def stop(self) -> None:
        self.quit()
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _read(self, timeout_s: float) -> None:
        assert self._socket is not None
        self._socket.settimeout(timeout_s)
        try:
            self._pending += self._socket.recv(65536)
        except TimeoutError:
            return
        while b":" in self._pending:
            size, _, rest = self._pending.partition(b":")
            if len(rest) < int(size) + 1:
                return
            message = json.loads(rest[: int(size)])
            self._pending = rest[int(size) + 1 :]
            if message.get("event"):
                self.events.append(message)
