# SPDX-License-Identifier: Apache-2.0
"""The guard of a running exchange: joined to its transports, registrations and peers, and looked after each second."""

import asyncio
import contextlib
from collections.abc import Callable

from switchroom.pbx.config import Config
from switchroom.pbx.events import AnyRecord
from switchroom.pbx.io.transports import Transports
from switchroom.pbx.peers import PeerTable
from switchroom.pbx.registrar import Registrar
from switchroom.pbx.security.guard import Guard, Range
from switchroom.pbx.security.kept_bans import KeptBans
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Request
from switchroom.pbx.storage.base import DocumentStore, StoreError

SWEEP_S = 1.0


class Watch:
    """Makes the `Guard`; `start` and `stop` what looks after it. `now` is UTC in seconds."""

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
        self._kept: KeptBans | None = None
        self._looking: asyncio.Task[None] | None = None
        self.guard = Guard(
            config.security,
            now,
            exempt=self._exempt,
            registered=registrar.has_source,
            block=transports.block,
            unblock=transports.unblock,
            write=write,
        )

    async def start(self, store: DocumentStore) -> None:
        """Ban again whom the last run had banned. Raises StoreError."""
        self._kept = await KeptBans.load(self.guard, store)
        self._kept.restore()
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def stop(self) -> None:
        """Keep the bans for the next run. Idempotent."""
        if self._looking is None or self._kept is None:
            return
        self._looking.cancel()
        await asyncio.gather(self._looking, return_exceptions=True)
        self._looking = None
        with contextlib.suppress(StoreError):
            await self._kept.save()

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

    async def _look(self) -> None:
        assert self._kept is not None
        while True:
            await asyncio.sleep(SWEEP_S)
            self.guard.sweep()
            with contextlib.suppress(StoreError):  # it is tried again a second later
                await self._kept.save()
