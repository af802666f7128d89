# SPDX-License-Identifier: Apache-2.0
"""SRTP in offers and answers: who gets which keys, and what is refused."""

import re
from base64 import b64encode

import pytest

from switchroom.media.errors import NotAcceptable
from switchroom.media.formats import PCMU
from switchroom.media.local import LocalMedia
from switchroom.media.offer_answer import Negotiator
from switchroom.media.srtp import SUITES, Crypto, Keys, SrtpMode, read_crypto

KEY = b64encode(bytes(range(30))).decode()
SHA1_80 = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"


def side(mode: SrtpMode, name: int = 1) -> Negotiator:
    """A negotiator whose keys count up from `name`."""
    count = iter(range(name, 256))
    made = Negotiator(
        LocalMedia(address="192.0.2.1", port=4000, codecs=(PCMU,), session_id=name),
        new_key=lambda size: bytes([next(count)]) * size,
    )
    made.srtp = mode
    return made


def body(protocol: str, *crypto: str, port: int = 5000) -> bytes:
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.4", "s=-", "c=IN IP4 192.0.2.4", "t=0 0", f"m=audio {port} {protocol} 0"]
    return "\r\n".join([*lines, *crypto, ""]).encode()


def crypto_of(description: bytes) -> tuple[Crypto, ...]:
    values = re.findall(rb"a=crypto:([^\r]*)", description)
    return read_crypto(tuple(("crypto", value.decode()) for value in values))


def protocol_of(description: bytes) -> str:
    found = re.search(rb"m=audio \d+ (\S+)", description)
    assert found is not None
    return found[1].decode()


@pytest.mark.parametrize(
    ("caller", "called", "protocol", "secured"),
    [
        ("off", "off", "RTP/AVP", False),
        ("off", "optional", "RTP/AVP", False),
        ("optional", "off", "RTP/AVP", False),
        ("optional", "optional", "RTP/AVP", True),
        ("optional", "required", "RTP/AVP", True),
        ("required", "optional", "RTP/SAVP", True),
        ("required", "required", "RTP/SAVP", True),
    ],
)
def test_who_agrees_on_what(caller: SrtpMode, called: SrtpMode, protocol: str, secured: bool) -> None:
    one, other = side(caller, 1), side(called, 101)
    offer = one.offer()
    assert protocol_of(offer) == protocol
    other.receive_offer(offer)
    answer = other.answer()
    assert protocol_of(answer) == protocol
    assert len(crypto_of(answer)) == int(secured)
    one.receive_answer(answer)
    assert one.agreed is not None
    assert other.agreed is not None
    ours, theirs = one.agreed.keys, other.agreed.keys
    if not secured:
        assert ours is theirs is None
        return
    assert ours is not None
    assert theirs is not None
    assert (ours.suite, ours.send, ours.receive) == (theirs.suite, theirs.receive, theirs.send)
    assert ours.send != ours.receive


@pytest.mark.parametrize(
    ("mode", "offer", "reason"),
    [
        ("off", body("RTP/SAVP", SHA1_80), "srtp is off"),
        ("required", body("RTP/AVP"), "srtp is required"),
        ("optional", body("RTP/SAVP"), "without a key"),
        ("required", body("RTP/SAVP", "a=crypto:1 NO_SUCH inline:" + KEY), "without a key"),
    ],
)
def test_what_is_refused(mode: SrtpMode, offer: bytes, reason: str) -> None:
    with pytest.raises(NotAcceptable, match=reason):
        side(mode).receive_offer(offer)


@pytest.mark.parametrize(("mode", "index"), [("off", 1), ("optional", 0), ("required", 0)])
def test_of_two_streams_the_one_that_suits(mode: SrtpMode, index: int) -> None:
    negotiator = side(mode)
    offer = body("RTP/SAVP", SHA1_80) + b"m=audio 5002 RTP/AVP 0\r\n"
    negotiator.receive_offer(offer)
    ports = re.findall(rb"m=audio (\d+) (\S+)", negotiator.answer())
    assert ports[index][0] == b"4000"
    assert ports[1 - index][0] == b"0"


@pytest.mark.parametrize(
    "answer", [body("RTP/SAVP"), body("RTP/SAVP", SHA1_80.replace("1 AES", "9 AES")), body("RTP/AVP")]
)
def test_an_answer_without_the_right_key_to_a_secure_offer(answer: bytes) -> None:
    negotiator = side("required")
    negotiator.offer()
    with pytest.raises(NotAcceptable, match="without a key"):
        negotiator.receive_answer(answer)
    assert negotiator.agreed is None


def test_an_answer_without_keys_to_an_optional_offer_is_plain_rtp_and_stays_so() -> None:
    negotiator = side("optional")
    assert len(crypto_of(negotiator.offer())) == len(SUITES)
    negotiator.receive_answer(body("RTP/AVP"))
    assert negotiator.agreed is not None
    assert negotiator.agreed.keys is None
    assert crypto_of(negotiator.offer()) == ()


def test_each_offer_has_new_keys() -> None:
    one, other = side("required"), side("optional", 101)
    seen: set[bytes] = set()
    for _ in range(3):
        offer = one.offer("sendonly")
        keys = {crypto.key for crypto in crypto_of(offer)}
        assert len(keys) == len(SUITES)
        assert not keys & seen
        seen |= keys
        other.receive_offer(offer)
        one.receive_answer(other.answer())
        assert one.agreed is not None
        assert one.agreed.keys is not None
        assert one.agreed.keys.send in keys


def test_our_answers_key_stays_while_the_peers_does() -> None:
    negotiator = side("optional")
    answers = []
    for crypto in (SHA1_80, SHA1_80 + "\r\na=sendonly", SHA1_80.replace(KEY, b64encode(bytes(30)).decode())):
        negotiator.receive_offer(body("RTP/SAVP", crypto))
        answers.append(crypto_of(negotiator.answer())[0].key)
    assert answers[0] == answers[1] != answers[2]


def test_a_refused_offer_leaves_the_agreed_keys() -> None:
    one, other = side("required"), side("optional", 101)
    other.receive_offer(one.offer())
    one.receive_answer(other.answer())
    before = one.agreed
    one.offer("sendonly")
    one.rollback()
    assert one.agreed == before


@pytest.mark.parametrize(
    ("value", "good"),
    [
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}", True),
        (f"7 aes_cm_128_hmac_sha1_32 INLINE:{KEY}|2^31", True),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20 WSH=64 KDR=0", True),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} -X", True),
        ("1 AEAD_AES_256_GCM inline:" + b64encode(bytes(44)).decode(), True),
        ("1 AEAD_AES_256_GCM inline:" + b64encode(bytes(44)).decode().rstrip("="), True),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31|1:1", False),  # a key identifier in every packet
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1900000", True),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^19", False),  # shorter than a call may be
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1048575", False),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^49", False),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|for ever", False),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|", False),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}", False),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP", False),
        (f"1 AEAD_AES_128_GCM inline:{KEY}", False),  # too long
        ("1 AES_CM_128_HMAC_SHA1_80 inline:short", False),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:\u00e9", False),
        (f"1 AES_CM_128_HMAC_SHA1_80 prompt:{KEY}", False),
        (f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY}", False),
        ("1", False),
        ("", False),
    ],
)
def test_lines_that_are_used(value: str, good: bool) -> None:
    assert bool(read_crypto((("crypto", value),))) is good


def test_of_two_lines_with_one_tag_the_first_counts() -> None:
    again = f"1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"
    found = read_crypto((("crypto", SHA1_80.removeprefix("a=crypto:")), ("crypto", again)))
    assert [crypto.suite.name for crypto in found] == ["AES_CM_128_HMAC_SHA1_80"]


def test_keys_are_never_shown() -> None:
    secret = b"0123456789abcdef0123456789abcd"
    suite = next(suite for suite in SUITES if suite.bytes == 30)
    for value in (Crypto(1, suite, secret), Keys(suite, secret, secret)):
        for text in (repr(value), str(value), f"{value!r}"):
            assert "0123" not in text
            assert suite.name in text
