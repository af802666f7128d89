# SPDX-License-Identifier: Apache-2.0
"""baresip with SRTP: through the exchange to a phone with and without, on hold, and where it is refused."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess
from tests.clients.test_baresip import assert_heard, talk

TALK_S = 3.0
Phones = Callable[..., tuple[Baresip, Baresip, ServerProcess]]


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Phones]:
    """Two phones by their `mediaenc`, on a server with the `srtp` of both users."""
    need("baresip")
    with ExitStack() as stack:

        def start(first: tuple[str, str], second: tuple[str, str]) -> tuple[Baresip, Baresip, ServerProcess]:
            server = ServerProcess(tmp_path, srtp={"1001": first[1], "1002": second[1]}, sip_more="trace = true")
            stack.callback(server.stop)
            server.start()
            one = Baresip(tmp_path / "one", server, "1001", hz=500, media_encryption=first[0])
            two = Baresip(tmp_path / "two", server, "1002", hz=900, media_encryption=second[0])
            for phone in (one, two):
                stack.callback(phone.stop)
                phone.start()
            server.wait_for("both registrations", lambda: len(server.call("registrations.list")["registrations"]) >= 2)
            return one, two, server

        yield start


def finish(one: Baresip, two: Baresip, server: ServerProcess) -> dict[str, Any]:
    """Hang up; the CDR."""
    one.command("hangup")
    two.wait("CALL_CLOSED")
    return server.wait_for("the CDR", lambda: server.call("cdr.list", limit=1)["cdrs"])[0]


@pytest.mark.parametrize(
    ("first", "second", "suites"),
    [
        (("srtp-mand", "required"), ("", "off"), (True, False)),
        (("", "off"), ("srtp-mand", "optional"), (False, True)),
        (("srtp", "optional"), ("srtp", "optional"), (True, True)),
    ],
)
def test_both_hear_each_other(
    phones: Phones, first: tuple[str, str], second: tuple[str, str], suites: tuple[bool, bool]
) -> None:
    one, two, server = phones(first, second)
    talk(one, two, server, TALK_S)
    cdr = finish(one, two, server)
    assert_heard(one, 900, TALK_S - 1)
    assert_heard(two, 500, TALK_S - 1)
    assert tuple(bool(leg.get("srtp")) for leg in cdr["legs"]) == suites, cdr["legs"]
    keys = re.findall(r"inline:(\S{3})", (server.folder / "server.log").read_text())
    assert set(keys) == {"..."}


def test_hold_and_resume_with_srtp(phones: Phones) -> None:
    one, two, server = phones(("srtp-mand", "optional"), ("srtp-mand", "optional"))
    talk(one, two, server, 1.5)
    one.command("hold")
    server.wait_for(
        "the hold", lambda: any(leg["held"] for call in server.call("calls.list")["calls"] for leg in call["legs"])
    )
    one.rest(1.0)
    one.command("resume")
    one.rest(2.0)
    finish(one, two, server)
    heard = Heard(two.recording(), 500)
    assert heard.seconds >= 2.5, heard
    assert 700 <= heard.longest_gap_ms <= 2500, heard


def test_plain_rtp_is_refused_where_srtp_is_required(phones: Phones) -> None:
    one, _two, server = phones(("", "required"), ("", "off"))
    one.command("dial", f"sip:1002@{HOST}:{server.sip}")
    assert "488" in one.wait("CALL_CLOSED")["param"]
