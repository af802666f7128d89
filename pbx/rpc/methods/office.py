# SPDX-License-Identifier: Apache-2.0
"""`desks.*`, `hours.*`, `parking.*`, `blacklist.*`: what users set at their phones, set by operators."""

import asyncio
from typing import Literal

import msgspec

from switchroom.pbx.apps.switches import Wish
from switchroom.pbx.config_office import Desk, DeskChange
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.rpc.errors import invalid_params, refused
from switchroom.pbx.rpc.methods.values import Done, Name, Text
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method


class OneUser(Params, frozen=True):
    user: Text


class DeskState(msgspec.Struct, frozen=True):
    user: str
    desk: Desk
    changed: DeskChange
    """What differs from the configuration."""
    phone: str
    """As which user the phone registers where he sits; empty: nowhere."""


@method("desks.get", changes=False)
async def desks_get(context: Context, params: OneUser) -> DeskState:
    return _desk(context, params.user)


class DesksSet(Params, frozen=True):
    user: Text
    set: DeskChange


@method("desks.set", changes=True)
async def desks_set(context: Context, params: DesksSet) -> DeskState:
    try:
        await context.exchange.office.desks.change(params.user, params.set, context.operator.name)
    except SwitchroomError as error:
        raise refused(404, str(error)) from error
    return _desk(context, params.user)


@method("desks.reset", changes=True)
async def desks_reset(context: Context, params: OneUser) -> DeskState:
    try:
        await context.exchange.office.desks.reset(params.user, context.operator.name)
    except SwitchroomError as error:
        raise refused(404, str(error)) from error
    return _desk(context, params.user)


class DesksSit(Params, frozen=True):
    user: Text
    phone: Text


@method("desks.sit", changes=True)
async def desks_sit(context: Context, params: DesksSit) -> DeskState:
    try:
        await context.exchange.office.desks.sit(params.user, params.phone)
    except SwitchroomError as error:
        raise refused(404, str(error)) from error
    return _desk(context, params.user)


def _desk(context: Context, user: str) -> DeskState:
    desks = context.exchange.office.desks
    try:
        changed = msgspec.structs.replace(desks.changed(user), pin=msgspec.UNSET)
        return DeskState(user, desks.of(user), changed, desks.phone_of(user))
    except SwitchroomError as error:
        raise refused(404, str(error)) from error


class HoursState(msgspec.Struct, frozen=True):
    name: str
    on: bool
    switched: Literal["on", "off", "auto"]


class AllHours(msgspec.Struct, frozen=True):
    hours: list[HoursState]


@method("hours.list", changes=False)
async def hours_list(context: Context, params: Nothing) -> AllHours:
    office = context.exchange.office
    return AllHours([_hours(context, name) for name in office.routing.plan.clockwork.hours])


class HoursSet(Params, frozen=True):
    name: Text
    state: Wish


@method("hours.set", changes=True)
async def hours_set(context: Context, params: HoursSet) -> HoursState:
    try:
        await context.exchange.office.switches.set(params.name, params.state, context.operator.name)
    except SwitchroomError as error:
        raise refused(404, str(error)) from error
    return _hours(context, params.name)


def _hours(context: Context, name: str) -> HoursState:
    switches = context.exchange.office.switches
    return HoursState(name, switches.on(name), switches.states.get(name, "auto"))


class ParkedCall(msgspec.Struct, frozen=True):
    slot: str
    call: str
    caller: str
    by: str
    for_s: float


class Parked(msgspec.Struct, frozen=True):
    parked: list[ParkedCall]


@method("parking.list", changes=False)
async def parking_list(context: Context, params: Nothing) -> Parked:
    now_s = asyncio.get_running_loop().time()
    slots = context.exchange.office.lot.slots.values()
    return Parked(
        [
            ParkedCall(slot.number, slot.leg.call_id, slot.leg.party.number, slot.by, round(now_s - slot.since_s, 1))
            for slot in slots
        ]
    )


class Blacklisted(msgspec.Struct, frozen=True):
    configured: list[str]
    added: dict[str, str]
    """Number or pattern, and why."""


@method("blacklist.list", changes=False)
async def blacklist_list(context: Context, params: Nothing) -> Blacklisted:
    blacklist = context.exchange.office.blacklist
    return Blacklisted([str(pattern) for pattern in blacklist.config.numbers], dict(blacklist.added.items()))


class BlacklistAdd(Params, frozen=True):
    number: Text
    reason: Name = ""


@method("blacklist.add", changes=True)
async def blacklist_add(context: Context, params: BlacklistAdd) -> Done:
    try:
        await context.exchange.office.blacklist.add(params.number, params.reason)
    except ValueError as error:
        raise invalid_params("$.number", str(error)) from error
    except SwitchroomError as error:
        raise refused(503, str(error)) from error
    return Done()


class BlacklistRemove(Params, frozen=True):
    number: Text


@method("blacklist.remove", changes=True)
async def blacklist_remove(context: Context, params: BlacklistRemove) -> Done:
    if not await context.exchange.office.blacklist.remove(params.number):
        raise refused(404, f"{params.number} was not added")
    return Done()
