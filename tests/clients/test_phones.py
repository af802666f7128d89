# SPDX-License-Identifier: Apache-2.0
"""Phones of two makes through the exchange: baresip calls pjsua and the other way round, over UDP, TCP
and TLS with the certificate checked.

Where there is no pjsua (it is in no Debian package; $PJSUA names one) a second baresip takes its part, so the test
always says something.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.pjsua import Pjsua, program
from tests.clients.server import HOST, ServerProcess
from tests.clients.test_baresip import TALK_S, assert_heard

Phone = Baresip | Pjsua
NUMBERS = {"baresip": "1003", "pjsua": "1004"}


@pytest.fixture(params=["udp", "tcp", "tls"])
def phones(request: pytest.FixtureRequest, server: ServerProcess, tmp_path: Path) -> Iterator[dict[str, Phone]]:
    need("baresip")
    other = Pjsua if program() is not None else Baresip
    made: dict[str, Phone] = {
        "baresip": Baresip(tmp_path / "baresip", server, "1003", hz=500, transport=request.param),
        "pjsua": other(tmp_path / "pjsua", server, "1004", hz=900, transport=request.param),
    }
    try:
        for phone in made.values():
            phone.start()
        registered = {"1003", "1004"}
        server.wait_for(
            "both registrations",
            lambda: registered <= {each["user"] for each in server.call("registrations.list")["registrations"]},
        )
        yield made
    finally:
        for phone in made.values():
            phone.stop()


@pytest.mark.parametrize(("caller", "called"), [("baresip", "pjsua"), ("pjsua", "baresip")])
def test_phones_of_two_makes_talk_hold_and_hang_up(
    phones: dict[str, Phone], server: ServerProcess, caller: str, called: str
) -> None:
    one, two = phones[caller], phones[called]
    one.command("dial", f"sip:{NUMBERS[called]}@{HOST}:{one.port}")
    one.wait("CALL_ESTABLISHED")
    two.wait("CALL_ESTABLISHED")
    one.rest(TALK_S)
    one.command("hangup")
    two.wait("CALL_CLOSED")
    assert_heard(one, two.hz, TALK_S - 1)
    assert_heard(two, one.hz, TALK_S - 1)


def held(server: ServerProcess) -> bool:
    return any(leg["held"] for call in server.call("calls.list")["calls"] for leg in call["legs"])


@pytest.mark.parametrize(("caller", "called"), [("baresip", "pjsua"), ("pjsua", "baresip")])
def test_hold_and_resume_between_two_makes(
    phones: dict[str, Phone], server: ServerProcess, caller: str, called: str
) -> None:
    one, two = phones[caller], phones[called]
    one.command("dial", f"sip:{NUMBERS[called]}@{HOST}:{one.port}")
    one.wait("CALL_ESTABLISHED")
    two.wait("CALL_ESTABLISHED")
    one.rest(1.0)
    one.command("hold")
    server.wait_for("the hold", lambda: held(server))
    one.rest(0.5)
    one.command("resume")
    server.wait_for("the resume", lambda: not held(server))
    one.rest(1.0)
    two.command("hangup")
    one.wait("CALL_CLOSED")
