# SPDX-License-Identifier: Apache-2.0
"""The wallboard: what a person in front of it reads."""

from typing import Any

from rich.console import Console

from switchroom.pbx.acd.floor import AgentView, QueueView
from switchroom.pbx.acd.service_level import Board
from switchroom.pbx.events import CallRated, CallStarted, Entry, QueueAnswered, QueueEntered
from switchroom.pbx.wallboard import Wallboard


class SmallFloor:
    """One queue in which somebody waits, one agent who talks, one who is at lunch."""

    def __init__(self) -> None:
        self.board = Board({"sales": (20_000, 5_000)})

    def queues(self) -> list[QueueView]:
        return [
            QueueView(
                name="sales", title="Sales", open=True, strategy="longest-idle", waiting=3, talking=1,
                agents={"talking": 1, "break": 1}, longest_wait_s=65.0, estimate_s=None, service_level=1.0,
                max_waiting=0, max_calls=0,
            )
        ]  # fmt: skip

    def agents(self) -> list[AgentView]:
        common: dict[str, Any] = {"at": "", "queues": ["sales"], "skills": {}, "watched_by": []}
        return [
            AgentView(
                agent="1003", name="Ada", status="available", reason="", status_for_s=900.0, state="talking",
                state_for_s=61.0, standing="talking", call="c1", queue="sales", calls=7, talk_s=3725.0, **common,
            ),
            AgentView(
                agent="1004", name="", status="break", reason="lunch", status_for_s=30.0, state="idle",
                state_for_s=500.0, standing="break", call="", queue="", calls=2, talk_s=40.0, **common,
            ),
        ]  # fmt: skip


def drawn(wallboard: Wallboard, height: int) -> list[str]:
    console = Console(width=110, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(wallboard.picture(height))
    return console.export_text().splitlines()


def test_queues_agents_and_events_are_there_to_read() -> None:
    floor = SmallFloor()
    board = Wallboard(floor, "Here", lambda: "12:00:00")  # type: ignore[arg-type]
    records = [
        CallStarted(call="c1", caller="13800000001", dialled="8000"),
        QueueEntered(call="c1", queue="sales", caller="13800000001", priority=0, position=1),
        QueueAnswered(call="c1", queue="sales", caller="13800000001", agent="1003", waited_ms=12_000),
        CallRated(call="c0", grade="average", score=60.0),
    ]
    for number, record in enumerate(records, 1):
        floor.board.add(Entry(number=number, at_ns=0, record=record))
        board.take(record, "" if isinstance(record, CallStarted) else f"event {number}")
    lines = drawn(board, 24)
    (queue,) = [line.split() for line in lines if "Sales" in line and "1:05" in line]
    assert [cell for cell in queue if cell not in "│┃"] == ["Sales", "3", "1:05", "100%", "1", "0", "12", "s", "1", "0"]
    (ada,) = [line for line in lines if "Ada" in line]
    assert [word in ada for word in ("talking", "1:01", "13800000001", "7", "1:02:05")] == [True] * 5
    (lunch,) = [line for line in lines if "1004" in line]
    assert "break (lunch)" in lunch
    assert "0:30" in lunch
    assert "1 calls now, 0 before, satisfaction 60 of 100 (1)" in lines[0]
    assert [line.split()[-2] for line in lines if "event" in line.lower() and "12:00:00" in line] == ["2", "3", "4"]


def test_a_low_terminal_shows_the_newest_events() -> None:
    floor = SmallFloor()
    board = Wallboard(floor, "Here", lambda: "12:00:00")  # type: ignore[arg-type]
    for number in range(300):
        board.take(CallRated(call="c0", grade="average", score=60.0), f"line-{number}")
    lines = drawn(board, 10)
    assert [line.split()[2] for line in lines if "line-" in line] == ["line-297", "line-298", "line-299"]
