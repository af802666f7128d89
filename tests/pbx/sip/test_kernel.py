# SPDX-License-Identifier: Apache-2.0
"""What the kernel reads and writes is what the full way in Python would have read and written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.sip import header, kernel, message, parser
from switchroom.pbx.sip.message import Message, Request, Response

TORTURE = Path(__file__).parents[2] / "torture" / "messages"
INVITE = (
    b"INVITE sip:2001@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1;rport\r\n"
    b'From: "A. Caller" <sip:a@example.com>;tag=1\r\nTo: Bee <sip:2001@example.com>\r\nCall-ID: x@192.0.2.1\r\n'
    b"CSeq: 7 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:a@192.0.2.1:5060>\r\nContent-Length: 4\r\n\r\nbody"
)


@contextmanager
def without_the_kernel() -> Iterator[None]:
    class Nothing:
        split = join = params = name_addr = via = cseq = staticmethod(lambda *args: None)
        is_plain = staticmethod(kernel.is_plain)

    with (
        patch.object(header, "kernel", Nothing),
        patch.object(message, "kernel", Nothing),
        patch.object(parser, "kernel", Nothing),
    ):
        yield


def outcome(work: Callable[[], object]) -> object:
    try:
        return work()
    except SwitchroomError as error:
        return type(error), str(error)


def both(work: Callable[[], object]) -> tuple[object, object]:
    quick = outcome(work)
    with without_the_kernel():
        return quick, outcome(work)


def facts(message: Message) -> object:
    first = (message.method, message.uri) if isinstance(message, Request) else ()
    status = (message.status, message.reason) if isinstance(message, Response) else ()
    return first, status, message.headers, message.body, outcome(message.to_bytes)


TEXT = st.text(alphabet=st.sampled_from('aB9-.!:;=,<>"\\ \t/@[]zé\x00\x0b\x7f'), max_size=24)


@given(st.one_of(TEXT, TEXT.map(lambda t: f";tag={t}"), TEXT.map(lambda t: f";lr;{t}=x")))
def test_parameters(text: str) -> None:
    quick, full = both(lambda: header.parse_params(text))
    assert quick == full


@given(st.one_of(TEXT, TEXT.map(lambda t: f"<{t}>;x"), TEXT.map(lambda t: f"{t} <sip:a@b>;tag=1"),
                 TEXT.map(lambda t: f'"{t}" <sip:a@b>')))  # fmt: skip
def test_name_addrs(text: str) -> None:
    quick, full = both(lambda: header.parse_name_addr(text))
    assert quick == full


@given(st.one_of(TEXT, TEXT.map(lambda t: f"SIP/2.0/UDP {t}"), TEXT.map(lambda t: f"SIP/2.0/{t} a;branch=z"),
                 st.integers(0, 100_000).map(lambda n: f"SIP/2.0/TCP a.b:{n};rport")))  # fmt: skip
def test_vias(text: str) -> None:
    quick, full = both(lambda: header.parse_via(text))
    assert quick == full


@given(st.one_of(TEXT, st.integers(0, 2**33).map(lambda n: f"{n} INVITE"), TEXT.map(lambda t: f"12 {t}")))
def test_cseqs(text: str) -> None:
    quick, full = both(lambda: header.parse_cseq(text))
    assert quick == full


ODDITIES = (
    b"", b" ", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b":", b"\t", b"\xe9", b"\r\n ", b"\x00",
    b"\r\nVia: x", b"\r\nFrom: x", b"\r\nX-New: y",
)  # fmt: skip


@given(st.integers(0, len(INVITE)), st.sampled_from(ODDITIES), st.integers(0, 3))
def test_messages_with_something_put_in_or_cut_out(at: int, what: bytes, cut: int) -> None:
    data = INVITE[:at] + what + INVITE[at + cut :]
    quick, full = both(lambda: facts(parser.parse(data)))
    assert quick == full


@given(TEXT, TEXT)
def test_writing(value: str, other: str) -> None:
    def work() -> bytes:
        return Request(
            "OPTIONS", "sip:a", {"to": [value, other], "x-a": [value], "content-length": ["9"]}, b"x"
        ).to_bytes()

    quick, full = both(work)
    assert quick == full


@pytest.mark.parametrize("path", sorted(TORTURE.iterdir()), ids=lambda path: path.stem)
def test_the_messages_of_rfc_4475(path: Path) -> None:
    data = path.read_bytes()
    quick, full = both(lambda: facts(parser.parse(data)))
    assert quick == full


def test_the_usual_message_goes_by_the_kernel() -> None:
    parser.parse(INVITE)  # which spellings there are is learned from what has come
    assert kernel.split(INVITE, parser._KEYS, parser.MAX_HEAD_BYTES, parser.MAX_HEADERS) is not None
    request = parser.parse(INVITE)
    request.to_bytes()
    assert kernel.join("X", request.headers, header.PRETTY, b"") is not None
    assert kernel.name_addr(request.headers["from"][0], header.NameAddr) == (
        "A. Caller",
        "sip:a@example.com",
        {"tag": "1"},
    )
    assert kernel.via(request.headers["via"][0], header.Via) is not None
    assert kernel.cseq(request.headers["cseq"][0], header.CSeq) == (7, "INVITE")
