# SPDX-License-Identifier: Apache-2.0
"""Limits against toll fraud, of a user or a trunk: which numbers outside, how many calls at a time, how long a day.

A stolen password, or a forwarding that somebody set, then costs no more than its limit.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from switchroom.pbx.dialplan import Pattern

DAY_S = 86_400.0
Limit = Annotated[int, Meta(ge=0, le=100_000)]


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """`outside = { … }` of a user or trunk; 0 is no limit."""

    allow: tuple[Pattern, ...] = ()
    """Only these numbers, as they are dialled; empty: all."""
    deny: tuple[Pattern, ...] = ()
    """Never these."""
    calls: Limit = 0
    """At one time."""
    minutes_per_day: Limit = 0
    """A day begins at midnight UTC; a call that uses up the last minute is ended."""


class Pass(msgspec.Struct, frozen=True):
    """One call outside that was let through; `limit_s` is how long it may last (0: no limit)."""

    accounts: tuple[str, ...]
    limit_s: float


class Refused(Exception):
    """A call may not go outside; the text says why."""


class Tolls:
    """Who has called outside how long today. `limits` by account (`user 1001`, `trunk e1`); `utc` reads the clock."""

    def __init__(self, limits: Mapping[str, Outside], utc: Callable[[], float]) -> None:
        self.limits = limits
        self._utc = utc
        self._day = 0
        self.calls: dict[str, int] = {}
        self.used_s: dict[str, float] = {}
        """Of this day, by account."""

    def admit(self, accounts: tuple[str, ...], number: str) -> Pass:
        """Let a call through and count it. Raises Refused."""
        self._turn_day()
        accounts = tuple(account for account in accounts if account in self.limits)
        longest_s = 0.0
        for account in accounts:
            limit = self.limits[account]
            if limit.allow and not _any(limit.allow, number):
                raise Refused(f"{account} may not call {number}")
            if _any(limit.deny, number):
                raise Refused(f"{account} may not call {number}")
            if limit.calls and self.calls.get(account, 0) >= limit.calls:
                raise Refused(f"{account} has {limit.calls} calls outside already")
            if limit.minutes_per_day:
                left_s = limit.minutes_per_day * 60.0 - self.used_s.get(account, 0.0)
                if left_s <= 0:
                    raise Refused(f"{account} has used up {limit.minutes_per_day} minutes of this day")
                longest_s = min(longest_s or left_s, left_s)
        for account in accounts:
            self.calls[account] = self.calls.get(account, 0) + 1
        return Pass(accounts, longest_s)

    def over(self, let: Pass, talked_s: float) -> None:
        """The call is over."""
        self._turn_day()
        for account in let.accounts:
            self.used_s[account] = self.used_s.get(account, 0.0) + talked_s
            self.calls[account] -= 1
            if not self.calls[account]:
                del self.calls[account]

    def talked(self) -> list[tuple[str, int, float]]:
        """What has been used today: account, day (since 1970, UTC) and seconds."""
        self._turn_day()
        return [(account, self._day, used_s) for account, used_s in self.used_s.items()]

    def restore(self, account: str, day: int, used_s: float) -> None:
        """What an account used before a restart; of another day it counts no more."""
        self._turn_day()
        if day == self._day:
            self.used_s[account] = self.used_s.get(account, 0.0) + used_s

    def _turn_day(self) -> None:
        day = int(self._utc() // DAY_S)
        if day != self._day:
            self._day = day
            self.used_s.clear()


def _any(patterns: tuple[Pattern, ...], number: str) -> bool:
    return any(re.fullmatch(pattern.expression, number) for pattern in patterns)
