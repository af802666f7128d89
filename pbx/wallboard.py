# SPDX-License-Identifier: Apache-2.0
"""The wallboard on a terminal: queues, agents and what has just happened, as a picture that is drawn again and again.

It only reads the floor of the call centre; rich draws it.
"""

from collections import deque
from collections.abc import Callable

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from switchroom.pbx.acd.floor import Floor
from switchroom.pbx.acd.service_level import QueueFigures
from switchroom.pbx.events import AnyRecord, CallEnded, CallRated, CallStarted

KEPT_LINES = 200
STYLES = {
    "ready": "green", "offered": "yellow", "talking": "cyan", "wrap-up": "magenta", "break": "blue", "paused": "red",
    "busy": "red", "unreachable": "red", "logged-out": "bright_black",
}  # fmt: skip
LONG_WAIT_S, GOOD_LEVEL, FAIR_LEVEL = 20.0, 0.8, 0.6


class Wallboard:
    """`take` every record with its line of text, and draw `picture` as often as it is to be seen.

    `clock` is local time as text.
    """

    def __init__(self, floor: Floor, title: str, clock: Callable[[], str]) -> None:
        self._floor = floor
        self._title = title
        self._clock = clock
        self._lines: deque[tuple[str, str]] = deque(maxlen=KEPT_LINES)
        self._callers: dict[str, str] = {}
        self._ended = self._rated = 0
        self._score = 0.0

    def take(self, record: AnyRecord, text: str) -> None:
        """Follow the journal; `text` is empty where nobody need see it."""
        match record:
            case CallStarted():
                self._callers[record.call] = record.caller
            case CallEnded():
                self._ended += self._callers.pop(record.call, None) is not None
            case CallRated():
                self._rated += 1
                self._score += record.score
        if text:
            self._lines.append((self._clock(), text))

    def picture(self, height: int = 40) -> RenderableType:
        """The board now, at most so many lines high."""
        queues, agents = self._queues(), self._agents()
        room = height - queues.row_count - agents.row_count - 13  # lines that are always there
        return Group(self._head(), queues, agents, self._news(max(3, room)))

    # ---- parts

    def _head(self) -> RenderableType:
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        content = f", satisfaction {self._score / self._rated:.0f} of 100 ({self._rated})" if self._rated else ""
        calls = f"{len(self._callers)} calls now, {self._ended} before{content}"
        head.add_row(Text(f" {self._title}", style="bold"), f"{calls}   {self._clock()} ")
        return head

    def _queues(self) -> Table:
        columns = ("queue", "waiting", "longest", "in time", "answered", "gave up", "mean wait", "talking", "free")
        table = _table("Queues", *columns)
        for view in self._floor.queues():
            figures = self._floor.board.queues.get(view.name) or QueueFigures(queue=view.name)
            level, asa_ms = figures.service_level, figures.asa_ms
            table.add_row(
                Text(view.title, style="bold"),
                Text(str(view.waiting), style="bold yellow" if view.waiting else "bright_black"),
                Text(_time(view.longest_wait_s), style="bold red" if view.longest_wait_s > LONG_WAIT_S else ""),
                Text(f"{level:.0%}" if level is not None else "-", style=_level_style(level)),
                str(figures.answered),
                str(figures.abandoned),
                f"{asa_ms / 1000:.0f} s" if asa_ms is not None else "-",
                str(view.talking),
                str(view.agents.get("ready", 0)),
            )
        return table

    def _agents(self) -> Table:
        table = _table("Agents", "agent", "is", "since", "with", "queue", "calls", "talk", "listening")
        titles = {view.name: view.title for view in self._floor.queues()}
        for view in self._floor.agents():
            known = view.standing == "logged-out"
            since_s = view.status_for_s if view.status != "available" else view.state_for_s
            standing = f"{view.standing} ({view.reason})" if view.status == "break" and view.reason else view.standing
            table.add_row(
                Text(view.name or view.agent, style="bright_black" if known else "bold"),
                Text(f"● {standing}", style=STYLES.get(view.standing, "")),
                "" if known else _time(since_s),
                self._callers.get(view.call, ""),
                titles.get(view.queue, ""),
                "" if known else str(view.calls),
                "" if known else _time(view.talk_s),
                ", ".join(view.watched_by),
            )
        return table

    def _news(self, lines: int) -> RenderableType:
        text = Text("\n", no_wrap=True, overflow="ellipsis").join(
            Text.assemble((at, "bright_black"), "  ", line) for at, line in list(self._lines)[-lines:]
        )
        return Panel(text, title="Events", title_align="left", border_style="bright_black", height=lines + 2)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=True, border_style="bright_black",
                  header_style="bright_black", pad_edge=False, box=box.SIMPLE_HEAD)  # fmt: skip
    words = ("queue", "agent", "is", "with", "listening")
    for column in columns:
        table.add_column(column, justify="left" if column in words else "right", no_wrap=True)
    return table


def _level_style(level: float | None) -> str:
    if level is None:
        return "bright_black"
    return "green" if level >= GOOD_LEVEL else "yellow" if level >= FAIR_LEVEL else "red"


def _time(seconds: float) -> str:
    """As on a clock."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
