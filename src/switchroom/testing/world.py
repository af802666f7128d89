# SPDX-License-Identifier: Apache-2.0
"""What stands around a flow on the bench: prompts that are texts, queues without agents, systems that obey the test."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from switchroom.ivr.prompts import Part, Prompt, Prompts, Sound
from switchroom.ivr.services import QueueOutcome, QueueResult
from switchroom.ivr.spoken import Language
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallError

SECONDS_PER_LETTER: Mapping[Language, float] = {"en": 0.065, "zh": 0.22}
TONE_S = 0.3


class TextPrompts(Prompts):
    """Everything is a text, `en|welcome|Hello.`: language, name of the prompt, words."""

    def __init__(self) -> None:
        super().__init__(None, self._never)

    async def sources(self, parts: Iterable[Part], language: Language) -> list[str]:
        found = []
        for part in parts:
            if isinstance(part, Sound):
                found.append(part.source)
            elif isinstance(part, Prompt):
                _, words, spoken_in = self._find(part, language)
                found.append(f"{spoken_in}|{part.name}|{words}")
            else:
                found.append(f"{language}||{part if isinstance(part, str) else part.words(language)}")
        return found

    @staticmethod
    async def _never(text: str, language: Language) -> str:
        raise AssertionError("texts are not spoken on the bench")


def length_s(source: str) -> float:
    """How long it takes to hear a text."""
    language, bar, rest = source.partition("|")
    if not bar:
        return TONE_S
    words = rest.partition("|")[2]
    return max(0.2, len(words) * SECONDS_PER_LETTER["zh" if language == "zh" else "en"])


@dataclass
class Waiting:
    """A caller in a queue of the bench, until somebody says how it comes out."""

    call: Call
    queue: str
    wishes: dict[str, Any]
    since_s: float
    over: "asyncio.Future[QueueOutcome]"

    def end(self, result: QueueResult, agent: str = "", key: str = "") -> None:
        waited_s = self.over.get_loop().time() - self.since_s
        self.over.set_result(QueueOutcome(self.queue, result, agent, waited_s, key))


@dataclass
class FakeQueues:
    """Queues that keep callers waiting until the test says what happens; `unknown` ones do not exist."""

    changed: Callable[[], None]
    waiting: list[Waiting] = field(default_factory=list)
    callbacks: list[tuple[str, str]] = field(default_factory=list)
    refuses_callbacks: bool = False
    unknown: set[str] = field(default_factory=set)

    async def serve(self, call: Call, queue: str, **wishes: Any) -> QueueOutcome:
        if queue in self.unknown:
            raise CallError(404, f"no queue is called {queue!r}")
        loop = asyncio.get_running_loop()
        place = Waiting(call, queue, wishes, loop.time(), loop.create_future())
        self.waiting.append(place)
        self.changed()
        gone = asyncio.ensure_future(call.until_hangup())
        try:
            await asyncio.wait((gone, place.over), return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                gone.result()  # raises CallerGone
            return place.over.result()
        finally:
            self.waiting.remove(place)
            gone.cancel()

    async def call_back(self, call: Call, queue: str, number: str) -> bool:
        if self.refuses_callbacks:
            return False
        self.callbacks.append((queue, number))
        self.changed()
        return True


Answer = Any
"""What a system answers: a value, an exception to raise, or a function of what is asked that gives either."""


@dataclass
class FakeOutside:
    """Systems that answer as the test says, after `delay_s`; what was asked is kept."""

    urls: dict[str, Answer] = field(default_factory=dict)
    queries: dict[str, Answer] = field(default_factory=dict)
    delay_s: float = 0.05
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def http(self, method: str, url: str, json: Any, timeout_s: float) -> Any:
        self.asked.append((f"{method} {url}", json))
        return await self._answer(self.urls, url, json, timeout_s)

    async def query(self, name: str, values: Mapping[str, Any], timeout_s: float) -> list[dict[str, Any]]:
        self.asked.append((name, dict(values)))
        rows: list[dict[str, Any]] = await self._answer(self.queries, name, values, timeout_s)
        return rows

    async def _answer(self, answers: Mapping[str, Answer], name: str, asked: Any, timeout_s: float) -> Any:
        async with asyncio.timeout(timeout_s):
            await asyncio.sleep(self.delay_s)
        if name not in answers:
            raise ConnectionRefusedError(f"nothing answers at {name}")
        answer = answers[name]
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, BaseException):
            raise answer
        return answer
