# SPDX-License-Identifier: Apache-2.0
"""Listening to messages by phone: from one's own phone, or from any with the box's number and PIN."""

import contextlib
from collections.abc import Awaitable, Callable

from switchroom.pbx.apps.pins import Pins
from switchroom.pbx.apps.voicemail.boxes import Boxes, BoxFull, Message, NoSuchMessage, Sound
from switchroom.pbx.apps.voicemail.deposit import take
from switchroom.pbx.apps.words import Speak, Voice, messages, moment
from switchroom.pbx.call import Call
from switchroom.pbx.config_voicemail import VoicemailConfig
from switchroom.pbx.dialplan import Rule
from switchroom.pbx.errors import SwitchroomError

TRIES = 3
IDLE_S = 15.0
MIN_GREETING_MS = 1000
HELP = (
    "Press 1 to hear it again, 2 to save it, 3 to delete it, 4 to call back, 5 to forward it, "
    "hash for the next message, star for the last one, 0 to record your greeting."
)

Dial = Callable[[Call, str], Awaitable[None]]
"""Put a call through to a number, as its user would dial it."""


class Menu:
    """The destination `mailbox`, and the features `mailbox` and `mailbox_any`."""

    def __init__(
        self, boxes: Boxes, sound: Sound, speak: Speak, pins: Pins, dial: Dial, utc: Callable[[], float],
        config: VoicemailConfig,
    ) -> None:  # fmt: skip
        self.config = config
        self._boxes = boxes
        self._sound = sound
        self._speak = speak
        self._pins = pins
        self._dial = dial
        self._utc = utc

    async def serve(self, call: Call, argument: str, rule: Rule | None) -> None:
        """The caller's own box, when he has one; else he is asked for one."""
        await call.answer()
        own = call.user if call.user in self._boxes.known else ""
        await self.enter(call, own, ask_pin=self.config.ask_pin_on_own_phone)

    async def enter(self, call: Call, box: str = "", ask_pin: bool = True) -> None:
        """Open a box, or ask for one, and go through it."""
        await call.answer()
        voice = Voice(call, self._speak)
        for _ in range(TRIES):
            name = box or await voice.ask("Please enter the number of your mailbox, and hash.", 32)
            if not ask_pin:
                break
            pin = await voice.ask("Please enter your PIN, and hash.", 12)
            if self._pins.right(name, pin):
                break
            await voice.say("That is not right.")
        else:
            await voice.say("Goodbye.")
            return
        await _Visit(self, voice, name).run()

    # ---- for visits

    @property
    def boxes(self) -> Boxes:
        return self._boxes

    async def announce(self, voice: Voice, message: Message) -> None:
        """Say what is said before a message."""
        kind = "New message" if message.state == "new" else "Saved message"
        who = "{name}" if message.caller_name else "{digits:number}" if message.caller else "an unknown caller"
        when, values = moment(message.at_ms, self._utc())
        clauses = [f"{kind} from {who}", when]
        if message.forwarded_by:
            clauses.append("forwarded by {digits:by}")
        values |= {"name": message.caller_name, "number": message.caller, "by": message.forwarded_by}
        await voice.say(clauses, **values)

    async def call_back(self, call: Call, number: str) -> None:
        await self._dial(call, number)

    async def record_greeting(self, voice: Voice, box: str) -> None:
        """Record and keep it; one that is too short takes the old one away."""
        await voice.say("Record your greeting after the tone, and press hash. Press it at once to have none.")
        voice.call.forget_digits()
        recording, made = self._boxes.begin_greeting(box)
        try:
            await voice.call.play("tone:beep")
            await take(voice.call, str(recording), self.config)
            length_ms = await self._sound.finish(str(recording), str(made), self.config.silence_dbfs)
        except SwitchroomError:
            length_ms = 0
        greeting = self._boxes.complete_greeting(box, kept=length_ms >= MIN_GREETING_MS)
        if greeting is not None:
            await voice.call.play(str(greeting), until_digit=True)
        else:
            await voice.say("You have no greeting of your own now.")


class _Visit:
    """One caller in one box."""

    def __init__(self, menu: Menu, voice: Voice, box: str) -> None:
        self._menu = menu
        self._voice = voice
        self._box = box
        self._messages = menu.boxes.messages(box)
        self._at = 0

    async def run(self) -> None:
        counts = self._menu.boxes.counts(self._box)
        clauses, values = messages(counts.new, counts.saved)
        await self._voice.say(clauses, **values)
        silent = 0
        while silent < TRIES:
            if self._at < len(self._messages):
                silent = 0 if await self._message(self._messages[self._at]) else silent + 1
                continue
            key = await self._key("There are no more messages. Press star for the last one, 0 to record your greeting.")
            if key == "*" and self._messages:
                self._at = len(self._messages) - 1
            elif key == "0":
                await self._menu.record_greeting(self._voice, self._box)
            silent = 0 if key else silent + 1
        await self._voice.say("Goodbye.")

    async def _message(self, message: Message) -> bool:
        """Play one message, and do what is wished with it; False when nobody presses anything."""
        call, boxes = self._voice.call, self._menu.boxes
        with contextlib.suppress(NoSuchMessage):
            message = boxes.message(message.id)
        await self._menu.announce(self._voice, message)
        if not call.digits_waiting:
            await call.play(str(boxes.path(message)), until_digit=True)
        if message.state == "new" and not call.digits_waiting:  # heard to its end
            message = await boxes.mark(message, "saved")
        key = await self._key(HELP)
        match key:
            case "1":
                return True
            case "2":
                await boxes.mark(message, "saved")
                await self._voice.say("Saved.")
            case "3":
                await boxes.discard(message)
                self._messages.pop(self._at)
                await self._voice.say("Deleted.")
                return True
            case "4":
                await self._menu.call_back(call, message.caller)
                return True
            case "5":
                await self._forward(message)
                return True
            case "0":
                await self._menu.record_greeting(self._voice, self._box)
                return True
            case "*":
                self._at = max(0, self._at - 1)
                return True
            case "":
                return False
        self._at += 1
        return True

    async def _forward(self, message: Message) -> None:
        to = await self._voice.ask("Enter the number of the mailbox to forward it to, and hash.", 32)
        try:
            await self._menu.boxes.forward(message, to, self._box)
        except (NoSuchMessage, BoxFull):
            await self._voice.say("That mailbox takes no message.")
        else:
            await self._voice.say("Forwarded.")

    async def _key(self, help_text: str) -> str:
        if not self._voice.call.digits_waiting:
            await self._voice.say(help_text)
        return await self._voice.call.digit(IDLE_S)
