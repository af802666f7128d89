# SPDX-License-Identifier: Apache-2.0
"""What a restart must not undo on trunks: the limits that an operator has set, and the minutes that were used today.

Limits hold until the configuration of the trunk says something else than it did when they were set.
"""

import asyncio
import contextlib

import msgspec

from switchroom.pbx.kept import Kept
from switchroom.pbx.storage.base import DocumentStore, StoreError
from switchroom.pbx.trunks.trunk import Trunk
from switchroom.pbx.trunks.trunks import Trunks

SAVE_S = 5.0
MAX_ACCOUNTS = 100_000
Limits = tuple[int, int, int, float]
"""Channels in all, in, out; calls a second."""


class StoredLimits(msgspec.Struct, frozen=True):
    """Those of a trunk that are not as configured, and what was configured."""

    configured: Limits
    now: Limits
    enabled: bool


class StoredTalk(msgspec.Struct, frozen=True):
    """How long an account has talked outside on a day."""

    day: int
    seconds: float


class TrunkMemory:
    """`start` puts it back and goes on to keep it; a crash loses what was new in the last seconds."""

    def __init__(self, trunks: Trunks, limits: Kept[StoredLimits], talk: Kept[StoredTalk]) -> None:
        self._trunks, self._limits, self._talk = trunks, limits, talk
        self._keeping: asyncio.Task[None] | None = None

    @classmethod
    async def load(cls, trunks: Trunks, store: DocumentStore) -> "TrunkMemory":
        limits = await Kept.load(store, "trunk-limits", StoredLimits)
        return cls(trunks, limits, await Kept.load(store, "talk-outside", StoredTalk, MAX_ACCOUNTS))

    def start(self) -> None:
        for name, stored in self._limits.items():
            trunk = self._trunks.by_name.get(name)
            if trunk is not None and trunk.configured == stored.configured:
                both, incoming, outgoing, per_second = stored.now
                trunk.channels.limit(both=both, incoming=incoming, outgoing=outgoing, per_second=per_second)
                trunk.enabled = stored.enabled
        for account, talk in self._talk.items():
            self._trunks.tolls.restore(account, talk.day, talk.seconds)
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Keep it for the next run. Idempotent."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        self._keeping = None
        with contextlib.suppress(StoreError):
            await self.save()

    async def save(self) -> None:
        """Write what has changed. Raises StoreError."""
        trunks = self._trunks.by_name.values()
        changed = [trunk for trunk in trunks if _now(trunk) != trunk.configured or not trunk.enabled]
        limits = {trunk.name: StoredLimits(trunk.configured, _now(trunk), trunk.enabled) for trunk in changed}
        await self._limits.remove(*[name for name in self._limits if name not in limits])
        for name, stored in limits.items():
            if self._limits.get(name) != stored:
                await self._limits.put(name, stored)
        talked = {account: StoredTalk(day, used_s) for account, day, used_s in self._trunks.tolls.talked()}
        await self._talk.remove(*[account for account in self._talk if account not in talked])
        for account, talk in talked.items():
            if self._talk.get(account) != talk:
                await self._talk.put(account, talk)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            with contextlib.suppress(StoreError):  # it is tried again
                await self.save()


def _now(trunk: Trunk) -> Limits:
    channels = trunk.channels
    return channels.both, channels.limits["in"], channels.limits["out"], channels.per_second
