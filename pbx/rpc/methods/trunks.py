# SPDX-License-Identifier: Apache-2.0
"""`trunks.*` and `did.*`: lines to the outside, their limits, and emergency re-routing."""

from typing import Annotated

import msgspec
from msgspec import Meta

from switchroom.pbx.apps.reroutes import Reroute
from switchroom.pbx.control import CallError
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.methods.values import Done, Text
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method
from switchroom.pbx.trunks.routes import Candidate
from switchroom.pbx.trunks.trunk import Health, Trunk

Channels = Annotated[int, Meta(ge=0, le=100_000)]


class TrunkTarget(msgspec.Struct, frozen=True):
    target: str
    state: Health


class TrunkState(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of 0 are none."""

    name: str
    gateway: str
    enabled: bool
    registered: bool
    """True too for a trunk that does not register."""
    health: Health
    why_not: str
    """Why no call can go out by it now; empty when one can."""
    targets: list[TrunkTarget]
    channels: int
    channels_in: int
    channels_out: int
    calls_per_second: float
    used_in: int
    used_out: int
    peak: int
    blocked_in: int
    """Calls that found no channel, since the start."""
    blocked_out: int
    failed: int
    """Calls out that came to nothing by the trunk's own fault, since the start."""


class AllTrunks(msgspec.Struct, frozen=True):
    trunks: list[TrunkState]


@method("trunks.list", changes=False)
async def trunks_list(context: Context, params: Nothing) -> AllTrunks:
    return AllTrunks([_state(trunk) for trunk in context.exchange.trunks.by_name.values()])


class TrunksSet(Params, frozen=True):
    trunk: Text
    channels: Channels | None = None
    channels_in: Channels | None = None
    channels_out: Channels | None = None
    calls_per_second: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    enabled: bool | None = None


@method("trunks.set", changes=True)
async def trunks_set(context: Context, params: TrunksSet) -> TrunkState:
    try:
        trunk = context.exchange.trunks.change(
            params.trunk,
            context.operator.name,
            both=params.channels,
            incoming=params.channels_in,
            outgoing=params.channels_out,
            per_second=params.calls_per_second,
            enabled=params.enabled,
        )
    except KeyError:
        raise refused(404, f"there is no trunk {params.trunk}") from None
    return _state(trunk)


class TrunksExplain(Params, frozen=True):
    route: Text
    number: Text


class RouteExplained(msgspec.Struct, frozen=True):
    carriers: list[Candidate]
    """In the order in which they would be tried now, then those that would not."""


@method("trunks.explain", changes=False)
async def trunks_explain(context: Context, params: TrunksExplain) -> RouteExplained:
    trunks = context.exchange.trunks
    if params.route not in trunks.routes:
        raise refused(404, f"there is no route {params.route}")
    return RouteExplained(trunks.explain(params.route, params.number))


class DidReroute(Params, frozen=True):
    number: Text
    """As it is called, after the trunk's rules; `*`: all numbers."""
    to: Annotated[str, Meta(max_length=256)] = ""
    """A number, dialled in `context`, or a destination of the dial plan; empty: back to normal."""
    context: Text = "default"


@method("did.reroute", changes=True)
async def did_reroute(context: Context, params: DidReroute) -> Done:
    reroutes, by = context.exchange.office.reroutes, context.operator.name
    try:
        if params.to:
            await reroutes.set(params.number, params.to, params.context, by)
        elif not await reroutes.clear(params.number, by):
            raise refused(404, f"{params.number} was not re-routed")
    except CallError as error:
        raise refused(error.status, error.reason) from error
    except SwitchroomError as error:
        raise refused(503, str(error)) from error
    return Done()


class Rerouted(msgspec.Struct, frozen=True):
    rerouted: dict[str, Reroute]


@method("did.list", changes=False)
async def did_list(context: Context, params: Nothing) -> Rerouted:
    return Rerouted(dict(context.exchange.office.reroutes.kept.items()))


def _state(trunk: Trunk) -> TrunkState:
    channels = trunk.channels
    return TrunkState(
        name=trunk.name,
        gateway=trunk.config.gateway,
        enabled=trunk.enabled,
        registered=trunk.registered,
        health=trunk.health,
        why_not=trunk.why_not(),
        targets=[TrunkTarget(target.uri, state) for target, state in trunk.targets.states.items()],
        channels=channels.both,
        channels_in=channels.limits["in"],
        channels_out=channels.limits["out"],
        calls_per_second=channels.per_second,
        used_in=channels.used["in"],
        used_out=channels.used["out"],
        peak=channels.peak,
        blocked_in=channels.blocked["in"],
        blocked_out=channels.blocked["out"],
        failed=trunk.failed,
    )
