# SPDX-License-Identifier: Apache-2.0
"""The guard of a running exchange: joined to its transports, registrations and peers, and looked after each second."""

import asyncio
from collections.abc import Callable

from switchroom.pbx.config import Config
from switchroom.pbx.events import AnyRecord
from switchroom.pbx.io.transports import Transports
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.registrar import Registrar
from switchroom.pbx.security.guard import Guard, Range
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Request

SWEEP_S = 1.0


class Watch:
    """Makes the `Guard`; `start` and `stop` its clock. `now` is UTC in seconds."""

    def __init__(
        self,
        config: Config,
        now: Callable[[], float],
        registrar: Registrar,
        transports: Transports,
        write: Callable[[AnyRecord], object],
    ) -> None:
        self._config = config
        self._peers = PeerTable(config.known_addresses)
        self._allowed = config.security.allow
        self._timer: asyncio.TimerHandle | None = None
        self.guard = Guard(
            config.security,
            now,
            exempt=self._exempt,
            registered=registrar.has_source,
            block=transports.block,
            unblock=transports.unblock,
            write=write,
        )

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def unwanted(self, request: Request, flow: Flow) -> bool:
        """Whether a request outside a dialog is to be dropped."""
        return self.guard.unwanted(flow.remote[0], request.get("user-agent") or "")

    def covers_exempt(self, source: Range) -> bool:
        """Whether a ban of a network would hit somebody who must not be banned."""
        kept = [network.range for network in self._allowed]
        kept += [address.range for peer in self._config.known_addresses for address in peer.addresses]
        return any(source.version == network.version and source.overlaps(network) for network in kept)

    def _exempt(self, host: str) -> bool:
        """Peers and allowed networks are not banned, whatever comes from them."""
        return self._peers.find(host) is not None or any(host in network for network in self._allowed)

    def _sweep(self) -> None:
        self.guard.sweep()
        self.start()
