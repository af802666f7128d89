# SPDX-License-Identifier: Apache-2.0
"""Requests outside a dialog, as some peers send them: without Contact, with a body of no type, OPTIONS to nobody."""

import pytest

from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.uri import parse_uri
from tests.sim.network import Network
from tests.sim.phone import OFFER, Phone

PEER, US = ("10.0.0.1", 5060), ("10.0.0.2", 5060)


class Desk:
    """A core that takes every call; `ask` returns the statuses that a request is answered with at once."""

    def __init__(self) -> None:
        self.network = Network()
        self.sessions: list[ServerSession] = []
        self.phone = Phone()
        self.agent = self.network.agent(US, 1)
        self.agent.on_invite = self._on_invite
        self._answers: list[str] = []
        self.heard: list[str] = []
        self.network.bind(PEER, self._hear)

    def _hear(self, data: bytes, flow: Flow) -> None:
        self.heard.append(data.decode())
        self._answers.append(self.heard[-1].split(" ", 2)[1])

    def _on_invite(self, session: ServerSession) -> Phone:
        self.sessions.append(session)
        return self.phone

    def ask(self, method: str, *headers: str, body: bytes = b"", branch: str = "z9hG4bK1") -> list[str]:
        lines = [
            f"{method} sip:5555@10.0.0.2 SIP/2.0", f"Via: SIP/2.0/UDP 10.0.0.1;branch={branch}", "Max-Forwards: 70",
            "From: <sip:a@10.0.0.1>;tag=1", "To: <sip:5555@10.0.0.2>", f"Call-ID: {method}", f"CSeq: 1 {method}",
            *headers, f"Content-Length: {len(body)}", "", "",
        ]  # fmt: skip
        self.network.send("\r\n".join(lines).encode() + body, PEER, US)
        self.network.run(0.1)
        return self._answers


@pytest.mark.parametrize("method", ["INVITE", "SUBSCRIBE", "REFER", "NOTIFY", "UPDATE"])
def test_what_makes_a_dialog_says_where_to_answer(method: str) -> None:
    desk = Desk()
    assert desk.ask(method) == ["400"]
    assert desk.sessions == []


def test_a_caller_of_rfc_2543_need_not() -> None:
    desk = Desk()
    assert desk.ask("INVITE", branch="1") == []
    assert len(desk.sessions) == 1


def test_a_body_without_a_type_is_none() -> None:
    desk = Desk()
    assert desk.ask("INVITE", "Contact: <sip:a@10.0.0.1>", body=b"Content-Length: 0\r\n") == []
    assert desk.sessions[0].request.body == b""
    typed = Desk()
    typed.ask("INVITE", "Contact: <sip:a@10.0.0.1>", "Content-Type: application/sdp", body=OFFER)
    assert typed.sessions[0].request.body == OFFER


@pytest.mark.parametrize(("status", "answer"), [(0, "200"), (404, "404")])
def test_options_are_answered_as_an_invite_would_be(status: int, answer: str) -> None:
    desk = Desk()
    desk.agent.refuse_options = lambda request, flow: status
    assert desk.ask("OPTIONS") == [answer]


def test_a_parameter_said_twice_counts_once() -> None:
    """As baresip says of its transport; two that differ are a mistake."""
    assert parse_uri("sip:9000@10.0.0.2:5061;transport=tls;transport=tls").params["transport"] == "tls"
    with pytest.raises(ParseError):
        parse_uri("sip:9000@10.0.0.2:5061;transport=tls;transport=udp")


def test_the_proxies_that_want_to_stay_are_told_to_the_caller() -> None:
    """RFC 3261 section 12.1.1: all Record-Route values, in their order, in what makes the dialog; not in a refusal."""
    proxies = ("Record-Route: <sip:10.0.0.9;lr>, <sip:10.0.0.8;lr;r2=on>", "Record-Route: <sip:10.0.0.7;lr>")
    desk = Desk()
    desk.ask("INVITE", *proxies, "Contact: <sip:a@10.0.0.1>", "Content-Type: application/sdp", body=OFFER)
    desk.sessions[0].ring()
    desk.sessions[0].answer(OFFER)
    desk.network.run(0.1)
    assert [text.split(" ")[1] for text in desk.heard[:2]] == ["180", "200"]
    for text in desk.heard[:2]:
        assert [line for line in text.split("\r\n") if line.startswith("Record-Route")] == list(proxies)
    refused = Desk()
    refused.ask("INVITE", *proxies, "Contact: <sip:a@10.0.0.1>", body=OFFER)
    refused.sessions[0].reject(486)
    refused.network.run(0.1)
    assert "Record-Route" not in refused.heard[0]
