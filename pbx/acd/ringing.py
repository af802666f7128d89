# SPDX-License-Identifier: Apache-2.0
"""One agent rung for one offer: at its phone, and where its queue wants so at its mobile after it.

Whether an answer counts is the scheduler's to say, at the very moment of the answer.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from switchroom.pbx.acd.decisions import Offered
from switchroom.pbx.control import (
    NORMAL,
    Answered,
    CallError,
    Ended,
    Endpoint,
    Fact,
    Leg,
    Party,
    PickedUp,
    Presentation,
)
from switchroom.pbx.events import OfferOutcome

if TYPE_CHECKING:
    from switchroom.pbx.acd.desk import Desk

_OUTCOMES: dict[int, OfferOutcome] = {486: "busy", 600: "busy", 603: "refused", 408: "no-answer", 480: "no-answer"}


class Ringing:
    """Runs as a task of its own; cancelled, it stops ringing."""

    def __init__(
        self,
        desk: "Desk",
        offered: Offered,
        agent: str,
        caller: Party,
        beside: Leg | None,
        presentation: Presentation = NORMAL,
    ) -> None:
        self._desk = desk
        self._offer = offered
        self._agent = agent
        self._caller = caller
        self._beside = beside
        self._presentation = presentation
        """As the call came: private, and by whom it was sent on."""
        self._legs: list[Leg] = []
        self._outcome: asyncio.Future[OfferOutcome] = asyncio.get_running_loop().create_future()
        self._complete = False
        self._worst: OfferOutcome = "unreachable"
        """How the last of its telephones came out."""

    async def run(self) -> None:
        """Ring until it is answered or not; the scheduler is told."""
        outcome: OfferOutcome = "failed"
        try:
            for place in self._desk.places(self._agent, self._offer.queue):
                outcome = await self._ring(place)
                if outcome == "answered":
                    return
        finally:
            self._silence()
            if outcome != "answered":
                self._desk.offer_ended(self._offer.offer, self._agent, outcome)

    async def _ring(self, place: str) -> OfferOutcome:
        try:
            endpoints = self._desk.find(place)
        except CallError as error:
            return "unreachable" if error.status in (404, 480) else "failed"
        self._outcome = asyncio.get_running_loop().create_future()
        self._complete = False
        self._legs = []
        try:
            async with asyncio.timeout(self._offer.ring_s):
                await self._originate(endpoints)
                return await self._outcome
        except TimeoutError:
            self._silence()
            return "no-answer"

    async def _originate(self, endpoints: Sequence[Endpoint]) -> None:
        config = self._desk.scheduler.queues[self._offer.queue].config
        shown = msgspec.structs.replace(self._presentation, auto_answer=config.auto_answer)
        for endpoint in endpoints:
            if self._outcome.done():
                return
            try:
                leg = await self._desk.control.originate(
                    endpoint, caller=self._caller, beside=self._beside, presentation=shown
                )
            except CallError as error:
                self._worst = "unreachable" if error.status == 480 else "failed"
                continue
            leg.listener = self._on_fact
            self._legs.append(leg)
        self._complete = True
        self._check()

    def _on_fact(self, leg: Leg, fact: Fact) -> None:
        if isinstance(fact, Answered):
            if leg in self._legs and self._desk.offer_answered(self._offer.offer, self._agent, leg):
                self._legs.remove(leg)
                self._settle("answered")
            else:
                leg.hangup(487, "answered elsewhere")
        elif isinstance(fact, PickedUp):
            self._on_picked_up(fact)
        elif isinstance(fact, Ended):
            self._worst = _OUTCOMES.get(fact.status, "refused" if 400 <= fact.status < 500 else "failed")
            self._check()

    def _on_picked_up(self, fact: PickedUp) -> None:
        """Somebody takes the call at another phone, in the agent's name; `over` is done when that leg ends."""

        def on_fact(leg: Leg, fact_of_leg: Fact) -> None:
            if isinstance(fact_of_leg, Ended) and not fact.over.done():
                fact.over.set_result(None)

        former, fact.leg.listener = fact.leg.listener, on_fact
        if self._desk.offer_answered(self._offer.offer, self._agent, fact.leg):
            self._settle("answered")
        else:
            fact.leg.listener = former
            fact.over.set_result(None)

    def _check(self) -> None:
        """When no leg rings any more, it has come to nothing."""
        if self._complete and all(leg.state == "ended" for leg in self._legs):
            self._settle(self._worst)

    def _settle(self, outcome: OfferOutcome) -> None:
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    def _silence(self) -> None:
        legs, self._legs = self._legs, []
        for leg in legs:
            leg.hangup(487, "no longer offered")
