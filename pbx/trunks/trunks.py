# SPDX-License-Identifier: Apache-2.0
"""All trunks and routes of an exchange: what a call out may take, and what operators see and change."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from switchroom.pbx.control import CallError
from switchroom.pbx.dialplan import Clockwork
from switchroom.pbx.events import AnyRecord, TrunkChanged, TrunkDown, TrunkUp
from switchroom.pbx.trunks.config import Carrier, TrunkConfig
from switchroom.pbx.trunks.outside import Outside, Tolls
from switchroom.pbx.trunks.routes import Candidate, Routes
from switchroom.pbx.trunks.targets import State, Target
from switchroom.pbx.trunks.trunk import Trunk


class WayOut(msgspec.Struct, frozen=True):
    """How one call goes to the outside: the trunks to try, in their order, and the number as it was dialled."""

    trunks: tuple[Trunk, ...]
    number: str


class Trunks:
    """By name. `clock` is the event loop's, `utc` the time of day; `below` draws a number below its argument."""

    def __init__(
        self,
        clock: Callable[[], float],
        utc: Callable[[], float],
        below: Callable[[int], int],
        write: Callable[[AnyRecord], object],
    ) -> None:
        self.by_name: dict[str, Trunk] = {}
        self.learned: dict[str, str] = {}
        """Addresses of names of targets and registrars, and the trunk that they belong to."""
        self._clock, self._utc, self._below, self._write = clock, utc, below, write
        self.routes = Routes({}, {}, Clockwork({}, {}))
        self.tolls = Tolls({}, utc)

    def apply(
        self,
        trunks: Sequence[TrunkConfig],
        routes: Mapping[str, Sequence[Carrier]],
        users: Mapping[str, Outside],
        clockwork: Clockwork,
    ) -> None:
        """A new configuration: calls that go on keep their channels, targets what is known of them."""
        before = self.by_name
        self.by_name = {}
        for config in trunks:
            trunk = before.get(config.name)
            if trunk is None:
                trunk = Trunk(config, self._clock, self._below)
            elif trunk.config != config:
                trunk.apply(config)
            self.by_name[config.name] = trunk
        self.routes = Routes(routes, self.by_name, clockwork)
        limits = {f"user {name}": outside for name, outside in users.items()}
        self.tolls.limits = {**limits, **{f"trunk {trunk.name}": trunk.outside for trunk in trunks}}

    def way_out(self, kind: str, argument: str) -> WayOut:
        """The trunks of `trunk:NAME/number` or `route:NAME/number`. Raises CallError: none can take the call."""
        name, _, number = argument.partition("/")
        if kind == "trunk" and name in self.by_name:
            trunk = self.by_name[name]
            if why := trunk.why_not():
                raise CallError(503, f"{name}: {why}", "failed")
            return WayOut((trunk,), number)
        if kind == "route" and name in self.routes:
            if found := self.routes.choose(name, number, self._utc()):
                return WayOut(tuple(found), number)
            reasons = [f"{one.trunk}: {one.reason}" for one in self.explain(name, number)]
            raise CallError(503, "; ".join(reasons)[:200] or f"the route {name} is empty", "failed")
        raise CallError(404, f"there is no {kind} {name}", "not-found")

    def explain(self, route: str, number: str, utc_s: float | None = None) -> list[Candidate]:
        return self.routes.explain(route, number, self._utc() if utc_s is None else utc_s)

    def found(self, trunk: Trunk, target: Target, state: State, reason: str = "") -> None:
        """What is known of a target now; news are written down."""
        was = trunk.targets.states.get(target)
        if not trunk.targets.set(target, state):
            return
        if state == "down":
            self._write(TrunkDown(trunk=trunk.name, target=target.uri, reason=reason))
        elif was == "down" or state == "up":
            self._write(TrunkUp(trunk=trunk.name, target=target.uri))

    def change(
        self,
        name: str,
        by: str,
        *,
        both: int | None = None,
        incoming: int | None = None,
        outgoing: int | None = None,
        per_second: float | None = None,
        enabled: bool | None = None,
    ) -> Trunk:
        """Limits from now on, until the trunk is configured in another way. Raises KeyError."""
        trunk = self.by_name[name]
        trunk.channels.limit(both=both, incoming=incoming, outgoing=outgoing, per_second=per_second)
        if enabled is not None:
            trunk.enabled = enabled
        wishes = {"channels": both, "channels_in": incoming, "channels_out": outgoing, "calls_per_second": per_second,
                  "enabled": enabled}  # fmt: skip
        said = ", ".join(f"{key} = {str(value).lower()}" for key, value in wishes.items() if value is not None)
        self._write(TrunkChanged(trunk=name, change=said, by=by))
        return trunk
