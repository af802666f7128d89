# SPDX-License-Identifier: Apache-2.0
"""The methods of the operators' interface; docs/json-rpc.md describes them for their users."""

from typing import Annotated

import msgspec
from msgspec import Meta

from switchroom.pbx.control import CallError
from switchroom.pbx.events import AnyRecord
from switchroom.pbx.journal import Gap, UnknownNumber
from switchroom.pbx.rpc.errors import NEEDS_WEBSOCKET, RpcError, invalid_params, refused
from switchroom.pbx.rpc.exchange import CallInfo, Registration, Status, TracedMessage
from switchroom.pbx.rpc.registry import Context, Nothing, Params, Subscriber, method
from switchroom.pbx.storage.base import CdrQuery, StoreError

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Name = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[int, Meta(ge=0, le=2**53)]
"""What every JSON reader keeps exactly."""
Limit = Annotated[int, Meta(ge=1, le=1000)]


class Done(msgspec.Struct, frozen=True):
    """It is done, and there is nothing else to say."""


# ---- system


@method("system.status", changes=False)
async def system_status(context: Context, params: Nothing) -> Status:
    return context.exchange.status()


# ---- registrations


class RegistrationsList(Params, frozen=True):
    user: Text | None = None
    limit: Limit = 1000
    offset: Number = 0


class Registrations(msgspec.Struct, frozen=True):
    registrations: list[Registration]
    total: int


@method("registrations.list", changes=False)
async def registrations_list(context: Context, params: RegistrationsList) -> Registrations:
    found = context.exchange.registrations(params.user)
    return Registrations(found[params.offset : params.offset + params.limit], len(found))


# ---- calls


class CallsList(Params, frozen=True):
    call: Text | None = None
    describe: bool = False
    limit: Limit = 1000
    offset: Number = 0


class Calls(msgspec.Struct, frozen=True):
    calls: list[CallInfo]
    total: int


@method("calls.list", changes=False)
async def calls_list(context: Context, params: CallsList) -> Calls:
    found, total = context.exchange.calls(params.call, params.offset, params.limit, params.describe)
    return Calls(found, total)


class CallsOriginate(Params, frozen=True):
    from_: Text = msgspec.field(name="from")
    to: Text
    context: Text = "default"
    caller: Name = ""
    caller_name: Name = ""


class OneCall(Params, frozen=True):
    call: Text


class CallId(msgspec.Struct, frozen=True):
    call: str


@method("calls.originate", changes=True)
async def calls_originate(context: Context, params: CallsOriginate) -> CallId:
    try:
        call = await context.exchange.originate(
            params.from_,
            params.to,
            context=params.context,
            caller=params.caller,
            caller_name=params.caller_name,
        )
    except CallError as error:
        raise refused(error.status, str(error)) from error
    return CallId(call)


@method("calls.hangup", changes=True)
async def calls_hangup(context: Context, params: OneCall) -> CallId:
    try:
        context.exchange.hangup(params.call)
    except CallError as error:
        raise refused(error.status, str(error)) from error
    return CallId(params.call)


class CallsTrace(Params, frozen=True):
    subject: Text
    on: bool = True


class Subjects(msgspec.Struct, frozen=True):
    subjects: list[str]


@method("calls.trace", changes=True)
async def calls_trace(context: Context, params: CallsTrace) -> Subjects:
    try:
        return Subjects(context.exchange.trace(params.subject, params.on))
    except CallError as error:
        raise refused(error.status, str(error)) from error


class CallsTraced(Params, frozen=True):
    sip_call_id: Text


class Messages(msgspec.Struct, frozen=True):
    messages: list[TracedMessage]


@method("calls.traced", changes=False)
async def calls_traced(context: Context, params: CallsTraced) -> Messages:
    return Messages(context.exchange.traced(params.sip_call_id))


# ---- CDRs


class CdrList(Params, frozen=True):
    """The fields of CdrQuery."""

    call: Text | None = None
    number: Text | None = None
    user: Text | None = None
    result: Text | None = None
    since_ms: Number | None = None
    until_ms: Number | None = None
    limit: Limit = 100
    offset: Number = 0


class Cdrs(msgspec.Struct, frozen=True):
    cdrs: list[msgspec.Raw]


@method("cdr.list", changes=False)
async def cdr_list(context: Context, params: CdrList) -> Cdrs:
    try:
        found = await context.exchange.cdrs(CdrQuery(**msgspec.structs.asdict(params)))
    except StoreError as error:
        raise refused(503, "the store cannot be read") from error
    return Cdrs([msgspec.Raw(cdr) for cdr in found])


# ---- events


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
