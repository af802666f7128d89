# SPDX-License-Identifier: Apache-2.0
"""Steps that ask other systems."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from switchroom.ivr.phrase import Template
from switchroom.ivr.steps.base import END, Run, Step

_NOTHING = object()


class Http(Step, frozen=True, kw_only=True):
    """Ask another system in JSON; `otherwise` follows where it does not answer."""

    asks: ClassVar[bool] = True
    url: Template
    json: dict[str, Any] | None = None
    method: Literal["", "GET", "POST", "PUT", "PATCH", "DELETE"] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 3.0
    into: str = "answer"
    otherwise: str
    next: str = END

    async def run(self, run: Run) -> str:
        answer = await run.flow.http(
            self.url.fill(run.variables), run.fill(self.json), method=self.method, timeout_s=self.timeout_s,
            fallback=_NOTHING, step=run.step,
        )  # fmt: skip
        run.variables[self.into] = None if answer is _NOTHING else answer
        return self.otherwise if answer is _NOTHING else self.next


class Db(Step, frozen=True, kw_only=True):
    """Ask a database by a query that the configuration names; the first row becomes a variable.

    `otherwise` follows where it does not answer or there is no row.
    """

    asks: ClassVar[bool] = True
    query: str
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 3.0
    into: str = "row"
    otherwise: str
    next: str = END

    async def run(self, run: Run) -> str:
        rows = await run.flow.db(
            self.query, timeout_s=self.timeout_s, fallback=[], step=run.step, **run.fill(self.values)
        )
        run.variables[self.into] = rows[0] if rows else None
        return self.next if rows else self.otherwise
