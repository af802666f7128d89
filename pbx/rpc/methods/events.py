# SPDX-License-Identifier: Apache-2.0
"""`events.*`: the journal, read or followed."""

import msgspec

from switchroom.pbx.events import AnyRecord
from switchroom.pbx.journal import Gap, UnknownNumber
from switchroom.pbx.rpc.errors import NEEDS_WEBSOCKET, RpcError, invalid_params, refused
from switchroom.pbx.rpc.methods.values import Done, Limit, Number
from switchroom.pbx.rpc.registry import Context, Params, Subscriber, method
from switchroom.pbx.storage.base import StoreError


class Event(msgspec.Struct, frozen=True):
    number: int
    at_ns: int
    record: AnyRecord


class EventsList(Params, frozen=True):
    after: Number = 0
    limit: Limit = 100


class Events(msgspec.Struct, frozen=True):
    events: list[Event]
    gaps: list[Gap]
    """Numbers that no longer exist, or never came to be."""
    next: int
    """What to give as `after` to go on."""
    last: int
    """The newest number there is."""


@method("events.list", changes=False)
async def events_list(context: Context, params: EventsList) -> Events:
    journal, after = context.exchange.journal, params.after
    events: list[Event] = []
    gaps: list[Gap] = []
    try:
        subscription = journal.subscribe(after)
        while len(events) < params.limit and after < journal.last:
            found = await subscription.next()
            if found is None:
                break
            if isinstance(found, Gap):
                gaps.append(found)
                after = found.last
                continue
            found = found[: params.limit - len(events)]
            events += [Event(entry.number, entry.at_ns, entry.record) for entry in found]
            after = found[-1].number
    except UnknownNumber as error:
        raise invalid_params("$.after", str(error)) from error
    except StoreError as error:
        raise refused(503, "the store cannot be read") from error
    return Events(events, gaps, after, journal.last)


class EventsSubscribe(Params, frozen=True):
    after: Number | None = None


class Subscribed(msgspec.Struct, frozen=True):
    subscription: int
    after: int


@method("events.subscribe", changes=False)
async def events_subscribe(context: Context, params: EventsSubscribe) -> Subscribed:
    subscriber = _subscriber(context)
    journal = context.exchange.journal
    after = journal.last if params.after is None else params.after
    try:
        return Subscribed(subscriber.subscribe(journal.subscribe(after)), after)
    except UnknownNumber as error:
        raise invalid_params("$.after", str(error)) from error


class EventsUnsubscribe(Params, frozen=True):
    subscription: Number


@method("events.unsubscribe", changes=False)
async def events_unsubscribe(context: Context, params: EventsUnsubscribe) -> Done:
    if not _subscriber(context).unsubscribe(params.subscription):
        raise refused(404, "no such subscription")
    return Done()


def _subscriber(context: Context) -> Subscriber:
    if context.subscriber is None:
        raise RpcError(NEEDS_WEBSOCKET, "Needs WebSocket", {"reason": "events are sent over a WebSocket connection"})
    return context.subscriber
