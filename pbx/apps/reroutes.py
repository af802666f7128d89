# SPDX-License-Identifier: Apache-2.0
"""Emergency re-routing: one command sends calls from outside to a number, or to all numbers, elsewhere; and back."""

from collections.abc import Callable

import msgspec

from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.events import AnyRecord, NumberRerouted
from switchroom.pbx.kept import Kept

ALL = "*"
MAX_REROUTES = 10_000


class Reroute(msgspec.Struct, frozen=True):
    """Where calls to a number go; it survives a restart."""

    to: str
    """A number, dialled in `context`, or a destination of the dial plan."""
    context: str = "default"


class Reroutes:
    """All of them, by number; a number's own comes before that for all."""

    def __init__(self, kept: Kept[Reroute], routing: Routing, write: Callable[[AnyRecord], object]) -> None:
        self.kept = kept
        self._routing = routing
        self._write = write

    def of(self, number: str) -> Reroute | None:
        return self.kept.get(number) or self.kept.get(ALL)

    async def set(self, number: str, to: str, context: str, by: str) -> None:
        """Raises CallError where `to` leads nowhere, Full, StoreError."""
        self._routing.find(to, context)
        await self.kept.put(number, Reroute(to, context))
        self._write(NumberRerouted(number=number, to=to, by=by))

    async def clear(self, number: str, by: str) -> bool:
        """Calls go where they always went; False: they did. Raises StoreError."""
        if number not in self.kept:
            return False
        await self.kept.remove(number)
        self._write(NumberRerouted(number=number, to="", by=by))
        return True
