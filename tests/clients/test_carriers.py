# SPDX-License-Identifier: Apache-2.0
"""Calls by a route whose first carrier is dead, the second refuses and the third takes its time: SIPp plays them."""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clients.script import Script, answered
from tests.clients.server import ServerProcess
from tests.clients.sipp import Sipp
from tests.ports import free_port

DEAD, REFUSING, SLOW = [(f"127.0.0.{last}", free_port(host=f"127.0.0.{last}")) for last in (41, 42, 43)]
NAMES = ("dead", "refusing", "slow")
TRUNK = '[[trunk]]\nname = "{}"\ntargets = ["sip:{}:{}"]\noptions_s = 0.0\nfailover_s = 1.0\n'
RULES = '{ number = "4.", to = "route:out/{number:1}" }, { number = "5.", to = "trunk:slow/{number:1}" },'
ROUTES = "[routes]\nout = [" + ", ".join(f'{{ trunk = "{name}" }}' for name in NAMES) + "]\n"
CALLS = 5
SLOW_S = 1.5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    trunks = "".join(TRUNK.format(name, *at) for name, at in zip(NAMES, (DEAD, REFUSING, SLOW), strict=True))
    process = ServerProcess(tmp_path_factory.mktemp("server"), rules=RULES, more=trunks + ROUTES, rtp=28000).start()
    yield process
    process.stop()


def test_no_call_is_lost_on_the_way_to_the_carrier_that_answers(server: ServerProcess, tmp_path: Path) -> None:
    refusal = Script().get("INVITE").refuse(503)
    patient = Script().get("INVITE").trying().rest(round(SLOW_S * 1000)).ring().answer().get("ACK").get("BYE").reply()
    calling = answered().rest(300).send("BYE").get(200)
    with ExitStack() as stack, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(DEAD)  # what comes here is never answered
        carriers = [
            Sipp(
                tmp_path / "refusing", server, refusal, media=40600, address=REFUSING[0], port=REFUSING[1], calls=CALLS
            ),
            Sipp(tmp_path / "slow", server, patient, media=40640, address=SLOW[0], port=SLOW[1], calls=CALLS),
        ]
        for carrier in carriers:
            stack.callback(carrier.stop)
        begun = time.monotonic()
        caller = Sipp(tmp_path / "caller", server, calling, number="40131", media=40700, calls=CALLS)
        stack.callback(caller.stop)
        for each in (caller, *carriers):
            each.end()
        took_s = time.monotonic() - begun
        hole.setblocking(False)
        asked = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                asked.add(hole.recv(4096).split(b"Call-ID: ")[1].split(b"\r\n")[0])
    assert len(asked) == CALLS
    assert SLOW_S + 1.0 <= took_s < 15.0
    cdrs = server.wait_for("the CDRs", lambda: done(server))
    for cdr in cdrs:
        assert cdr["result"] == "answered"
        assert cdr["legs"][1]["trunk"] == "slow"
        waited_s = (cdr["answered_at_ms"] - cdr["started_at_ms"]) / 1000
        assert SLOW_S + 1.0 <= waited_s < SLOW_S + 3.0, "a second for the dead one, nothing for the one that refuses"


def done(server: ServerProcess) -> list[dict[str, Any]]:
    found = server.call("cdr.list", number="40131")["cdrs"]
    return found if len(found) == CALLS else []
