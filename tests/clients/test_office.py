# SPDX-License-Identifier: Apache-2.0
"""Office features with real phones: a message by voicemail with its mail and its lamp, parking, paging, intercom."""

import asyncio
import io
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.clients.audio import Heard, write_tone
from tests.clients.phones import Phones, assert_heard, assert_not_heard, assert_talked
from tests.clients.script import Script
from tests.clients.server import HOST, MUSIC_HZ, ServerProcess
from tests.clients.sipp import Sipp
from tests.clients.watcher import Watcher
from tests.ports import free_port

TALK_S = 1.5
LEAST_S = 1.0
GREETING_HZ = 2000
BELL = "Call-Info: <sip:[^>]*>;answer-after=0"
"""How a phone is asked to answer by itself."""
OFFICE = """
[[user]]
name = "1005"
password = "pw1005"
display_name = "Eve"
mailbox = true
email = "eve@example.com"
[[user]]
name = "1006"
password = "pw1006"
mailbox = true
[parking]
timeout_s = 4.0
[group.workshop]
number = "610"
members = ["1002", "7200"]
[voicemail]
greeting = "{greeting}"
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "pbx@example.com"
"""


RULES = '  { number = "8800", to = "ivr:leave" },'
FLOW = {
    "name": "leave", "languages": ["en"], "start": "take",
    "steps": {"take": {"do": "record", "mailbox": "1006", "say": ["Go on."]}},
}  # fmt: skip


class Post:
    """An SMTP server in a thread; `mails` are what it took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self) -> None:
        serving = self._loop.create_server(lambda: SMTP(self, hostname="mx", loop=self._loop), HOST, self.port)
        server = self._loop.run_until_complete(serving)
        self._loop.run_forever()
        server.close()


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    post = Post()
    yield post
    post.stop()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, post: Post) -> Iterator[Phones]:
    folder = tmp_path_factory.mktemp("office")
    write_tone(folder / "greeting.wav", GREETING_HZ, 0.5)
    more = OFFICE.format(greeting=folder / "greeting.wav", port=post.port)
    server = ServerProcess(folder, rtp=23_000, rules=RULES, more=more, sip_more="trace = true")
    phones = Phones(server.start(), tmp_path_factory.mktemp("phones"))
    yield phones
    phones.stop()
    server.stop()


@pytest.fixture
def phones(desk: Phones) -> Phones:
    desk.begin()
    return desk


def parked(phones: Phones) -> list[dict[str, object]]:
    found: list[dict[str, object]] = phones.server.call("parking.list")["parked"]
    return found


def test_a_message_is_left_mailed_shown_by_the_lamp_and_heard(phones: Phones, post: Post) -> None:
    one = phones["1001"]
    lamp = Watcher(phones.server, "1005", "message-summary")
    lamp.until_told("Messages-Waiting: no")
    phones.dial(one, "1005")  # where no phone is
    one.wait("CALL_ESTABLISHED")
    one.rest(4.0)
    one.command("hangup")
    lamp.until_told("Messages-Waiting: yes(?s:.*)Voice-Message: 1/0")
    assert_heard(one, GREETING_HZ, 0.3)
    (message,) = phones.server.call("voicemail.list", box="1005")["messages"]
    assert message["caller"] == "1001"
    (mail,) = phones.server.wait_for("the mail", lambda: post.mails)
    assert mail["To"] == "eve@example.com"
    (sound,) = mail.iter_attachments()
    samples, rate_hz = sf.read(io.BytesIO(sound.get_content()))
    assert len(samples) / rate_hz == pytest.approx(message["duration_ms"] / 1000, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[: rate_hz * 2]))
    assert np.argmax(spectrum) * rate_hz / len(samples[: rate_hz * 2]) == pytest.approx(one.hz, abs=5)

    eve = phones["1005"]
    phones.dial(eve, "*97")
    eve.wait("CALL_ESTABLISHED")
    lamp.until_told("Voice-Message: 0/1", timeout_s=20)  # heard to its end
    lamp.close()
    eve.command("hangup")
    eve.wait("CALL_CLOSED")
    assert_heard(eve, one.hz, message["duration_ms"] / 1000 * 0.8)


def test_a_message_taken_by_a_flow_lights_the_lamp_of_the_box(phones: Phones) -> None:
    one = phones["1001"]
    phones.server.call("flows.put", flow=FLOW, activate=True)
    lamp = Watcher(phones.server, "1006", "message-summary")
    lamp.until_told("Messages-Waiting: no")
    phones.dial(one, "8800")
    one.wait("CALL_ESTABLISHED")
    one.rest(3.0)
    one.command("hangup")
    lamp.until_told("Messages-Waiting: yes(?s:.*)Voice-Message: 1/0")
    lamp.close()
    (message,) = phones.server.call("voicemail.list", box="1006")["messages"]
    assert (message["caller"], message["duration_ms"] > 1000) == ("1001", True)


def test_a_call_on_hold_is_parked_by_the_code_and_taken_up(phones: Phones) -> None:
    one, parker, taker = phones.of("1001", "1002", "1003")
    phones.call(one, parker)
    parker.command("hold")
    one.rest(1.0)
    phones.dial(parker, "700")
    phones.server.wait_for("the parked call", lambda: parked(phones))
    phones.dial(taker, "701")
    taker.wait("CALL_ESTABLISHED")
    one.rest(TALK_S)
    one.command("hangup")
    taker.wait("CALL_CLOSED")
    assert_talked(one, taker, LEAST_S)
    assert_heard(one, MUSIC_HZ, 0.5)
    assert parked(phones) == []


def test_a_call_is_parked_by_a_transfer_and_taken_up(phones: Phones) -> None:
    one, parker, taker = phones.of("1001", "1002", "1003")
    phones.call(one, parker)
    parker.command("transfer", f"sip:700@{HOST}:{phones.server.sip}")
    parker.wait("CALL_CLOSED")
    (slot,) = phones.server.wait_for("the parked call", lambda: parked(phones))
    assert slot["by"] == "1002"
    one.rest(0.7)
    phones.dial(taker, str(slot["slot"]))
    taker.wait("CALL_ESTABLISHED")
    one.rest(TALK_S)
    one.command("hangup")
    taker.wait("CALL_CLOSED")
    assert_talked(one, taker, LEAST_S)
    assert_heard(one, MUSIC_HZ, 0.4)


def test_a_parked_call_that_nobody_takes_rings_its_parker(phones: Phones) -> None:
    one, parker = phones.of("1001", "1002")
    phones.call(one, parker)
    parker.command("transfer", f"sip:700@{HOST}:{phones.server.sip}")
    parker.wait("CALL_CLOSED")
    parker.wait("CALL_ESTABLISHED")
    parker.rest(TALK_S)
    one.command("hangup")
    parker.wait("CALL_CLOSED")
    assert_talked(one, parker, LEAST_S)
    assert Heard(one.recording(), MUSIC_HZ).seconds == pytest.approx(4.0, abs=0.7)


def test_a_page_is_heard_by_phones_that_answer_by_themselves_and_are_not_heard(phones: Phones, tmp_path: Path) -> None:
    one, two = phones.of("1001", "1002")
    other = Script().get("INVITE", BELL, "Alert-Info: ").answer().get("ACK").get("BYE").reply()
    asked = Sipp(tmp_path, phones.server, other, media=40500)
    phones.dial(one, "*81610")
    two.wait("CALL_ESTABLISHED")
    two.rest(TALK_S)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    asked.end()
    assert_heard(two, one.hz, LEAST_S)
    assert_not_heard(one, two.hz)


def test_an_intercom_call_is_answered_by_itself_and_both_hear(phones: Phones) -> None:
    one, two = phones.of("1001", "1002")
    phones.call(one, two, "*801002")
    one.rest(TALK_S)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    assert_talked(one, two, LEAST_S)
    assert "answer-after=0" in (phones.server.folder / "server.log").read_text()[-40_000:]
