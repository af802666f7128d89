# SPDX-License-Identifier: Apache-2.0
"""100rel, UPDATE and session timers between two cores over the simulated network."""

import itertools
import re

import pytest

from switchroom.pbx.sip import parser
from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr
from switchroom.pbx.sip.message import Headers, Message, Request, Response
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.session_timer import TimerRules, too_brief
from tests.sim.network import Network
from tests.sim.phone import OFFER, Phone

ALICE, BOB = ("10.0.0.1", 5060), ("10.0.0.2", 5060)


class Pair:
    """Alice calls Bob; both know all extensions. `sent` keeps every message, in order."""

    def __init__(self, network: Network, rules: TimerRules | None = None, bobs_rules: TimerRules | None = None) -> None:
        self.network = network
        self.sent: list[Message] = []
        self.alice_agent, self.bob_agent = network.agent(ALICE, 1), network.agent(BOB, 2)
        for agent in (self.alice_agent, self.bob_agent):
            agent.supported = "100rel, timer"
            agent.dialog_methods |= {"PRACK", "UPDATE", "INFO"}
        self.alice_agent.timer_rules, self.bob_agent.timer_rules = rules, bobs_rules or rules
        self.alice, self.bob = Phone(), Phone()
        self.sessions: list[ServerSession] = []
        self.bob_agent.on_invite = self._on_invite
        carry = network.send

        def send(data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
            self.sent.append(parser.parse(data))
            carry(data, source, target)

        network.send = send  # type: ignore[method-assign]

    def _on_invite(self, session: ServerSession) -> Phone:
        self.sessions.append(session)
        return self.bob

    @property
    def bob_session(self) -> ServerSession:
        return self.sessions[-1]

    def call(self, body: bytes = OFFER, headers: Headers | None = None) -> ClientSession:
        session = self.alice_agent.invite(
            "sip:bob@10.0.0.2", Flow("UDP", ALICE, BOB), self.alice,
            from_=NameAddr("", "sip:alice@10.0.0.1", {}), body=body, headers=headers,
        )  # fmt: skip
        session.start()
        self.network.run(0.1)
        return session

    def talk(self) -> ClientSession:
        session = self.call()
        self.bob_session.answer(OFFER)
        self.network.run(0.1)
        return session

    def requests(self, method: str) -> list[Request]:
        return [m for m in self.sent if isinstance(m, Request) and m.method == method]

    def responses(self, status: int, method: str = "INVITE") -> list[Response]:
        return [m for m in self.sent if isinstance(m, Response) and m.status == status and m.cseq.method == method]

    def assert_nothing_left(self) -> None:
        self.network.run(200)
        for agent in (self.alice_agent, self.bob_agent):
            assert (agent.sessions, len(agent.transactions), len(agent.timers), agent.counts.faults) == (0, 0, 0, 0)


@pytest.fixture
def pair() -> Pair:
    return Pair(Network())


# ---- RFC 3262


def test_a_provisional_response_with_a_body_goes_reliably(pair: Pair) -> None:
    session = pair.call()
    pair.bob_session.ring(183, OFFER)
    pair.network.run(0.1)
    [progress] = pair.responses(183)
    [prack] = pair.requests("PRACK")
    assert progress.get("require") == "100rel"
    assert prack.get("rack") == f"{progress.get('rseq')} 1 INVITE"
    assert prack.cseq.number == 2
    assert prack.to.tag == progress.to.tag
    pair.bob_session.answer(OFFER)
    pair.network.run(0.1)
    assert pair.alice.events == ["progress 183", "answer True"]
    session.bye()
    pair.network.run(0.1)
    assert pair.requests("BYE")[0].cseq.number == 3
    pair.assert_nothing_left()


def test_a_plain_180_stays_unreliable_unless_the_caller_insists(pair: Pair) -> None:
    pair.call()
    pair.bob_session.ring()
    pair.network.run(0.1)
    assert pair.requests("PRACK") == []
    pair.call(headers={"require": ["100rel"]})
    pair.bob_session.ring()
    pair.network.run(0.1)
    assert len(pair.requests("PRACK")) == 1


def test_the_second_waits_for_the_first_and_the_answer_for_both(pair: Pair) -> None:
    pair.call(headers={"require": ["100rel"]})
    bob = pair.bob_session
    bob.ring(183, OFFER)
    bob.ring(180)
    pair.network.run(0.0005)
    assert len(pair.responses(183)) == 1
    assert pair.responses(180) == []
    pair.network.run(0.1)
    [first], [second] = pair.responses(183), pair.responses(180)
    assert int(second.get("rseq") or 0) == int(first.get("rseq") or 0) + 1
    bob.ring(183, OFFER)
    bob.answer(OFFER)
    assert not bob.confirmed
    pair.network.run(0.1)
    assert bob.confirmed
    assert pair.alice.events[-1] == "answer True"
    assert [r.cseq.number for r in pair.requests("PRACK")] == [2, 3, 4]


def test_it_is_repeated_without_a_cap_until_the_invite_is_given_up(pair: Pair) -> None:
    pair.call()
    pair.network.run(0.2)  # she has her 100, and repeats nothing
    pair.network.bind(ALICE, lambda data, flow: None)  # Alice is deaf
    pair.bob_session.ring(183, OFFER)
    pair.network.run(31.7)
    times = [at for at, source, _, line in pair.network.log if source == BOB and " 183 " in line]
    assert [round(b - a, 1) for a, b in itertools.pairwise(times)] == [0.5, 1, 2, 4, 8, 16]
    pair.network.run(1.1)
    assert pair.bob.events == ["cancel"]
    assert pair.responses(504)


def test_a_refusal_ends_the_repetitions(pair: Pair) -> None:
    pair.call()
    pair.network.loss = 1.0
    pair.bob_session.ring(183, OFFER)
    pair.network.run(0.7)
    pair.network.loss = 0.0
    pair.bob_session.reject(486)
    pair.network.run(0.1)
    assert pair.alice.events == ["failure 486"]
    pair.assert_nothing_left()


def test_a_prack_for_nothing_is_told_481(pair: Pair) -> None:
    session = pair.call()
    pair.bob_session.ring(183, OFFER)
    pair.network.run(0.1)
    dialog = next(iter(session._early.values())).dialog
    request = dialog.request("PRACK", session.contact)
    request.headers["rack"] = ["7 1 INVITE"]
    pair.alice_agent.transactions.request(request, Flow("UDP", ALICE, BOB), session)
    pair.network.run(0.1)
    assert len(pair.responses(481, "PRACK")) == 1
    assert not session.ended


def test_a_caller_without_an_offer_gets_ours_early_and_answers_in_the_prack(pair: Pair) -> None:
    session = pair.call(body=b"")
    assert pair.bob_session.can_offer_early
    answer, taken = session.agent.send_in_dialog, []
    pair.bob_session.ring(183, OFFER)

    def give_answer(request: Request) -> None:
        if request.method == "PRACK":
            request.body, request.headers["content-type"] = OFFER, ["application/sdp"]
            taken.append(request)

    original = pair.alice_agent.transactions.request

    def request(message: Request, flow: Flow, user: object) -> object:
        give_answer(message)
        return original(message, flow, user)  # type: ignore[arg-type]

    pair.alice_agent.transactions.request = request  # type: ignore[assignment, method-assign]
    pair.network.run(0.1)
    assert answer is not None
    assert len(taken) == 1
    assert pair.bob.events == ["early answer"]
    pair.bob_session.answer(b"")
    pair.network.run(0.1)
    assert pair.alice.events[-1].startswith("answer")


def test_an_offer_in_a_prack_is_answered_in_its_200(pair: Pair) -> None:
    pair.call()
    original = pair.alice_agent.transactions.request

    def request(message: Request, flow: Flow, user: object) -> object:
        if message.method == "PRACK":
            message.body, message.headers["content-type"] = OFFER, ["application/sdp"]
        return original(message, flow, user)  # type: ignore[arg-type]

    pair.alice_agent.transactions.request = request  # type: ignore[assignment, method-assign]
    pair.bob_session.ring(183, OFFER)
    pair.network.run(0.1)
    assert pair.bob.events == ["offer"]
    assert pair.responses(200, "PRACK")[0].body == OFFER


def test_an_offer_in_a_prack_that_is_not_acceptable_refuses_the_invite(pair: Pair) -> None:
    pair.call()
    original = pair.alice_agent.transactions.request

    def request(message: Request, flow: Flow, user: object) -> object:
        if message.method == "PRACK":
            message.body, message.headers["content-type"] = OFFER, ["application/sdp"]
        return original(message, flow, user)  # type: ignore[arg-type]

    pair.alice_agent.transactions.request = request  # type: ignore[assignment, method-assign]
    pair.bob.accepts = False
    pair.bob_session.ring(183, OFFER)
    pair.network.run(0.1)
    assert len(pair.responses(200, "PRACK")) == 1  # it says that the 183 arrived: that is so
    assert pair.alice.events[-1] == "failure 488"
    assert pair.bob.events == ["offer", "ended 488"]
    pair.assert_nothing_left()


# ---- forks


def fork(pair: Pair, status: int, tag: str, *, rseq: int | None = None, body: bytes = b"") -> None:
    """A response to Alice's INVITE from a branch that Bob's proxy made."""
    invite = pair.sessions[-1].request
    response = invite.response(status, to_tag=tag)
    response.headers["contact"] = [f"<sip:{tag}@10.0.0.2>"]
    if rseq is not None:
        response.headers |= {"rseq": [str(rseq)], "require": ["100rel"]}
    if body:
        response.headers["content-type"] = ["application/sdp"]
    response.body = body
    pair.network.send(response.to_bytes(), BOB, ALICE)
    pair.network.run(0.1)


def test_each_branch_of_a_fork_counts_its_own_reliable_responses(pair: Pair) -> None:
    pair.call()
    fork(pair, 183, "one", rseq=1000, body=OFFER)
    fork(pair, 180, "two", rseq=2000)
    fork(pair, 180, "two", rseq=2001)
    fork(pair, 180, "two", rseq=2004)  # out of order: no PRACK
    fork(pair, 180, "two", rseq=2001)  # repeated: neither
    fork(pair, 180, "one", rseq=1001)
    acknowledged = [(r.to.tag, (r.get("rack") or "").split()[0]) for r in pair.requests("PRACK")]
    assert acknowledged == [("one", "1000"), ("two", "2000"), ("two", "2001"), ("one", "1001")]
    assert pair.alice.events == ["progress 183", "progress 180", "progress 180", "progress 180"]


def test_the_answer_of_a_branch_is_kept_for_its_2xx_and_late_branches_are_ended(pair: Pair) -> None:
    session = pair.call()
    fork(pair, 183, "one", rseq=1000, body=OFFER)
    fork(pair, 183, "two", rseq=1)
    fork(pair, 200, "one")
    assert pair.alice.events[-1] == "answer True"
    assert session.dialog is not None
    assert session.dialog.remote_tag == "one"
    fork(pair, 200, "two", body=OFFER)
    [bye] = pair.requests("BYE")
    assert bye.to.tag == "two"
    assert {ack.to.tag for ack in pair.requests("ACK")} == {"one", "two"}
    assert not session.ended


# ---- RFC 3311


def test_an_update_with_an_offer_is_answered_and_moves_the_target(pair: Pair) -> None:
    session = pair.talk()
    session.send_request("UPDATE", {"content-type": ["application/sdp"]}, OFFER)
    pair.network.run(0.1)
    assert pair.bob.events == ["ack", "offer"]
    [response] = pair.responses(200, "UPDATE")
    assert response.body == OFFER
    assert "contact" in response.headers
    assert session.dialog is not None
    request = session.dialog.request("UPDATE", "<sip:alice@10.0.0.1:5060;moved>")
    session.agent.send_in_dialog(session, request)
    pair.network.run(0.1)
    assert pair.bob_session.dialog is not None
    assert "moved" in pair.bob_session.dialog.target
    assert pair.bob.events == ["ack", "offer"]


def test_an_update_while_a_reinvite_of_ours_is_open_is_glare(pair: Pair) -> None:
    session = pair.talk()
    pair.bob_session.reinvite(OFFER)
    session.send_request("UPDATE", {"content-type": ["application/sdp"]}, OFFER)
    pair.network.run(0.1)
    assert pair.responses(491, "UPDATE")
    assert not session.ended


def test_an_update_before_the_answer(pair: Pair) -> None:
    session = pair.call()
    pair.bob_session.ring(183, OFFER)
    pair.network.run(0.1)
    early = next(iter(session._early.values())).dialog
    request = early.request("UPDATE", session.contact)
    request.body, request.headers["content-type"] = OFFER, ["application/sdp"]
    pair.alice_agent.transactions.request(request, Flow("UDP", ALICE, BOB), session)
    pair.bob_session.send_request("UPDATE", {"content-type": ["application/sdp"]}, OFFER)
    pair.network.run(0.1)
    assert pair.bob.events == ["offer"]
    assert pair.alice.events == ["progress 183", "offer"]
    pair.bob_session.answer(OFFER)
    pair.network.run(0.1)
    assert pair.alice.events[-1] == "answer True"


# ---- RFC 4028

SHORT = TimerRules(expires_s=20, min_s=10, refresher="them")


def timers(refresher: str = "them", expires_s: int = 20, min_s: int = 10) -> TimerRules:
    return TimerRules(expires_s, min_s, refresher)  # type: ignore[arg-type]


def test_no_timer_without_rules(pair: Pair) -> None:
    pair.talk()
    assert not any("session-expires" in message.headers for message in pair.sent)


def test_the_caller_refreshes_by_update_as_the_called_side_leaves_it_to_it() -> None:
    pair = Pair(Network(), SHORT)
    session = pair.talk()
    [answer] = pair.responses(200)
    assert answer.get("session-expires") == "20;refresher=uac"
    assert answer.get("require") == "timer"
    assert pair.requests("INVITE")[0].get("min-se") == "10"
    pair.network.run(100)
    assert len(pair.requests("UPDATE")) >= 9
    assert all(r.get("session-expires") == "20;refresher=uac" for r in pair.requests("UPDATE"))
    assert not session.ended
    session.bye()
    pair.assert_nothing_left()


def test_the_called_side_refreshes_where_it_wants_to() -> None:
    pair = Pair(Network(), SHORT, timers("us"))
    session = pair.talk()
    pair.network.run(45)
    assert {r.from_.uri for r in pair.requests("UPDATE")} == {"sip:bob@10.0.0.2"}
    assert len(pair.requests("UPDATE")) == 4
    assert not session.ended


def test_a_peer_that_takes_no_update_is_refreshed_by_reinvites() -> None:
    pair = Pair(Network(), SHORT)
    pair.bob_agent.dialog_methods.discard("UPDATE")
    session = pair.talk()
    pair.network.run(45)
    assert pair.requests("UPDATE") == []
    assert len(pair.requests("INVITE")) == 5
    assert pair.alice.events.count("refresh") == 4
    assert not session.ended


@pytest.mark.parametrize("refresher", ["us", "them"])
def test_a_silent_peer_ends_the_call_at_both_ends(refresher: str) -> None:
    pair = Pair(Network(), timers(refresher))
    session = pair.talk()
    pair.network.loss = 1.0
    pair.network.run(60)
    assert session.ended
    assert pair.bob_session.ended
    assert pair.alice.events[-1] == "ended 408"
    assert pair.bob.events[-1] == "ended 408"
    pair.assert_nothing_left()


def test_too_short_an_interval_is_tried_again_with_a_longer_one() -> None:
    pair = Pair(Network(), timers(expires_s=20), timers(expires_s=300, min_s=121))

    def on_invite(session: ServerSession) -> Phone | None:
        brief = too_brief(session.request, session.timer_rules)
        if brief is not None:
            session.reject(422, headers=brief)
            return None
        pair.sessions.append(session)
        return pair.bob

    pair.bob_agent.on_invite = on_invite
    session = pair.talk()
    first, second = pair.requests("INVITE")
    assert (first.get("session-expires"), second.get("session-expires")) == ("20", "121")
    assert second.get("min-se") == "121"
    assert (second.call_id, second.cseq.number) == (first.call_id, 2)
    assert pair.responses(200)[0].get("session-expires") == "121;refresher=uac"
    assert pair.alice.events == ["answer True"]
    session.bye()
    pair.network.run(1)
    assert pair.bob.events == ["ack", "ended 200"]


def test_a_refresh_that_is_too_short_is_refused_and_repeated() -> None:
    pair = Pair(Network(), timers(expires_s=20))
    session = pair.talk()
    pair.bob_session.timer_rules = timers(expires_s=300, min_s=40)
    pair.network.run(11)
    assert len(pair.responses(422, "UPDATE")) == 1
    assert pair.requests("UPDATE")[-1].get("session-expires") == "40;refresher=uac"
    pair.network.run(60)
    assert not session.ended


@pytest.mark.parametrize(
    ("asked", "supported", "granted"),
    [
        ("60", "timer", "20;refresher=uac"),  # we may shorten it
        ("15;refresher=uas", "timer", "15;refresher=uas"),
        ("15", "replaces", "15;refresher=uas"),  # asked for by a proxy
        ("nonsense", "timer", "20;refresher=uac"),
        ("5", "replaces", None),
        (None, "replaces", None),
    ],
)
def test_what_is_granted(asked: str | None, supported: str, granted: str | None) -> None:
    pair = Pair(Network(), None, SHORT)
    pair.call(headers={"supported": [supported], **({"session-expires": [asked]} if asked else {}), "min-se": ["10"]})
    pair.bob_session.answer(OFFER)
    pair.network.run(0.1)
    [answer] = pair.responses(200)
    assert answer.get("session-expires") == granted
    assert ("timer" in answer.tokens("require")) == bool(re.search("uac", granted or ""))


def test_a_peer_cannot_make_us_refresh_all_the_time() -> None:
    pair = Pair(Network(), TimerRules(), TimerRules(1, 1, "them"))
    pair.call()
    pair.bob_session.timer_rules = None
    pair.bob_session.answer(OFFER, {"session-expires": ["1;refresher=uac"], "require": ["timer"]})
    pair.network.run(60)
    assert len(pair.requests("UPDATE")) < 15
