# SPDX-License-Identifier: Apache-2.0
"""Message boxes: the index of messages, their sound files, and the counts that light a phone's lamp.

The index entry is written before the first sound is recorded, so a process that dies in the middle loses no message:
`recover` finishes what was being recorded.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.kept import Kept

State = Literal["recording", "new", "saved"]

_BOX = re.compile(r"[^/\x00.][^/\x00]{0,127}")


class NoSuchMessage(SwitchroomError):
    """There is no such box or message."""


class BoxFull(SwitchroomError):
    """The box takes no more messages."""


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a box's owner."""

    name: str
    owner: str = ""
    """How he is called in the greeting; empty: the number."""
    pin: str = ""
    email: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    id: str
    box: str
    caller: str
    caller_name: str = ""
    at_ms: int = 0
    """When it was begun: UTC, milliseconds since 1970."""
    duration_ms: int = 0
    state: State = "recording"
    forwarded_by: str = ""


class Counts(msgspec.Struct, frozen=True):
    """What the lamp shows: messages not heard yet, and those that were."""

    new: int = 0
    saved: int = 0


class Sound(Protocol):
    """What can be done with sound files; pbx/sound.py does it, off the event loop."""

    async def finish(self, recording: str, wav: str, quiet_dbfs: float | None) -> int:
        """Make the message's file of its recording, without the quiet end; the milliseconds left."""
        ...

    async def read(self, wav: str) -> bytes:
        """A whole sound file. Raises OSError."""
        ...


class Boxes:
    """All boxes. `messages` is their index, `folder` has a folder of files for each; `utc` reads the clock."""

    def __init__(
        self,
        boxes: Mapping[str, Box],
        messages: Kept[Message],
        folder: Path,
        utc: Callable[[], float],
        *,
        max_messages: int = 100,
    ) -> None:
        self.known = dict(boxes)
        self.max_messages = max_messages
        self.on_change: list[Callable[[str, Counts], None]] = []
        """Told of a box whose counts have changed."""
        self.on_new: list[Callable[[Message], None]] = []
        """Told of a message that has come."""
        self._messages = messages
        self._folder = folder
        self._utc = utc
        self._numbers = itertools.count(1)

    # ---- looking

    def box(self, name: str) -> Box:
        """Raises NoSuchMessage."""
        try:
            return self.known[name]
        except KeyError:
            raise NoSuchMessage(f"{name} has no mailbox") from None

    def counts(self, box: str) -> Counts:
        states = [message.state for message in self._messages.values() if message.box == box]
        return Counts(states.count("new"), states.count("saved"))

    def messages(self, box: str) -> list[Message]:
        """Those of a box, the new ones first, each kind oldest first."""
        found = [m for m in self._messages.values() if m.box == box and m.state != "recording"]
        return sorted(found, key=lambda message: (message.state != "new", message.at_ms, message.id))

    def message(self, message: str) -> Message:
        """Raises NoSuchMessage."""
        found = self._messages.get(message)
        if found is None or found.state == "recording":
            raise NoSuchMessage(f"there is no message {message}")
        return found

    def path(self, message: Message) -> Path:
        """Its sound file."""
        return self._of(message.box) / f"{message.id}.wav"

    def greeting(self, box: str) -> Path | None:
        """The owner's own greeting, when there is one."""
        path = self.greeting_path(box)
        return path if path.is_file() else None

    def greeting_path(self, box: str) -> Path:
        return self._of(box) / "greeting.wav"

    def begin_greeting(self, box: str) -> tuple[Path, Path]:
        """Where a new greeting is to be recorded, and its sound file to be made."""
        os.makedirs(self._of(box), exist_ok=True)
        recording, made = self._of(box) / "greeting.recording.wav", self._of(box) / "greeting.new.wav"
        for path in (recording, made):
            path.unlink(missing_ok=True)
        return recording, made

    def complete_greeting(self, box: str, *, kept: bool) -> Path | None:
        """Use the new greeting, or have none at all."""
        recording, made = self._of(box) / "greeting.recording.wav", self._of(box) / "greeting.new.wav"
        recording.unlink(missing_ok=True)
        if kept:
            made.replace(self.greeting_path(box))
            return self.greeting_path(box)
        self.greeting_path(box).unlink(missing_ok=True)
        return None

    # ---- changing

    async def begin(self, box: str, caller: str, caller_name: str = "") -> tuple[Message, Path]:
        """An entry for a message about to be recorded, and where to. Raises BoxFull, NoSuchMessage."""
        self.box(box)
        if sum(message.box == box for message in self._messages.values()) >= self.max_messages:
            raise BoxFull(f"the box of {box} has {self.max_messages} messages")
        at_ms = int(self._utc() * 1000)
        message = Message(
            id=f"{at_ms}-{next(self._numbers)}", box=box, caller=caller, caller_name=caller_name, at_ms=at_ms
        )
        os.makedirs(self._of(box), exist_ok=True)
        await self._messages.put(message.id, message)
        return message, self._recording(message)

    async def complete(self, message: Message, duration_ms: int) -> Message:
        """The sound file is whole: the message has come."""
        complete = msgspec.structs.replace(message, duration_ms=duration_ms, state="new")
        await self._change(complete)
        self._recording(message).unlink(missing_ok=True)
        for told in self.on_new:
            told(complete)
        return complete

    async def discard(self, message: Message) -> None:
        """Forget a message and its files."""
        await self._messages.remove(message.id)
        for path in (self.path(message), self._recording(message)):
            path.unlink(missing_ok=True)
        self._tell(message.box)

    async def mark(self, message: Message, state: Literal["new", "saved"]) -> Message:
        marked = msgspec.structs.replace(message, state=state)
        if marked != message:
            await self._change(marked)
        return marked

    async def forward(self, message: Message, to: str, by: str) -> Message:
        """A copy for another box. Raises BoxFull, NoSuchMessage."""
        copy, _ = await self.begin(to, message.caller, message.caller_name)
        copy = msgspec.structs.replace(copy, at_ms=message.at_ms, forwarded_by=by)
        os.link(self.path(message), self.path(copy))
        return await self.complete(copy, message.duration_ms)

    async def recover(self, sound: Sound, min_ms: int) -> int:
        """At the start: make whole what was being recorded when the process ended; how many those are."""
        found = 0
        for message in self._messages.values():
            if message.state != "recording":
                continue
            duration_ms = 0
            with contextlib.suppress(OSError, SwitchroomError):
                duration_ms = await sound.finish(str(self._recording(message)), str(self.path(message)), None)
            if duration_ms >= max(min_ms, 1):
                await self.complete(message, duration_ms)
                found += 1
            else:
                await self.discard(message)
        return found

    async def expire(self, keep_days: int) -> None:
        """Delete what is older."""
        before_ms = int((self._utc() - keep_days * 86_400) * 1000)
        for message in self._messages.values():
            if keep_days and message.state != "recording" and message.at_ms < before_ms:
                await self.discard(message)

    # ---- within

    async def _change(self, message: Message) -> None:
        await self._messages.put(message.id, message)
        self._tell(message.box)

    def _tell(self, box: str) -> None:
        for told in self.on_change:
            told(box, self.counts(box))

    def _of(self, box: str) -> Path:
        if not _BOX.fullmatch(box):
            raise NoSuchMessage(f"{box!r} is no box")
        return self._folder / box

    def _recording(self, message: Message) -> Path:
        return self._of(message.box) / f"{message.id}.recording.wav"
