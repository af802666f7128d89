# SPDX-License-Identifier: Apache-2.0
"""The complete story of a caller with real phones (tests/story.py): IVR, queue, agent, supervisor, transfer, rating.
Every tone is heard by the right ones and nobody else, the records are those of the simulated exchange, and the figures
are right to the second."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from tests import story
from tests.clients.audio import Heard, frame_levels, write_tone
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.pjsua import Pjsua, program
from tests.clients.server import HOST, ServerProcess
from tests.story import BOSS, CALLER, FIRST, SECOND

HZ = {CALLER: 500, FIRST: 900, SECOND: 700, BOSS: 1200}
PLAYED = (story.MUSIC_HZ, story.ADVERT_HZ, story.MENU_HZ, story.RATE_HZ, story.WORDS_HZ)
IVR = '[ivr]\nprompts = "prompts"\n'
LATE_S = 1.0
"""How much later than the exchange the test may notice something."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("story")
    prompts = folder / "prompts" / "en"
    prompts.mkdir(parents=True)
    write_tone(folder / "music.wav", story.MUSIC_HZ, 20.0)
    write_tone(folder / "advert.wav", story.ADVERT_HZ, 1.0)
    for name, (hz, seconds) in story.PROMPTS.items():
        write_tone(prompts / f"{name}.wav", hz, seconds)
    process = ServerProcess(folder, rtp=27000, rules=story.RULES, more=story.CENTRE + IVR).start()
    yield process
    process.stop()


class Teller:
    """Lets the phones act, and looks into the journal for what comes of it."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self.server = server
        make_caller = Baresip if program() is None else Pjsua
        self.caller = make_caller(folder / "caller", server, CALLER, hz=HZ[CALLER])
        self.first = Baresip(folder / "first", server, FIRST, hz=HZ[FIRST], auto=False)
        self.second = Baresip(folder / "second", server, SECOND, hz=HZ[SECOND], auto=False)
        self.boss = Baresip(folder / "boss", server, BOSS, hz=HZ[BOSS])
        self.begin = 0
        self.call = ""
        self.seen_s: dict[str, float] = {}
        """When the test saw things happen, by its own clock."""

    @property
    def phones(self) -> tuple[Baresip | Pjsua, ...]:
        return self.caller, self.first, self.second, self.boss

    def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = self.begin
        while True:
            answer = self.server.call("events.list", after=after, limit=1000)
            found += answer["events"]
            if answer["next"] >= answer["last"]:
                return found
            after = answer["next"]

    def at_s(self, kind: str, **fields: Any) -> float:
        """When a record was written; waits for it."""

        def look() -> float:
            for entry in self.entries():
                record = entry["record"]
                if record["type"] == kind and all(record.get(key) == value for key, value in fields.items()):
                    return float(entry["at_ns"] / 1e9)
            return 0.0

        found: float = self.server.wait_for(f"{kind} {fields}", look, 20)
        self.seen_s.setdefault(f"{kind} {fields.get('agent', '')}".strip(), time.time())
        return found

    def dial(self, phone: Baresip | Pjsua, number: str) -> None:
        phone.command("dial", f"sip:{number}@{HOST}:{self.server.sip}")

    def legs(self, party: str) -> list[tuple[str, str]]:
        calls = self.server.call("calls.list")["calls"]
        return [(call["call"], leg["leg"]) for call in calls for leg in call["legs"] if leg["party"] == party]

    def tell(self) -> None:
        server, caller, first, second, boss = self.server, self.caller, self.first, self.second, self.boss
        self.dial(second, "*11")
        second.wait("CALL_CLOSED")
        self.begin = server.call("events.list", after=0, limit=1)["last"]
        self.dial(caller, "8888")
        caller.wait("CALL_ESTABLISHED")
        self.at_s("flow.step", step="welcome")
        caller.rest(0.6)
        caller.command("sndcode", "1")
        self.at_s("queue.entered")
        caller.rest(3.5)
        self.dial(first, "*11")
        first.wait("CALL_CLOSED")
        first.wait("CALL_INCOMING")
        first.rest(1.0)
        first.command("accept")
        first.wait("CALL_ESTABLISHED")
        self.at_s("queue.answered")
        [(self.call, callers)], [(_, firsts)] = self.legs(CALLER), self.legs(FIRST)
        server.call("recording.start", leg=callers, label="caller")
        server.call("recording.start", leg=firsts, label="first agent")
        first.rest(2.0)
        self.dial(boss, f"*21{FIRST}")
        boss.wait("CALL_ESTABLISHED")
        boss.rest(1.0)
        boss.command("sndcode", "5")
        self.at_s("supervisor.joined", mode="whisper")
        boss.rest(2.0)
        boss.command("hangup")
        self.at_s("supervisor.left")
        first.command("hold")
        self.at_s("leg.held")
        self.dial(first, SECOND)
        second.wait("CALL_INCOMING")
        second.command("accept")
        second.wait("CALL_ESTABLISHED")
        second.rest(1.5)
        [consulted] = [leg for of, leg in self.legs(FIRST) if of != self.call]
        server.call("calls.transfer", leg=firsts, consulted=consulted)
        self.at_s("queue.passed")
        server.call("agents.wrap_up", agent=FIRST)
        second.rest(3.0)
        second.command("hangup")
        self.at_s("queue.completed", agent=SECOND)
        self.at_s("flow.started", flow="csat")
        caller.rest(0.6)
        caller.command("sndcode", "1")
        self.at_s("call.ended", call=self.call)
        self.at_s("flow.ended", flow="demo")
        server.call("agents.wrap_up", agent=SECOND)
        for label in ("caller", "first agent"):
            self.server.wait_for(
                f"the recording {label}", lambda label=label: self.recording(label)["state"] == "ended"
            )

    def recording(self, label: str) -> dict[str, Any]:
        [found] = self.server.call("recording.list", label=label)["recordings"]
        return dict(found)


def test_the_story(centre: ServerProcess, tmp_path: Path) -> None:
    need("baresip")
    teller = Teller(centre, tmp_path)
    try:
        for phone in teller.phones:
            phone.start()
        centre.wait_for(
            "registrations",
            lambda: set(HZ) <= {each["user"] for each in centre.call("registrations.list")["registrations"]},
        )
        teller.tell()
        entries = teller.entries()
    finally:
        for phone in teller.phones:
            phone.stop()
    check_what_was_heard(teller)
    check_recordings(teller)
    assert story.told(entry["record"] for entry in entries) == story.RECORDS.splitlines()
    check_cdrs(teller)
    check_figures(teller)


def check_what_was_heard(teller: Teller) -> None:
    in_queue = heard(teller.caller.recording())
    assert in_queue[story.MENU_HZ] >= 0.4
    assert in_queue[story.MUSIC_HZ] >= 1.5
    assert in_queue[story.ADVERT_HZ] >= 0.8
    assert in_queue[story.RATE_HZ] >= 0.4
    assert words_s(teller.caller.recording()) >= 0.5, "it is told its place"
    assert in_queue[HZ[FIRST]] >= 4.0
    assert in_queue[HZ[SECOND]] >= 2.5
    assert in_queue[HZ[BOSS]] < 0.5, "the caller does not hear the supervisor"
    firsts = max((heard(path) for path in dumps(teller.first)), key=lambda tones: tones[HZ[CALLER]])
    assert firsts[HZ[CALLER]] >= 4.0
    assert firsts[HZ[BOSS]] == pytest.approx(2.0, abs=0.7), "the agent hears the whisper, and not the listening before"
    seconds = heard(teller.second.recording())
    assert seconds[HZ[FIRST]] == pytest.approx(1.5, abs=0.7), "the consultation"
    assert seconds[HZ[CALLER]] >= 2.5
    assert seconds[HZ[BOSS]] == 0
    bosses = heard(teller.boss.recording())
    assert min(bosses[HZ[CALLER]], bosses[HZ[FIRST]]) >= 2.3


def check_recordings(teller: Teller) -> None:
    """Each is as long as its leg went on, with the party on the left and what it heard on the right."""
    caller, first = teller.recording("caller"), teller.recording("first agent")
    passed_s = teller.at_s("queue.passed")
    for found, party, until_s in (
        (caller, CALLER, teller.at_s("call.ended", call=teller.call)),
        (first, FIRST, passed_s),
    ):
        assert (found["call"], found["party"], found["lost_ms"], found["error"]) == (teller.call, party, 0, "")
        assert found["duration_ms"] / 1000 == pytest.approx(until_s - found["started_at_ms"] / 1000, abs=0.5)
        left, right = heard(Path(found["path"])), heard(Path(found["path"]), 1)
        assert left[HZ[party]] >= 0.5 * found["duration_ms"] / 1000
        assert right[HZ[party]] < 0.2
    assert heard(Path(caller["path"]), 1)[HZ[BOSS]] < 0.2
    assert heard(Path(first["path"]), 1)[HZ[BOSS]] == pytest.approx(2.0, abs=0.7)
    samples, rate_hz = sf.read(caller["path"], dtype="float64", always_2d=True)
    at = round((passed_s - caller["started_at_ms"] / 1000) * rate_hz)
    before, after = samples[: at - rate_hz // 2, 1], samples[at + rate_hz // 2 :, 1]
    assert tone_s(before, rate_hz, HZ[FIRST]) >= 4.0
    assert tone_s(before, rate_hz, HZ[SECOND]) == 0
    assert tone_s(after, rate_hz, HZ[SECOND]) >= 2.0
    assert tone_s(after, rate_hz, HZ[FIRST]) == 0, "the first agent is out"


def check_cdrs(teller: Teller) -> None:
    cdrs = {cdr["call"]: cdr for cdr in teller.server.call("cdr.list", limit=20)["cdrs"]}
    story_of = cdrs[teller.call]
    assert (story_of["caller"], story_of["dialled"], story_of["result"]) == (CALLER, "8888", "answered")
    assert [leg["party"] for leg in story_of["legs"]] == [CALLER, FIRST]
    length_s = teller.at_s("call.ended", call=teller.call) - teller.at_s("call.started", call=teller.call)
    assert story_of["duration_ms"] == pytest.approx(1000 * length_s, abs=2)
    [held_s] = [leg["held_ms"] / 1000 for leg in story_of["legs"] if leg["party"] == FIRST]
    assert held_s == pytest.approx(teller.at_s("queue.passed") - teller.at_s("leg.held"), abs=0.1)
    [consultation] = [cdr for cdr in cdrs.values() if cdr["dialled"] == SECOND]
    assert [leg["party"] for leg in consultation["legs"]] == [FIRST, SECOND]
    assert consultation["conversation"] == story_of["conversation"] == teller.call


def check_figures(teller: Teller) -> None:
    """The records say when; the reports must say the same, and the test's own watch too."""
    answered_s, held_s, passed_s = (teller.at_s(kind) for kind in ("queue.answered", "leg.held", "queue.passed"))
    completed_s = teller.at_s("queue.completed", agent=SECOND)
    entered_s = teller.at_s("queue.entered")
    span = {"since_ms": round(1000 * entered_s) - 60_000, "until_ms": round(1000 * completed_s) + 120_000}
    [queue] = teller.server.call("reports.queues", queue="sales", **span)["rows"]
    agents = {row["agent"]: row["counts"] for row in teller.server.call("reports.agents", **span)["rows"]}
    counts = queue["counts"]
    assert (counts["offered"], counts["answered"], counts["answered_in_time"], counts["transferred"]) == (1, 1, 1, 1)
    first, second = agents[FIRST], agents[SECOND]
    assert (first["answered"], first["received"], first["transferred"]) == (1, 0, 1)
    assert (second["answered"], second["received"], second["transferred"]) == (1, 1, 0)
    assert (second["ratings"], second["rating_score"], first["ratings"]) == (1, 100_000, 0)
    for figure_ms, seconds in (
        (counts["wait_ms"], answered_s - entered_s),
        (first["talk_ms"], held_s - answered_s),
        (first["hold_ms"], passed_s - held_s),
        (second["talk_ms"], completed_s - passed_s),
        (counts["talk_ms"], held_s - answered_s + completed_s - passed_s),
        (counts["hold_ms"], passed_s - held_s),
    ):
        assert figure_ms == pytest.approx(1000 * seconds, abs=5)
    seen = teller.seen_s
    assert counts["wait_ms"] / 1000 == pytest.approx(seen["queue.answered"] - seen["queue.entered"], abs=LATE_S)
    talked_s = seen[f"queue.completed {SECOND}"] - seen["queue.answered"]
    assert (counts["talk_ms"] + counts["hold_ms"]) / 1000 == pytest.approx(talked_s, abs=LATE_S)


def dumps(phone: Baresip) -> list[Path]:
    """What it heard in each of its calls."""
    return list(phone.folder.glob("dump-*-dec.wav"))


def heard(path: Path, channel: int = 0) -> dict[float, float]:
    """For how long each of the tones is heard, in seconds."""
    samples, rate_hz = sf.read(path, dtype="float64", always_2d=True)
    return {hz: tone_s(samples[:, channel], rate_hz, hz) for hz in (*HZ.values(), *PLAYED)}


def tone_s(samples: Any, rate_hz: int, hz: float) -> float:
    return float(np.count_nonzero(frame_levels(samples, rate_hz, hz) > -20) / 100)


def words_s(path: Path) -> float:
    """For how long something is heard that is none of the tones."""
    samples, rate_hz = sf.read(path, dtype="float64", always_2d=True)
    frames = samples[: len(samples) // 80 * 80, 0].reshape(-1, 80)
    loud = 20 * np.log10(np.maximum(np.sqrt((frames**2).mean(axis=1)), 1e-6)) > -40
    tones = [frame_levels(samples[:, 0], rate_hz, hz) > -25 for hz in (*HZ.values(), *PLAYED)]
    return float(np.count_nonzero(loud & ~np.any(tones, axis=0)) / 100)


def test_the_tones_are_told_apart(tmp_path: Path) -> None:
    """The measure itself: each tone counts as itself alone."""
    for hz in (*HZ.values(), *PLAYED):
        write_tone(tmp_path / "tone.wav", hz, 1.0)
        assert {other for other, seconds in heard(tmp_path / "tone.wav").items() if seconds > 0.05} == {hz}
        assert Heard(tmp_path / "tone.wav", hz).seconds == pytest.approx(1.0, abs=0.05)
