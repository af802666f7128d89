# SPDX-License-Identifier: Apache-2.0
"""What came of a day, in words: queues, agents, why callers waited, and what queueing theory would have expected."""

import math
from collections import Counter
from collections.abc import Iterator

from switchroom.pbx.acd.explain import WaitFolds, WaitStory
from switchroom.pbx.acd.service_level import Board, QueueFigures
from switchroom.pbx.day.config import Crew, DayFile
from switchroom.pbx.events import Entry
from switchroom.pbx.reports.erlang import Load, service

WORST = 40
"""Queues that a report shows at most."""


class Report:
    """Told every entry of a day, then asked for its lines."""

    def __init__(self, day: DayFile) -> None:
        self._day = day
        targets = {
            name: (round(queue.target_s * 1000), round(queue.short_abandon_s * 1000))
            for name, queue in day.queues.items()
        }
        self.board = Board(targets)
        self.waited_ms: Counter[str] = Counter()
        """By reason, of all callers."""
        self.unexplained_ms = 0
        self.callers = 0
        self._waits = WaitFolds(self._on_story)

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        self.board.add(entry)
        self._waits.add(entry)

    def lines(self, calls: int, records: int) -> Iterator[str]:
        """The report."""
        board = self.board
        offered = sum(queue.offered for queue in board.queues.values())
        answered = sum(queue.answered for queue in board.queues.values())
        yield f"{self._day.day.name}: {calls:,} calls, {offered:,} in queues, {records:,} records"
        if offered:
            yield f"connect rate {100 * answered / offered:.1f} % (answered / offered)"
        yield ""
        yield "queue              offered answered abandoned  in time   mean wait   longest"
        for queue in sorted(board.queues.values(), key=lambda queue: -queue.offered)[:WORST]:
            yield self._queue(queue)
        yield ""
        yield from self._theory()
        total_ms = sum(self.waited_ms.values())
        yield f"{self.callers:,} callers waited {total_ms / 3_600_000:.1f} hours in all, because"
        for reason, waited_ms in self.waited_ms.most_common():
            yield f"  {reason:<14} {waited_ms / 3_600_000:8.2f} h  {100 * waited_ms / max(1, total_ms):5.1f} %"
        yield f"  without a reason {self.unexplained_ms / 1000:.0f} s"

    def _queue(self, queue: QueueFigures) -> str:
        level = queue.service_level
        asa_ms = queue.asa_ms
        shown = f"{queue.queue:<18} {queue.offered:>7} {queue.answered:>8} {queue.abandoned:>9}"
        shown += f"  {100 * level:6.1f} %" if level is not None else "        -"
        shown += f"  {asa_ms / 1000:8.1f} s" if asa_ms is not None else "          -"
        return f"{shown}  {queue.longest_wait_ms / 1000:6.0f} s"

    def _theory(self) -> Iterator[str]:
        """What Erlang A and C say of the centre as one queue that everybody serves: no real centre does better."""
        queues, day = self.board.queues.values(), self._day.day
        completed = sum(queue.completed for queue in queues)
        if not completed:
            return
        wrap_up_s = sum(self._day.queues[queue.queue].wrap_up_s * queue.completed for queue in queues) / completed
        agents = sum(crew.agents * _share(crew, day.hours) for crew in self._day.crews)
        patient = sum(stream.patience_s for stream in self._day.streams) / len(self._day.streams)
        threshold_s = sum(self._day.queues[queue.queue].target_s * queue.offered for queue in queues) / max(
            1, sum(queue.offered for queue in queues)
        )
        calls_per_hour = sum(queue.offered for queue in queues) / day.hours
        handle_s = sum(queue.talk_ms for queue in queues) / completed / 1000 + wrap_up_s
        yield f"as one queue: {calls_per_hour:.0f} calls/h of {handle_s:.0f} s for {agents:.0f} agents at a time"
        for name, patience_s in (("Erlang A", patient), ("Erlang C", math.inf)):
            load = Load(calls_per_hour=calls_per_hour, handle_s=handle_s, patience_s=patience_s)
            expected = service(load, max(1, round(agents)), threshold_s)
            yield (
                f"  {name}: {100 * expected.within:.1f} % in {threshold_s:.0f} s, mean wait {expected.asa_s:.1f} s,"
                f" {100 * expected.abandons:.1f} % give up, agents busy {100 * expected.occupancy:.0f} %"
            )
        yield ""

    def _on_story(self, story: WaitStory) -> None:
        self.callers += 1
        explained = 0
        for interval in story.intervals:
            length_ms = interval.to_ms - interval.from_ms
            explained += length_ms
            self.waited_ms[interval.reason] += length_ms
        self.unexplained_ms += max(0, story.waited_ms - explained)
        self.unexplained_ms += sum(i.to_ms - i.from_ms for i in story.intervals if i.reason == "unknown")


def _share(crew: Crew, hours: float) -> float:
    """The part of the day's hours that a crew works."""
    worked_s = crew.shift.end_s - crew.shift.begin_s - sum(pause.end_s - pause.begin_s for pause in crew.breaks)
    return min(1.0, worked_s / 3600 / hours)
