# SPDX-License-Identifier: Apache-2.0
"""Who talks encrypted: the `srtp` of users, peers and [media], by the account or the place that a leg belongs to."""

from switchroom.media.srtp import SrtpMode
from switchroom.pbx.config import Config
from switchroom.pbx.control import Endpoint
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.uri import parse_uri

FALLBACKS: tuple[SrtpMode, ...] = ("required", "off")
"""What is offered to a phone that refuses an optional offer (RTP/AVP with keys): it may take the secure profile alone,
or choke on the keys."""
REFUSALS = (415, 488, 606)


class Security:
    """The policy of one configuration."""

    def __init__(self, config: Config, peers: PeerTable) -> None:
        self._default = config.media.srtp
        self._peers = peers
        self._modes: dict[str, SrtpMode] = {}
        for kind, parties in (("user", config.users), ("peer", config.peers)):
            for party in parties:
                self._modes[f"{kind} {party.name}"] = party.srtp or self._default

    def of_account(self, account: str) -> SrtpMode:
        """`account` as in Caller.account; empty for nobody's."""
        return self._modes.get(account, self._default)

    def of_endpoint(self, endpoint: Endpoint) -> SrtpMode:
        """A phone of a user, or the place of a URI."""
        if endpoint.way is not None:
            return self.of_account(f"user {endpoint.label}")
        try:
            peer = self._peers.find((parse_uri(endpoint.uri).host or "").strip("[]"))
        except (ParseError, ValueError):  # a name; peers are known by their addresses
            return self._default
        return self.of_account(f"peer {peer.name}") if peer is not None else self._default
