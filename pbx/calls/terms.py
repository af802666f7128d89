# SPDX-License-Identifier: Apache-2.0
"""On what terms we deal with a user or peer: where its calls go, what we believe of it, how its sessions live."""

from dataclasses import dataclass

from switchroom.pbx.config import Config, Peer
from switchroom.pbx.control import Endpoint
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.session_timer import TimerRules
from switchroom.pbx.sip.uri import parse_uri


@dataclass(frozen=True, slots=True)
class Terms:
    """Those of one user or peer."""

    timers: TimerRules
    context: str = ""
    """The list of the dial plan that its calls go through; empty: none, it may call nobody."""
    user: str = ""
    peer: str = ""
    trusted: bool = False
    """What it says of identities is believed, and it is told ours, private ones too (RFC 3325)."""
    update: bool = False
    """It is told when its partner is another one after a transfer."""


class TermsTable:
    """Those of everybody in one configuration."""

    def __init__(self, config: Config, peers: PeerTable) -> None:
        sip = config.sip
        ours = TimerRules(sip.session_expires_s, sip.min_se_s, sip.session_refresher)
        self._strangers = Terms(ours)
        self._peers = peers
        self._terms: dict[str, Terms] = {}
        for user in config.users:
            self._terms[f"user {user.name}"] = Terms(ours, user.context, user=user.name, update=True)
        for peer in config.peers:
            timers = TimerRules(sip.session_expires_s, peer.min_se_s or sip.min_se_s, sip.session_refresher)
            self._terms[f"peer {peer.name}"] = Terms(
                timers, peer.context, peer=peer.name, trusted=peer.trusted, update=peer.trusted
            )

    def of_account(self, account: str) -> Terms:
        """`account` as in Caller.account; empty for nobody's."""
        return self._terms.get(account, self._strangers)

    def of_endpoint(self, endpoint: Endpoint) -> Terms:
        """A phone of a user, or the place of a URI."""
        if endpoint.way is not None:
            return self.of_account(f"user {endpoint.label}")
        peer = self.peer_of(endpoint.uri)
        return self.of_account(f"peer {peer.name}") if peer is not None else self._strangers

    def peer_of(self, uri: str) -> Peer | None:
        """The peer at a URI; None where it is a name, or a stranger's address."""
        try:
            return self._peers.find((parse_uri(uri).host or "").strip("[]"))
        except (ParseError, ValueError):
            return None
