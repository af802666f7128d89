# SPDX-License-Identifier: Apache-2.0
"""SIPp beside a test: it plays one script, as somebody outside the exchange, and says at its end what went wrong."""

import subprocess
from pathlib import Path

from tests.clients.conftest import need
from tests.clients.script import Script
from tests.clients.server import ServerProcess
from tests.ports import free_port

OUTSIDE = "127.0.0.9"
"""The peer `tester` of the tests' configuration."""


class Sipp:
    """One SIPp, begun at once. With `number` it calls that; without, it waits to be called where `7.` leads.

    What it hears it sends back, so that a phone which talks to it hears itself.
    """

    def __init__(
        self,
        folder: Path,
        server: ServerProcess,
        script: Script,
        *,
        number: str = "",
        media: int,
        address: str = OUTSIDE,
        to: str = "",
        port: int = 0,
        calls: int = 1,
    ) -> None:
        """`to`: where its calls go, with the port, if not to the server. `calls`: so many, ten a second."""
        need("sipp")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        (folder / "script.xml").write_text(str(script))
        port = port or (free_port(host=address) if number or address != OUTSIDE else server.peer)
        target = ["-s", number, to or f"127.0.0.1:{server.sip}"] if number else []
        with open(folder / "sipp.log", "wb") as log:
            self._process = subprocess.Popen(
                ["sipp", "-sf", "script.xml", "-m", str(calls), "-nostdin", "-timeout", "40s", "-timeout_error",
                 "-trace_err", "-error_file", "errors.log", "-rtp_echo", "-mp", str(media), "-i", address,
                 "-p", str(port), *target],
                cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def end(self) -> None:
        """Wait until the script is through."""
        code = self._process.wait(45)
        errors = self.folder / "errors.log"
        assert code == 0, (errors if errors.exists() else self.folder / "sipp.log").read_text()[-4000:]

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)
