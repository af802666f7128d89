# SPDX-License-Identifier: Apache-2.0
"""Digest authentication, both sides, on a clock in hand."""

from itertools import count

import pytest

from switchroom.pbx.sip.auth import Accepted, Challenged, DigestClient, DigestServer, ha1, response_for
from switchroom.pbx.sip.message import Request, Response

REALM, URI, SOURCE = "switchroom", "sip:1002@exchange", "192.0.2.1"


class Rig:
    def __init__(self, **options: object) -> None:
        self.now = 1000.0
        self.server = DigestServer(REALM, b"s" * 32, self.lookup, lambda: self.now, **options)  # type: ignore[arg-type]
        numbers = count(1)
        self.client = DigestClient("1001", "pw1001", lambda: f"c{next(numbers)}")

    @staticmethod
    def lookup(user: str, algorithm: str) -> str | None:
        return ha1(algorithm, user, REALM, "pw1001") if user == "1001" else None

    def challenge(self) -> Challenged:
        verdict = self.server.check(request(), SOURCE)
        assert isinstance(verdict, Challenged)
        return verdict

    def answer(self, challenge: Challenged, client: DigestClient | None = None) -> Request | None:
        headers = (client or self.client).respond(
            Response(challenge.status, "", dict(challenge.headers)), "REGISTER", URI
        )
        return request(headers) if headers is not None else None


def request(headers: dict[str, list[str]] | None = None) -> Request:
    return Request("REGISTER", URI, headers or {})


def stale(challenge: object) -> bool:
    assert isinstance(challenge, Challenged)
    return all("stale=true" in value for value in challenge.headers["www-authenticate"])


def test_sha_256_is_asked_for_first_and_used() -> None:
    rig = Rig()
    challenge = rig.challenge()
    assert [value.split("algorithm=")[1].split(",")[0] for value in challenge.headers["www-authenticate"]] == [
        "SHA-256",
        "MD5",
    ]
    answered = rig.answer(challenge)
    assert answered is not None
    assert "algorithm=SHA-256" in answered.headers["authorization"][0]
    assert rig.server.check(answered, SOURCE) == Accepted("1001")


def test_phones_that_stumble_over_sha_256_are_asked_for_md5_alone() -> None:
    rig = Rig(md5_only=("baresip v1.",))
    verdict = rig.server.check(request({"user-agent": ["baresip v1.0.0 (x86_64/linux)"]}), SOURCE)
    assert isinstance(verdict, Challenged)
    assert [("MD5" in value) for value in verdict.headers["www-authenticate"]] == [True]


def test_md5_phones_get_in_too() -> None:
    rig = Rig(algorithms=("MD5",))
    answered = rig.answer(rig.challenge())
    assert answered is not None
    assert rig.server.check(answered, SOURCE) == Accepted("1001")


def test_a_phone_without_qop_gets_in() -> None:
    rig = Rig()
    nonce = rig.challenge().headers["www-authenticate"][1].split('nonce="')[1].split('"')[0]
    response = response_for("MD5", ha1("MD5", "1001", REALM, "pw1001"), "REGISTER", URI, nonce, "", "", "")
    value = f'Digest username="1001", realm="{REALM}", nonce="{nonce}", uri="{URI}", response="{response}"'
    assert rig.server.check(request({"authorization": [value]}), SOURCE) == Accepted("1001")


@pytest.mark.parametrize(
    ("signed", "asked", "good"),
    [
        ("sip:9000@exchange", "sip:9000@192.0.2.1:5060;transport=udp", True),
        ("sip:9000@exchange", "sip:00900123@exchange", False),
        ("sip:9000@exchange", "sips:9000@exchange", False),
        ("not a uri", "sip:9000@exchange", False),
        ("", "sip:9000@exchange", False),
    ],
)
def test_credentials_serve_for_what_was_dialled_only(signed: str, asked: str, good: bool) -> None:
    rig = Rig()
    challenge = rig.challenge()
    headers = rig.client.respond(Response(challenge.status, "", dict(challenge.headers)), "INVITE", signed)
    assert headers is not None
    verdict = rig.server.check(Request("INVITE", asked, headers), SOURCE)
    assert isinstance(verdict, Accepted) == good


def test_a_replay_is_refused_and_the_next_count_is_not() -> None:
    rig = Rig()
    challenge = rig.challenge()
    first = rig.answer(challenge)
    assert first is not None
    assert rig.server.check(first, SOURCE) == Accepted("1001")
    assert stale(rig.server.check(first, SOURCE))
    again = DigestClient.respond(rig.client, Response(401, "", _with_stale(challenge)), "REGISTER", URI)
    assert again is not None
    assert "nc=00000002" in again["authorization"][0]
    assert rig.server.check(request(again), SOURCE) == Accepted("1001")


def _with_stale(challenge: Challenged) -> dict[str, list[str]]:
    return {name: [value + ", stale=true" for value in values] for name, values in challenge.headers.items()}


def test_an_old_nonce_is_stale_only_for_those_who_know_the_password() -> None:
    rig = Rig(nonce_lifetime_s=60.0)
    challenge = rig.challenge()
    good, bad = rig.answer(challenge), rig.answer(challenge, DigestClient("1001", "wrong", lambda: "c"))
    assert good is not None
    assert bad is not None
    rig.now += 61
    assert stale(rig.server.check(good, SOURCE))
    assert not stale(rig.server.check(bad, SOURCE))


def test_a_nonce_serves_only_where_it_was_given() -> None:
    rig = Rig()
    answered = rig.answer(rig.challenge())
    assert answered is not None
    assert isinstance(rig.server.check(answered, "198.51.100.9"), Challenged)


def test_unknown_user_and_wrong_password_look_the_same() -> None:
    rig = Rig()
    verdicts = []
    for user, password in (("1001", "wrong"), ("nobody", "pw1001")):
        answered = rig.answer(rig.challenge(), DigestClient(user, password, lambda: "c"))
        assert answered is not None
        verdict = rig.server.check(answered, SOURCE)
        assert isinstance(verdict, Challenged)
        verdicts.append((verdict.status, [value.split("nonce")[0] for value in verdict.headers["www-authenticate"]]))
    assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize(
    "value",
    ["NoOneKnowsThisScheme opaque-data=here", "Digest", "Digest ,,",
     'Digest username="1001', "", "Digest nonce=,nonce",
     'Digest username="1001", realm="switchroom", nonce="\udcff", uri="x", response="\udcfe"'],
)  # fmt: skip
def test_rubbish_is_challenged(value: str) -> None:
    assert isinstance(Rig().server.check(request({"authorization": [value]}), SOURCE), Challenged)


def test_the_client_gives_up_when_it_is_refused() -> None:
    rig = Rig()
    client = DigestClient("1001", "wrong", lambda: "c")
    assert rig.answer(rig.challenge(), client) is not None
    assert rig.answer(rig.challenge(), client) is None


def test_an_invite_is_asked_by_the_proxy_headers() -> None:
    verdict = Rig().server.check(Request("INVITE", URI, {}), SOURCE, proxy=True)
    assert isinstance(verdict, Challenged)
    assert verdict.status == 407
    assert "proxy-authenticate" in verdict.headers
