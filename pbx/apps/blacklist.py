# SPDX-License-Identifier: Apache-2.0
"""The blacklist: callers from outside who are refused before their call costs anything."""

import re
from collections.abc import Callable

from switchroom.pbx.config_office import Blacklist as BlacklistConfig
from switchroom.pbx.dialplan import Pattern
from switchroom.pbx.events import AnyRecord, CallerRefused
from switchroom.pbx.kept import Kept

ANONYMOUS = frozenset({"", "anonymous", "unknown", "restricted"})
MAX_ADDED = 100_000


class Blacklist:
    """Patterns of the configuration, and numbers (or patterns) that were added while it ran, each with a reason."""

    def __init__(self, config: BlacklistConfig, added: Kept[str], write: Callable[[AnyRecord], object]) -> None:
        self.added = added
        self._write = write
        self.apply(config)

    def apply(self, config: BlacklistConfig) -> None:
        """A new configuration."""
        self.config = config
        self._compile()

    def refuses(self, number: str, source: str) -> int:
        """The status to refuse a calling number with; 0: it may call."""
        number = number.lower() if number.lower() in ANONYMOUS else number
        if not (self._match(number) or (self.config.refuse_anonymous and number in ANONYMOUS)):
            return 0
        self._write(CallerRefused(number=number, source=source))
        return self.config.status

    async def add(self, number: str, reason: str = "") -> None:
        """Raises ValueError for what is no pattern, Full, StoreError."""
        Pattern.from_text(number)
        await self.added.put(number, reason)
        self._compile()

    async def remove(self, number: str) -> bool:
        """False when it was not there. Raises StoreError."""
        there = number in self.added
        await self.added.remove(number)
        self._compile()
        return there

    def _compile(self) -> None:
        patterns = [pattern.expression for pattern in self.config.numbers]
        patterns += [Pattern.from_text(number).expression for number in self.added]
        self._match = re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)").fullmatch
