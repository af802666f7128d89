# SPDX-License-Identifier: Apache-2.0
"""PINs of users, tried by phone: three wrong ones close that user's door for a while."""

import hmac
from collections.abc import Callable

TRIES = 3
CLOSED_S = 300.0
MAX_KNOWN = 10_000


class Pins:
    """`pin_of` tells a user's PIN (empty: none, and then none is right); `clock` is the event loop's."""

    def __init__(self, pin_of: Callable[[str], str], clock: Callable[[], float]) -> None:
        self._pin_of = pin_of
        self._clock = clock
        self._wrong: dict[str, tuple[int, float]] = {}
        """How often in a row, and when last, by user."""

    def right(self, user: str, pin: str) -> bool:
        """Whether it is his; while the door is closed nothing is."""
        now_s = self._clock()
        wrong, last_s = self._wrong.get(user, (0, 0.0))
        if wrong >= TRIES and now_s < last_s + CLOSED_S:
            return False
        expected = self._pin_of(user)
        if expected and hmac.compare_digest(expected.encode(), pin.encode()):
            self._wrong.pop(user, None)
            return True
        if len(self._wrong) >= MAX_KNOWN:
            self._wrong.clear()
        self._wrong[user] = (1 if wrong >= TRIES else wrong + 1, now_s)
        return False
