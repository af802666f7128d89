# SPDX-License-Identifier: Apache-2.0
"""Session descriptions: what is read, what is forgiven, what is refused, and that writing and reading agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.media import sdp
from switchroom.media.errors import SdpError
from switchroom.media.sdp import Connection, Description, Media, Origin, address_family, is_unicast, parse

PHONE = b"""v=0
o=alice 2890844526 2890844527 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
b=AS:84
t=0 0
a=sendrecv
m=audio 49170 RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=x-vendor:kept as it is: even with colons
m=video 51372 RTP/AVP 99
c=IN IP6 2001:db8::2
a=rtpmap:99 h263-1998/90000
""".replace(b"\n", b"\r\n")


def test_reads_a_whole_description() -> None:
    description = parse(PHONE)
    assert description.origin == Origin("2890844526", "2890844527", "192.0.2.10", "IP4", "alice")
    assert description.connection == Connection("192.0.2.10")
    assert description.attributes == (("sendrecv", None),)
    audio, video = description.media
    assert (audio.kind, audio.port, audio.protocol, audio.formats) == ("audio", 49170, "RTP/AVP", ("8", "0", "101"))
    assert audio.connection is None
    assert ("x-vendor", "kept as it is: even with colons") in audio.attributes
    assert video.connection == Connection("2001:db8::2", "IP6")


@pytest.mark.parametrize(
    "change",
    [
        (b"\r\n", b"\n"),
        (b"\r\n", b"\r"),
        (b"s=-\r\n", b""),
        (b"t=0 0\r\n", b""),
        (b"s=-\r\n", b"s=\r\n"),
        (b"b=AS:84\r\n", b"\r\nq=unknown line\r\n"),
        (b"o=alice 28", b"o=Alice B. Phone 28"),
        (b"49170", b"49170/2"),
        (b"c=IN IP4 192.0.2.10\r\nb", b"c=IN IP4 192.0.2.10/127/3\r\nb"),
        (b"a=rtpmap:8 ", b"a=rtpmap: 8 "),
        (b"m=video ", b"m =video "),
    ],
)
def test_forgives_sloppy_phones(change: tuple[bytes, bytes]) -> None:
    assert change[0] in PHONE
    description = parse(PHONE.replace(*change))
    assert description.connection == Connection("192.0.2.10")
    assert [(media.kind, media.port) for media in description.media] == [("audio", 49170), ("video", 51372)]
    assert ("rtpmap", "8 PCMA/8000") in description.media[0].attributes


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "no v=0"),
        (b"hello world", "not a line"),
        (b"\x00\xff\xfe", "not a line"),
        (b"v=1\r\n", "version '1'"),
        (b"v=0\r\n", "no o="),
        (b"o=- 1 1 IN IP4 192.0.2.1\r\n", "no v=0"),
        (b"v=0\r\no=- 1 1\r\n", "o= line of 3 fields"),
        (PHONE.replace(b"49170", b"65536"), "not a port"),
        (PHONE.replace(b"49170", b"-1"), "not a port"),
        (PHONE.replace(b"49170", "٤٩".encode()), "not a port"),
        (PHONE.replace(b"49170", b"9" * 1000), "not a port"),
        (PHONE.replace(b"m=audio 49170 RTP/AVP 8 0 101", b"m=audio 49170 RTP/AVP"), "m= line without"),
        (PHONE.replace(b"c=IN IP4 192.0.2.10", b"c=192.0.2.10"), "c= line"),
        (PHONE + b"a=x:" + b"y" * sdp.MAX_BYTES, "bytes"),
        (PHONE + b"a=x\n" * 2 * sdp.MAX_LINES, "lines"),
        (PHONE + b"m=audio 1 RTP/AVP 0\n" * sdp.MAX_MEDIA, "media sections"),
        (PHONE + b"m=audio 1 RTP/AVP" + b" 0" * (sdp.MAX_FORMATS + 1), "formats"),
    ],
)
def test_refuses_rubbish_with_a_reason(body: bytes, complaint: str) -> None:
    with pytest.raises(SdpError, match=complaint):
        parse(body)


def test_writes_what_the_standard_shows() -> None:
    description = Description(
        origin=Origin("7", "2", "192.0.2.1"),
        connection=Connection("192.0.2.1"),
        media=(
            Media(
                kind="audio",
                port=20000,
                formats=("0",),
                attributes=(("rtpmap", "0 PCMU/8000"), ("sendrecv", None)),
            ),
        ),
    )
    assert description.to_bytes().decode() == (
        "v=0\r\no=- 7 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
    )


WORD = st.text("abcdefXYZ0189-._+", min_size=1, max_size=12)
ATTRIBUTES = st.lists(st.tuples(WORD, st.none() | WORD), max_size=6).map(tuple)
CONNECTION = st.builds(Connection, WORD, st.sampled_from(["IP4", "IP6"]))
MEDIA = st.builds(
    Media,
    kind=WORD,
    port=st.integers(0, 65_535),
    protocol=WORD,
    formats=st.lists(WORD, min_size=1, max_size=5).map(tuple),
    connection=st.none() | CONNECTION,
    attributes=ATTRIBUTES,
)


@given(
    st.builds(
        Description,
        origin=st.builds(Origin, WORD, WORD, WORD, WORD, WORD),
        name=WORD,
        connection=st.none() | CONNECTION,
        attributes=ATTRIBUTES,
        media=st.lists(MEDIA, max_size=4).map(tuple),
    )
)
def test_reading_gives_back_what_was_written(description: Description) -> None:
    assert parse(description.to_bytes()) == description


@given(
    st.binary(max_size=400) | st.lists(st.sampled_from(PHONE.split(b"\r\n")) | st.binary(max_size=20)).map(b"\n".join)
)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        description = parse(body)
    except SdpError:
        return
    assert parse(description.to_bytes()).media == description.media


def test_addresses() -> None:
    assert address_family("192.0.2.1") == "IP4"
    assert address_family("2001:db8::1") == "IP6"
    assert address_family("phone.example.com") is None
    assert address_family("192.0.2.1.") is None
    assert is_unicast("192.0.2.1")
    assert not any(is_unicast(nowhere) for nowhere in ("0.0.0.0", "::", "224.0.0.5", "ff02::1", "255.255.255.255"))
