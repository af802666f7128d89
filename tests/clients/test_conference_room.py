# SPDX-License-Identifier: Apache-2.0
"""Five real phones in a conference room with a PIN: each hears all others, and not itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile as sf

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

TALK_S = 4.0
HZ = (400, 700, 1000, 1300, 1700)
ROOM = """
[conference.board]
number = "820"
pin = "2580"
moderators = ["1001"]
wait_for_moderator = true
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    need("baresip")
    process = ServerProcess(tmp_path, rtp=25000, users=5, more=ROOM)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def phones(server: ServerProcess, tmp_path: Path) -> Iterator[list[Baresip]]:
    made = [Baresip(tmp_path / str(i), server, f"100{i + 1}", hz=hz) for i, hz in enumerate(HZ)]
    try:
        for phone in made:
            phone.start()
        server.wait_for("registrations", lambda: len(server.call("registrations.list")["registrations"]) == len(HZ))
        yield made
    finally:
        for phone in made:
            phone.stop()


def end_of(recording: Path) -> Path:
    """The part in which all were in the room and nobody was told anything."""
    samples, rate_hz = sf.read(recording)
    cut = recording.with_name("end.wav")
    sf.write(cut, samples[-round(TALK_S * rate_hz) :], rate_hz)
    return cut


def press(phone: Baresip, keys: str) -> None:
    for key in keys:
        phone.command("sndcode", key)
        phone.rest(0.3)


def test_five_phones_give_the_pin_and_hear_each_other(phones: list[Baresip], server: ServerProcess) -> None:
    def parties() -> list[dict[str, object]]:
        found = server.call("conference.list")["conferences"]
        return found[0]["parties"] if found else []

    for phone in [*phones[1:], phones[0]]:
        before = len(parties())
        phone.command("dial", f"sip:820@{HOST}:{server.sip}")
        phone.wait("CALL_ESTABLISHED")
        if phone is not phones[0]:
            phone.rest(1)
            press(phone, "2580#")
        server.wait_for(f"the party {phone.user}", lambda before=before: len(parties()) == before + 1)
    assert server.call("conference.get", conference="board")["waiting"] is False
    for muted in (["1002"], []):
        press(phones[1], "*6")
        server.wait_for("*6", lambda muted=muted: [party["party"] for party in parties() if party["muted"]] == muted)
    phones[0].rest(TALK_S + 3)
    server.call("conference.end", conference="board")
    for phone in phones:
        phone.wait("CALL_CLOSED")
    for i, phone in enumerate(phones):
        for j, hz in enumerate(HZ):
            heard = Heard(end_of(phone.recording()), hz)
            if i == j:
                assert heard.seconds < 0.3, f"phone {i} hears itself: {heard}"
            else:
                assert heard.seconds > TALK_S - 1.5, f"phone {i} does not hear phone {j}: {heard}"
