# SPDX-License-Identifier: Apache-2.0
"""What applications say to a caller, in the language of the user: English, and in Chinese what chinese.py has for it.

A text may hold fields, as flows do: `{digits:slot}` is a number read digit by digit, `{count:new}` one that counts,
`{time:at}` a time of day, `{name}` words as they are.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from switchroom.ivr.phrase import Phrase
from switchroom.ivr.spoken import Language
from switchroom.pbx.apps.chinese import CHINESE
from switchroom.pbx.call import Call

Texts = str | Sequence[str]
"""A sentence, or its clauses."""


class Speak(Protocol):
    """Makes the audio file that says a text in the language of a user (empty: a stranger), and returns its path."""

    async def __call__(self, text: Texts, user: str = "", **values: object) -> str: ...


class Words:
    """The Speak of an exchange: `say` speaks text of a language, `language_of` is a user's, or that of strangers."""

    def __init__(self, say: Callable[[str, Language], Awaitable[str]], language_of: Callable[[str], Language]) -> None:
        self._say = say
        self._language_of = language_of

    async def __call__(self, text: Texts, user: str = "", **values: object) -> str:
        language = self._language_of(user)
        return await self._say(worded(text, language, **values), language)


class Voice:
    """One call, spoken to, in the language of `user` where the caller is none. Any key stops a sentence, and stays to
    be read."""

    def __init__(self, call: Call, speak: Speak, user: str = "") -> None:
        self.call = call
        self._speak = speak
        self._user = call.user or user

    async def say(self, text: Texts, **values: object) -> None:
        await self.call.play(await self._speak(text, self._user, **values), until_digit=True)

    async def ask(self, text: Texts, count: int, **values: object) -> str:
        """Say it, and collect up to `count` keys; `#` ends them."""
        await self.say(text, **values)
        return await self.call.collect(count)


def worded(text: Texts, language: Language, **values: object) -> str:
    """The words of a text with its fields. What has no Chinese is left in English."""
    clauses = [text] if isinstance(text, str) else text
    comma, space = (", ", " ") if language == "en" else (",", "")
    found = []
    for clause in clauses:
        translated = CHINESE.get(clause, clause) if language == "zh" else clause
        parts = Phrase(translated).parts({}, language, values)
        words = [part if isinstance(part, str) else part.words(language) for part in parts]  # type: ignore[union-attr]
        found.append(space.join(words).replace(" .", ".").replace(" ,", ","))
    return comma.join(found)


def messages(new: int, saved: int) -> tuple[Sequence[str], dict[str, object]]:
    """How many there are, in clauses, and the values of their fields."""
    first = {0: "You have no new messages", 1: "You have one new message"}.get(new, "You have {count:new} new messages")
    second = {0: "no saved messages", 1: "one saved message"}.get(saved, "{count:saved} saved messages")
    return (first, second), {"new": new, "saved": saved}


def moment(at_ms: int, now_s: float) -> tuple[str, dict[str, object]]:
    """A time as one says it, on the clock of this machine: a clause, and the values of its fields."""
    then, now = datetime.fromtimestamp(at_ms / 1000).astimezone(), datetime.fromtimestamp(now_s).astimezone()
    days = (now.date() - then.date()).days
    clause = {0: "today at {time:at}", 1: "yesterday at {time:at}"}.get(days, "on {date:day} at {time:at}")
    return clause, {"at": f"{then:%H:%M}", "day": f"{then:%Y-%m-%d}"}
