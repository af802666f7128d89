# SPDX-License-Identifier: Apache-2.0
"""A busy lamp over a call's life: SIPp watches a phone that is a baresip (RFC 4235, RFC 6665)."""

import subprocess
from pathlib import Path

from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.script import Script
from tests.clients.server import HOST, ServerProcess
from tests.ports import free_port

WATCHER = "127.0.0.9"
FREE = 'state="full"[^>]*>[^<]*</dialog-info>'


def begin(folder: Path, server: ServerProcess, user: str, script: Script) -> subprocess.Popen[bytes]:
    need("sipp")
    folder.mkdir()
    (folder / "script.xml").write_text(str(script))
    with open(folder / "sipp.log", "wb") as log:
        return subprocess.Popen(
            ["sipp", "-sf", "script.xml", "-m", "1", "-nostdin", "-timeout", "25s", "-timeout_error", "-trace_err",
             "-error_file", "errors.log", "-s", user, "-i", WATCHER, "-p", str(free_port(host=WATCHER)),
             f"{HOST}:{server.sip}"],
            cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip


def end(process: subprocess.Popen[bytes], folder: Path) -> None:
    errors = folder / "errors.log"
    code = process.wait(30)
    assert code == 0, errors.read_text() if errors.exists() else (folder / "sipp.log").read_text()


def watch(package: str, expires_s: int = 300) -> Script:
    """A subscription, up to its first NOTIFY."""
    return Script().send("SUBSCRIBE", f"Event: {package}\nExpires: {expires_s}\n", within=False).get(200)


def test_a_lamp_goes_on_and_off_and_is_given_up(server: ServerProcess, tmp_path: Path) -> None:
    need("baresip")
    phone = Baresip(tmp_path / "phone", server, "1001")
    script = watch("dialog").get("NOTIFY", "Subscription-State: active", "state=.full").reply()
    script.get("NOTIFY", "<state>confirmed</state>", "direction=.initiator").reply()
    script.get("NOTIFY", "Subscription-State: active", FREE).reply()
    script.send("SUBSCRIBE", "Event: dialog\nExpires: 0\n").get(200)
    script.get("NOTIFY", "Subscription-State: terminated;reason=timeout").reply()
    try:
        phone.start()
        watching = begin(tmp_path / "watch", server, "1001", script)
        phone.rest(1.0)
        phone.command("dial", f"sip:9000@{HOST}:{server.sip}")
        phone.wait("CALL_ESTABLISHED")
        phone.rest(0.5)
        phone.command("hangup")
        end(watching, tmp_path / "watch")
    finally:
        phone.stop()


def test_a_subscription_that_is_not_refreshed_ends(server: ServerProcess, tmp_path: Path) -> None:
    script = watch("presence", 2).get("NOTIFY", "Subscription-State: active;expires=[12]", "<basic>").reply()
    script.get("NOTIFY", "Subscription-State: terminated;reason=timeout").reply()
    end(begin(tmp_path / "watch", server, "1002", script), tmp_path / "watch")


def test_what_is_refused(server: ServerProcess, tmp_path: Path) -> None:
    for package, user, status in (("conference", "1001", 489), ("dialog", "5555", 404)):
        script = Script().send("SUBSCRIBE", f"Event: {package}\nExpires: 60\n", within=False).get(status)
        end(begin(tmp_path / user, server, user, script), tmp_path / user)
