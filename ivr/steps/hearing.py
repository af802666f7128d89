# SPDX-License-Identifier: Apache-2.0
"""Steps in which the caller hears, types or speaks."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from switchroom.ivr.phrase import Phrase, Template
from switchroom.ivr.steps.base import END, KEYS, Retries, Run, Step, WaitS


class Say(Step, frozen=True, kw_only=True):
    """Let the caller hear something."""

    say: tuple[Phrase, ...]
    barge_in: bool = True
    next: str = END

    async def run(self, run: Run) -> str:
        await run.flow.say(*run.parts(self.say), barge_in=self.barge_in, step=run.step)
        return self.next


class Menu(Step, frozen=True, kw_only=True):
    """Ask for one key; `otherwise` follows after silence or wrong keys, `retries` times asked again."""

    asks: ClassVar[bool] = True
    say: tuple[Phrase, ...]
    choices: dict[str, str]
    otherwise: str
    timeout_s: WaitS = 5.0
    retries: Retries = 2

    def targets(self) -> Iterator[tuple[str, str]]:
        yield from ((f"choices.{key}", step) for key, step in self.choices.items())
        yield "otherwise", self.otherwise

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not self.choices:
            yield "choices", "a menu needs at least one"
        for key in self.choices:
            if key not in KEYS:
                yield f"choices.{key}", "expected one key: 0 to 9, * or #"

    async def run(self, run: Run) -> str:
        chosen = await run.flow.menu(
            *run.parts(self.say), choices=self.choices, timeout_s=self.timeout_s, retries=self.retries, step=run.step
        )
        return self.otherwise if chosen is None else str(chosen)


class Collect(Step, frozen=True, kw_only=True):
    """Ask for digits and keep them as a variable."""

    asks: ClassVar[bool] = True
    say: tuple[Phrase, ...]
    into: str
    otherwise: str
    least: Annotated[int, Meta(ge=1, le=64)] = 1
    most: Annotated[int, Meta(ge=1, le=64)] = 20
    first_s: WaitS = 8.0
    between_s: WaitS = 4.0
    retries: Retries = 2
    confirm: bool = False
    next: str = END

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.least > self.most:
            yield "least", f"must not be more than most ({self.most})"

    async def run(self, run: Run) -> str:
        typed = await run.flow.collect(
            *run.parts(self.say), least=self.least, most=self.most, first_s=self.first_s, between_s=self.between_s,
            retries=self.retries, confirm=self.confirm, step=run.step,
        )  # fmt: skip
        run.variables[self.into] = typed
        return self.next if typed else self.otherwise


class Record(Step, frozen=True, kw_only=True):
    """Take a message; `otherwise` follows where none was spoken."""

    asks: ClassVar[bool] = True
    mailbox: Template
    say: tuple[Phrase, ...] = ()
    most_s: Annotated[float, Meta(gt=0, le=3600)] = 120.0
    otherwise: str = END
    next: str = END

    async def run(self, run: Run) -> str:
        path = await run.flow.record(
            self.mailbox.fill(run.variables), *run.parts(self.say), most_s=self.most_s, step=run.step
        )
        run.variables["message"] = path
        return self.next if path else self.otherwise


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to the question how content the caller is."""

    name: str
    score: Annotated[float, Meta(ge=0, le=100)]


class Rate(Step, frozen=True, kw_only=True):
    """Ask how content the caller is with the agent who served him."""

    asks: ClassVar[bool] = True
    say: tuple[Phrase, ...]
    grades: dict[str, Grade]
    thanks: Phrase
    next: str = END

    def said(self) -> tuple[Phrase, ...]:
        return (*self.say, self.thanks)

    def mistakes(self) -> Iterator[tuple[str, str]]:
        for key in self.grades:
            if key not in KEYS:
                yield f"grades.{key}", "expected one key: 0 to 9, * or #"

    async def run(self, run: Run) -> str:
        grades = {key: (grade.name, grade.score) for key, grade in self.grades.items()}
        run.variables["grade"] = await run.flow.rate(
            *run.parts(self.say), grades=grades, thanks=run.parts((self.thanks,)), step=run.step
        )
        return self.next


class Hangup(Step, frozen=True, kw_only=True):
    """Say good-bye and end the call."""

    say: tuple[Phrase, ...] = ()

    def targets(self) -> Iterator[tuple[str, str]]:
        return iter(())

    async def run(self, run: Run) -> str:
        await run.flow.hangup(*run.parts(self.say), step=run.step)
        return END
