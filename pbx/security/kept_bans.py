# SPDX-License-Identifier: Apache-2.0
"""Bans that survive a restart: who waited for it has gained nothing.

They are written once a second at most, whatever an attack does, so a crash loses those of the last second.
"""

from ipaddress import ip_network

import msgspec

from switchroom.pbx.kept import Kept
from switchroom.pbx.security.guard import MAX_BANS, Ban, Guard
from switchroom.pbx.storage.base import DocumentStore


class StoredBan(msgspec.Struct, frozen=True):
    """A ban, by its network; `until_s` None: until somebody lifts it."""

    reason: str
    since_s: float
    until_s: float | None
    times: int


class KeptBans:
    """The bans of a guard, in the store as they were when `save` was last called."""

    def __init__(self, guard: Guard, kept: Kept[StoredBan]) -> None:
        self._guard, self._kept = guard, kept

    @classmethod
    async def load(cls, guard: Guard, store: DocumentStore) -> "KeptBans":
        return cls(guard, await Kept.load(store, "ban", StoredBan, MAX_BANS))

    def restore(self) -> None:
        """Ban again who was banned when the last run ended, and is not forgiven by now."""
        for key, ban in self._kept.items():
            self._guard.restore(Ban(ip_network(key), ban.reason, ban.since_s, ban.until_s, ban.times))

    async def save(self) -> None:
        """Write what has changed. Raises StoreError."""
        bans: dict[str, Ban] = {str(source): ban for source, ban in self._guard.bans.items()}
        await self._kept.remove(*[key for key in self._kept if key not in bans])
        for key, ban in bans.items():
            stored = StoredBan(ban.reason, ban.since_s, ban.until_s, ban.times)
            if self._kept.get(key) != stored:
                await self._kept.put(key, stored)
