# SPDX-License-Identifier: Apache-2.0
"""Voicemail by mail, over a real SMTP server: the recording plays, what is refused is tried again, and given up."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import numpy as np
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from switchroom.pbx.apps.voicemail.boxes import Box, Boxes, Message
from switchroom.pbx.apps.voicemail.mailer import Mail, Mailer
from switchroom.pbx.config_voicemail import MailConfig
from switchroom.pbx.events import AnyRecord, MailFailed
from switchroom.pbx.kept import Kept
from switchroom.pbx.smtp import Smtp
from switchroom.pbx.sound import SoundFiles
from switchroom.pbx.storage.sqlite import SqliteStore

RATE_HZ = 8000
TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ)).astype("<i2")


class Post:
    """The handler of the SMTP server: answers what it is told to, keeps what it takes."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.taken: list[EmailMessage] = []
        self.asked = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.taken.append(mail)
        return answer


class Exchange:
    """What of an exchange sends mails; `restart` ends it, lets time pass, and begins it again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.now_s = 1_800_000_000.0
        self.records: list[AnyRecord] = []

    async def start(self) -> "Exchange":
        self.store = await SqliteStore.open(self.folder)
        kept = await Kept.load(self.store.documents, "voicemail", Message)
        box = Box(name="1002", owner="Bea", email="bea@example.com")
        self.boxes = Boxes({"1002": box}, kept, self.folder / "voicemail", self.utc)
        self.queue = await Kept.load(self.store.documents, "mail", Mail)
        smtp = Smtp(MailConfig(host="127.0.0.1", port=self.port, security="none", sender="pbx@example.com"))
        self.mailer = Mailer(
            self.boxes, SoundFiles(), self.queue, smtp.send, self.utc, self.records.append,
            sender="pbx@example.com", give_up_h=1.0,
        )  # fmt: skip
        self.mailer.start()
        return self

    def utc(self) -> float:
        return self.now_s

    async def leave(self) -> None:
        message, _ = await self.boxes.begin("1002", "1001")
        path = self.boxes.path(message)
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes(TONE.tobytes())
        await self.boxes.complete(message, 2000)

    async def close(self) -> None:
        await self.mailer.close()
        await self.store.close()

    async def restart(self, after_s: float) -> None:
        await self.close()
        self.now_s += after_s
        await self.start()

    @property
    def failed(self) -> list[MailFailed]:
        return [record for record in self.records if isinstance(record, MailFailed)]


async def until(what: object, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # type: ignore[operator]  # noqa: ASYNC110 (what is waited for is no task of ours)
            await asyncio.sleep(0.01)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    post = Post()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(post, hostname="mx"), "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield post
    server.close()


@pytest.fixture
async def exchange(post: Post, tmp_path: Path) -> AsyncIterator[Exchange]:
    made = await Exchange(tmp_path, post.port).start()  # type: ignore[attr-defined]
    yield made
    await made.close()


async def test_the_recording_arrives_and_plays(post: Post, exchange: Exchange) -> None:
    await exchange.leave()
    await until(lambda: post.taken)
    (mail,) = post.taken
    assert (mail["To"], mail["Subject"]) == ("bea@example.com", "Voicemail from 1001 (2 s)")
    (attached,) = list(mail.iter_attachments())
    assert attached.get_content_type() == "audio/wav"
    with wave.open(io.BytesIO(attached.get_content())) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (RATE_HZ, 1)
        assert np.array_equal(np.frombuffer(sound.readframes(sound.getnframes()), "<i2"), TONE)
    await until(lambda: len(exchange.queue) == 0)
    assert exchange.failed == []


async def test_a_temporary_refusal_is_tried_again_after_a_restart(post: Post, exchange: Exchange) -> None:
    post.answers = ["451 4.3.0 try later"]
    await exchange.leave()
    await until(lambda: exchange.failed)
    assert "451" in exchange.failed[0].reason
    assert not exchange.failed[0].gave_up
    await exchange.restart(after_s=30.0)
    await asyncio.sleep(0.3)
    assert post.asked == 1, "not before its time"
    await exchange.restart(after_s=31.0)
    await until(lambda: post.taken)
    await until(lambda: len(exchange.queue) == 0)
    await exchange.restart(after_s=3600.0)
    await asyncio.sleep(0.3)
    assert len(post.taken) == 1, "once"


async def test_a_server_that_never_takes_it_is_given_up(post: Post, exchange: Exchange) -> None:
    post.answers = ["451 4.3.0 try later"] * 100
    await exchange.leave()
    await until(lambda: exchange.failed)
    while not exchange.failed[-1].gave_up:
        before = len(exchange.failed)
        await exchange.restart(after_s=60.0 * 2 ** (before - 1) + 1)
        await until(lambda before=before: len(exchange.failed) > before)
    assert [record.attempts for record in exchange.failed] == [1, 2, 3, 4, 5, 6]
    await until(lambda: len(exchange.queue) == 0)


async def test_a_mail_refused_for_good_is_not_tried_again(post: Post, exchange: Exchange) -> None:
    post.answers = ["550 5.1.1 no such user"]
    await exchange.leave()
    await until(lambda: exchange.failed)
    assert (exchange.failed[0].gave_up, exchange.failed[0].attempts) == (True, 1)
    await until(lambda: len(exchange.queue) == 0)


async def test_no_server_at_all_is_told_and_tried_again(post: Post, exchange: Exchange) -> None:
    exchange.port = 1
    await exchange.restart(after_s=0)
    await exchange.leave()
    await until(lambda: exchange.failed)
    assert not exchange.failed[0].gave_up
    exchange.port = post.port  # type: ignore[attr-defined]
    await exchange.restart(after_s=61.0)
    await until(lambda: post.taken)
