# SPDX-License-Identifier: Apache-2.0
"""A prompt recorded with a real phone is what the next caller hears."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

RULES = """
  { number = "*61", to = "record-prompt:en/demo-welcome" },
  { number = "8888", to = "ivr:demo" },
"""
IVR = '[queue.sales]\n[queue.support]\n[ivr]\nprompts = "prompts"\nrecorders = ["1001"]\n'
VOICE_HZ = 800


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("prompts"), rtp=28000, rules=RULES, more=IVR).start()
    yield process
    process.stop()


def test_recorded_reviewed_kept_and_heard(exchange: ServerProcess, tmp_path: Path) -> None:
    need("baresip")
    phone = Baresip(tmp_path / "phone", exchange, "1001", hz=VOICE_HZ)
    prompt = exchange.folder / "prompts" / "en" / "demo-welcome.wav"
    try:
        phone.start()
        exchange.wait_for("the registration", lambda: exchange.call("registrations.list")["registrations"])
        phone.command("dial", f"sip:*61@{HOST}:{exchange.sip}")
        phone.wait("CALL_ESTABLISHED")
        recording = exchange.wait_for("the recording", lambda: exchange.call("recording.list")["recordings"], 20)[0]
        phone.rest(2.5)
        phone.command("sndcode", "#")
        exchange.wait_for(
            "its end",
            lambda: exchange.call("recording.list", recording=recording["recording"])["recordings"][0]["ended_at_ms"],
        )
        phone.rest(3.5)  # it is played back
        phone.command("sndcode", "1")
        exchange.wait_for("the prompt", prompt.exists)
        phone.wait("CALL_CLOSED", 20)
        phone.command("dial", f"sip:8888@{HOST}:{exchange.sip}")
        phone.wait("CALL_ESTABLISHED")
        phone.rest(4.0)
        phone.command("hangup")
        phone.wait("CALL_CLOSED")
    finally:
        phone.stop()
    assert Heard(prompt, VOICE_HZ).seconds == pytest.approx(2.5, abs=0.6)
    [played_back, greeted] = [Heard(path, VOICE_HZ).seconds for path in sorted(phone.folder.glob("dump-*-dec.wav"))]
    assert played_back >= 1.5
    assert greeted == pytest.approx(Heard(prompt, VOICE_HZ).seconds, abs=0.3)
