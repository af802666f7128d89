# SPDX-License-Identifier: Apache-2.0
"""`reports.*`: queues, agents, calls and trunks over any time, by interval.

Agents see themselves, supervisors the agents of their teams, all others everybody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from switchroom.pbx.reports.intervals import Span
from switchroom.pbx.reports.kpis import KPIS, Kpi
from switchroom.pbx.reports.reports import AgentReport, CallReport, QueueReport, ReportError
from switchroom.pbx.rpc.errors import FORBIDDEN, RpcError, invalid_params, refused
from switchroom.pbx.rpc.methods.values import Name, Number, Text
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method
from switchroom.pbx.storage.base import StoreError

Interval = Literal["all", "quarter", "hour", "day"]
Offset = Annotated[int, Meta(ge=-720, le=840)]
Shift = tuple[Number, Number]
_INTERVALS_MS: Final[dict[Interval, int]] = {"all": 0, "quarter": 900_000, "hour": 3_600_000, "day": 86_400_000}


class KpiList(msgspec.Struct, frozen=True):
    kpis: list[Kpi]


class ReportTime(Params, frozen=True):
    """From `since_ms` on, before `until_ms`; days begin `offset_minutes` before midnight UTC."""

    since_ms: Number
    until_ms: Number
    interval: Interval = "all"
    offset_minutes: Offset = 0


class QueuesReport(ReportTime, frozen=True):
    queue: Name = ""


class AgentsReport(ReportTime, frozen=True):
    agent: Name = ""
    shifts: dict[Text, list[Shift]] = msgspec.field(default_factory=dict)
    """When agents were to work, for adherence and attendance."""


@method("reports.kpis", changes=False, right="any")
async def reports_kpis(context: Context, params: Nothing) -> KpiList:
    return KpiList(KPIS)


@method("reports.queues", changes=False)
async def reports_queues(context: Context, params: QueuesReport) -> QueueReport:
    with _refusals():
        return await context.exchange.reports.queues(_span(params), params.queue)


@method("reports.agents", changes=False, right="any")
async def reports_agents(context: Context, params: AgentsReport) -> AgentReport:
    operator, agent = context.operator, params.agent
    supervisors = context.exchange.floor.supervisors if operator.role == "supervisor" else None
    if operator.role == "agent":
        if agent not in ("", operator.user):
            raise RpcError(FORBIDDEN, "Forbidden", {"reason": f"the token is for {operator.user}"})
        agent = operator.user
    with _refusals():
        return await context.exchange.reports.agents(
            _span(params), agent, params.shifts,
            lambda name: supervisors is None or supervisors.may(operator.user, name),
        )  # fmt: skip


@method("reports.calls", changes=False)
async def reports_calls(context: Context, params: ReportTime) -> CallReport:
    with _refusals():
        return await context.exchange.reports.calls(_span(params))


def _span(params: ReportTime) -> Span:
    return Span(params.since_ms, params.until_ms, _INTERVALS_MS[params.interval], params.offset_minutes * 60_000)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ReportError as error:
        raise invalid_params("$.until_ms", str(error)) from error
    except StoreError as error:
        raise refused(503, "the store cannot be read") from error
