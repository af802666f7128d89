# SPDX-License-Identifier: Apache-2.0
"""Where the dial plan sends a call: one handler per kind of destination, each a small application.

Here are the exchange's own answers (echo, tones, prompts, refusals) and the way to users and URIs; every other
application registers its kinds itself.
"""

from collections.abc import Awaitable, Callable, Mapping

from switchroom.pbx.call import Call, follow
from switchroom.pbx.control import CallError, SentOn
from switchroom.pbx.dialplan import KINDS, Rule

App = Callable[[Call], Awaitable[None]]
Speak = Callable[[str], Awaitable[str]]
"""Text to the path of an audio file that says it."""
Handler = Callable[[Call, str, Rule | None], Awaitable[None]]
"""Serves a call to its end, given the destination's argument and the rule that led there (None: no rule did)."""

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
        self._handlers: dict[str, Handler] = {
            "user": self._user,
            "sip": self._sip,
            "trunk": self._trunk,
            "route": self._route,
            "echo": self._echo,
            "tone": self._tone,
            "play": self._play,
            "speak": self._say,
            "ring": self._ring,
            "busy": self._busy,
            "reject": self._reject,
            "digits": self._read_back,
            "app": self._app,
        }

    def register(self, kind: str, handler: Handler) -> None:
        """Let `handler` serve a kind of `dialplan.KINDS`, instead of what served it before."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of destination that the dial plan knows")
        self._handlers[kind] = handler

    async def send(self, call: Call, kind: str, argument: str, rule: Rule | None = None) -> None:
        """Serve a call to its end. Raises CallError when it cannot be, CallerGone when the caller leaves."""
        handler = self._handlers.get(kind)
        if handler is None:
            raise CallError(500, f"nothing serves the destination {kind!r}")
        try:
            await handler(call, argument, rule)
        except SentOn as sent:
            await follow(call.leg, sent.serve)

    # ---- the exchange's own

    async def _user(self, call: Call, argument: str, rule: Rule | None) -> None:
        await self._dial(call, f"user:{argument}", rule)

    async def _sip(self, call: Call, argument: str, rule: Rule | None) -> None:
        await self._dial(call, f"sip:{argument}", rule)

    async def _trunk(self, call: Call, argument: str, rule: Rule | None) -> None:
        await self._dial(call, f"trunk:{argument}", rule)

    async def _route(self, call: Call, argument: str, rule: Rule | None) -> None:
        await self._dial(call, f"route:{argument}", rule)

    async def _dial(self, call: Call, target: str, rule: Rule | None) -> None:
        outcome = await call.dial(target, ring_s=self._ring_s, codecs=rule.codecs if rule is not None else ())
        if outcome.leg is None:
            raise CallError(outcome.status, outcome.reason, outcome.result, outcome.by)

    async def _echo(self, call: Call, argument: str, rule: Rule | None) -> None:
        await call.answer()
        await call.echo()

    async def _tone(self, call: Call, argument: str, rule: Rule | None) -> None:
        await call.answer()
        await call.play(f"tone:{argument}", loop=True)

    async def _play(self, call: Call, argument: str, rule: Rule | None) -> None:
        await call.answer()
        await call.play(argument)

    async def _say(self, call: Call, argument: str, rule: Rule | None) -> None:
        await call.answer()
        await call.play(await self._speak(argument))

    async def _ring(self, call: Call, argument: str, rule: Rule | None) -> None:
        await call.ring()
        await call.until_hangup()

    async def _busy(self, call: Call, argument: str, rule: Rule | None) -> None:
        raise CallError(486, "Busy Here", "busy")

    async def _reject(self, call: Call, argument: str, rule: Rule | None) -> None:
        raise CallError(int(argument), "", "rejected" if argument != "404" else "not-found")

    async def _app(self, call: Call, argument: str, rule: Rule | None) -> None:
        app = self._apps.get(argument)
        if app is None:
            raise CallError(500, f"no application {argument!r}")
        await app(call)

    async def _read_back(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Answer, and say each digit that is pressed, until `#`, silence or the caller ends it."""
        await call.answer()
        await call.play(await self._speak("Press digits. I read them back."), until_digit=True)
        while (digit := await call.digit(DIGIT_WAIT_S)) not in ("", "#"):
            name = {"*": "star"}.get(digit, digit)
            await call.play(await self._speak(name), until_digit=True)
