# SPDX-License-Identifier: Apache-2.0
"""Faults and cancellations between any two records: agents come back, callers leave, and the records add up."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from switchroom.pbx.control import CallError
from switchroom.pbx.events import (
    AnyRecord,
    OfferEnded,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueOffered,
)
from switchroom.pbx.sim.control import SimPhone
from tests.pbx.acd.sim_desk import SimCentre

RECORDS = 60
"""The story below has about so many."""


class Crashing(SimCentre):
    """Something breaks when the `at`th record is written: `task` cancels whoever writes it, `ring` and `find` make the
    next originate or look-up fail, `leave` lets all parties hang up, `agent` and `caller` one side."""

    def __init__(self, at: int, how: str, **options: Any) -> None:
        super().__init__({"a": {}, "b": {}}, {"user:b": SimPhone(answers_after_s=3)}, **options)
        self.at, self.how = at, how
        self.broken = False
        self.originate = self.control.originate
        self.control.originate = self.failing  # type: ignore[method-assign, assignment]

    def write(self, record: AnyRecord) -> None:
        super().write(record)
        if len(self.records) == self.at:
            asyncio.get_running_loop().call_soon(self.strike, asyncio.current_task())

    def strike(self, task: "asyncio.Task[Any] | None") -> None:
        self.broken = True
        if self.how == "task" and task is not None and task.get_name() != "main":
            task.cancel()
        elif self.how == "ringing":
            for ringing in list(self.desk._ringing.values()):
                ringing.cancel()
        elif self.how in ("agent", "caller", "leave"):
            for leg in list(self.control.legs):
                is_caller = leg.role == "caller"
                if self.how == "leave" or is_caller == (self.how == "caller"):
                    leg.leave()

    async def failing(self, *args: Any, **kwargs: Any) -> Any:
        if self.how == "ring" and self.broken:
            self.broken = False
            raise CallError(503, "no port is free")
        if self.how == "fault" and self.broken:
            self.broken = False
            raise RuntimeError("injected")
        return await self.originate(*args, **kwargs)


async def day(centre: SimCentre) -> None:
    """Six callers, two agents, one who wants to be called back, one transfer."""
    asyncio.current_task().set_name("main")  # type: ignore[union-attr]
    tasks = []
    for number in range(6):
        leg, task = centre.caller(f"c{number}")
        tasks.append(task)
        if number == 2:
            asyncio.get_running_loop().call_later(3, leg.press, "1")
        asyncio.get_running_loop().call_later(20 + 7 * number, leg.leave)
        await asyncio.sleep(4)
    await asyncio.sleep(300)
    for leg in list(centre.control.legs):
        leg.leave()
    await asyncio.sleep(300)
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("how", ["task", "ringing", "ring", "fault", "agent", "caller", "leave"])
def test_whatever_breaks_nobody_is_stuck_and_the_records_add_up(how: str) -> None:
    for at in range(1, RECORDS):
        centre = Crashing(at, how, choices={"1": "callback"}, whisper="w.wav", wrap_up_s=2, callback_retry_s=30)
        centre.run(day)
        where = f"{how} at record {at}: {centre.records[at - 1] if at <= len(centre.records) else None}"
        scheduler = centre.desk.scheduler
        waiting = set(scheduler.callers)
        assert waiting <= set(centre.desk.callbacks), where
        assert scheduler.offers == {}, where
        assert {agent.state for agent in scheduler.agents.values()} <= {"idle", "paused"}, where
        assert centre.desk.visits == centre.desk.conversations == {}, where
        assert [leg.id for leg in centre.control.legs if leg.state != "ended"] == [], where
        entered = Counter(record.call for record in centre.told(QueueEntered))
        ended = Counter(r.call for r in centre.records if isinstance(r, QueueAnswered | QueueAbandoned | QueueLeft))
        assert entered == ended + Counter(waiting), where
        answered = Counter(record.call for record in centre.told(QueueAnswered))
        assert answered == Counter(record.call for record in centre.told(QueueCompleted)), where
        offered = Counter((r.offer, agent) for r in centre.told(QueueOffered) for agent in r.agents)
        assert offered == Counter((r.offer, r.agent) for r in centre.told(OfferEnded)), where
