# SPDX-License-Identifier: Apache-2.0
"""Deadlines without a clock: the owner says what time it is, and asks when to come back.

SIP uses a handful of durations (multiples of T1, T2, T4), many thousand times each. So there is one queue per duration,
in which deadlines stand in order by themselves: starting and stopping a timer costs the same however many there are.
"""

import operator
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_DURATIONS = 512


@dataclass(frozen=True, slots=True)
class TimerValues:
    """The base values of RFC 3261 table 4, in seconds."""

    t1: float = 0.5
    """Round-trip estimate."""
    t2: float = 4.0
    """Longest interval between retransmissions of a non-INVITE request or an INVITE response."""
    t4: float = 5.0
    """How long a message may remain in the network."""

    @property
    def timeout(self) -> float:
        """64*T1: how long a transaction waits (timers B, F, H, J, L, M)."""
        return 64 * self.t1


class Timer:
    """One running timer; `stop` is idempotent and lets go of everything the timer holds."""

    __slots__ = ("action", "argument", "deadline")

    def __init__(self, deadline: float, action: Callable[[Any], None], argument: Any) -> None:
        self.deadline = deadline
        self.action: Callable[[Any], None] | None = action
        self.argument = argument

    def stop(self) -> None:
        self.action = None
        self.argument = None


SLACK_S = 0.5
_by_deadline = operator.attrgetter("deadline")


class Timers:
    """All timers of one SIP core.

    `clock` returns the time in seconds; `wake(deadline)` is called when a deadline comes earlier than any before it, so
    that the owner can set its single alarm; the owner then calls `run`. `slack` is the share of its length by which a
    timer may ring late (SLACK_S at most), so that many share one alarm.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        wake: Callable[[float], None] = lambda deadline: None,
        slack: float = 0.0,
    ) -> None:
        self.clock = clock
        self.wake = wake
        self._slack = slack
        self._queues: dict[float, deque[Timer]] = {}
        self._next = float("inf")

    def start(self, delay_s: float, action: Callable[[Any], None], argument: Any = None) -> Timer:
        """Call `action(argument)` after `delay_s` seconds."""
        timer = Timer(self.clock() + delay_s, action, argument)
        queue = self._queues.get(delay_s)
        if queue is None:
            if len(self._queues) >= MAX_DURATIONS:
                self._drop_empty_queues()
            queue = self._queues[delay_s] = deque()
        queue.append(timer)
        if timer.deadline < self._next:
            latest = timer.deadline + self._slack_of(delay_s)
            if latest < self._next:
                self._next = latest
                self.wake(latest)
        return timer

    def next_deadline(self) -> float | None:
        """When `run` is next due; None when no timer is running."""
        earliest = min(self._latest(), default=None)
        self._next = float("inf") if earliest is None else earliest
        return earliest

    def run(self) -> None:
        """Fire everything that is due, in order of deadline. An error of one goes up but stops no other."""
        now = self.clock()
        due: list[Timer] = []
        for queue in self._queues.values():
            while queue and (queue[0].action is None or queue[0].deadline <= now):
                due.append(queue.popleft())
        due.sort(key=_by_deadline)
        trouble: Exception | None = None
        for timer in due:
            action, argument = timer.action, timer.argument
            timer.stop()
            if action is not None:
                try:
                    action(argument)
                except Exception as error:
                    trouble = trouble or error
        if (deadline := self.next_deadline()) is not None:
            self.wake(deadline)
        if trouble is not None:
            raise trouble

    def __len__(self) -> int:
        """How many timers are running."""
        return sum(timer.action is not None for queue in self._queues.values() for timer in queue)

    def _slack_of(self, delay_s: float) -> float:
        return min(delay_s * self._slack, SLACK_S)

    def _latest(self) -> list[float]:
        """When the first of each queue must have rung; stopped ones at their heads are dropped."""
        times = []
        for delay_s, queue in self._queues.items():
            while queue and queue[0].action is None:
                queue.popleft()
            if queue:
                times.append(queue[0].deadline + self._slack_of(delay_s))
        return times

    def _drop_empty_queues(self) -> None:
        self._latest()
        self._queues = {delay: queue for delay, queue in self._queues.items() if queue}
