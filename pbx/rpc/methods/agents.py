# SPDX-License-Identifier: Apache-2.0
"""`agents.*`: agents, what they do, and what is done to them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from switchroom.pbx.acd.floor import AgentView
from switchroom.pbx.reports.explanations import AgentLog
from switchroom.pbx.rpc.errors import FORBIDDEN, RpcError
from switchroom.pbx.rpc.methods.queues import supervisor_of
from switchroom.pbx.rpc.methods.refusals import refusals
from switchroom.pbx.rpc.methods.values import Done, Limit, Name, Number, Text
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method


class Agents(msgspec.Struct, frozen=True):
    agents: list[AgentView]


@method("agents.list", changes=False, right="any")
async def agents_list(context: Context, params: Nothing) -> Agents:
    found = context.exchange.floor.agents(supervisor_of(context))
    if context.operator.role == "agent":
        found = [agent for agent in found if agent.agent == context.operator.user]
    return Agents(found)


class AgentsSetStatus(Params, frozen=True):
    agent: Text
    status: Literal["available", "break", "logged-out"]
    reason: Name = ""
    at: Name = ""


@method("agents.set_status", changes=True, right="own")
async def agents_set_status(context: Context, params: AgentsSetStatus) -> Done:
    _own(context, params.agent)
    with refusals():
        context.exchange.floor.set_status(
            params.agent, params.status, params.reason, by=context.operator.name, at=params.at,
            who=supervisor_of(context),
        )  # fmt: skip
    return Done()


class AgentsWrapUp(Params, frozen=True):
    agent: Text
    code: Name = ""


@method("agents.wrap_up", changes=True, right="own")
async def agents_wrap_up(context: Context, params: AgentsWrapUp) -> Done:
    _own(context, params.agent)
    with refusals():
        context.exchange.floor.wrap_up(params.agent, params.code)
    return Done()


class AgentsSetSkills(Params, frozen=True):
    agent: Text
    skills: dict[str, Annotated[int, Meta(ge=1, le=10)]]


@method("agents.set_skills", changes=True, right="supervise")
async def agents_set_skills(context: Context, params: AgentsSetSkills) -> Done:
    with refusals():
        context.exchange.floor.set_skills(params.agent, params.skills, supervisor_of(context))
    return Done()


class OneAgent(Params, frozen=True):
    agent: Text


class Why(msgspec.Struct, frozen=True):
    agent: str
    reasons: list[str]


@method("agents.explain", changes=False, right="any")
async def agents_explain(context: Context, params: OneAgent) -> Why:
    _own(context, params.agent)
    with refusals():
        return Why(params.agent, context.exchange.floor.explain_agent(params.agent))


class AgentsLog(Params, frozen=True):
    agent: Text
    since_ms: Number
    until_ms: Number
    after: Number = 0
    limit: Limit = 1000


@method("agents.log", changes=False, right="any")
async def agents_log(context: Context, params: AgentsLog) -> AgentLog:
    _own(context, params.agent)
    with refusals():
        if supervisor := supervisor_of(context):
            context.exchange.floor.supervisors.check(supervisor, params.agent)
        return await context.exchange.explanations.of_agent(
            params.agent, params.since_ms, params.until_ms, params.after, params.limit
        )


def _own(context: Context, agent: str) -> None:
    """An agent's token is for that agent."""
    if context.operator.role == "agent" and context.operator.user != agent:
        own = context.operator.user or "nobody"
        raise RpcError(FORBIDDEN, "Forbidden", {"reason": f"the token is for agent {own}"})
