# SPDX-License-Identifier: Apache-2.0
"""Steps in which the flow decides by itself."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from switchroom.ivr.phrase import Template, as_text, look_up
from switchroom.ivr.spoken import Language
from switchroom.ivr.steps.base import END, Run, Step


class Speak(Step, frozen=True, kw_only=True):
    """Go on in another language."""

    decides: ClassVar[bool] = True
    language: Language
    next: str = END

    async def run(self, run: Run) -> str:
        run.flow.language = self.language
        return self.next


class Set(Step, frozen=True, kw_only=True):
    """Give variables values; texts may have fields."""

    decides: ClassVar[bool] = True
    values: dict[str, Any]
    next: str = END

    async def run(self, run: Run) -> str:
        run.variables.update(run.fill(self.values))
        return self.next


class When(Step, frozen=True, kw_only=True):
    """Go where the value of a text with fields says."""

    decides: ClassVar[bool] = True
    value: Template
    cases: dict[str, str]
    otherwise: str

    def targets(self) -> Iterator[tuple[str, str]]:
        yield from ((f"cases.{text}", step) for text, step in self.cases.items())
        yield "otherwise", self.otherwise

    async def run(self, run: Run) -> str:
        return self.cases.get(self.value.fill(run.variables), self.otherwise)


class Check(Step, frozen=True, kw_only=True):
    """Compare a variable with what the caller typed, as for a PIN, without either being written anywhere."""

    decides: ClassVar[bool] = True
    value: str
    equals: str
    otherwise: str
    next: str = END

    async def run(self, run: Run) -> str:
        one, other = (as_text(look_up(run.variables, path)) for path in (self.value, self.equals))
        return self.next if one and one == other else self.otherwise


class Again(Step, frozen=True, kw_only=True):
    """Go back to a step, at most so many times in one call; then go on with `otherwise`."""

    decides: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    next: str
    otherwise: str
    times: Annotated[int, Meta(ge=1, le=9)] = 2

    async def run(self, run: Run) -> str:
        key = f"_again_{run.step}"
        run.variables[key] = run.variables.get(key, 0) + 1
        return self.next if run.variables[key] <= self.times else self.otherwise


class Hours(Step, frozen=True, kw_only=True):
    """Go by time conditions of the dial plan ([times]). Hours that nobody has configured are always open."""

    decides: ClassVar[bool] = True
    hours: str
    open: str
    closed: str
    holidays: str = "holidays"
    holiday: str | None = None
    """Where to go when the condition `holidays` holds; without it a holiday is like any other day."""

    def targets(self) -> Iterator[tuple[str, str]]:
        yield "open", self.open
        yield "closed", self.closed
        if self.holiday is not None:
            yield "holiday", self.holiday

    async def run(self, run: Run) -> str:
        holds = run.flow.services.holds
        if self.holiday is not None and holds(self.holidays):
            return self.holiday
        return self.closed if holds(self.hours) is False else self.open
