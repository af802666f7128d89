# SPDX-License-Identifier: Apache-2.0
"""Framing: whatever way the bytes are cut on the wire, the same messages come out, within the limits."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.framer import PING, Framer


def message(body: bytes = b"", length: str | None = None, head: str = "OPTIONS sip:a@b SIP/2.0") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if length is None else length
    via = "Via: SIP/2.0/TCP h;branch=z9hG4bK1"
    fields = [via, "From: <sip:a@b>;tag=1", "To: <sip:a@b>", "Call-ID: 1", "CSeq: 1 OPTIONS"]
    return "\r\n".join([head, *fields, f"{length}\r\n"]).encode() + body


PLAIN = message()
WITH_BODY = message(b"v=0\r\n\r\nContent-Length: 99\r\n\r\n")
STREAM = PLAIN + WITH_BODY + b"\r\n\r\n" + b"\r\n" + WITH_BODY + b"\r\n\r\n\r\n\r\n" + PLAIN
FRAMES = [PLAIN, WITH_BODY, PING, WITH_BODY, PING, PING, PLAIN]


def frames(*chunks: bytes) -> list[bytes]:
    framer = Framer()
    found = [frame for chunk in chunks for frame in framer.receive(chunk)]
    assert not framer.unfinished
    return found


def test_every_split_position() -> None:
    assert frames(STREAM) == FRAMES
    for place in range(len(STREAM)):
        assert frames(STREAM[:place], STREAM[place:]) == FRAMES


def test_byte_by_byte() -> None:
    assert frames(*[STREAM[i : i + 1] for i in range(len(STREAM))]) == FRAMES


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cuts(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert frames(*[STREAM[a:b] for a, b in itertools.pairwise(places)]) == FRAMES


@pytest.mark.parametrize(
    "length",
    [
        "Content-Length: 3\r\n",
        "content-length:3\r\n",
        "l: 3\r\n",
        "L\t :\t3 \r\n",
        "Content-Length:\r\n 3\r\n",
        "Content-Length: 003\r\n",
        "X: a\r\n l: 77\r\nl: 3\r\n",
        "Subject: content-length: 9\r\nl: 3\r\n",
    ],
)
def test_spellings_of_the_length(length: str) -> None:
    whole = message(b"abc", length)
    assert frames(whole + PLAIN) == [whole, PLAIN]


@pytest.mark.parametrize(
    "length",
    [
        "",
        "Content-Length: -1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: 1 2\r\n",
        "Content-Length: 1;x\r\n",
        "Content-Length:\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length: ²\r\n",
        "Content-Length: 9999999999\r\n",
        "Content-Length: 3\r\nl: 4\r\n",
    ],
)
def test_no_usable_length_is_an_error_that_can_be_answered(length: str) -> None:
    framer = Framer()
    received = framer.receive(PLAIN + message(b"abc", length))
    assert next(received) == PLAIN, "what came before is not lost"
    with pytest.raises(ParseError) as caught:
        next(received)
    assert caught.value.status == 400
    assert caught.value.partial is not None
    assert caught.value.partial.response(400).to_bytes().startswith(b"SIP/2.0 400 ")


def test_a_response_without_length_has_no_answer() -> None:
    with pytest.raises(ParseError) as caught:
        frames(message(b"", "", head="SIP/2.0 200 OK"))
    assert caught.value.partial is None


def test_headers_have_a_limit() -> None:
    framer = Framer(max_head_bytes=1_000)
    chunks = [b"OPTIONS sip:a@b SIP/2.0\r\n"] + [b"X: y\r\n"] * 163
    assert not any(list(framer.receive(chunk)) for chunk in chunks)
    assert framer.unfinished
    with pytest.raises(ParseError) as caught:
        list(framer.receive(b"X: y\r\n"))
    assert caught.value.status == 513


def test_body_has_a_limit_known_from_the_headers() -> None:
    with pytest.raises(ParseError) as caught:
        frames(message(b"", "Content-Length: 70000\r\n"))
    assert caught.value.status == 513
    assert caught.value.partial is not None


def test_rubbish_between_messages_is_an_error() -> None:
    with pytest.raises(ParseError):
        frames(PLAIN + b"\n\n")


def test_work_is_linear_in_what_arrives() -> None:
    """Counted, not timed: the search looks at each byte of a long header block a bounded number of times."""
    looked_at = 0

    class Counting(bytearray):
        def find(self, needle: bytes, start: int = 0) -> int:  # type: ignore[override]
            nonlocal looked_at
            looked_at += len(self) - start
            return bytearray.find(self, needle, start)

    framer = Framer()
    framer._buffer = Counting()
    whole = message(b"", "Subject: " + "x" * 30_000 + "\r\nContent-Length: 0\r\n")
    found = [frame for i in range(len(whole)) for frame in framer.receive(whole[i : i + 1])]
    assert found == [whole]
    assert looked_at < 6 * len(whole)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([STREAM[:50], b"\r\n", b"\r\n\r\n", b"l: 1\r\n", b"\r"])))
def test_any_bytes_are_framed_or_refused(chunks: list[bytes]) -> None:
    framer = Framer(max_head_bytes=200, max_body_bytes=100)
    try:
        for chunk in chunks:
            for frame in framer.receive(chunk):
                assert frame == PING or b"\r\n\r\n" in frame
            assert len(framer._buffer) <= 200 + 100 + 60
    except ParseError:
        pass
