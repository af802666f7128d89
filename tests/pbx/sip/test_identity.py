# SPDX-License-Identifier: Apache-2.0
"""Identities in headers, read by trust and written by trust, row by row."""

import pytest

from switchroom.pbx.sip.identity import ANONYMOUS, Identity, Shown, from_of, headers_of, read
from switchroom.pbx.sip.message import Headers, Request

HOST = "192.0.2.1"


def invite(headers: Headers) -> Request:
    return Request("INVITE", "sip:1002@192.0.2.1", {"from": ['"Ann" <sip:1@a.example>;tag=1'], **headers})


PAI: Headers = {"p-asserted-identity": ['"Bob" <sip:2@b.example>', "<tel:+44-20-7946>"]}


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, Identity("1", "Ann")),
        (PAI, Identity("2", "Bob")),
        ({"p-asserted-identity": ["<tel:+44-20-7946>"]}, Identity("+44207946")),
        ({"p-asserted-identity": ["<sip:b.example>", "garbage <"]}, Identity("1", "Ann")),
        ({"p-asserted-identity": ["<sip:1@b.example>"]}, Identity("1", "Ann")),
        ({"p-preferred-identity": ["<sip:3@b.example>"], **PAI}, Identity("2", "Bob")),
        ({"p-preferred-identity": ["Cy <sip:3@b.example>"]}, Identity("3", "Cy")),
        ({"remote-party-id": ["<sip:4@b>;party=calling;privacy=full"]}, Identity("4", "", True)),
        ({"remote-party-id": ["<sip:5@b>;party=called", "<sip:4@b>;privacy=off"]}, Identity("4")),
        ({"privacy": ["id;critical"], **PAI}, Identity("2", "Bob", True)),
        ({"privacy": ["none"]}, Identity("1", "Ann")),
        ({"diversion": ["<sip:7@b>;reason=user-busy, <sip:6@b>"]}, Identity("1", "Ann", diverted_by=("7", "6"))),
        (
            {
                "history-info": [
                    "<sip:6@b>;index=1",
                    "<sip:7@b?Reason=SIP%3Bcause%3D486>;index=1.1,<sip:8@b>;index=1.1.1",
                ]
            },
            Identity("1", "Ann", diverted_by=("7", "6")),
        ),
        ({"history-info": ["<sip:6@b>;index=1"]}, Identity("1", "Ann")),
    ],
)
def test_what_a_trusted_peer_tells(headers: Headers, told: Identity) -> None:
    assert read(invite(headers), True) == told


def test_a_stranger_names_itself_by_from_alone_but_may_hide() -> None:
    told = read(invite({**PAI, "diversion": ["<sip:7@b>"], "privacy": ["id"]}), False)
    assert told == Identity("1", "Ann", True)


def test_a_flood_of_diversions_is_cut() -> None:
    told = read(invite({"diversion": [f"<sip:{n}@b>" for n in range(1000)]}), True)
    assert told.diverted_by == tuple(map(str, range(10)))


def shown(**more: object) -> Shown:
    return Shown(host=HOST, number="1", name="Ann", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "from_", "headers"),
    [
        (shown(), f'"Ann" <sip:1@{HOST}>', {}),
        (shown(trusted=True), f'"Ann" <sip:1@{HOST}>', {"p-asserted-identity": [f'"Ann" <sip:1@{HOST}>']}),
        (shown(private=True, diverted_by=("7",)), str(ANONYMOUS), {"privacy": ["id"]}),
        (
            shown(private=True, trusted=True),
            str(ANONYMOUS),
            {"privacy": ["id"], "p-asserted-identity": [f'"Ann" <sip:1@{HOST}>']},
        ),
        (
            shown(diverted_by=("7", "6")),
            f'"Ann" <sip:1@{HOST}>',
            {
                "diversion": [f"<sip:7@{HOST}>", f"<sip:6@{HOST}>"],
                "history-info": [
                    f"<sip:6@{HOST}>;index=1", f"<sip:7@{HOST}>;index=1.1;mp=1", f"<sip:9@{HOST}>;index=1.1.1;mp=1.1",
                ],
            },
        ),
        (
            shown(auto_answer=True, alert="auto-answer"),
            f'"Ann" <sip:1@{HOST}>',
            {"call-info": [f"<sip:{HOST}>;answer-after=0"], "alert-info": [f"<http://{HOST}>;info=alert-autoanswer"]},
        ),
        (shown(alert="urgent"), f'"Ann" <sip:1@{HOST}>', {"alert-info": [f"<http://{HOST}>;info=urgent"]}),
        (shown(alert="urn:alert:x"), f'"Ann" <sip:1@{HOST}>', {"alert-info": ["<urn:alert:x>"]}),
    ],
)  # fmt: skip
def test_what_is_shown(what: Shown, from_: str, headers: Headers) -> None:
    assert (str(from_of(what)), headers_of(what, "9")) == (from_, headers)


def test_what_is_written_can_be_read() -> None:
    headers = headers_of(shown(trusted=True, diverted_by=("7", "6")), "9")
    assert read(invite(headers), True).diverted_by == ("7", "6")
    del headers["diversion"]
    assert read(invite(headers), True).diverted_by == ("7", "6")
