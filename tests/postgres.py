# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of the tests' own: started once when a test first asks for it, on a socket of
a temporary folder.

initdb refuses root, so root lets the Debian package's user `postgres` run it.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is missing: .ci/system-packages test"
    return found[-1].parent


class Cluster:
    """One server. `kill` and `start` are for tests of what a crash leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._as_user = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        )
        self._databases = 0
        if self._as_user:
            shutil.chown(folder, "postgres", "postgres")
        self._run(
            "initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
        )
        self.start()

    def start(self) -> None:
        """Start it, or start it again, with recovery where it was killed."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "max_connections": 30,
            "shared_buffers": "16MB",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """SIGKILL, as the out-of-memory killer would: nothing is written any more."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for victim in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, 9)
        for left in (self.folder / "data" / "postmaster.pid", self.folder / ".s.PGSQL.5432.lock"):
            left.unlink(missing_ok=True)  # where nobody reaps the dead, their numbers look alive

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    async def database(self) -> str:
        """A new one; its URL."""
        self._databases += 1
        name = f"test{self._databases}"
        db = await asyncpg.connect(self.url("postgres"))
        await db.execute(f"CREATE DATABASE {name} STRATEGY wal_log")
        await db.close()
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(_binaries() / program), *arguments]
        done = subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="sw-pg-") as folder:
        cluster = Cluster(Path(folder))
        yield cluster
        cluster.stop("immediate")
