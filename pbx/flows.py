# SPDX-License-Identifier: Apache-2.0
"""The IVR of a running exchange: its flows, with real speech, real hours and the company's real systems."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from switchroom.ivr.outside import Outside
from switchroom.ivr.prompts import Prompts
from switchroom.ivr.services import Mailboxes, Queues, Services
from switchroom.ivr.shelf import PythonFlow, Shelf
from switchroom.ivr.speech import Speech
from switchroom.ivr.spoken import Language
from switchroom.ivr.voices import Engine, espeak, over_http
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.call import Call
from switchroom.pbx.config import Config
from switchroom.pbx.control import CallError
from switchroom.pbx.dialplan import Destination, DialPlan, Rule
from switchroom.pbx.events import AnyRecord


class Flows:
    """One server's. `shelf` has the flows; the destination `ivr:NAME` leads to them."""

    def __init__(
        self,
        config: Config,
        *,
        write: Callable[[AnyRecord], object],
        destinations: Destinations,
        dial_plan: Callable[[], DialPlan],
        log: Callable[..., Any],
        queues: Queues | None = None,
        mailboxes: Mailboxes | None = None,
    ) -> None:
        data = Path(config.server.data_dir)
        self._config = config
        self._destinations = destinations
        self._dial_plan = dial_plan
        self._log = log
        self._messages = data / "messages"
        self._numbers = itertools.count(1)
        self._outside = Outside(config.ivr, data)
        self._voices = config.speech.voices
        self.speech = Speech(data / "speech", self._voices.get("en", "en"), self._engine())
        self.shelf = Shelf(
            Path(config.ivr.flows) if config.ivr.flows else data / "flows",
            Services(
                prompts=Prompts(Path(config.ivr.prompts) if config.ivr.prompts else None, self.speak),
                write=write,
                send=self._send,
                clock=asyncio.get_running_loop().time,
                message_path=self._message_path,
                holds=self._holds,
                queues=queues,
                mailboxes=mailboxes,
                outside=self._outside,
            ),
            config.ivr.language,
        )
        destinations.register("ivr", self._serve)

    async def speak(self, text: str, language: Language) -> str:
        """The path of an audio file that says a text of a language. Raises SpeechError."""
        return await self.speech.say(text, self._voices.get(language, language))

    def load(self, own: dict[str, PythonFlow]) -> None:
        """Read what is on disk, and take the flows of the embedding program; what cannot be used is logged."""
        for mistake in self.shelf.load():
            self._log("flow.refused", mistake=str(mistake))
        for name, work in own.items():
            self.shelf.register(name, work)

    async def close(self) -> None:
        """Let go of other systems."""
        await self._outside.close()

    # ---- within

    async def _serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        await self.shelf.serve(call, argument)

    async def _send(self, call: Call, destination: str) -> None:
        """To a destination of the dial plan, or to a number of its context `default`. Raises CallError."""
        rule = None
        try:
            to = Destination.from_text(destination)
        except ValueError as error:
            route = self._dial_plan().route(destination)
            if route is None:
                raise CallError(404, str(error), "not-found") from error
            to, rule = route.to, route.rule
        await self._destinations.send(call, to.kind, to.argument, rule)

    def _holds(self, name: str) -> bool | None:
        clockwork = self._dial_plan().clockwork
        if name not in clockwork.hours and name not in clockwork.switches:
            return None
        return clockwork.on(name, time.time())

    def _message_path(self, call: str) -> str:
        os.makedirs(self._messages, exist_ok=True)
        return str(self._messages / f"{call}-{next(self._numbers)}.rec")

    def _engine(self) -> Engine:
        speech = self._config.speech
        if speech.engine == "espeak-ng":
            return espeak
        return over_http(speech.url, speech.timeout_s, lambda reason: self._log("speech.fallback", reason=reason))
