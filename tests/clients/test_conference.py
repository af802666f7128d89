# SPDX-License-Identifier: Apache-2.0
"""Three real phones in one conference: each hears both others, and not itself."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, TOKEN, ServerProcess

TALK_S = 5.0
HZ = (500, 900, 1500)


@pytest.fixture
def phones(server: ServerProcess, tmp_path: Path) -> Iterator[list[Baresip]]:
    need("baresip")
    made = [Baresip(tmp_path / str(i), server, f"100{i + 1}", hz=hz) for i, hz in enumerate(HZ)]
    try:
        for phone in made:
            phone.start()
        server.wait_for("registrations", lambda: len(server.call("registrations.list")["registrations"]) >= 3)
        yield made
    finally:
        for phone in made:
            phone.stop()


def test_each_hears_both_others_and_not_itself(phones: list[Baresip], server: ServerProcess, tmp_path: Path) -> None:
    for phone in phones:
        phone.command("dial", f"sip:9010@{HOST}:{server.sip}")
        phone.wait("CALL_ESTABLISHED")
    recording = server.call("conference.record", conference="tests")["recording"]
    [conference] = server.call("conference.list")["conferences"]
    assert len(conference["parties"]) == 3
    leg = conference["parties"][0]["leg"]
    assert "PCMU" in server.call("leg.describe", leg=leg)["description"]
    phones[0].rest(TALK_S)
    assert server.call("leg.stats", leg=leg)["figures"]["received_packets"] > 100
    server.call("conference.record", conference="tests", on=False)
    for phone in phones:
        phone.command("hangup")
        phone.wait("CALL_CLOSED")
    found = {"recording": recording, "state": "ended"}
    [kept] = server.wait_for("the recording", lambda: server.call("recording.list", **found)["recordings"])
    assert kept["label"] == "conference tests"
    url = f"http://{HOST}:{server.rpc}/recordings/{recording}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        (tmp_path / "mixed.wav").write_bytes(answer.read())
    for hz in HZ:
        assert Heard(tmp_path / "mixed.wav", hz).seconds > TALK_S - 2
    for i, phone in enumerate(phones):
        recording = phone.recording()
        for j, hz in enumerate(HZ):
            heard = Heard(recording, hz)
            if i == j:
                assert heard.seconds < 0.3, f"phone {i} hears itself: {heard}"
            else:
                assert heard.seconds > TALK_S - 2, f"phone {i} does not hear phone {j}: {heard}"
