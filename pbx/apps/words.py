# SPDX-License-Identifier: Apache-2.0
"""What applications say to a caller: sentences, numbers digit by digit, times of day."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from switchroom.pbx.call import Call

Speak = Callable[[str], Awaitable[str]]
"""Text to the path of an audio file that says it."""


class Voice:
    """One call, spoken to. Any key stops a sentence, and stays to be read."""

    def __init__(self, call: Call, speak: Speak) -> None:
        self.call = call
        self._speak = speak

    async def say(self, text: str) -> None:
        await self.call.play(await self._speak(text), until_digit=True)

    async def ask(self, text: str, count: int) -> str:
        """Say it, and collect up to `count` keys; `#` ends them."""
        await self.say(text)
        return await self.call.collect(count)


def spelled(number: str) -> str:
    """A number as it is read out."""
    return " ".join({"*": "star", "#": "hash", "+": "plus"}.get(character, character) for character in number)


def counted(count: int, thing: str) -> str:
    """`no messages`, `1 message`, `2 messages`."""
    return f"{count or 'no'} {thing}{'' if count == 1 else 's'}"


def moment(at_ms: int, now_s: float) -> str:
    """A time as one says it: `today at 10 35`, on the clock of this machine."""
    then, now = datetime.fromtimestamp(at_ms / 1000).astimezone(), datetime.fromtimestamp(now_s).astimezone()
    days = (now.date() - then.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, then.strftime("on %B %d").replace(" 0", " "))
    return f"{day} at {then.hour} {then.minute:02d}"
