# SPDX-License-Identifier: Apache-2.0
"""Which trunks a call to the outside tries, in which order: by number, time, price, and what is up just now."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from switchroom.pbx.dialplan import Clockwork
from switchroom.pbx.trunks.config import Carrier
from switchroom.pbx.trunks.trunk import Trunk

MAX_CARRIERS = 20
Verdict = Literal["first", "next", "not for this number", "not at this time", "cannot"]


class Candidate(msgspec.Struct, frozen=True):
    """One carrier in the explanation of a route."""

    trunk: str
    verdict: Verdict
    cost: float = 0.0
    reason: str = ""


class Routes:
    """All [routes] of a configuration, over its trunks."""

    def __init__(
        self, routes: Mapping[str, Sequence[Carrier]], trunks: Mapping[str, Trunk], clockwork: Clockwork
    ) -> None:
        self._routes = routes
        self._trunks = trunks
        self._clockwork = clockwork

    def __contains__(self, name: str) -> bool:
        return name in self._routes

    def choose(self, name: str, number: str, utc_s: float) -> list[Trunk]:
        """The trunks to try for a number, the first one first."""
        candidates = self.explain(name, number, utc_s)
        return [self._trunks[found.trunk] for found in candidates if found.verdict in ("first", "next")][:MAX_CARRIERS]

    def explain(self, name: str, number: str, utc_s: float) -> list[Candidate]:
        """Every carrier of a route, in the order in which they would be tried, then those that would not."""
        fitting: list[Candidate] = []
        others: list[Candidate] = []
        for carrier in self._routes[name]:
            trunk = self._trunks[carrier.trunk]
            if carrier.number is not None and not re.fullmatch(carrier.number.expression, number):
                others.append(Candidate(trunk.name, "not for this number", carrier.cost, f"only for {carrier.number}"))
            elif carrier.when.terms and (why := self._clockwork.why_not(carrier.when, utc_s)):
                others.append(Candidate(trunk.name, "not at this time", carrier.cost, why))
            elif why := trunk.why_not():
                others.append(Candidate(trunk.name, "cannot", carrier.cost, why))
            else:
                fitting.append(Candidate(trunk.name, "next", carrier.cost))
        fitting.sort(key=lambda found: found.cost)  # stable: the file decides between equals
        if fitting:
            fitting[0] = msgspec.structs.replace(fitting[0], verdict="first")
        return [*fitting, *others]
