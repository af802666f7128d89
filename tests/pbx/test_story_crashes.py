# SPDX-License-Identifier: Apache-2.0
"""The complete story, with something breaking between any two of its records: nobody is stuck, the records add up."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest

from switchroom.pbx.events import (
    AnyRecord,
    CallEnded,
    CallStarted,
    LegEnded,
    LegStarted,
    OfferEnded,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueOffered,
    QueuePassed,
    Record,
)
from switchroom.pbx.sim.clock import run
from tests import story
from tests.pbx.exchange import Exchange
from tests.pbx.test_story_simulated import tell
from tests.story import CALLER

LAST = len(story.RECORDS.splitlines())


class Breaking(Exchange):
    """When the `at`th record is written, the parties of one kind hang up, or whatever task wrote it is cancelled."""

    def __init__(self, folder: Path, at: int, how: str) -> None:
        super().__init__(folder)
        self.at, self.how = at, how

    def write(self, record: AnyRecord) -> None:
        super().write(record)
        if len(self.records) == self.at:
            asyncio.get_running_loop().call_soon(self.strike, asyncio.current_task())

    def strike(self, task: "asyncio.Task[None] | None") -> None:
        if self.how == "task" and task is not None and task.get_name() != "teller":
            task.cancel()
        elif self.how != "task":
            for leg in list(self.board.legs):
                if (leg.party.number == CALLER) == (self.how == "caller"):
                    leg.leave()


async def tell_it(exchange: Exchange) -> None:
    asyncio.current_task().set_name("teller")  # type: ignore[union-attr]
    with contextlib.suppress(Exception):  # the teller of a story that has gone another way does not know what to do
        await tell(exchange)
    for leg in list(exchange.board.legs):
        leg.leave()
    await asyncio.sleep(200)


@pytest.mark.parametrize("how", ["caller", "others", "task"])
def test_nobody_is_stuck_and_the_records_add_up(tmp_path: Path, how: str) -> None:
    for at in range(1, LAST, 2 if how == "task" else 1):
        exchange = Breaking(tmp_path, at, how)
        run(tell_it(exchange))
        where = f"{how} at {at}: {exchange.records[at - 1]}"

        def of(*kinds: type[Record], exchange: Exchange = exchange) -> Counter[str]:
            return Counter(record.call for record in exchange.records if isinstance(record, kinds))  # type: ignore[attr-defined]

        desk = exchange.desk
        assert {agent.state for agent in desk.scheduler.agents.values()} <= {"idle", "paused"}, where
        assert desk.visits == desk.conversations == desk.scheduler.callers == desk.scheduler.offers == {}, where
        assert [leg.id for leg in exchange.board.legs if leg.state != "ended"] == [], where
        assert of(QueueEntered) == of(QueueAnswered, QueueAbandoned, QueueLeft), where
        assert of(QueueAnswered, QueuePassed) == of(QueueCompleted), where
        assert of(CallStarted) == of(CallEnded), where
        assert of(LegStarted) == of(LegEnded), where
        offered = Counter((r.offer, agent) for r in exchange.told(QueueOffered) for agent in r.agents)
        assert offered == Counter((r.offer, r.agent) for r in exchange.told(OfferEnded)), where
