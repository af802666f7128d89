# SPDX-License-Identifier: Apache-2.0
"""Whole sessions between two cores over the simulated network."""

import dataclasses
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from switchroom.pbx.sip.client_session import ClientSession
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.sip.user_agent import UserAgent
from tests.sim.network import Network
from tests.sim.phone import OFFER, Phone

ALICE, BOB = ("10.0.0.1", 5060), ("10.0.0.2", 5060)


class Pair:
    """Alice calls Bob; `bob_session` is there once the INVITE arrived."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.alice_agent: UserAgent = network.agent(ALICE, 1)
        self.bob_agent: UserAgent = network.agent(BOB, 2)
        self.alice, self.bob = Phone(), Phone()
        self.bob_sessions: list[ServerSession] = []
        self.bob_agent.on_invite = self._on_invite

    def _on_invite(self, session: ServerSession) -> Phone:
        self.bob_sessions.append(session)
        return self.bob

    @property
    def bob_session(self) -> ServerSession:
        return self.bob_sessions[0]

    def call(self) -> ClientSession:
        session = self.alice_agent.invite(
            "sip:bob@10.0.0.2",
            Flow("UDP", ALICE, BOB),
            self.alice,
            from_=NameAddr("Alice", "sip:alice@10.0.0.1", {}),
            body=OFFER,
        )
        session.start()
        self.network.run(0.1)
        return session

    def talk(self) -> ClientSession:
        session = self.call()
        self.bob_session.answer(OFFER)
        self.network.run(0.1)
        return session

    def assert_nothing_left(self) -> None:
        self.network.run(200)
        for agent in (self.alice_agent, self.bob_agent):
            assert agent.sessions == 0
            assert len(agent.transactions) == 0
            assert len(agent.timers) == 0
            assert agent.counts.faults == 0


@pytest.fixture
def pair() -> Pair:
    return Pair(Network())


def test_call_rings_answers_and_ends(pair: Pair) -> None:
    session = pair.call()
    pair.bob_session.ring()
    pair.network.run(0.1)
    pair.bob_session.answer(OFFER)
    pair.network.run(0.1)
    assert pair.alice.events == ["progress 180", "answer True"]
    assert pair.bob.events == ["ack"]
    session.bye()
    pair.network.run(0.1)
    assert pair.bob.events == ["ack", "ended 200"]
    pair.assert_nothing_left()
    assert [line.split(" SIP/2.0")[0] for _, _, _, line in pair.network.log] == [
        "INVITE sip:bob@10.0.0.2", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK",
        "ACK sip:bob@10.0.0.2:5060", "BYE sip:bob@10.0.0.2:5060", "SIP/2.0 200 OK",
    ]  # fmt: skip


def test_refusal_is_acknowledged(pair: Pair) -> None:
    pair.call()
    pair.bob_session.reject(486)
    pair.network.run(0.1)
    assert pair.alice.events == ["failure 486"]
    pair.assert_nothing_left()
    assert sum(line.startswith("ACK") for *_, line in pair.network.log) == 1


def test_cancel_before_the_answer(pair: Pair) -> None:
    session = pair.call()
    pair.bob_session.ring()
    pair.network.run(0.1)
    session.cancel()
    pair.network.run(1)
    assert pair.bob.events == ["cancel"]
    assert pair.alice.events == ["progress 180", "failure 487"]
    pair.assert_nothing_left()


def test_cancel_that_crosses_the_answer_ends_the_call(pair: Pair) -> None:
    session = pair.call()
    pair.bob_session.answer(OFFER)
    session.cancel()
    pair.network.run(1)
    assert pair.alice.events == ["failure 487"]
    assert pair.bob.events == ["ack", "ended 200"]
    pair.assert_nothing_left()


def test_cancel_waits_for_the_first_provisional_response(pair: Pair) -> None:
    session = pair.alice_agent.invite(
        "sip:bob@10.0.0.2",
        Flow("UDP", ALICE, BOB),
        pair.alice,
        from_=NameAddr("", "sip:alice@10.0.0.1", {}),
        body=OFFER,
    )
    session.start()
    session.cancel()
    assert not any(line.startswith("CANCEL") for *_, line in pair.network.log)
    pair.network.run(1)
    assert pair.bob.events == ["cancel"]
    assert pair.alice.events == ["failure 487"]
    pair.assert_nothing_left()


def test_bye_from_both_sides_at_once(pair: Pair) -> None:
    session = pair.talk()
    session.bye()
    pair.bob_session.bye()
    pair.network.run(1)
    pair.assert_nothing_left()


def test_reinvite_both_ways(pair: Pair) -> None:
    session = pair.talk()
    session.reinvite(OFFER)
    pair.network.run(1)
    pair.bob_session.reinvite(OFFER)
    pair.network.run(1)
    assert pair.alice.events == ["answer True", "accepted", "offer", "ack"]
    assert pair.bob.events == ["ack", "offer", "ack", "accepted"]
    session.bye()
    pair.assert_nothing_left()


def test_a_reinvite_that_is_never_answered_does_not_outlive_its_session(pair: Pair) -> None:
    session = pair.talk()
    pair.bob.accepts = None
    session.reinvite(OFFER)
    pair.network.run(1)
    pair.network.loss = 1.0
    session.bye()
    pair.network.run(70)
    assert len(pair.alice_agent.transactions) == 0


def test_glare_is_refused_on_both_sides_and_the_call_lives(pair: Pair) -> None:
    session = pair.talk()
    session.reinvite(OFFER)
    pair.bob_session.reinvite(OFFER)
    pair.network.run(1)
    assert "refused 491" in pair.alice.events
    assert "refused 491" in pair.bob.events
    assert not session.pending
    session.reinvite(OFFER)
    pair.network.run(1)
    assert pair.alice.events[-1] == "accepted"
    session.bye()
    pair.assert_nothing_left()


def test_a_reinvite_before_the_ack_of_our_answer_has_to_wait(pair: Pair) -> None:
    """The offer and answer of the first one may not be through yet (RFC 5407 section 3.1.4)."""
    session = pair.call()
    pair.network.bind(ALICE, lambda data, flow: None)  # the 200 is lost, and so is its ACK
    pair.bob_session.answer(OFFER)
    pair.network.run(0.1)
    line = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKearly"
    early = session.request.to_bytes().decode().replace("CSeq: 1 ", "CSeq: 2 ")
    early = re.sub(r"(?m)^Via: .*$", f"Via: {line}\r", early)
    early = re.sub(r"(?m)^(To: [^\r]*)", rf"\1;tag={pair.bob_session.local_tag}", early)
    pair.network.send(early.encode(), ALICE, BOB)
    pair.network.run(0.1)
    assert "SIP/2.0 491 Request Pending" in [text for _, source, _, text in pair.network.log if source == BOB]


def test_a_connection_that_is_closed_is_not_waited_for(pair: Pair) -> None:
    """A proxy closes connections that are idle; the dialog goes on by its route set."""
    session = pair.talk()
    assert session.dialog is not None
    session.dialog.flow, session.dialog.pinned = Flow("TCP", ALICE, ("10.0.0.9", 40_000), 7), True
    pair.alice_agent.wire = dataclasses.replace(pair.alice_agent.wire, is_open=lambda flow: not flow.reliable)
    session.bye()
    pair.network.run(1)
    assert pair.bob.events[-1] == "ended 200"


def test_a_peer_that_answers_without_a_tag_is_one_all_the_same(pair: Pair) -> None:
    """RFC 3261 section 12.1.2: the tag of an old peer is null; what it then puts into its From is no stranger's."""
    session = pair.talk()
    assert session.dialog is not None
    session.dialog.remote_tag = ""
    pair.bob_session.reinvite(OFFER)
    pair.network.run(1)
    assert pair.alice.events[-2:] == ["offer", "ack"]
    pair.bob_session.bye()
    pair.network.run(1)
    assert pair.alice.events[-1] == "ended 200"


def test_a_bye_ends_the_call_however_its_sender_counts(pair: Pair) -> None:
    session = pair.talk()
    assert session.dialog is not None
    session.reinvite(OFFER)
    pair.network.run(1)
    session.dialog.number = 0
    session.bye()
    pair.network.run(1)
    assert pair.bob.events[-1] == "ended 200"
    pair.assert_nothing_left()


def test_refused_reinvite_changes_nothing(pair: Pair) -> None:
    session = pair.talk()
    pair.bob.accepts = False
    session.reinvite(OFFER)
    pair.network.run(1)
    assert pair.alice.events[-1] == "refused 488"
    session.bye()
    pair.network.run(1)
    assert pair.bob.events[-1] == "ended 200"
    pair.assert_nothing_left()


def test_a_dead_peer_ends_in_408(pair: Pair) -> None:
    pair.network.loss = 1.0
    pair.call()
    pair.network.run(31.8)
    assert pair.alice.events == []
    pair.network.run(0.2)
    assert pair.alice.events == ["failure 408"]
    assert sum(line.startswith("INVITE") for *_, line in pair.network.log) == 7  # 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s
    pair.assert_nothing_left()


def test_an_answer_without_ack_ends_the_call(pair: Pair) -> None:
    pair.call()
    pair.network.loss = 1.0
    pair.bob_session.answer(OFFER)
    pair.network.run(33)
    assert pair.bob.events == ["ended 408"]
    pair.network.loss = 0.0
    pair.network.run(100)
    assert pair.bob_agent.sessions == 0


def test_the_invitation_expires(pair: Pair) -> None:
    session = pair.alice_agent.invite(
        "sip:bob@10.0.0.2", Flow("UDP", ALICE, BOB), pair.alice, from_=NameAddr("", "sip:alice@10.0.0.1", {}),
        headers={"expires": ["10"]},
    )  # fmt: skip
    session.start()
    pair.network.run(0.1)
    pair.bob_session.ring()
    pair.network.run(9.8)
    assert pair.bob.events == []
    pair.network.run(0.3)
    assert pair.bob.events == ["cancel"]
    assert pair.alice.events == ["progress 180", "failure 487"]
    pair.assert_nothing_left()


def test_ringing_is_repeated_each_minute(pair: Pair) -> None:
    pair.call()
    pair.bob_session.ring()
    pair.network.run(130)
    assert pair.alice.events == ["progress 180"] * 3


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    loss=st.sampled_from([0.0, 0.05, 0.2]),
    script=st.lists(
        st.sampled_from(["ring", "answer", "reject", "cancel", "bye a", "bye b", "re a", "re b", "wait", "wait"]),
        max_size=12,
    ),
)
@example(seed=0, loss=0.2, script=["ring", "answer", "wait", "re a"])  # the re-INVITE's 2xx is lost, the BYE is not
def test_every_call_completes_or_fails_cleanly_on_a_bad_network(seed: int, loss: float, script: list[str]) -> None:
    """Whatever happens in whatever order on a network that loses, doubles and reorders: nothing is left behind."""
    network = Network(seed, loss=loss, duplicate=0.05, reorder=0.2)
    pair = Pair(network)
    session = pair.call()
    network.run(3)
    for step in script:
        bob = pair.bob_sessions[0] if pair.bob_sessions else None
        if step == "wait":
            network.run(0.7)
        elif step == "cancel":
            session.cancel()
        elif step == "bye a" and session.confirmed:
            session.bye()
        elif step == "re a" and session.confirmed and not session.ended and not session.pending:
            session.reinvite(OFFER)
        elif bob is None or bob.ended:
            continue
        elif step == "ring" and not bob.answered:
            bob.ring()
        elif step == "answer" and not bob.answered:
            bob.answer(OFFER)
        elif step == "reject" and not bob.answered:
            bob.reject(486)
        elif step == "bye b" and bob.confirmed:
            bob.bye()
        elif step == "re b" and bob.confirmed and not bob.pending:
            bob.reinvite(OFFER)
    session.bye()
    network.run(100)
    for bob in pair.bob_sessions:
        bob.bye()
    finals = [event for event in pair.alice.events if event.startswith(("answer", "failure"))]
    assert len(finals) == 1
    assert len(pair.bob_sessions) <= 1
    pair.assert_nothing_left()


def ways(*flows: Flow) -> list[Callable[[], Flow | None]]:
    return [lambda flow=flow: flow for flow in flows]  # type: ignore[misc]


NOWHERE = Flow("UDP", ALICE, ("10.0.0.9", 5060))


def test_a_silent_way_is_left_after_two_seconds() -> None:
    network = Network()
    pair = Pair(network)
    session = pair.alice_agent.invite(
        "sip:bob@example.com", NOWHERE, pair.alice, from_=NameAddr("", "sip:alice@10.0.0.1", {}), body=OFFER
    )
    session.alternatives = [lambda: None, *ways(Flow("UDP", ALICE, BOB))]
    session.start()
    network.run(1.9)
    assert pair.bob_sessions == []
    network.run(0.2)
    pair.bob_session.answer(OFFER)
    network.run(0.1)
    assert pair.alice.events == ["answer True"]
    assert (session.flow.remote, session.dialog.flow.remote if session.dialog else None) == (BOB, BOB)
    session.bye()
    pair.assert_nothing_left()


@pytest.mark.parametrize(("status", "tried"), [(503, True), (500, False), (486, False)])
def test_only_503_says_that_another_may_serve(status: int, tried: bool) -> None:
    network = Network()
    pair = Pair(network)
    carol = network.agent(("10.0.0.3", 5060), 3)
    carol.on_invite = lambda session: session.reject(status)  # type: ignore[func-returns-value]
    session = pair.alice_agent.invite(
        "sip:bob@example.com", Flow("UDP", ALICE, ("10.0.0.3", 5060)), pair.alice,
        from_=NameAddr("", "sip:alice@10.0.0.1", {}), body=OFFER,
    )  # fmt: skip
    session.alternatives = ways(Flow("UDP", ALICE, BOB))
    session.start()
    network.run(0.2)
    assert len(pair.bob_sessions) == tried
    assert pair.alice.events == ([] if tried else [f"failure {status}"])
    session.cancel()
    pair.assert_nothing_left()


def test_the_last_way_has_all_the_time_and_its_failure_counts() -> None:
    network = Network()
    pair = Pair(network)
    session = pair.alice_agent.invite(
        "sip:bob@example.com", NOWHERE, pair.alice, from_=NameAddr("", "sip:alice@10.0.0.1", {}), body=OFFER
    )
    session.alternatives = ways(NOWHERE)
    session.start()
    network.run(33)
    assert pair.alice.events == []
    network.run(1.5)
    assert pair.alice.events == ["failure 408"]
    pair.assert_nothing_left()
