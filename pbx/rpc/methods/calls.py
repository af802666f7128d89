# SPDX-License-Identifier: Apache-2.0
"""`calls.*`: the calls that go on, and new ones."""

import msgspec

from switchroom.pbx.control import CallError
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.exchange import CallInfo, TracedMessage
from switchroom.pbx.rpc.methods.values import Limit, Name, Number, Text
from switchroom.pbx.rpc.registry import Context, Params, method


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


@method("calls.originate", changes=True, right="call")
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


@method("calls.hangup", changes=True, right="call")
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
