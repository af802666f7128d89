# SPDX-License-Identifier: Apache-2.0
"""A queue with real phones: callers (baresip, SIPp) wait, agents log in by dialling, talk, and are listened to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.audio import Heard, write_tone
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess
from tests.clients.test_sipp import sipp
from tests.ports import free_port

RULES = """
  { number = "8000", to = "queue:sales" },
  { number = "*11", to = "agent:login" },
  { number = "*21.", to = "supervise:{number:3}" },
"""
CENTRE = """
[queue.sales]
wrap_up_s = 1.0
music = "music.wav"
whisper = "whisper.wav"
announce_every_s = 0
[[agent]]
name = "1001"
queues = { sales = 1 }
[[agent]]
name = "1002"
queues = { sales = 1 }
[[team]]
name = "all"
agents = ["*"]
supervisors = ["1004"]
"""
MUSIC_HZ, WHISPER_HZ = 1500, 2100
CALLER_HZ, AGENT_HZ, BOSS_HZ = 500, 900, 1200


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("centre")
    write_tone(folder / "music.wav", MUSIC_HZ, 20)
    write_tone(folder / "whisper.wav", WHISPER_HZ, 1)
    process = ServerProcess(folder, rtp=22000, rules=RULES, more=CENTRE).start()
    yield process
    process.stop()


def records(server: ServerProcess, *types: str) -> list[dict[str, Any]]:
    found, after = [], 0
    while True:
        answer = server.call("events.list", after=after, limit=1000)
        found += [event["record"] for event in answer["events"] if event["record"]["type"] in types]
        if answer["next"] >= answer["last"]:
            return found
        after = answer["next"]


def log_in(phone: Baresip, server: ServerProcess) -> None:
    before = len(records(server, "agent.status"))
    phone.command("dial", f"sip:*11@{HOST}:{server.sip}")
    phone.wait("CALL_CLOSED")
    server.wait_for("the log-in", lambda: len(records(server, "agent.status")) > before)


@pytest.fixture
def phones(centre: ServerProcess, tmp_path: Path) -> Iterator[tuple[Baresip, Baresip, Baresip]]:
    need("baresip")
    agent = Baresip(tmp_path / "agent", centre, "1001", hz=AGENT_HZ)
    caller = Baresip(tmp_path / "caller", centre, "1003", hz=CALLER_HZ)
    boss = Baresip(tmp_path / "boss", centre, "1004", hz=BOSS_HZ)
    all_ = (agent, caller, boss)
    try:
        for phone in all_:
            phone.start()
        centre.wait_for("registrations", lambda: len(centre.call("registrations.list")["registrations"]) >= 3)
        yield all_
    finally:
        for phone in all_:
            phone.stop()


def test_music_whisper_talk_and_a_supervisor_who_is_heard_by_the_agent_alone(
    centre: ServerProcess, phones: tuple[Baresip, Baresip, Baresip]
) -> None:
    agent, caller, boss = phones
    caller.command("dial", f"sip:8000@{HOST}:{centre.sip}")
    caller.wait("CALL_ESTABLISHED")
    caller.rest(3.0)
    log_in(agent, centre)
    agent.wait("CALL_ESTABLISHED")
    agent.rest(3.0)
    boss.command("dial", f"sip:*211001@{HOST}:{centre.sip}")
    boss.wait("CALL_ESTABLISHED")
    boss.rest(3.0)
    boss.command("sndcode", "5")
    boss.rest(3.0)
    caller.command("hangup")
    agent.wait("CALL_CLOSED")
    boss.command("hangup")
    boss.wait("CALL_CLOSED")
    assert Heard(caller.recording(), MUSIC_HZ).seconds >= 2.5
    assert Heard(caller.recording(), AGENT_HZ).seconds >= 7.0
    assert Heard(agent.recording(), WHISPER_HZ).seconds == pytest.approx(1.0, abs=0.2)
    assert Heard(agent.recording(), CALLER_HZ).seconds >= 7.0
    heard = {hz: Heard(boss.recording(), hz).seconds for hz in (CALLER_HZ, AGENT_HZ)}
    assert min(heard.values()) >= 4.5, heard
    assert Heard(caller.recording(), BOSS_HZ).seconds < 0.1
    assert 1.5 <= Heard(agent.recording(), BOSS_HZ).seconds <= 4.0
    types = ("queue.entered", "queue.offered", "queue.answered", "queue.completed", "supervisor.joined")
    assert [record["type"] for record in records(centre, *types)] == [
        "queue.entered", "queue.offered", "queue.answered", "supervisor.joined", "supervisor.joined", "queue.completed",
    ]  # fmt: skip


def test_many_callers_of_sipp_are_all_answered_by_two_agents_or_give_up(
    centre: ServerProcess, phones: tuple[Baresip, Baresip, Baresip], tmp_path: Path
) -> None:
    agent, _, _ = phones
    log_in(agent, centre)
    before = len(records(centre, "queue.completed"))
    process = sipp(
        tmp_path, "-sn", "uac", "-s", "8000", "-p", str(free_port(host="127.0.0.9")), "-m", "6", "-r", "2",
        "-d", "4000", "-l", "6", "-mp", "42000", f"{HOST}:{centre.sip}",
    )  # fmt: skip
    assert process.wait(90) == 0
    centre.wait_for("the end", lambda: centre.call("system.status")["calls"] == 0)
    ends = records(centre, "queue.answered", "queue.abandoned", "queue.left")
    assert len(ends) == len(records(centre, "queue.entered"))
    assert len(records(centre, "queue.completed")) > before
    assert {record["type"] for record in ends} == {"queue.answered", "queue.abandoned"}
