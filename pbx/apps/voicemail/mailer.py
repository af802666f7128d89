# SPDX-License-Identifier: Apache-2.0
"""Mails with new messages, in a queue that survives restarts: failed ones are tried again, ever more seldom."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import msgspec

from switchroom.pbx.apps.voicemail.boxes import Boxes, Message, NoSuchMessage, Sound
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import AnyRecord, MailFailed
from switchroom.pbx.kept import Kept

FIRST_RETRY_S = 60.0
MAX_RETRY_S = 3600.0

Send = Callable[[EmailMessage], Awaitable[None]]
"""Delivers one mail, or raises MailError."""


class MailError(SwitchroomError):
    """The mail server did not take a mail; `permanent`: it never will (5xx)."""

    def __init__(self, reason: str, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that waits: who gets which message."""

    to: str
    message: str
    since_s: float
    """When it was written: UTC, seconds since 1970."""
    attempts: int = 0
    next_s: float = 0.0


class Mailer:
    """Sends each new message of a box whose owner has an address. `utc` reads the clock."""

    def __init__(
        self,
        boxes: Boxes,
        sound: Sound,
        queue: Kept[Mail],
        send: Send,
        utc: Callable[[], float],
        write: Callable[[AnyRecord], object],
        *,
        sender: str,
        give_up_h: float,
    ) -> None:
        self._boxes = boxes
        self._sound = sound
        self._queue = queue
        self._send = send
        self._utc = utc
        self._write = write
        self._sender = sender
        self._give_up_s = give_up_h * 3600
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._adding: set[asyncio.Task[None]] = set()
        boxes.on_new.append(self._on_new)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; what waits is kept. Idempotent."""
        if self._on_new in self._boxes.on_new:
            self._boxes.on_new.remove(self._on_new)
        await asyncio.gather(*self._adding, return_exceptions=True)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _on_new(self, message: Message) -> None:
        email = self._boxes.box(message.box).email
        if email:
            mail = Mail(to=email, message=message.id, since_s=self._utc(), next_s=self._utc())
            task = asyncio.get_running_loop().create_task(self._add(mail))
            self._adding.add(task)
            task.add_done_callback(self._adding.discard)

    async def _add(self, mail: Mail) -> None:
        await self._queue.put(f"{mail.message} {mail.to}", mail)
        self._news.set()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            now_s = self._utc()
            for key, mail in self._queue.items():
                if mail.next_s <= now_s:
                    await self._try(key, mail)
            due_s = min((mail.next_s for mail in self._queue.values()), default=None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due_s is None else max(0.1, due_s - self._utc())):
                    await self._news.wait()

    async def _try(self, key: str, mail: Mail) -> None:
        try:
            message = self._boxes.message(mail.message)
            sound = await self._sound.read(str(self._boxes.path(message)))
            await self._send(self._compose(mail, message, sound))
        except (NoSuchMessage, FileNotFoundError):  # deleted meanwhile: there is nothing to tell any more
            await self._queue.remove(key)
        except MailError as error:
            attempts = mail.attempts + 1
            wait_s = min(MAX_RETRY_S, FIRST_RETRY_S * 2 ** (attempts - 1))
            gave_up = error.permanent or self._utc() + wait_s > mail.since_s + self._give_up_s
            if gave_up:
                await self._queue.remove(key)
            else:
                later = msgspec.structs.replace(mail, attempts=attempts, next_s=self._utc() + wait_s)
                await self._queue.put(key, later)
            # Told when it is kept: a restart in between counts the attempt once.
            self._write(MailFailed(to=mail.to, reason=str(error)[:500], attempts=attempts, gave_up=gave_up))
        else:
            await self._queue.remove(key)

    def _compose(self, mail: Mail, message: Message, sound: bytes) -> EmailMessage:
        who = f"{message.caller_name} <{message.caller}>" if message.caller_name else message.caller or "unknown"
        seconds = round(message.duration_ms / 1000)
        written = EmailMessage()
        written["From"], written["To"] = self._sender, mail.to
        written["Subject"] = " ".join(f"Voicemail from {who} ({seconds} s)".split())
        written["Date"] = format_datetime(datetime.fromtimestamp(message.at_ms / 1000, UTC))
        written["Message-ID"] = f"<{message.id}.{message.box}@{self._sender.rpartition('@')[2]}>"
        written.set_content(
            f"{who} left a message of {seconds} seconds in the mailbox {message.box}. It is attached; "
            "it also stays in the mailbox until it is deleted.\n"
        )
        name = f"voicemail-{message.box}-{message.id}.wav"
        written.add_attachment(sound, maintype="audio", subtype="wav", filename=name)
        return written
