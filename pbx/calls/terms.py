# SPDX-License-Identifier: Apache-2.0
"""On what terms somebody talks with us: encrypted or not, and how keys are sent; by the account or place of a leg."""

import msgspec

from switchroom.media.session import DtmfMode
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


class Terms(msgspec.Struct, frozen=True):
    """Those of one party."""

    srtp: SrtpMode = "off"
    dtmf: DtmfMode = "auto"


class TermsTable:
    """The terms of one configuration."""

    def __init__(self, config: Config, peers: PeerTable) -> None:
        self._default = Terms(config.media.srtp)
        self._peers = peers
        self._terms: dict[str, Terms] = {}
        for kind, parties in (("user", config.users), ("peer", config.peers)):
            for party in parties:
                self._terms[f"{kind} {party.name}"] = Terms(party.srtp or self._default.srtp, party.dtmf)

    def of_account(self, account: str) -> Terms:
        """`account` as in Caller.account; empty for nobody's."""
        return self._terms.get(account, self._default)

    def of_endpoint(self, endpoint: Endpoint) -> Terms:
        """A phone of a user, or the place of a URI."""
        if endpoint.way is not None:
            return self.of_account(f"user {endpoint.label}")
        try:
            peer = self._peers.find((parse_uri(endpoint.uri).host or "").strip("[]"))
        except (ParseError, ValueError):  # a name; peers are known by their addresses
            return self._default
        return self.of_account(f"peer {peer.name}") if peer is not None else self._default
