# SPDX-License-Identifier: Apache-2.0
"""Recording a prompt by telephone: speak, hear it, speak again, and keep it; callers hear it from then on."""

import tempfile
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Literal

from switchroom.pbx.apps.pins import Pins
from switchroom.pbx.apps.voicemail.boxes import Sound
from switchroom.pbx.apps.words import Speak, Voice
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallError
from switchroom.pbx.dialplan import Rule
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import AnyRecord, PromptRecorded

MOST_S = 300.0
QUIET_DBFS = -50.0
"""What is quieter at the end is cut off."""
TRIES = 3
MOST_TAKES = 50
KEEP, LISTEN, AGAIN, LEAVE = "1", "2", "3", "*"
_MENU = "To keep it, press 1. To hear it again, press 2. To record it again, press 3. To leave it as is, press star."

Language = Literal["en", "zh"]
Keep = Callable[[str, Language, bytes], Awaitable[None]]
"""Keeps a recording as a prompt: name, language, the audio file. Raises ValueError."""


class PromptRecorder:
    """The destination `record-prompt:LANGUAGE/NAME`. `allowed`: the users who may; one with a PIN is asked for it."""

    def __init__(
        self,
        allowed: Callable[[], Collection[str]],
        pin_of: Callable[[str], str],
        pins: Pins,
        sound: Sound,
        speak: Speak,
        keep: Keep,
        write: Callable[[AnyRecord], object],
    ) -> None:
        self._allowed, self._pin_of, self._pins = allowed, pin_of, pins
        self._sound, self._speak, self._keep, self._write = sound, speak, keep, write

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        spoken, _, name = argument.partition("/")
        language: Language = "zh" if spoken == "zh" else "en"
        if not call.user or call.user not in self._allowed():
            raise CallError(403, "not allowed to record prompts", "rejected")
        await call.answer()
        voice = Voice(call, self._speak)
        if not await self._knows_pin(voice):
            await voice.say("That is not right. Goodbye.")
            return
        await voice.say("Speak after the tone, and end with the hash key.")
        with tempfile.TemporaryDirectory(prefix="switchroom-prompt-") as folder:
            for take in range(1, MOST_TAKES):
                wav = str(Path(folder) / f"{take}.wav")
                duration_ms = await self._take(call, str(Path(folder) / f"{take}.rec"), wav)
                answer = await self._review(voice, wav) if duration_ms else AGAIN
                if answer == KEEP:
                    await self._kept(voice, name, language, await self._sound.read(wav), duration_ms)
                    return
                if answer != AGAIN:
                    await voice.say("It is left as it was. Goodbye.")
                    return
                await voice.say("Once more." if duration_ms else "Nothing was recorded. Once more.")

    # ---- within

    async def _knows_pin(self, voice: Voice) -> bool:
        user = voice.call.user
        if not self._pin_of(user):
            return True
        for _ in range(TRIES):
            if self._pins.right(user, await voice.ask("Please enter your PIN, and end with the hash key.", 16)):
                return True
        return False

    async def _take(self, call: Call, recording: str, wav: str) -> int:
        """Its length in milliseconds; 0: there was nothing to be heard."""
        call.forget_digits()
        await call.play("tone:beep")
        await call.record(recording, most_s=MOST_S, terminator="#", label="prompt")
        try:
            return await self._sound.finish(recording, wav, QUIET_DBFS)
        except SwitchroomError:
            return 0

    async def _review(self, voice: Voice, wav: str) -> str:
        """What to do with it; empty: nobody says."""
        for _ in range(TRIES):
            await voice.call.play(wav, until_digit=True)
            answer = await voice.ask(_MENU, 1)
            if answer in (KEEP, AGAIN, LEAVE):
                return answer
        return ""

    async def _kept(self, voice: Voice, name: str, language: Language, audio: bytes, duration_ms: int) -> None:
        try:
            await self._keep(name, language, audio)
        except (ValueError, OSError):
            await voice.say("It could not be kept. Goodbye.")
            return
        call = voice.call
        self._write(PromptRecorded(call=call.id, prompt=name, language=language, by=call.user, duration_ms=duration_ms))
        await voice.say("It is kept. Goodbye.")
