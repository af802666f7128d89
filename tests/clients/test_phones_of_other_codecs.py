# SPDX-License-Identifier: Apache-2.0
"""Real phones that have no codec in common talk through the exchange: each hears the other at the right level."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

TALK_S = 3.0
CODECS = 'codecs = ["PCMU", "PCMA", "G722", "L16/8000", "L16/16000"]'
PAIRS = [("G722/16000/1", "pcma"), ("L16/16000/1", "G722/16000/1"), ("pcmu", "L16/8000/1")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("codecs"), rtp=24_500, users=6, media_more=CODECS).start()
    yield process
    process.stop()


@pytest.mark.parametrize("pair", range(len(PAIRS)), ids=["-".join(pair).replace("/", "_") for pair in PAIRS])
def test_each_hears_the_other(server: ServerProcess, tmp_path: Path, pair: int) -> None:
    need("baresip")
    users = (str(1001 + 2 * pair), str(1002 + 2 * pair))
    one, two = (
        Baresip(tmp_path / user, server, user, hz=hz, codecs=codec)
        for user, hz, codec in zip(users, (500, 900), PAIRS[pair], strict=True)
    )

    def registered() -> set[str]:
        return {registration["user"] for registration in server.call("registrations.list")["registrations"]}

    try:
        one.start()
        two.start()
        server.wait_for("both registrations", lambda: registered() >= set(users))
        one.command("dial", f"sip:{users[1]}@{HOST}:{server.sip}")
        one.wait("CALL_ESTABLISHED")
        two.wait("CALL_ESTABLISHED")
        one.rest(TALK_S)
        legs = [leg for call in server.call("calls.list")["calls"] for leg in call["legs"]]
        assert len({leg["codec"] for leg in legs}) == 2, legs
        one.command("hangup")
        two.wait("CALL_CLOSED")
    finally:
        one.stop()
        two.stop()
    for phone, speaker in ((one, two), (two, one)):
        heard, said = Heard(phone.recording(), speaker.hz), Heard(speaker.said(), speaker.hz)
        assert heard.seconds >= TALK_S - 1.5, heard
        assert abs(heard.level_dbfs - said.level_dbfs) < 0.5, (heard, said)
        assert heard.longest_gap_ms <= 40, heard
