# SPDX-License-Identifier: Apache-2.0
"""Three real phones in one conference: each hears both others, and not itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

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


def test_each_hears_both_others_and_not_itself(phones: list[Baresip], server: ServerProcess) -> None:
    for phone in phones:
        phone.command("dial", f"sip:9010@{HOST}:{server.sip}")
        phone.wait("CALL_ESTABLISHED")
    phones[0].rest(TALK_S)
    for phone in phones:
        phone.command("hangup")
        phone.wait("CALL_CLOSED")
    for i, phone in enumerate(phones):
        recording = phone.recording()
        for j, hz in enumerate(HZ):
            heard = Heard(recording, hz)
            if i == j:
                assert heard.seconds < 0.3, f"phone {i} hears itself: {heard}"
            else:
                assert heard.seconds > TALK_S - 2, f"phone {i} does not hear phone {j}: {heard}"
