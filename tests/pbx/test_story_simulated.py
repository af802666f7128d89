# SPDX-License-Identifier: Apache-2.0
"""The complete story on the simulated exchange: the same configuration and applications as the real one, in virtual
time, and the same records."""

import asyncio
from pathlib import Path

import msgspec

from switchroom.pbx.control import TransferAsked
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimPhone
from tests import story
from tests.pbx.exchange import Exchange
from tests.story import BOSS, CALLER, FIRST, SECOND


async def tell(exchange: Exchange) -> None:
    board = exchange.board
    board.phones = {f"user:{name}": SimPhone(answers_after_s=1.0) for name in (FIRST, SECOND)}
    centre = await exchange.open()
    exchange.dial(SECOND, "*11")
    await asyncio.sleep(5)
    exchange.records.clear()
    caller = exchange.dial(CALLER, "8888")
    await asyncio.sleep(3)
    caller.press("1")
    await asyncio.sleep(5)
    exchange.dial(FIRST, "*11")
    await asyncio.sleep(5)
    first = caller.partner
    assert first is not None
    caller.record(label="caller")
    first.record(label="first agent")
    await asyncio.sleep(2)
    boss = exchange.dial(BOSS, f"*21{FIRST}")
    await asyncio.sleep(1)
    boss.press("5")
    await asyncio.sleep(2)
    boss.leave()
    await asyncio.sleep(0.1)
    first.holds()
    consulting = exchange.dial(FIRST, SECOND)
    await asyncio.sleep(3)
    first.say(TransferAsked(SECOND, consulting))
    await asyncio.sleep(1)
    centre.desk.wrap_up_done(FIRST)
    await asyncio.sleep(2)
    assert caller.partner is not None
    caller.partner.leave()
    await asyncio.sleep(1)
    caller.press("1")
    await asyncio.sleep(5)
    centre.desk.wrap_up_done(SECOND)
    await centre.desk.close()
    await exchange.office.close()


def test_the_story_leaves_the_same_records(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    run(tell(exchange))
    records = [msgspec.to_builtins(record) for record in exchange.records]
    assert story.told(records) == story.RECORDS.splitlines()
