# SPDX-License-Identifier: Apache-2.0
"""Requests within a dialog that the peer challenges (RFC 3261 section 22): the answer goes with the next CSeq, once."""

import pytest

from switchroom.pbx.sip.auth import DigestClient, ha1, parse_credentials, response_for
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.session import Session
from tests.pbx.sip.test_sessions import Pair
from tests.sim.network import Network
from tests.sim.phone import OFFER

CHALLENGE = 'Digest realm="carrier", nonce="n{0}", qop="auth", algorithm=MD5'


class Suspicious:
    """Bob, who lets no request of a dialog in but with the right answer to a challenge of its own."""

    def __init__(self, password: str) -> None:
        self.pair = Pair(Network())
        self.session = self.pair.talk()
        self.session.digest = lambda: DigestClient("alice", password, lambda: "c").respond
        self.asked: list[str] = []
        """Method and CSeq of each request that came, and whether it had an answer."""
        self._admit = self.pair.bob_agent._in_session
        self.pair.bob_agent._in_session = self._in_session  # type: ignore[method-assign, assignment]

    def _in_session(self, session: Session, request: Request, flow: Flow) -> None:
        if request.method == "ACK":
            self._admit(session, request, flow)
            return
        said = request.get("authorization")
        self.asked.append(f"{request.method} {request.cseq.number}{' answered' if said else ''}")
        if said is not None and self._right(request, said):
            self._admit(session, request, flow)
        else:
            headers = {"www-authenticate": [CHALLENGE.format(len(self.asked))]}
            self.pair.bob_agent._refuse(request, flow, 401, headers)

    def _right(self, request: Request, said: str) -> bool:
        fields = parse_credentials(said)
        assert fields is not None
        secret = ha1("MD5", "alice", "carrier", "secret")
        nonce = f"n{len(self.asked) - 1}"
        wanted = response_for("MD5", secret, request.method, request.uri, nonce, "auth", fields["nc"], "c")
        return fields["response"] == wanted and fields["nonce"] == nonce

    def run(self) -> None:
        self.pair.network.run(1)


def test_a_reinvite_and_the_bye_are_answered_each_by_itself() -> None:
    bob = Suspicious("secret")
    bob.session.reinvite(OFFER)
    bob.run()
    assert bob.asked == ["INVITE 2", "INVITE 3 answered"]
    assert bob.pair.alice.events[-1] == "accepted"
    bob.session.reinvite(OFFER)
    bob.run()
    assert bob.asked[2:] == ["INVITE 4", "INVITE 5 answered"]
    bob.session.bye()
    bob.run()
    assert bob.asked[4:] == ["BYE 6", "BYE 7 answered"]
    assert bob.pair.bob.events[-1] == "ended 200"
    bob.pair.assert_nothing_left()


def test_a_wrong_password_is_tried_once() -> None:
    bob = Suspicious("wrong")
    bob.session.reinvite(OFFER)
    bob.run()
    assert bob.asked == ["INVITE 2", "INVITE 3 answered"]
    assert bob.pair.alice.events[-1] == "refused 401"
    assert not bob.session.ended


@pytest.mark.parametrize("method", ["INFO", "UPDATE"])
def test_without_a_password_a_challenge_is_a_refusal(method: str) -> None:
    bob = Suspicious("secret")
    bob.session.digest = None
    bob.session.send_request(method, {})
    bob.run()
    assert bob.asked == [f"{method} 2"]
    assert not bob.session.ended
