# SPDX-License-Identifier: Apache-2.0
"""Phones are told whom they talk to, at the answer and after a transfer: a trusted peer that is SIPp by UPDATE, a
baresip, which takes none, by a re-INVITE that costs no audio."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.phones import Phones, assert_talked
from tests.clients.script import PLAIN, answered
from tests.clients.server import HOST, ServerProcess
from tests.clients.sipp import Sipp

FRIEND, STRANGER = "127.0.0.10", "127.0.0.9"
FRIENDS = f'[[peer]]\nname = "friend"\naddresses = ["{FRIEND}"]\ntrusted = true\n'
RULES = '  { number = "1201", to = "user:1001" },'
ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phones]:
    sip = 'trace = true\nconnected_line = ["users", "trusted"]'
    server = ServerProcess(tmp_path_factory.mktemp("server"), rtp=24_500, sip_more=sip, more=FRIENDS, rules=RULES)
    phones = Phones(server.start(), tmp_path_factory.mktemp("phones"), by_hand=("1004",))
    yield phones
    phones.stop()
    server.stop()


@pytest.fixture
def phones(desk: Phones) -> Phones:
    desk.begin()
    return desk


def told(phones: Phones, user: str, method: str) -> list[str]:
    """The asserted identities in requests of one method to a phone, in the log of the exchange."""
    found = []
    for line in (phones.server.folder / "server.log").read_text().splitlines():
        message = json.loads(line).get("message", "") if "sip.trace" in line and '">"' in line else ""
        if re.match(rf"{method} (sip:{user}|OK\r\n[^$]*From: [^\r\n]*sip:{user}@)", message):
            found += re.findall("P-Asserted-Identity: (.*)\r\n", message)
    return found


def test_a_trusted_peer_is_told_by_update(phones: Phones, tmp_path: Path) -> None:
    one, two = phones.of("1001", "1002")
    script = answered(PLAIN, ALLOW, 'Remote-Party-I[dD]: "Phone 1001" <sip:1001@[^>]*>;party=called', "o=")
    script.get("UPDATE", 'P-Asserted-Identity: "Phone 1002" <sip:1002@', "Remote-Party-I[dD]: .*party=called").reply()
    trunk = Sipp(tmp_path, phones.server, script.get("BYE").reply(), number="1201", media=40600, address=FRIEND)
    one.wait("CALL_ESTABLISHED")
    one.command("transfer", f"sip:{two.user}@{HOST}:{phones.server.sip}")
    two.wait("CALL_ESTABLISHED")
    two.rest(0.5)
    two.command("hangup")
    trunk.end()


def test_others_are_told_nothing(phones: Phones, tmp_path: Path) -> None:
    one, two = phones.of("1001", "1002")
    script = answered(PLAIN, ALLOW, "Content-Length").get("BYE").reply()
    trunk = Sipp(tmp_path, phones.server, script, number="1201", media=40610, address=STRANGER)
    one.wait("CALL_ESTABLISHED")
    one.command("transfer", f"sip:{two.user}@{HOST}:{phones.server.sip}")
    two.wait("CALL_ESTABLISHED")
    two.rest(0.5)
    two.command("hangup")
    trunk.end()
    phones.quiet()


def test_a_phone_is_told_after_a_transfer_and_hears_on(phones: Phones) -> None:
    one, two, three = phones.of("1001", "1002", "1003")
    phones.call(one, two)
    two.command("transfer", f"sip:{three.user}@{HOST}:{phones.server.sip}")
    two.wait("CALL_CLOSED")
    three.wait("CALL_ESTABLISHED")
    three.rest(2.0)
    three.command("hangup")
    one.wait("CALL_CLOSED")
    assert_talked(one, three, 1.5)
    assert [re.sub("@.*", "", identity) for identity in told(phones, "1001", "INVITE")] == ['"Phone 1003" <sip:1003']
    assert told(phones, "1003", "INVITE") == []


def test_both_are_told_after_a_pickup(phones: Phones) -> None:
    one, two, rings = phones.of("1001", "1002", "1004")
    phones.dial(one, "1004")
    rings.wait("CALL_INCOMING")
    phones.dial(two, "**1004")
    one.wait("CALL_ESTABLISHED")
    two.wait("CALL_ESTABLISHED")
    one.rest(1.5)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    assert_talked(one, two, 1.0)
    assert told(phones, "1001", "SIP/2.0 200")[-1].startswith('"Phone 1002" <sip:1002@')
    assert told(phones, "1002", "INVITE")[-1].startswith('"Phone 1001" <sip:1001@')
