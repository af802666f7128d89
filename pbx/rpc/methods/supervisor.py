# SPDX-License-Identifier: Apache-2.0
"""`supervisor.*`: listening, whispering, barging in, taking over, and taking callers out of queues.

`supervisor` is the user who does it. A supervisor's token is for its own user, others name one.
"""

from typing import Literal

from switchroom.pbx.rpc.errors import FORBIDDEN, RpcError, invalid_params
from switchroom.pbx.rpc.methods.refusals import refusals
from switchroom.pbx.rpc.methods.values import Done, Name, Text
from switchroom.pbx.rpc.registry import Context, Params, method


class SupervisorWatch(Params, frozen=True):
    agent: Text
    mode: Literal["listen", "whisper", "barge"] = "listen"
    supervisor: Name = ""


@method("supervisor.watch", changes=True, right="supervise")
async def supervisor_watch(context: Context, params: SupervisorWatch) -> Done:
    who = _who(context, params.supervisor)
    with refusals():
        await context.exchange.floor.watch(who, params.agent, params.mode)
    return Done()


class SupervisorOnly(Params, frozen=True):
    supervisor: Name = ""


@method("supervisor.leave", changes=True, right="supervise")
async def supervisor_leave(context: Context, params: SupervisorOnly) -> Done:
    floor, who = context.exchange.floor, _who(context, params.supervisor)
    watch = floor.supervisors.watches.get(who)
    floor.supervisors.leave(who)
    if watch is not None:
        watch.leg.hangup(200)
    return Done()


@method("supervisor.take_over", changes=True, right="supervise")
async def supervisor_take_over(context: Context, params: SupervisorOnly) -> Done:
    with refusals():
        context.exchange.floor.supervisors.take_over(_who(context, params.supervisor))
    return Done()


class SupervisorPick(Params, frozen=True):
    call: Text
    supervisor: Name = ""


@method("supervisor.pick", changes=True, right="supervise")
async def supervisor_pick(context: Context, params: SupervisorPick) -> Done:
    with refusals():
        await context.exchange.floor.pick(_who(context, params.supervisor), params.call)
    return Done()


def _who(context: Context, supervisor: str) -> str:
    own = context.operator.user
    if context.operator.role == "supervisor":
        if supervisor not in ("", own):
            raise RpcError(FORBIDDEN, "Forbidden", {"reason": f"the token is for {own or 'nobody'}"})
        return own
    if not supervisor:
        raise invalid_params("$.supervisor", "is needed: the user who does it")
    return supervisor
