# SPDX-License-Identifier: Apache-2.0
"""The destinations `steps:` and `menu:`: small scripts of the dial plan (pbx/dialplan/steps.py), served."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.call import Call
from switchroom.pbx.dialplan import Destination, Rule
from switchroom.pbx.dialplan.steps import Step, parse_menu, parse_steps

NO_FILES = ("tone", "silence", "music")
RINGING_TONE = "tone:ringback"


class Steps:
    """Serves them; `music` is the file that a caller hears in `music`, asked for each time. Files are looked for in
    `folder`."""

    def __init__(self, destinations: Destinations, music: Callable[[], str], folder: Path = Path()) -> None:
        self._folder = folder
        self._destinations = destinations
        self._music = music
        destinations.register("steps", self.steps)
        destinations.register("menu", self.menu)

    async def steps(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Do one step after the other; after the last one the call ends."""
        for step in parse_steps(argument):
            if step.verb == "hangup":
                break
            await self._do(call, step)
        await call.hangup(200 if call.leg.state == "answered" else 480)

    async def menu(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Answer, and wait in silence for a key that means something; tones count even where events were agreed."""
        await call.answer()
        keys = parse_menu(argument)
        call.leg.detect_digits()
        while (to := keys.get(await call.digit())) is None:
            continue
        if call.leg.state == "answered":
            call.leg.detect_digits(False)
        if to == "hangup":
            await call.hangup(200)
            return
        destination = Destination.from_text(to)
        file = destination.kind == "play"
        argument = self._source(destination.argument) if file else destination.argument
        await self._destinations.send(call, destination.kind, argument, rule)

    async def _do(self, call: Call, step: Step) -> None:
        match step.verb:
            case "answer":
                await call.answer()
                return
            case "play":
                await call.play(self._source(step.what))
                return
            case "ring":
                await call.ring()
            case "early":
                await call.ring(early_media=True)
                call.leg.play(RINGING_TONE, loop=True)
            case "tone":
                call.leg.play(f"tone:{step.what}", loop=True)
            case "music":
                call.leg.play(self._music(), loop=True)
            case "echo":
                call.leg.echo()
        if step.seconds:
            await self._wait(call, step.seconds)
        elif step.verb in ("music", "echo"):
            await call.until_hangup()
        if step.verb == "echo":
            call.leg.echo(False)
        elif step.verb in ("tone", "music"):
            call.leg.stop()

    def _source(self, what: str) -> str:
        """A file, or a tone, silence or music as Leg.play knows them."""
        return what if what.partition(":")[0] in NO_FILES else str((self._folder / what).resolve())

    async def _wait(self, call: Call, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await call.until_hangup()
        except TimeoutError:
            return
