# SPDX-License-Identifier: Apache-2.0
"""Phones that ring for somebody who is called into something, until the first answers."""

import asyncio
from collections.abc import Sequence

from switchroom.pbx.control import Answered, CallControl, CallError, Ended, Endpoint, Fact, Leg, Party


async def first_answer(
    control: CallControl, ringing: list[Leg], others: Sequence[Endpoint], *, caller: Party, beside: Leg, ring_s: float
) -> Leg:
    """The first leg to answer of those that ring, and of others, which are called now; the rest is given up.

    Raises CallError when none does.
    """
    answered: asyncio.Future[Leg] = asyncio.get_running_loop().create_future()

    def on_fact(leg: Leg, fact: Fact) -> None:
        if answered.done():
            return
        if isinstance(fact, Answered):
            answered.set_result(leg)
        elif isinstance(fact, Ended) and all(other.state == "ended" for other in ringing):
            answered.set_exception(CallError(fact.status, fact.reason, by=fact.by))

    for leg in ringing:
        leg.listener = on_fact
    winner: Leg | None = None
    try:
        async with asyncio.timeout(ring_s):
            for endpoint in others:
                leg = await control.originate(endpoint, caller=caller, beside=beside)
                ringing.append(leg)
                leg.listener = on_fact
            winner = await answered
            return winner
    except TimeoutError:
        raise CallError(480, "no answer", "no-answer") from None
    finally:
        for leg in ringing:
            if leg is not winner:
                leg.hangup(487, "answered elsewhere")
