# SPDX-License-Identifier: Apache-2.0
"""`queues.*` and `wallboard.*`: queues, who waits in them, and the figures."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.explain import WaitStory
from switchroom.pbx.acd.floor import QueueView, Snapshot, WaitingView
from switchroom.pbx.rpc.errors import invalid_params
from switchroom.pbx.rpc.methods.refusals import refusals
from switchroom.pbx.rpc.methods.values import Done, Limit, Text
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method


class Queues(msgspec.Struct, frozen=True):
    queues: list[QueueView]


@method("queues.list", changes=False)
async def queues_list(context: Context, params: Nothing) -> Queues:
    return Queues(context.exchange.floor.queues())


class QueuesWaiting(Params, frozen=True):
    queue: Text | None = None
    limit: Limit = 1000


class Waiting(msgspec.Struct, frozen=True):
    waiting: list[WaitingView]


@method("queues.waiting", changes=False)
async def queues_waiting(context: Context, params: QueuesWaiting) -> Waiting:
    with refusals():
        return Waiting(context.exchange.floor.waiting(params.queue or "", params.limit))


class QueuesSet(Params, frozen=True):
    queue: Text
    changes: dict[str, Any]


class Settings(msgspec.Struct, frozen=True):
    queue: str
    settings: dict[str, Any]


@method("queues.set", changes=True, right="supervise")
async def queues_set(context: Context, params: QueuesSet) -> Settings:
    floor = context.exchange.floor
    with refusals():
        if context.operator.role == "supervisor":
            floor.supervisors.check_queue(context.operator.user, params.queue)
        try:
            config = floor.change_queue(params.queue, params.changes, context.operator.name)
        except AcdError as error:
            if error.status == 400:
                raise invalid_params("$.changes", str(error)) from error
            raise
    return Settings(params.queue, msgspec.to_builtins(config))


class QueuesMove(Params, frozen=True):
    call: Text
    queue: Text


class QueuesPrioritise(Params, frozen=True):
    call: Text
    priority: Annotated[int, Meta(ge=0, le=100)]


class QueuesAssign(Params, frozen=True):
    call: Text
    agent: Text


class QueuesCall(Params, frozen=True):
    call: Text


@method("queues.move", changes=True, right="supervise")
async def queues_move(context: Context, params: QueuesMove) -> Done:
    with refusals():
        context.exchange.floor.move(params.call, params.queue, supervisor_of(context))
    return Done()


@method("queues.prioritise", changes=True, right="supervise")
async def queues_prioritise(context: Context, params: QueuesPrioritise) -> Done:
    with refusals():
        context.exchange.floor.prioritise(params.call, params.priority, supervisor_of(context))
    return Done()


@method("queues.assign", changes=True, right="supervise")
async def queues_assign(context: Context, params: QueuesAssign) -> Done:
    with refusals():
        context.exchange.floor.assign(params.call, params.agent, supervisor_of(context))
    return Done()


@method("queues.cancel_callback", changes=True, right="supervise")
async def queues_cancel_callback(context: Context, params: QueuesCall) -> Done:
    with refusals():
        context.exchange.floor.cancel_callback(params.call)
    return Done()


@method("queues.explain", changes=False)
async def queues_explain(context: Context, params: QueuesCall) -> WaitStory:
    with refusals():
        return await context.exchange.explanations.of_call(params.call)


@method("wallboard.snapshot", changes=False)
async def wallboard_snapshot(context: Context, params: Nothing) -> Snapshot:
    return context.exchange.floor.snapshot()


def supervisor_of(context: Context) -> str:
    """For whom a method is used: the user of a supervisor's token; empty for who may do everything."""
    return context.operator.user if context.operator.role == "supervisor" else ""
