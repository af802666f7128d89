# SPDX-License-Identifier: Apache-2.0
"""What all steps of a data flow have in common."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from switchroom.ivr.flow import Flow
from switchroom.ivr.phrase import Phrase, Template
from switchroom.ivr.prompts import Part, Prompt

END = ""
"""The name of the step after the last one."""
WaitS = Annotated[float, Meta(gt=0, le=60)]
Retries = Annotated[int, Meta(ge=0, le=9)]
KEYS = frozenset("0123456789*#")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all steps."""

    asks: ClassVar[bool] = False
    """Whether it waits for the caller or others, or counts, so that a circle through it does not turn for ever."""

    decides: ClassVar[bool] = False
    """Whether it runs no verb of `Flow`, which would journal it."""

    note: str = ""
    """For the people who read and edit the flow."""

    def targets(self) -> Iterator[tuple[str, str]]:
        """(key, step) for each step that may follow; END among them where the flow may end here."""
        for key in ("next", "otherwise"):
            if hasattr(self, key):
                yield key, getattr(self, key)

    def said(self) -> tuple[Phrase, ...]:
        """Everything that it says."""
        return tuple(getattr(self, "say", ()))

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between keys that is broken."""
        return iter(())

    async def run(self, run: "Run") -> str:
        """Do it; returns the name of the next step."""
        raise NotImplementedError


class Run:
    """One call in one data flow: the flow, its prompts, and the name of the step."""

    def __init__(self, flow: Flow, prompts: Mapping[str, Prompt], subflow: "Callable[[Flow, str], Any]") -> None:
        self.flow = flow
        self.prompts = prompts
        self.subflow = subflow
        self.step = ""

    @property
    def variables(self) -> dict[str, Any]:
        return self.flow.variables

    def parts(self, phrases: tuple[Phrase, ...]) -> list[Part]:
        return [
            part for phrase in phrases for part in phrase.parts(self.prompts, self.flow.language, self.flow.variables)
        ]

    def fill(self, value: Any) -> Any:
        """A JSON value with its templates filled in."""
        if isinstance(value, str):
            return Template(value).fill(self.variables)
        if isinstance(value, Mapping):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.fill(item) for item in value]
        return value
