# SPDX-License-Identifier: Apache-2.0
"""Simulated days: the same seed makes the same bytes, every second of waiting has a reason, the past comes again."""

from pathlib import Path

import pytest

from switchroom.pbx.cdr import CdrFold
from switchroom.pbx.cli import main
from switchroom.pbx.day.config import DayFile, DayRefused, load
from switchroom.pbx.day.replay import past_calls, read
from switchroom.pbx.day.report import Report
from switchroom.pbx.day.run import simulate
from switchroom.pbx.events import Entry, FlowEnded

DAY = """
[day]
start = "2026-11-02T08:00:00+08:00"
hours = 1
[queue.sales]
skills = { zh = 3 }
wrap_up_s = 10
[queue.support]
overflow = [{ when = "wait", after_s = 60, to = "queue:sales" }]
[[stream]]
name = "buyers"
to = "queue:sales"
calls_per_hour = [120]
talk_s = 90
patience_s = 60
[[stream]]
name = "owners"
to = "queue:support"
calls_per_hour = [60]
[[stream]]
name = "hotline"
to = "ivr:hotline"
calls_per_hour = [20]
keys = { "person-or-self" = "2", "self-service" = "2" }
[[crew]]
name = "a"
agents = 3
queues = { sales = 1, support = 2 }
skills = { zh = 5 }
shift = "0:00-1:00"
breaks = ["0:20-0:30"]
misses = 0.05
[[crew]]
name = "b"
agents = 2
queues = { support = 1 }
shift = "0:10-0:50"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "day.toml"
    path.write_text(DAY)
    return path


def run(file: Path, seed: int, journal: Path) -> tuple[DayFile, Report, list[Entry]]:
    day = load(file)
    report = Report(day)
    entries: list[Entry] = []
    simulate(file, day, seed, journal, [report.add, entries.append])
    return day, report, entries


def test_the_same_seed_makes_the_same_journal(file: Path, tmp_path: Path) -> None:
    journals = [tmp_path / name for name in ("a", "b", "c")]
    for journal, seed in zip(journals, (7, 7, 8), strict=True):
        run(file, seed, journal)
    first, second, other = (journal.read_bytes() for journal in journals)
    assert first == second
    assert first != other
    assert len(first) > 100_000


def test_every_second_of_waiting_has_a_reason(file: Path, tmp_path: Path) -> None:
    _, report, _ = run(file, 7, tmp_path / "j")
    assert report.callers > 100
    assert sum(report.waited_ms.values()) > 600_000
    assert report.unexplained_ms == 0
    assert set(report.waited_ms) <= {"offered", "busy", "nobody", "break", "skills", "no-agents"}


def test_every_call_ends_in_one_cdr(file: Path, tmp_path: Path) -> None:
    _, _, entries = run(file, 7, tmp_path / "j")
    started = [entry.record.call for entry in entries if type(entry.record).__name__ == "CallStarted"]
    fold = CdrFold()
    cdrs = [cdr.call for cdr in fold.feed(entries)]
    assert sorted(cdrs) == sorted(started)
    assert len(set(cdrs)) == len(cdrs)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert any(isinstance(entry.record, FlowEnded) for entry in entries)


def test_a_day_that_was_comes_again(file: Path, tmp_path: Path) -> None:
    _, report, _ = run(file, 7, tmp_path / "past")
    past = past_calls(read(tmp_path / "past"))
    offered = sum(queue.offered for queue in report.board.queues.values())
    assert 0.8 * offered < len(past) <= offered  # a caller who went on to another queue is one caller
    better = file.with_name("better.toml")
    better.write_text(DAY.replace("agents = 3", "agents = 12"))
    day = load(better)
    again = Report(day)
    simulate(better, day, 1, None, [again.add], past)
    before, after = report.board.queues["sales"], again.board.queues["sales"]
    assert after.abandoned < before.abandoned
    level_before, level_after = before.service_level, after.service_level
    assert level_before is not None
    assert level_after is not None
    assert level_after > level_before


@pytest.mark.parametrize(
    ("wrong", "right", "mistake"),
    [
        ("+08:00", "", "day.start: '2026-11-02T08:00:00': expected a time with its offset"),
        ('"queue:support"', '"queue:nobody"', "stream[1].to: there is no queue 'nobody'"),
        ("{ sales = 1, support = 2 }", "{ sale = 1 }", "crew[0].queues: there is no queue 'sale'"),
        ('"0:00-1:00"', '"9:00-8:00"', "crew[0].shift: '9:00-8:00' ends before it begins"),
        ("patience_s = 60", "patience = 60", "stream[0].patience: "),
    ],
)
def test_mistakes_are_told_by_their_key(file: Path, wrong: str, right: str, mistake: str) -> None:
    file.write_text(DAY.replace(wrong, right, 1))
    with pytest.raises(DayRefused) as refused:
        load(file)
    assert mistake in str(refused.value)


def test_from_the_shell(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(file), "--seed", "3", "--journal", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "without a reason 0 s" in told
    assert "sales" in told
    assert main(["simulate", str(file), "--replay", str(tmp_path / "out")]) == 0
    (tmp_path / "broken").write_text("{}\n")
    assert main(["simulate", str(file), "--replay", str(tmp_path / "broken")]) == 1
    assert "line 1" in capsys.readouterr().err


def test_the_example_can_be_read() -> None:
    day = load(Path(__file__).parents[3] / "examples" / "day.toml")
    assert len(day.queues) == 20
    assert sum(crew.agents for crew in day.crews) == 300
