# SPDX-License-Identifier: Apache-2.0
"""What SIP costs in this core: a message read, a response made, and whole calls between two cores, in one process.

`pytest benchmarks/bench_signalling.py --benchmark-only`; read ratios, the machine's speed differs from day to day.
"""

from collections.abc import Callable
from typing import Any

from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.parser import check, parse
from tests.pbx.sip.test_sessions import OFFER, Pair
from tests.sim.network import Network

INVITE = (
    b"INVITE sip:2001@127.0.0.21:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.22:5080;branch=z9hG4bK-123-1-0;rport\r\n"
    b"From: <sip:rig@127.0.0.22:5080>;tag=123c1\r\nTo: <sip:2001@127.0.0.21:5070>\r\nCall-ID: 1-123@127.0.0.22\r\n"
    b"CSeq: 1 INVITE\r\nContact: <sip:rig@127.0.0.22:5080>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n\r\nv=0\r\n"
)


def test_split_an_invite(benchmark: Callable[..., Any]) -> None:
    assert benchmark(parse, INVITE).call_id == "1-123@127.0.0.22"


def test_split_and_check_an_invite(benchmark: Callable[..., Any]) -> None:
    def both() -> Request:
        message = parse(INVITE)
        assert isinstance(message, Request)
        check(message)
        return message

    assert benchmark(both).cseq.number == 1


def test_answer_an_invite(benchmark: Callable[..., Any]) -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    assert benchmark(lambda: request.response(180, to_tag="abc").to_bytes()).startswith(b"SIP/2.0 180")


def test_a_whole_call_between_two_cores(benchmark: Callable[..., Any]) -> None:
    """INVITE 100 180 200 ACK BYE 200 through both cores, the simulated network included."""
    pair = Pair(Network())

    def call() -> None:
        pair.bob_sessions.clear()
        pair.network.log.clear()
        session = pair.call()
        pair.bob_session.ring()
        pair.bob_session.answer(OFFER)
        pair.network.run(0.1)
        session.bye()
        pair.network.run(40)

    benchmark(call)
    assert pair.bob.events[-1] == "ended 200"
