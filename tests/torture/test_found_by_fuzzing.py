# SPDX-License-Identifier: Apache-2.0
"""Messages that the fuzzer found to do harm, each in its smallest form."""

import pytest

from switchroom.pbx.sip import parser
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.timers import Timers
from switchroom.pbx.sip.uri import _parse_cached, parse_uri
from tests.torture.test_torture import Core

INVITE = (
    "INVITE sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.32.2:5070;branch=z9hG4bK1\r\n"
    "From: <sip:a@example.com>;tag=1\r\nTo: <sip:user@example.com>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
    "Max-Forwards: 70\r\nContact: <sip:a@127.0.32.2>\r\nContent-Length: 0\r\n\r\n"
)


def changed(old: str, new: str) -> bytes:
    assert old in INVITE
    return INVITE.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    "data",
    [
        changed("Call-ID: 1", "Call-ID: 1\nRoute: <sip:evil@example.com>"),
        changed("tag=1\r\n", "tag=1\r \r\n"),
        changed("Max-Forwards: 70", "Max-Forwards: " + "9" * 5_000),
        changed("Max-Forwards: 70", "Max-Forwards: \u0667"),
        changed("Max-Forwards: 70", "Expires: " + "9" * 5_000),
        changed("Content-Length: 0", "Content-Length: " + "0" * 5_000),
        changed("Contact: <sip:a@127.0.32.2>", "Contact: *"),
        changed("Max-Forwards: 70", "Record-Route: <si <sip:b@example.com>"),
        changed("Max-Forwards: 70", "Record-Route: <nowhere>"),
    ],
)
def test_refused_with_400_and_survived(data: bytes) -> None:
    core = Core()
    assert core.statuses(data) == [400]
    core.pass_time()


def test_a_lone_line_feed_makes_no_header() -> None:
    with pytest.raises(ParseError) as caught:
        parser.parse(changed("Call-ID: 1", "Call-ID: 1\nRoute: <sip:evil@example.com>"))
    assert isinstance(caught.value.partial, Request)
    assert "route" not in caught.value.partial.headers


def test_an_absurd_expires_of_a_contact_is_no_fault() -> None:
    core = Core(authenticate=False)
    register = changed("Contact: <sip:a@127.0.32.2>", "Contact: <sip:a@127.0.32.2>;expires=" + "9" * 5_000)
    assert core.statuses(register.replace(b"INVITE", b"REGISTER")) == [200]
    assert len(core.registrar.lookup("user")) == 1


def test_a_peer_cannot_fill_the_cache_with_long_uris() -> None:
    before = _parse_cached.cache_info().currsize
    assert parse_uri("sip:" + "x" * 10_000 + "@example.com").host == "example.com"
    assert _parse_cached.cache_info().currsize == before


def test_a_timer_that_fails_stops_no_other() -> None:
    now, fired = 0.0, []
    timers = Timers(lambda: now)
    timers.start(1.0, lambda argument: 1 // 0)
    timers.start(1.0, fired.append, "other")
    now = 2.0
    with pytest.raises(ZeroDivisionError):
        timers.run()
    assert fired == ["other"]
