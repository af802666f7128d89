# SPDX-License-Identifier: Apache-2.0
"""On what terms somebody talks with us, by the account or place of a leg: encrypted or not, how keys are sent, what we
believe of it, how its sessions live."""

import msgspec

from switchroom.media.session import DtmfMode
from switchroom.media.srtp import SrtpMode
from switchroom.pbx.config import Config, Peer
from switchroom.pbx.control import Endpoint
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.session_timer import TimerRules
from switchroom.pbx.sip.uri import parse_uri

FALLBACKS: tuple[SrtpMode, ...] = ("required", "off")
"""What is offered to a phone that refuses an optional offer (RTP/AVP with keys): it may take the secure profile alone,
or choke on the keys."""
REFUSALS = (415, 488, 606)


class Terms(msgspec.Struct, frozen=True):
    """Those of one party."""

    srtp: SrtpMode = "off"
    dtmf: DtmfMode = "auto"
    comfort_noise: bool = False
    timers: TimerRules = TimerRules()
    user: str = ""
    peer: str = ""
    context: str = ""
    """The list of the dial plan that its calls go through; empty: none, it may call nobody."""
    causes: bool = False
    """It is told Q.850 causes in Reason headers, and what it says in them holds (a trunk)."""
    trusted: bool = False
    """What it says of identities is believed, and it is told ours, private ones too (RFC 3325)."""
    connected: bool = False
    """It is told whom it talks to, and when that changes (pbx/calls/connected.py)."""


class TermsTable:
    """The terms of one configuration."""

    def __init__(self, config: Config, peers: PeerTable) -> None:
        sip, srtp = config.sip, config.media.srtp
        timers = TimerRules(sip.session_expires_s, sip.min_se_s, sip.session_refresher)
        self._default = Terms(srtp, timers=timers)
        self._peers = peers
        self._terms: dict[str, Terms] = {}
        for user in config.users:
            self._terms[f"user {user.name}"] = Terms(
                user.srtp or srtp, user.dtmf, user.comfort_noise, timers, user=user.name, context=user.context,
                connected="users" in sip.connected_line,
            )  # fmt: skip
        for peer in config.known_addresses:
            own = TimerRules(sip.session_expires_s, peer.min_se_s or sip.min_se_s, sip.session_refresher)
            self._terms[f"peer {peer.name}"] = Terms(
                peer.srtp or srtp,
                peer.dtmf,
                peer.comfort_noise,
                own,
                peer=peer.name,
                context=peer.context,
                trusted=peer.trusted,
                connected=peer.trusted and "trusted" in sip.connected_line,
            )
        for trunk in config.trunks:
            self._terms[f"peer {trunk.name}"] = msgspec.structs.replace(
                self._terms[f"peer {trunk.name}"], causes=trunk.tells_causes
            )

    def of_account(self, account: str) -> Terms:
        """`account` as in Caller.account; empty for nobody's."""
        return self._terms.get(account, self._default)

    def of_endpoint(self, endpoint: Endpoint) -> Terms:
        """A phone of a user, or the place of a URI."""
        if endpoint.way is not None:
            return self.of_account(f"user {endpoint.label}")
        peer = self.peer_of(endpoint.uri)
        return self.of_account(f"peer {peer.name}") if peer is not None else self._default

    def peer_of(self, uri: str) -> Peer | None:
        """The peer at a URI; None where it is a stranger's address, or a name: peers are known by their addresses."""
        try:
            return self._peers.find((parse_uri(uri).host or "").strip("[]"))
        except (ParseError, ValueError):
            return None
