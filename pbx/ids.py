# SPDX-License-Identifier: Apache-2.0
"""Identifiers and chance for the running exchange, from the system's randomness."""

import os


class RandomIds:
    """Unguessable identifiers; the system is asked for randomness in pages, not once per tag."""

    def __init__(self, host: str = "switchroom") -> None:
        self._host = host
        self._page = ""
        self._at = 0

    def tag(self) -> str:
        """16 hexadecimal digits: 64 random bits."""
        at = self._at
        if at >= len(self._page):
            self._page = os.urandom(4096).hex()
            at = 0
        self._at = at + 16
        return self._page[at : at + 16]

    def branch(self) -> str:
        return self.tag()

    def call_id(self) -> str:
        return f"{self.tag()}{self.tag()}@{self._host}"

    def below(self, limit: int) -> int:
        return int(self.tag(), 16) % limit
