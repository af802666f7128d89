# SPDX-License-Identifier: Apache-2.0
"""Numbers that show whether audio works: a message that is played back, keys that are heard as tones, music."""

import tempfile
from pathlib import Path

from switchroom.pbx.apps.destinations import DIGIT_WAIT_S, Destinations, Speak
from switchroom.pbx.call import Call
from switchroom.pbx.dialplan import Rule

MOST_S = 60.0
SILENCE_S = 4.0


class SoundCheck:
    """Registers `repeat`, `keys` and `music:NAME`."""

    def __init__(self, destinations: Destinations, speak: Speak) -> None:
        self._speak = speak
        destinations.register("repeat", self.repeat)
        destinations.register("keys", self.keys)
        destinations.register("music", self.music)

    async def repeat(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Record what the caller says until `#` or silence, and play it back, again and again."""
        await call.answer()
        await call.play(await self._speak("Speak after the tone, and end with the hash key. You will hear it again."))
        with tempfile.TemporaryDirectory(prefix="switchroom-repeat-") as folder:
            for number in range(1, 100):
                await call.play("tone:beep")
                path = str(Path(folder) / f"{number}.wav")
                await call.record(path, most_s=MOST_S, silence_s=SILENCE_S, label="repeat")
                await call.play(path, until_digit=True)

    async def keys(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Read back the keys that come as tones in the audio, and those that come as telephone events."""
        await call.answer()
        call.leg.detect_digits()
        await call.play(await self._speak("Press keys. I read them back."), until_digit=True)
        while (digit := await call.digit(DIGIT_WAIT_S)) not in ("", "#"):
            await call.play(await self._speak({"*": "star"}.get(digit, digit)), until_digit=True)

    async def music(self, call: Call, argument: str, rule: Rule | None) -> None:
        """Let the caller hear a class of music until it hangs up."""
        await call.answer()
        await call.music(argument)
        await call.until_hangup()
