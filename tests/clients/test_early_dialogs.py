# SPDX-License-Identifier: Apache-2.0
"""PRACK in both roles of one call (RFC 3262), and re-INVITEs of both sides that cross (RFC 3261 section 14)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.script import PLAIN, Script, answered
from tests.clients.server import ServerProcess
from tests.clients.sipp import Sipp

CALLER = "127.0.0.10"
PEER = f'[[peer]]\nname = "caller"\naddresses = ["{CALLER}"]\n'
TIMER = "Supported: timer\nAllow: INVITE, ACK, BYE\nMin-SE: 2\nSession-Expires: 13;refresher=uas\n"


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    sip = "session_expires_s = 13\nmin_se_s = 1\ntrace = true"
    server = ServerProcess(tmp_path_factory.mktemp("brief"), rtp=25_500, sip_more=sip, more=PEER).start()
    yield server
    server.stop()


def test_reliable_progress_is_acknowledged_on_both_sides(brief: ServerProcess, tmp_path: Path) -> None:
    called = Script().get("INVITE").keep().progress("Require: 100rel\nRSeq: 7\n")
    called.get("PRACK", "RAck: 7 [0-9]+ INVITE").reply().answer_kept().get("ACK").get("BYE").reply()
    caller = Script().send("INVITE", "Require: 100rel\n", PLAIN, within=False).get(100, optional=True)
    caller.get(183, "Require:[^\r\n]*100rel", "m=audio", number_of="RSeq").send("PRACK", "RAck: [$RSeq] 1 INVITE\n")
    caller.get(200).get(200).send("ACK").rest(300).send("BYE").get(200)
    other = Sipp(tmp_path / "called", brief, called, media=40700)
    Sipp(tmp_path / "caller", brief, caller, number="7100", media=40710, address=CALLER).end()
    other.end()


def test_reinvites_that_cross_are_both_made_again(brief: ServerProcess, tmp_path: Path) -> None:
    """Ours is a refresh, for the caller takes no UPDATE; theirs goes out when ours has come, and before its answer. A
    session of 13 s leaves the two seconds that may go by before ours is made again."""
    script = answered(PLAIN, TIMER, "Session-Expires: 13;refresher=uas")
    script.get("INVITE").keep().send("INVITE", "", PLAIN).get(491).send("ACK").glare().get("ACK")
    script.get("INVITE", "m=audio").reply(PLAIN).get("ACK")
    script.send("INVITE", "", PLAIN).get(100, optional=True).get(200, "m=audio").send("ACK")
    script.send("BYE").get(200)
    Sipp(tmp_path, brief, script, number="9002", media=40720, address=CALLER).end()
