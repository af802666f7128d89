# SPDX-License-Identifier: Apache-2.0
"""Leaving a message: greeting, beep, the message up to a key, silence or its limit; then the box is told."""

from switchroom.pbx.apps.voicemail.boxes import Box, Boxes, BoxFull, Message, NoSuchMessage, Sound
from switchroom.pbx.apps.words import Speak, Voice
from switchroom.pbx.call import Call
from switchroom.pbx.config_voicemail import VoicemailConfig
from switchroom.pbx.control import CallError
from switchroom.pbx.dialplan import Rule
from switchroom.pbx.errors import SwitchroomError

KEYS = "0123456789*#"
"""Any key ends a message."""


class Deposit:
    """The destination `voicemail:BOX`."""

    def __init__(self, boxes: Boxes, sound: Sound, speak: Speak, config: VoicemailConfig) -> None:
        self.config = config
        self._boxes = boxes
        self._sound = sound
        self._speak = speak

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        try:
            box = self._boxes.box(argument)
        except NoSuchMessage as error:
            raise CallError(404, str(error), "not-found") from error
        voice = Voice(call, self._speak, box.name)
        await call.answer()
        await self._greet(voice, box)
        try:
            message = await self.leave(call, box.name, self.config)
        except BoxFull:
            await voice.say("The mailbox is full. Goodbye.")
            return
        await voice.say("Your message has been left. Goodbye." if message else "Nothing was recorded. Goodbye.")

    async def leave(self, call: Call, box: str, limits: VoicemailConfig) -> Message | None:
        """Record a message into a box after the tone; None: there was nothing to be heard. Raises BoxFull,
        NoSuchMessage. Whoever hangs up after speaking has left a message too."""
        message, recording = await self._boxes.begin(box, call.caller, call.leg.party.name)
        left: Message | None = None
        try:
            await call.play("tone:beep")
            await take(call, str(recording), limits)
        finally:
            wav, quiet_dbfs = str(self._boxes.path(message)), limits.silence_dbfs if limits.silence_s else None
            try:
                duration_ms = await self._sound.finish(str(recording), wav, quiet_dbfs)
            except SwitchroomError:
                duration_ms = 0
            if duration_ms >= max(1.0, limits.min_message_s * 1000):
                left = await self._boxes.complete(message, duration_ms)
            else:
                await self._boxes.discard(message)
        return left

    async def _greet(self, voice: Voice, box: Box) -> None:
        greeting = self._boxes.greeting(box.name) or self.config.greeting
        if greeting:
            await voice.call.play(str(greeting), until_digit=True)
        else:
            who = "{owner}" if box.owner else "{digits:owner}"
            text = f"{who} cannot take your call. Please leave a message after the tone."
            await voice.say(text, owner=box.owner or box.name)
        voice.call.forget_digits()


async def take(call: Call, recording: str, config: VoicemailConfig) -> None:
    """Record the caller until a key, for the longest time, or until he has been silent for long enough."""
    await call.record(
        recording, most_s=config.max_message_s, silence_s=config.silence_s, terminator=KEYS, label="voicemail"
    )
    call.forget_digits()
