# SPDX-License-Identifier: Apache-2.0
"""Voicemail: leaving a message, hearing it, the lamp, mails, and what a crash leaves behind."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from switchroom.pbx.apps.voicemail.boxes import Counts, Message
from switchroom.pbx.apps.voicemail.mailer import Mail, MailError
from switchroom.pbx.events import MailFailed, VoicemailCounted, VoicemailLeft
from switchroom.pbx.kept import Kept
from tests.pbx.apps.rig import OfficeRig, after, play

BOXES = ("mailbox = true", 'mailbox = true\nemail = "b@example.com"\ndisplay_name = "Bea"', "mailbox = true", "")
MAIL = '[mail]\nhost = "127.0.0.1"\nsender = "pbx@example.com"'


async def leave(rig: OfficeRig, box: str = "1002", caller: str = "1001") -> None:
    """Leave a message of four seconds."""
    leg = rig.calls(caller, f"voicemail:{box}")
    await after(8)
    assert leg.heard[-1] == "tone:beep"
    leg.leave()
    await after(1)


def test_a_message_is_left_and_the_lamp_told(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        lamp: list[tuple[str, Counts]] = []
        rig.office.boxes.on_change.append(lambda box, counts: lamp.append((box, counts)))
        await leave(rig)
        assert lamp == [("1002", Counts(1, 0))]
        (message,) = rig.office.boxes.messages("1002")
        assert (message.caller, message.duration_ms, message.state) == ("1001", 4000, "new")
        assert rig.office.boxes.path(message).is_file()

    rig = play(tmp_path, script, desks=BOXES)
    assert rig.said[0] == "Bea cannot take your call. Please leave a message after the tone."
    assert [type(record) for record in rig.records] == [VoicemailCounted, VoicemailLeft]


def test_a_key_or_the_limit_ends_a_message(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        key = rig.calls("1001", "voicemail:1002")
        await after(8)
        key.press("#")
        await after(3)
        assert key.told[-1] == "ended 200"
        began_s = asyncio.get_running_loop().time()
        limit = rig.calls("1001", "voicemail:1002")
        while limit.state != "ended":
            await after(1)
        assert 10 <= asyncio.get_running_loop().time() - began_s <= 20
        assert rig.office.boxes.counts("1002") == Counts(2, 0)

    play(tmp_path, script, "[voicemail]\nmax_message_s = 10.0", BOXES)


def test_a_short_message_is_not_kept(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.sound.duration_ms = 400
        await leave(rig)
        assert rig.office.boxes.counts("1002") == Counts()
        assert not list((tmp_path / "voicemail" / "1002").glob("*.wav"))

    play(tmp_path, script, desks=BOXES)


def test_a_full_box_and_no_box(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        await leave(rig)
        full = rig.calls("1001", "voicemail:1002")
        await after(8)
        assert full.heard[-1] == "The mailbox is full. Goodbye."
        nobody = rig.calls("1001", "voicemail:1004")
        await after(1)
        assert nobody.told == ["ended 404"]

    play(tmp_path, script, "[voicemail]\nmax_messages = 1", BOXES)


def test_messages_are_heard_saved_and_deleted_from_ones_own_phone(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        await leave(rig)
        await leave(rig, caller="1003")
        owner = rig.calls("1002", "*97")
        await after(3)
        assert owner.heard[0] == "You have two new messages, no saved messages"
        assert owner.heard[1].startswith("New message from one zero zero one, today at ")
        await after(4)
        assert rig.office.boxes.counts("1002") == Counts(1, 1)  # heard to its end
        owner.press("2")
        await after(7)
        assert owner.heard[-1].startswith("Press 1 to hear it again")
        owner.press("3")
        await after(0.1)
        assert rig.office.boxes.counts("1002") == Counts(0, 1)
        await after(3)
        owner.press("*")
        await after(1)
        owner.press("13")
        await after(1)
        assert rig.office.boxes.counts("1002") == Counts()
        owner.leave()

    play(tmp_path, script, desks=BOXES)


def test_from_another_phone_box_and_pin_are_asked_for_and_three_wrong_ones_close_it(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        await leave(rig)
        visitor = rig.calls("1001", "*98")
        await after(1)
        visitor.press("1002#1002#")
        await after(2)
        assert visitor.heard[-1].startswith("You have one new message")
        visitor.leave()
        thief = rig.calls("1004", "*98")
        await after(1)
        thief.press("1002#0000#1002#0001#1002#0002#")
        await after(10)
        assert thief.state == "ended"
        locked = rig.calls("1001", "*98")
        await after(1)
        locked.press("1002#1002#")
        await after(2)
        assert "That is not right." in locked.heard

    play(tmp_path, script, desks=BOXES)


def test_a_message_is_forwarded_and_its_sender_called_back(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.phone("1001")
        await leave(rig)
        owner = rig.calls("1002", "*97")
        await after(2)
        owner.press("5")
        await after(1)
        owner.press("1003#")
        await after(1)
        (copy,) = rig.office.boxes.messages("1003")
        assert (copy.caller, copy.forwarded_by, copy.state) == ("1001", "1002", "new")
        await after(3)
        owner.press("4")
        await after(5)
        assert owner.partner is rig.to("1001")[0]

    play(tmp_path, script, desks=BOXES)


def test_an_own_greeting_is_recorded_and_played(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        owner = rig.calls("1002", "*97")
        await after(3)
        owner.press("0")
        await after(6)
        owner.press("#")
        await after(2)
        greeting = rig.office.boxes.greeting("1002")
        assert greeting is not None
        assert owner.heard[-1] == str(greeting)
        owner.leave()
        caller = rig.calls("1001", "voicemail:1002")
        await after(1)
        assert caller.heard == [str(greeting)]

    play(tmp_path, script, desks=BOXES)


def test_a_mail_carries_the_message_and_is_tried_again(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.mail_trouble = [MailError("the server is down"), MailError("still down")]
        await leave(rig)
        assert rig.mails == []
        await after(59)
        assert rig.mails == []
        await after(125)
        (mail,) = rig.mails
        assert mail["To"] == "b@example.com"
        assert mail["Subject"] == "Voicemail from 1001 (4 s)"
        (attached,) = list(mail.iter_attachments())
        assert attached.get_content() == b"RIFF"
        assert len(await Kept.load(rig.store.documents, "mail", Mail)) == 0

    rig = play(tmp_path, script, MAIL, BOXES)
    failed = [record for record in rig.records if isinstance(record, MailFailed)]
    assert [(record.attempts, record.gave_up) for record in failed] == [(1, False), (2, False)]


def test_a_mail_that_waits_survives_a_restart(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.mail_trouble = [MailError("the server is down")]
        await leave(rig)
        await rig.office.close()
        await rig.open()
        await after(70)
        assert len(rig.mails) == 1

    play(tmp_path, script, MAIL, BOXES)


def test_a_mail_that_is_refused_for_good_is_not_tried_again(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        rig.mail_trouble = [MailError("550 no such user", permanent=True)]
        await leave(rig)
        await after(4000)
        assert rig.mails == []

    rig = play(tmp_path, script, MAIL, BOXES)
    (failed,) = [record for record in rig.records if isinstance(record, MailFailed)]
    assert failed.gave_up


@pytest.mark.parametrize(("duration_ms", "kept"), [(4000, 1), (100, 0)])
def test_what_was_being_recorded_at_a_crash_is_kept(tmp_path: Path, duration_ms: int, kept: int) -> None:
    async def script(rig: OfficeRig) -> None:
        message, _ = await rig.office.boxes.begin("1002", "1001")
        assert rig.office.boxes.messages("1002") == []
        rig.sound.duration_ms = duration_ms
        await rig.open()  # as after a crash: nothing was closed
        assert [found.id for found in rig.office.boxes.messages("1002")] == [message.id] * kept
        assert len(await Kept.load(rig.store.documents, "voicemail", Message)) == kept

    play(tmp_path, script, desks=BOXES)


def test_old_messages_go(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        await leave(rig)
        await after(2 * 86_400 + 3600)
        assert rig.office.boxes.counts("1002") == Counts()

    play(tmp_path, script, "[voicemail]\nkeep_days = 2", BOXES)


def test_a_message_reads_back_as_it_was_written() -> None:
    message = Message(id="1", box="1002", caller="1001", at_ms=1, duration_ms=2, state="new")
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message
