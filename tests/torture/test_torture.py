# SPDX-License-Identifier: Apache-2.0
"""Every torture message of RFC 4475 and RFC 5118 against the parser and through the whole core: bytes in, bytes out."""

from pathlib import Path

import pytest

from switchroom.media import sdp
from switchroom.pbx.config import Config, User
from switchroom.pbx.config_values import Secret
from switchroom.pbx.gatekeeper import Gatekeeper
from switchroom.pbx.registrar import Registrar, Rules
from switchroom.pbx.sip import parser
from switchroom.pbx.sip.errors import ParseError, SipError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.framer import Framer
from switchroom.pbx.sip.header import parse_via
from switchroom.pbx.sip.message import Message, Request, Response
from switchroom.pbx.sip.timers import Timers
from switchroom.pbx.sip.transaction import Transaction
from switchroom.pbx.sip.transactions import Wire
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.sip.user_agent import UserAgent
from switchroom.pbx.storage.memory import MemoryStore
from tests.sim.guards import nobody_is_banned
from tests.sim.network import SeededIds
from tests.torture.verdicts import IGNORED, VERDICTS

FOLDER = Path(__file__).parent / "messages"
PEER = Flow("UDP", ("127.0.32.1", 5060), ("127.0.32.2", 5070))

everyone = pytest.mark.parametrize("name", VERDICTS)


def read(name: str) -> bytes:
    return (FOLDER / f"{name}.dat").read_bytes()


def understood(data: bytes) -> Message:
    """What the core does with each message before it looks at its meaning."""
    message = parser.parse(data)
    if isinstance(message, Request):
        parser.check(message)
    return message


class Core:
    """A user agent core as the server makes it: calls are offered, REGISTER goes to gatekeeper or bare registrar."""

    def __init__(self, authenticate: bool = True) -> None:
        self.now = 1_000.0
        self.sent: list[tuple[Response, Flow]] = []
        self.faults: list[BaseException] = []
        self.timers = Timers(lambda: self.now)
        wire = Wire(send=self._send, sent_by=lambda flow: flow.local, stream=lambda flow: None)
        self.agent = UserAgent(wire, self.timers, SeededIds(1), on_fault=self.faults.append)
        users = {"user": 0, "watson": 0, "j.user": 0, "null-\0-null": 0}
        self.registrar = Registrar(users, Rules(), MemoryStore().bindings, lambda record: None, lambda: self.now)
        config = Config(users=tuple([User(name=name, password=Secret("secret")) for name in users]))
        gate = Gatekeeper(config, self.registrar, lambda: self.now, nobody_is_banned(config), lambda *arguments: None)
        self.agent.handlers["REGISTER"] = gate.on_register if authenticate else self._register

    def statuses(self, data: bytes) -> list[int]:
        """The final statuses with which one datagram is answered; 0 for silence."""
        self.agent.receive(data, PEER)
        assert self.faults == []
        return [response.status for response, _ in self.sent if response.status >= 200] or [0]

    def pass_time(self) -> None:
        for _ in range(2_000):
            deadline = self.timers.next_deadline()
            if deadline is None:
                return
            self.now = max(self.now, deadline)
            self.timers.run()
        raise AssertionError("timers without end")

    def _send(self, data: bytes, flow: Flow) -> None:
        message = parser.parse(data)
        assert isinstance(message, Response)
        self.sent.append((message, flow))

    def _register(self, request: Request, transaction: Transaction, flow: Flow) -> None:
        try:
            headers = self.registrar.register(parse_uri(request.to.uri).user or "", request, flow)
        except SipError as error:
            transaction.respond(request.response(error.status, to_tag="t"))
            return
        response = request.response(200, to_tag="t")
        response.headers.update(headers)
        transaction.respond(response)


def test_every_message_has_its_verdict_and_every_verdict_its_message() -> None:
    assert {path.stem for path in FOLDER.glob("*.dat")} == VERDICTS.keys()
    assert len(VERDICTS) == 62


def refusal(data: bytes) -> ParseError | None:
    try:
        understood(data)
    except ParseError as error:
        return error
    return None


@everyone
def test_parser(name: str) -> None:
    verdict = VERDICTS[name]
    error = refusal(read(name))
    if verdict.parses is not None:
        assert (error is None) == verdict.parses, f"{verdict.why}: {error}"
        assert error is None or (error.partial is not None) == (verdict.statuses != IGNORED), "can it be answered?"


@everyone
def test_core(name: str) -> None:
    verdict = VERDICTS[name]
    core = Core()
    statuses = core.statuses(read(name))
    assert len(statuses) == 1, "one final answer at most"
    if verdict.statuses:
        assert statuses[0] in verdict.statuses, verdict.why
    elif verdict.parses:
        assert statuses[0] not in (0, 400, 500), verdict.why
    else:
        assert statuses[0] != 500, verdict.why
    for response, flow in core.sent:
        assert flow.remote[0] == PEER.remote[0], "answers go nowhere but to where the message came from"
        assert "\0" not in response.start_line()
    core.pass_time()
    assert core.agent.sessions == 0
    assert core.faults == []


@everyone
def test_the_same_message_again_is_no_second_request(name: str) -> None:
    core = Core()
    first = core.statuses(read(name))
    core.sent.clear()
    assert core.statuses(read(name)) == first


def framed(*chunks: bytes) -> tuple[list[bytes], int]:
    """The messages that a stream gives, and the status with which it is refused; 0 where it is not."""
    framer, frames = Framer(), []
    try:
        for chunk in chunks:
            frames += framer.receive(chunk)
    except ParseError as error:
        return frames, error.status
    return frames, 0


@everyone
def test_over_a_stream_every_message_is_framed_or_refused(name: str) -> None:
    data = read(name)
    frames, status = framed(data)
    assert (frames, status) == framed(*[data[i : i + 1] for i in range(len(data))])
    assert status in (0, 400)
    assert all(frame in data for frame in frames)


@everyone
def test_what_is_understood_survives_being_written_again(name: str) -> None:
    try:
        message = understood(read(name))
    except ParseError:
        return
    again = understood(message.to_bytes())
    assert again.start_line() == message.start_line()
    assert {key: value for key, value in again.headers.items() if key != "content-length"} == {
        key: value for key, value in message.headers.items() if key != "content-length"
    }
    assert again.body == message.body


# What the RFCs say about single messages beyond their verdict.


def request(name: str) -> Request:
    message = understood(read(name))
    assert isinstance(message, Request)
    return message


def test_wsinv_is_read_rightly() -> None:
    message = request("wsinv")
    assert message.cseq == (9, "INVITE")
    assert message.to.uri == "sip:vivekg@chair-dnrc.example.com"
    assert message.from_.display == 'J Rosenberg \\"'
    vias = [parse_via(value) for value in message.all("via")]
    assert [(via.transport, via.host) for via in vias] == [
        ("UDP", "192.0.2.2"),
        ("TCP", "spindle.example.com"),
        ("UDP", "192.168.255.111"),
    ]
    assert message.get("subject") == ""
    assert sdp.parse(message.body).media[0].port == 49217


def test_esc01_and_semiuri_name_the_right_user() -> None:
    assert parse_uri(request("esc01").uri).user == "sips:user@example.com"
    assert parse_uri(request("semiuri").uri).user == "user;par=u@example.net"


def test_escnull_keeps_the_whole_user() -> None:
    assert parse_uri(request("escnull").to.uri).user == "null-\0-null"
    core = Core(authenticate=False)
    assert core.statuses(read("escnull")) == [200]
    contacts = [binding.contact for binding in core.registrar.lookup("null-\0-null")]
    assert contacts == ["sip:%00@host5.example.com", "sip:%00%00@host5.example.com"]


@pytest.mark.parametrize(
    ("name", "user", "contact"),
    [
        ("cparam01", "watson", "<sip:+19725552222@gw1.example.net>;unknownparam;expires="),
        ("cparam02", "watson", "<sip:+19725552222@gw1.example.net;unknownparam>;expires="),
        ("regescrt", "user", "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires="),
    ],
)
def test_registered_contacts_come_back_as_they_were(name: str, user: str, contact: str) -> None:
    core = Core(authenticate=False)
    assert core.statuses(read(name)) == [200]
    assert core.sent[-1][0].headers["contact"][0].startswith(contact)
    assert len(core.registrar.lookup(user)) == 1


def test_dblreq_takes_the_first_request_only() -> None:
    assert request("dblreq").body == b""
    core = Core(authenticate=False)
    core.statuses(read("dblreq"))
    assert [response.cseq.method for response, _ in core.sent] == ["REGISTER"]


def test_bext01_says_what_is_not_supported() -> None:
    core = Core()
    core.statuses(read("bext01"))
    assert set(core.sent[-1][0].all("unsupported")) == {"nothingsupportsthis", "nothingsupportsthiseither"}


def test_regaut01_gets_a_challenge() -> None:
    core = Core()
    core.statuses(read("regaut01"))
    assert all(value.startswith("Digest ") for value in core.sent[-1][0].headers["www-authenticate"])


def test_unreason_keeps_its_reason() -> None:
    message = understood(read("unreason"))
    assert isinstance(message, Response)
    assert message.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"


def test_mpart01_keeps_its_binary_body() -> None:
    message = request("mpart01")
    assert len(message.body) == int(message.get("content-length") or 0)
    assert b"\0" in message.body


def test_addresses_of_rfc_5118() -> None:
    assert parse_uri(request("port-ambiguous").uri).host == "[2001:db8::10:5070]"
    assert parse_uri(request("port-ambiguous").uri).port is None
    assert parse_uri(request("port-unambiguous").uri).port == 5070
    assert request("via-received-param-no-delim").via.params["received"] == "2001:db8::9:255"
    assert [media.kind for media in sdp.parse(request("mult-ip-in-sdp").body).media] == ["audio", "video"]
    assert sdp.parse(request("ipv6-in-sdp").body).connection == sdp.Connection("2001:db8::20", "IP6")
