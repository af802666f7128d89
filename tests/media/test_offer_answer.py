# SPDX-License-Identifier: Apache-2.0
"""Offer and answer: what two sides end up sending to each other, and that a refused description changes nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.media import sdp
from switchroom.media.errors import NotAcceptable, OfferPending, SdpError
from switchroom.media.formats import CN, G722, G729, L16_8000, L16_16000, OPUS, PCMA, PCMU, Format
from switchroom.media.local import LocalMedia
from switchroom.media.offer_answer import Agreed, Negotiator
from switchroom.media.sdp import Media


def local(**changes: object) -> LocalMedia:
    values: dict[str, object] = {
        "address": "192.0.2.1",
        "port": 20000,
        "codecs": (PCMU, PCMA, G729),
        "session_id": 77,
    }
    return LocalMedia(**(values | changes))  # type: ignore[arg-type]


def body(*lines: str, address: str = "192.0.2.10", session: tuple[str, ...] = ()) -> bytes:
    family = "IP6" if ":" in address else "IP4"
    head = ["v=0", f"o=- 1 1 IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0", *session]
    return "\r\n".join([*head, *lines, ""]).encode()


AUDIO = "m=audio 4000 RTP/AVP 0 8 101"
EVENTS = "a=rtpmap:101 telephone-event/8000"


def audio_of(data: bytes) -> Media:
    return next(media for media in sdp.parse(data).media if media.kind == "audio")


def version_of(data: bytes) -> int:
    return int(sdp.parse(data).origin.version)


def agreed(negotiator: Negotiator) -> Agreed:
    assert negotiator.agreed is not None
    return negotiator.agreed


def answered(offer: bytes, **changes: object) -> tuple[Negotiator, Media]:
    negotiator = Negotiator(local(**changes))
    negotiator.receive_offer(offer)
    return negotiator, audio_of(negotiator.answer())


def test_a_phones_offer_is_answered_with_its_first_common_codec() -> None:
    negotiator, answer = answered(body("m=audio 4000 RTP/AVP 3 8 0 101", EVENTS, "a=fmtp:101 0-16", "a=ptime:30"))
    assert answer.formats == ("8", "101")
    assert answer.port == 20000
    assert dict(answer.attributes)["ptime"] == "30"
    assert answer.attributes[-1] == ("sendrecv", None)
    result = agreed(negotiator)
    assert (result.address, result.port, result.rtcp_port) == ("192.0.2.10", 4000, 4001)
    assert (result.send, result.receive) == (PCMA, (PCMA,))
    assert result.send_event is not None
    assert (result.send_event.payload_type, result.receive_events[0].payload_type) == (101, 101)
    assert result.ptime_ms == 30
    assert (result.sends, result.receives, result.held) == (True, True, False)
    assert result.remote_codecs == ("PCMA", "PCMU")


def test_the_answerer_may_prefer_another_common_codec() -> None:
    negotiator = Negotiator(local())
    negotiator.receive_offer(body("m=audio 4000 RTP/AVP 0 8 18"))
    assert negotiator.remote_codecs == ("PCMU", "PCMA", "G729")
    first = negotiator.answer(prefer=("opus", "pcma"))
    assert audio_of(first).formats == ("8",)
    assert negotiator.answer(prefer=("PCMU",)) == first, "a 200 repeats the description of the 183"
    assert agreed(negotiator).remote_codecs == ("PCMU", "PCMA", "G729")


def test_dynamic_payload_types_of_the_offerer_are_honoured() -> None:
    negotiator, answer = answered(
        body(
            "m=audio 4000 RTP/AVP 111 98 99",
            "a=rtpmap:111 OPUS/48000/2",
            "a=fmtp:111 useinbandfec=1",
            "a=rtpmap:98 telephone-event/8000",
            "a=rtpmap:99 telephone-event/48000",
        ),
        codecs=(OPUS, PCMU),
    )
    assert answer.formats == ("111", "99"), "the event whose clock is the codec's (RFC 4733)"
    result = agreed(negotiator)
    assert result.send == Format(111, "opus", 48_000, 2, "useinbandfec=1")
    assert result.send_event is not None
    assert result.send_event.payload_type == 99
    again = audio_of(negotiator.offer())
    assert again.formats[0] == "111", "a session keeps its numbers (RFC 3264 section 8.3.2)"
    assert ("rtpmap", "99 telephone-event/48000") in again.attributes
    assert len(set(again.formats)) == len(again.formats)


def test_our_offer_and_its_answer_with_other_numbers_for_the_other_way() -> None:
    negotiator = Negotiator(local(codecs=(OPUS, PCMU)))
    offer = audio_of(negotiator.offer())
    assert offer.formats == ("96", "0", "101", "97")
    negotiator.receive_answer(
        body(
            "m=audio 4000 RTP/AVP 120 121",
            "a=rtpmap:120 opus/48000/2",
            "a=rtpmap:121 telephone-event/48000",
        )
    )
    result = agreed(negotiator)
    assert (result.send.payload_type, result.receive[0].payload_type) == (120, 96)
    assert result.send_event is not None
    assert result.send_event.payload_type == 121
    assert [event.payload_type for event in result.receive_events] == [101, 97]


def test_offer_with_chosen_codecs_in_their_order() -> None:
    assert audio_of(Negotiator(local()).offer(codecs=("g729", "GSM", "PCMA"))).formats == ("18", "8", "101")
    with pytest.raises(NotAcceptable, match="GSM"):
        Negotiator(local()).offer(codecs=("GSM",))


def test_static_numbers_without_rtpmap_and_rtpmap_that_renames_them() -> None:
    assert answered(body("m=audio 4000 RTP/AVP 9 18"), codecs=(G729, G722))[1].formats == ("9",)
    assert answered(body("m=audio 4000 RTP/AVP 0 8", "a=rtpmap:0 pcmu/8000/1"))[1].formats == ("0",)
    assert answered(body("m=audio 4000 RTP/AVP 97 x 300", "a=rtpmap:97 PCMA/8000"))[1].formats == ("97",)


@pytest.mark.parametrize(
    ("theirs", "ours", "answer"),
    [("", "annexb=no", "annexb=no"), ("annexb=no", "", "annexb=no"), ("AnnexB = no", "", "annexb=no"), ("", "", None)],
)
def test_g729_annex_b_needs_both(theirs: str, ours: str, answer: str | None) -> None:
    lines = ["m=audio 4000 RTP/AVP 18", *([f"a=fmtp:18 {theirs}"] if theirs else [])]
    _, media = answered(body(*lines), codecs=(Format(18, "G729", fmtp=ours),))
    assert dict(media.attributes).get("fmtp") == (answer and f"18 {answer}")


@pytest.mark.parametrize(
    ("lines", "ptime_ms"),
    [
        ((), 20),
        (("a=ptime:10",), 10),
        (("a=ptime:60",), 60),
        (("a=ptime:20.0",), 20),
        (("a=ptime:35",), 30),
        (("a=ptime:240",), 60),
        (("a=ptime:5",), 10),
        (("a=ptime:0",), 20),
        (("a=ptime:-20",), 20),
        (("a=ptime:soon",), 20),
        (("a=ptime",), 20),
        (("a=maxptime:10",), 10),
        (("a=ptime:40", "a=maxptime:30"), 30),
        (("a=ptime:40", "a=maxptime:0"), 40),
    ],
)
def test_packet_length(lines: tuple[str, ...], ptime_ms: int) -> None:
    negotiator, answer = answered(body(AUDIO, *lines))
    assert agreed(negotiator).ptime_ms == ptime_ms
    assert dict(answer.attributes)["ptime"] == str(ptime_ms)


@pytest.mark.parametrize(
    ("theirs", "ours", "answer", "sends", "receives", "held"),
    [
        ("sendrecv", None, "sendrecv", True, True, False),
        ("sendonly", None, "recvonly", False, True, True),
        ("recvonly", None, "sendonly", True, False, False),
        ("inactive", None, "inactive", False, False, True),
        ("sendrecv", "sendonly", "sendonly", True, False, False),
        ("sendonly", "sendonly", "inactive", False, False, True),
        ("recvonly", "recvonly", "inactive", False, False, False),
    ],
)
@pytest.mark.parametrize("level", ["session", "media"])
def test_directions(
    theirs: str, ours: sdp.Direction | None, answer: str, sends: bool, receives: bool, held: bool, level: str
) -> None:
    line = f"a={theirs}"
    offer = body(AUDIO, session=(line,)) if level == "session" else body(AUDIO, line, session=("a=sendrecv",))
    negotiator = Negotiator(local())
    negotiator.receive_offer(offer)
    assert negotiator.held is held
    assert audio_of(negotiator.answer(direction=ours)).attributes[-1] == (answer, None)
    result = agreed(negotiator)
    assert (result.sends, result.receives, result.held) == (sends, receives, held)


def test_hold_by_0_0_0_0_and_resume() -> None:
    negotiator, _ = answered(body(AUDIO))
    negotiator.receive_offer(body(AUDIO, address="0.0.0.0"))
    assert negotiator.held
    assert audio_of(negotiator.answer()).attributes[-1] == ("recvonly", None)
    assert (agreed(negotiator).sends, agreed(negotiator).rtcp_port) == (False, 0)
    negotiator.receive_offer(body(AUDIO, address="192.0.2.99"))
    negotiator.answer()
    result = agreed(negotiator)
    assert (result.address, result.sends, result.held) == ("192.0.2.99", True, False)


def test_our_hold_lasts_through_the_peers_own_offer() -> None:
    negotiator, _ = answered(body(AUDIO))
    assert audio_of(negotiator.offer("sendonly")).attributes[-1] == ("sendonly", None)
    negotiator.receive_answer(body(AUDIO, "a=recvonly"))
    assert (agreed(negotiator).sends, agreed(negotiator).receives) == (True, False)
    negotiator.receive_offer(body(AUDIO))
    assert audio_of(negotiator.answer()).attributes[-1] == ("sendonly", None)
    negotiator.offer()
    negotiator.receive_answer(body(AUDIO))
    assert agreed(negotiator).receives


def test_other_streams_are_refused_in_their_place() -> None:
    offer = body(
        "m=video 5000 RTP/AVP 31",
        "m=audio 4000 RTP/SAVP 0",
        "m=audio 4100 RTP/AVP 0",
        "m=audio 4200 RTP/AVP 8",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    )
    negotiator = Negotiator(local())
    negotiator.receive_offer(offer)
    shape = [
        ("video", 0, "RTP/AVP", ("31",)),
        ("audio", 0, "RTP/SAVP", ("0",)),
        ("audio", 20000, "RTP/AVP", ("0",)),
        ("audio", 0, "RTP/AVP", ("8",)),
        ("application", 0, "UDP/DTLS/SCTP", ("webrtc-datachannel",)),
    ]
    lines = sdp.parse(negotiator.answer()).media
    assert [(media.kind, media.port, media.protocol, media.formats) for media in lines] == shape
    assert agreed(negotiator).port == 4100
    again = sdp.parse(negotiator.offer()).media
    assert [(media.kind, media.port) for media in again] == [entry[:2] for entry in shape]
    negotiator.receive_answer(offer.replace(b"4100", b"4102").replace(b"video 5000", b"video 0"))
    assert agreed(negotiator).port == 4102


def test_the_stream_of_the_right_address_family_is_taken() -> None:
    offer = body("m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::1", "m=audio 4002 RTP/AVP 0", "c=IN IP4 192.0.2.11")
    assert agreed(answered(offer)[0]).port == 4002
    six, answer = answered(offer, address="2001:db8::9")
    assert (agreed(six).address, agreed(six).port, answer.port) == ("2001:db8::1", 4000, 20000)
    assert sdp.parse(six.offer()).connection == sdp.Connection("2001:db8::9", "IP6")


def test_rtcp_mux() -> None:
    negotiator, answer = answered(body(AUDIO, "a=rtcp-mux", "a=rtcp:4999"))
    assert ("rtcp-mux", None) in answer.attributes
    assert (agreed(negotiator).rtcp_mux, agreed(negotiator).rtcp_port) == (True, 4000)
    assert ("rtcp-mux", None) not in answered(body(AUDIO))[1].attributes
    assert ("rtcp-mux", None) not in audio_of(Negotiator(local()).offer()).attributes
    asking = Negotiator(local(offer_rtcp_mux=True))
    assert ("rtcp-mux", None) in audio_of(asking.offer()).attributes
    asking.receive_answer(body(AUDIO))
    assert (agreed(asking).rtcp_mux, agreed(asking).rtcp_port) == (False, 4001)
    shy = Negotiator(local())
    shy.offer()
    shy.receive_answer(body(AUDIO, "a=rtcp-mux"))
    assert not agreed(shy).rtcp_mux, "never offered, so never agreed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4700", ("192.0.2.10", 4700)),
        ("4700 IN IP4 192.0.2.77", ("192.0.2.77", 4700)),
        ("4700 IN IP4 224.0.0.1", ("192.0.2.10", 4700)),
        ("4700 IN IP4 example.org", ("192.0.2.10", 4700)),
        ("000999999", ("192.0.2.10", 4001)),
        ("none", ("192.0.2.10", 4001)),
    ],
)
def test_rtcp_address(value: str, expected: tuple[str, int]) -> None:
    result = agreed(answered(body(AUDIO, f"a=rtcp:{value}"))[0])
    assert (result.rtcp_address, result.rtcp_port) == expected


def test_our_own_rtcp_port_is_told_when_it_is_not_the_next_one() -> None:
    assert ("rtcp", "20007") in audio_of(Negotiator(local(rtcp_port=20007)).offer()).attributes
    assert "rtcp" not in dict(audio_of(Negotiator(local(rtcp_port=20001)).offer()).attributes)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("m=audio 4000 RTP/AVP 3 96", "a=rtpmap:96 AMR/8000"), "no codec in common: the peer has GSM, AMR"),
        (("m=audio 4000 RTP/AVP 101", EVENTS), "no codec in common: the peer has none"),
        (("m=audio 4000 RTP/SAVP 0",), "srtp is off"),
        (("m=audio 4000 UDP/TLS/RTP/SAVPF 0",), "UDP/TLS"),
        (("m=audio 0 RTP/AVP 0",), "no audio"),
        (("m=video 4000 RTP/AVP 31",), "no audio"),
        ((), "no audio"),
        ((AUDIO, "c=IN IP4 phone.example.com"), "not a numeric address"),
        ((AUDIO, "c=IN IP4 224.2.1.1/127"), "not a unicast address"),
        ((AUDIO, "c=IN IP4 255.255.255.255"), "not a unicast address"),
        ((AUDIO, "c=IN IP6 192.0.2.4"), "address family"),
        ((AUDIO, "c=IN IP6 2001:db8::1"), "address family"),
    ],
)
def test_nothing_in_common_is_not_acceptable(lines: tuple[str, ...], reason: str) -> None:
    negotiator = Negotiator(local())
    with pytest.raises(NotAcceptable, match=re.escape(reason)):
        negotiator.receive_offer(body(*lines))
    assert (negotiator.agreed, negotiator.pending) == (None, None)
    negotiator.offer()


def test_a_bad_re_offer_changes_nothing() -> None:
    negotiator, _ = answered(body(AUDIO))
    before = agreed(negotiator)
    for bad, error in [
        (b"rubbish", SdpError),
        (body("m=audio 4444 RTP/AVP 3"), NotAcceptable),
        (b"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\nm=audio 4444 RTP/AVP 0\r\n", SdpError),
    ]:
        with pytest.raises(error):
            negotiator.receive_offer(bad)
        assert negotiator.agreed == before
        assert negotiator.pending is None
        assert negotiator.remote_codecs == ("PCMU", "PCMA")


def test_a_bad_answer_leaves_the_offer_open_for_a_good_one() -> None:
    negotiator = Negotiator(local())
    negotiator.offer()
    for bad, error in [
        (b"rubbish", SdpError),
        (body(), SdpError),
        (body("m=audio 0 RTP/AVP 0"), NotAcceptable),
        (body("m=audio 4000 RTP/AVP 3"), NotAcceptable),
    ]:
        with pytest.raises(error):
            negotiator.receive_answer(bad)
    assert (negotiator.agreed, negotiator.pending) == (None, "local")
    negotiator.receive_answer(body(AUDIO))
    assert agreed(negotiator).send == PCMU


def test_a_forked_call_is_answered_twice() -> None:
    negotiator = Negotiator(local())
    negotiator.offer()
    negotiator.receive_answer(body("m=audio 4000 RTP/AVP 0"))
    negotiator.receive_answer(body("m=audio 6000 RTP/AVP 8"))
    assert (agreed(negotiator).port, agreed(negotiator).send) == (6000, PCMA)


def test_a_refused_offer_is_rolled_back() -> None:
    negotiator, _ = answered(body(AUDIO))
    before = agreed(negotiator)
    negotiator.offer("sendonly")
    negotiator.rollback()
    assert (negotiator.agreed, negotiator.pending) == (before, None)
    with pytest.raises(OfferPending):
        negotiator.receive_answer(body(AUDIO))
    negotiator.receive_offer(body(AUDIO, "a=inactive"))
    assert negotiator.held
    negotiator.rollback()
    assert (negotiator.agreed, negotiator.held) == (before, False)
    negotiator.receive_offer(body(AUDIO))
    assert audio_of(negotiator.answer()).attributes[-1] == ("sendrecv", None), "the refused hold is forgotten"


def test_out_of_turn() -> None:
    negotiator = Negotiator(local())
    with pytest.raises(OfferPending):
        negotiator.answer()
    with pytest.raises(OfferPending):
        negotiator.receive_answer(body(AUDIO))
    negotiator.offer()
    with pytest.raises(OfferPending):
        negotiator.receive_offer(body(AUDIO))
    with pytest.raises(OfferPending):
        negotiator.offer()
    negotiator.rollback()
    negotiator.receive_offer(body(AUDIO))
    with pytest.raises(OfferPending):
        negotiator.offer()
    with pytest.raises(OfferPending):
        negotiator.receive_answer(body(AUDIO))


def test_the_version_rises_only_with_the_content() -> None:
    negotiator = Negotiator(local())
    negotiator.receive_offer(body(AUDIO))
    assert version_of(negotiator.answer()) == 1
    negotiator.receive_offer(body(AUDIO))
    assert version_of(negotiator.answer()) == 1, "a refresh changes nothing"
    assert version_of(negotiator.offer("sendonly")) == 2
    negotiator.rollback()
    assert version_of(negotiator.offer("sendonly")) == 2
    negotiator.rollback()
    negotiator.receive_offer(body(AUDIO))
    assert version_of(negotiator.answer()) == 3, "a number is never used for two contents"


def test_a_stream_switched_off_and_on_again() -> None:
    negotiator, _ = answered(body(AUDIO))
    negotiator.receive_offer(body("m=audio 0 RTP/AVP 0"))
    assert audio_of(negotiator.answer()).port == 0
    result = agreed(negotiator)
    assert (result.port, result.rtcp_port, result.sends, result.receives, result.held) == (0, 0, False, False, True)
    negotiator.receive_offer(body(AUDIO))
    assert audio_of(negotiator.answer()).port == 20000
    assert (agreed(negotiator).sends, agreed(negotiator).held) == (True, False)


def test_renumbered_formats_never_collide() -> None:
    negotiator = Negotiator(local(codecs=(OPUS, PCMU)))
    negotiator.offer()
    negotiator.receive_answer(body("m=audio 4000 RTP/AVP 0"))
    negotiator.receive_offer(body("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
    negotiator.answer()
    media = audio_of(negotiator.offer())
    assert len(set(media.formats)) == len(media.formats)
    assert ("rtpmap", "96 telephone-event/8000") in media.attributes


CODECS = st.lists(st.sampled_from([PCMU, PCMA, G722, G729, OPUS]), min_size=1, unique=True).map(tuple)
DIRECTIONS = st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"])


@given(
    CODECS,
    CODECS,
    st.booleans(),
    st.lists(st.tuples(st.booleans(), DIRECTIONS, DIRECTIONS, st.booleans()), min_size=1, max_size=6),
)
def test_two_negotiators_always_agree_with_each_other(
    first: tuple[Format, ...],
    second: tuple[Format, ...],
    mux: bool,
    steps: list[tuple[bool, sdp.Direction, sdp.Direction, bool]],
) -> None:
    a = Negotiator(local(codecs=first, offer_rtcp_mux=mux))
    b = Negotiator(local(codecs=second, address="192.0.2.2", port=30000, telephone_event=mux))
    common = {form.name for form in first} & {form.name for form in second}
    for forward, offered, wanted, refused in steps:
        offerer, answerer = (a, b) if forward else (b, a)
        before = a.agreed, b.agreed
        offer = offerer.offer(offered)
        if not common:
            with pytest.raises(NotAcceptable):
                answerer.receive_offer(offer)
            return
        answerer.receive_offer(offer)
        if refused:
            answerer.rollback()
            offerer.rollback()
            assert (a.agreed, b.agreed) == before
            continue
        offerer.receive_answer(answerer.answer(direction=wanted))
        ours, theirs = agreed(a), agreed(b)
        assert ours.send.key == theirs.send.key
        assert ours.send.payload_type in {form.payload_type for form in theirs.receive}
        assert theirs.send.payload_type in {form.payload_type for form in ours.receive}
        assert (ours.sends, ours.receives) == (theirs.receives, theirs.sends)
        assert (ours.rtcp_mux, ours.port, theirs.port) == (theirs.rtcp_mux, 30000, 20000)
        assert (ours.send_event is None) == (theirs.send_event is None)
        if ours.send_event is not None:
            assert ours.send_event.payload_type in {event.payload_type for event in theirs.receive_events}


def test_l16_is_a_codec_at_each_of_its_rates() -> None:
    lines = ("a=rtpmap:96 L16/44100", "a=rtpmap:97 L16/16000/1", "a=rtpmap:98 L16/8000", "a=ptime:60")
    offer = body("m=audio 4000 RTP/AVP 96 98 97 101", *lines, "a=rtpmap:101 telephone-event/16000")
    negotiator = Negotiator(local(codecs=(PCMU, L16_16000, L16_8000)))
    negotiator.receive_offer(offer)
    assert negotiator.remote_codecs == ("L16/8000", "L16/16000")
    answer = audio_of(negotiator.answer(("L16/16000",)))
    assert answer.formats == ("97", "101")
    result = agreed(negotiator)
    assert (result.send.codec, result.send.payload_type) == ("L16/16000", 97)
    assert result.ptime_ms == 40, "60 ms of it do not fit into a datagram"
    assert result.send_event is not None
    assert answered(offer, codecs=(L16_8000,))[0].agreed.ptime_ms == 60


def test_comfort_noise_is_agreed_where_both_want_it() -> None:
    offer = body("m=audio 4000 RTP/AVP 0 9 13 101", EVENTS)
    assert answered(offer)[1].formats == ("0", "101"), "off unless chosen"
    negotiator, answer = answered(offer, comfort_noise=True)
    assert answer.formats == ("0", "13", "101")
    assert ("rtpmap", "13 CN/8000") in answer.attributes
    assert agreed(negotiator).send_noise == agreed(negotiator).receive_noise == CN
    assert answered(offer, comfort_noise=True, codecs=(G722,))[1].formats == ("9", "101"), "its clock is not its rate"
    assert answered(body(AUDIO, EVENTS), comfort_noise=True)[1].formats == ("0", "101")

    ours = Negotiator(local(comfort_noise=True))
    assert audio_of(ours.offer()).formats == ("0", "8", "18", "13", "101")
    ours.receive_answer(body("m=audio 4000 RTP/AVP 0 98 101", EVENTS, "a=rtpmap:98 CN/8000"))
    assert agreed(ours).send_noise == Format(98, "CN")
    assert agreed(ours).receive_noise == CN
    ours.receive_answer(body(AUDIO, EVENTS))
    assert agreed(ours).send_noise is None
    ours.receive_answer(body("m=audio 4000 RTP/AVP 18 13"))
    assert agreed(ours).send_noise is None, "G.729 has its own"
