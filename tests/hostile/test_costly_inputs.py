# SPDX-License-Identifier: Apache-2.0
"""Datagrams made to cost much: no 32 kB of anything may take longer than a hundred ordinary requests."""

import time

import pytest

from switchroom.media import sdp
from switchroom.media.errors import SdpError
from switchroom.pbx.sip import parser
from switchroom.pbx.sip.auth import parse_credentials
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.framer import Framer
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.uri import parse_uri

SIZE = 32_000
LIMIT_S = 0.2
"""Quadratic work on 32 kB takes 0.8 s and more, linear work 0.01 s."""

MORE = {
    "spaces before a fold": "X:" + " " * SIZE + "y\r\n z",
    "many folds": "X: y" + "\r\n  z" * (SIZE // 5),
    "credentials: spaces": "Authorization: Digest " + " " * SIZE + '"',
    "credentials: spaces after =": "Authorization: Digest a=" + " " * SIZE + '"',
    "credentials: many": "Authorization: Digest " + "a=b," * (SIZE // 4),
    "credentials: escapes": 'Authorization: Digest a="' + "\\a" * (SIZE // 2),
    "contacts": "Contact: " + "<sip:a@b>," * (SIZE // 10),
    "quotes": "Contact: " + '"a",' * (SIZE // 4),
    "routes": "Record-Route: " + "<sip:a;lr>," * (SIZE // 11),
    "escapes in a URI": "Contact: <sip:" + "%41" * (SIZE // 3) + "@b>",
    "at signs": "Contact: <sip:" + "a@" * (SIZE // 2) + "b>",
    "headers in a URI": "Contact: <sip:a@b?" + "a=b&" * (SIZE // 4) + ">",
    "a long header name": "a" * SIZE,
    "spaces after a header name": "a" + " " * SIZE + "b: c",
    "Vias": "\r\n".join(f"Via: SIP/2.0/UDP h;branch={number},SIP/2.0/UDP h" for number in range(240)),
    "lengths": "l" + " " * SIZE + ": 0",
}
VIAS = ("SIP" + " " * SIZE + "x", "SIP/2.0/UDP h" + " " * SIZE + "x", "SIP/2.0/UDP h" + ";a " * (SIZE // 3) + '"')
FROMS = (
    " a" * (SIZE // 2),
    "a" + " " * SIZE + "x<sip:a@b",
    '"' + "\\a" * (SIZE // 2),
    '"a" ' * (SIZE // 4),
    '"a"' + " " * SIZE + "x",
    "<" * SIZE,
    "<sip:a@b>" + " " * SIZE + ";tag=1'\"",
    "<sip:a@b>" + ';tag="' * (SIZE // 6),
    "<sip:a@b>;x= " + " " * SIZE + '"',
    "sip:" + "a" * SIZE + '"',
)
HEAD = (
    "OPTIONS sip:user@example.com SIP/2.0\r\nVia: {}\r\nFrom: {}\r\nTo: <sip:a@b>\r\n"
    "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n{}\r\n\r\n"
)
VIA, FROM = "SIP/2.0/UDP h;branch=z9hG4bKx", "<sip:a@b>;tag=1"


def look_at(data: bytes) -> None:
    try:
        message = parser.parse(data)
        assert isinstance(message, Request)
        parser.check(message)
        for value in message.headers.get("authorization", ()):
            parse_credentials(value)
        for contact in message.contacts():
            parse_uri(contact.uri)
        message.to_bytes()
    except ParseError:
        return


def cost_s(data: bytes) -> float:
    began = time.thread_time()
    look_at(data)
    return time.thread_time() - began


@pytest.mark.parametrize(
    "data",
    [HEAD.format(VIA, FROM, more).encode() for more in MORE.values()]
    + [HEAD.format(via, FROM, "X: y").encode() for via in VIAS]
    + [HEAD.format(VIA, from_, "X: y").encode() for from_ in FROMS],
    ids=[*MORE, *[f"Via {number}" for number in range(len(VIAS))], *[f"From {number}" for number in range(len(FROMS))]],
)
def test_parser(data: bytes) -> None:
    assert len(data) > 10_000
    assert min(cost_s(data) for _ in range(2)) < LIMIT_S


@pytest.mark.parametrize(
    "piece",
    ["a=rtpmap:0 " + " " * 30, "a=" + "x" * 1_000, "m=audio 1 RTP/AVP" + " 0" * 60, "c=IN IP4 " + "1." * 500, " "],
)
def test_session_descriptions(piece: str) -> None:
    body = ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n" + (piece + "\r\n") * (sdp.MAX_BYTES // (len(piece) + 2) - 2)).encode()
    began = time.thread_time()
    with_error = False
    try:
        sdp.parse(body)
    except SdpError:
        with_error = True
    assert time.thread_time() - began < LIMIT_S, f"refused: {with_error}"


@pytest.mark.parametrize("chunk", [b"\r\n", b"l \r\n", b" ", b"X: y\r\n", b"\r\n\r"])
def test_framer(chunk: bytes) -> None:
    framer = Framer()
    began = time.thread_time()
    try:
        for _ in range(20_000):
            for _ in framer.receive(chunk):
                continue
    except ParseError:
        pass
    assert time.thread_time() - began < LIMIT_S
