# SPDX-License-Identifier: Apache-2.0
"""The destinations of the dial plan, each a small application: what happens to a call that is sent there."""

from collections.abc import Awaitable, Callable, Mapping

from switchroom.pbx.call import Call
from switchroom.pbx.control import CallError
from switchroom.pbx.dialplan import Rule

App = Callable[[Call], Awaitable[None]]
Speak = Callable[[str], Awaitable[str]]
"""Text to the path of an audio file that says it."""

DIGIT_WAIT_S = 60.0


class Destinations:
    """Sends a call where the dial plan says.

    `apps` are the routes of the embedding program; `speak` makes the prompts of `speak:` and `digits`; a call to a
    user or URI rings for `ring_s` seconds.
    """

    def __init__(self, apps: Mapping[str, App], speak: Speak, ring_s: float) -> None:
        self._apps = apps
        self._speak = speak
        self._ring_s = ring_s

    async def send(self, call: Call, kind: str, argument: str, rule: Rule | None = None) -> None:
        """Serve a call to its end. Raises CallError when it cannot be, CallerGone when the caller leaves."""
        match kind:
            case "user":
                await self._dial(call, f"user:{argument}", rule)
            case "sip":
                await self._dial(call, f"sip:{argument}", rule)
            case "echo":
                await call.answer()
                await call.echo()
            case "tone":
                await call.answer()
                await call.play(f"tone:{argument}", loop=True)
            case "play":
                await call.answer()
                await call.play(argument)
            case "speak":
                await call.answer()
                await call.play(await self._speak(argument))
            case "ring":
                await call.ring()
                await call.until_hangup()
            case "busy":
                raise CallError(486, "Busy Here", "busy")
            case "reject":
                raise CallError(int(argument), "", "rejected" if argument != "404" else "not-found")
            case "digits":
                await self._read_back(call)
            case "app":
                app = self._apps.get(argument)
                if app is None:
                    raise CallError(500, f"no application {argument!r}")
                await app(call)
            case _:
                raise CallError(500, f"unknown destination {kind!r}")

    async def _dial(self, call: Call, target: str, rule: Rule | None) -> None:
        outcome = await call.dial(target, ring_s=self._ring_s, codecs=rule.codecs if rule is not None else ())
        if outcome.leg is None:
            raise CallError(outcome.status, outcome.reason, outcome.result, outcome.by)

    async def _read_back(self, call: Call) -> None:
        """Answer, and say each digit that is pressed, until `#`, silence or the caller ends it."""
        await call.answer()
        await call.play(await self._speak("Press digits. I read them back."), until_digit=True)
        while (digit := await call.digit(DIGIT_WAIT_S)) not in ("", "#"):
            name = {"*": "star"}.get(digit, digit)
            await call.play(await self._speak(name), until_digit=True)
