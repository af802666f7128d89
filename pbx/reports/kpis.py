# SPDX-License-Identifier: Apache-2.0
"""The key figures: each with an id, its formula in words, and a version that changes when the formula does.

A = answered by an agent, Ab = abandoned while queued, O = offered to the queue, Bl = blocked at the trunk, T =
threshold (20 s unless configured). The value is None where there is nothing to divide by.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from switchroom.pbx.reports.counts import AgentCounts, CallCounts, QueueCounts, TrunkCounts

Subject = Literal["queue", "agent", "trunk", "calls"]
Unit = Literal["share", "ms", "per-hour", "score"]
_SUBJECTS: Final[dict[type, Subject]] = {
    QueueCounts: "queue", AgentCounts: "agent", TrunkCounts: "trunk", CallCounts: "calls",
}  # fmt: skip


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    id: str
    name: str
    chinese: str
    formula: str
    unit: Unit
    of: list[Subject]
    version: int = 1


class _Rule(msgspec.Struct, frozen=True):
    kpi: Kpi
    value: Callable[[Any], tuple[float, float]]
    """Numerator and denominator."""


_RULES: list[_Rule] = []


def _kpi(
    id: str, name: str, chinese: str, formula: str, unit: Unit, of: str, value: Callable[[Any], tuple[float, float]]
) -> None:
    subjects: list[Subject] = msgspec.convert(of.split(), list[Subject])
    kpi = Kpi(id=id, name=name, chinese=chinese, formula=formula, unit=unit, of=subjects)
    _RULES.append(_Rule(kpi, value))


def _worked(counts: Any) -> int:
    return int(counts.talk_ms + counts.hold_ms + counts.wrap_up_ms)


_kpi(
    "service_level",
    "service level",
    "服务水平",
    "(A within T) / (A + Ab - short Ab)",
    "share",
    "queue",
    lambda q: (q.answered_in_time, q.answered + q.abandoned - q.abandoned_short),
)
_kpi(
    "service_level_answered",
    "service level, of those answered",
    "服务水平",
    "(A within T)/A",
    "share",
    "queue",
    lambda q: (q.answered_in_time, q.answered),
)
_kpi(
    "service_level_all",
    "service level, with those who gave up in time",
    "服务水平",
    "(A within T + Ab within T)/(A + Ab)",
    "share",
    "queue",
    lambda q: (q.answered_in_time + q.abandoned_in_time, q.answered + q.abandoned),
)
_kpi("connect_rate", "connect rate", "接通率", "A / O", "share", "queue", lambda q: (q.answered, q.offered))
_kpi(
    "abandon_rate",
    "abandon rate",
    "放弃率",
    "Ab / O, short abandons (5 s) reported apart",
    "share",
    "queue",
    lambda q: (q.abandoned, q.offered),
)
_kpi(
    "short_abandon_rate",
    "short abandons",
    "短时放弃率",
    "short Ab / O",
    "share",
    "queue",
    lambda q: (q.abandoned_short, q.offered),
)
_kpi("queued_rate", "queued", "队列放置率", "queued / O", "share", "queue", lambda q: (q.queued, q.offered))
_kpi(
    "transferred_rate",
    "transferred",
    "转接率",
    "transferred / A",
    "share",
    "queue agent",
    lambda c: (c.transferred, c.answered),
)
_kpi(
    "first_call_resolution",
    "first-call resolution",
    "一次性解决率",
    "contacts with no repeat from the same caller id in 7 days / contacts",
    "share",
    "calls",
    lambda c: (c.contacts - c.followed, c.contacts),
)
_kpi(
    "repeat_call_rate",
    "repeat-call rate",
    "重复呼叫率",
    "calls whose caller id was seen before in the window / calls",
    "share",
    "calls",
    lambda c: (c.repeated, c.callers),
)
_kpi(
    "occupancy",
    "occupancy",
    "占有率",
    "(talk + hold + wrap-up) / (talk + hold + wrap-up + ready)",
    "share",
    "agent",
    lambda a: (_worked(a), _worked(a) + a.ready_ms),
)
_kpi(
    "utilisation",
    "utilisation",
    "工时利用率",
    "(talk + hold + wrap-up) / logged-in time",
    "share",
    "agent",
    lambda a: (_worked(a), a.logged_in_ms),
)
_kpi(
    "adherence",
    "adherence",
    "实际工作率",
    "minutes in the scheduled state / minutes scheduled",
    "share",
    "agent",
    lambda a: (a.adherent_ms, a.scheduled_ms),
)
_kpi(
    "aht",
    "average handling time",
    "平均处理时间",
    "(talk + hold + wrap-up)/A",
    "ms",
    "queue agent",
    lambda c: (_worked(c), c.answered),
)
_kpi(
    "asa",
    "average speed of answer",
    "平均应答速度",
    "sum of waits of A / A",
    "ms",
    "queue",
    lambda q: (q.wait_ms, q.answered),
)
_kpi("acw", "after-call work", "事后处理时间", "wrap-up / A", "ms", "queue agent", lambda c: (c.wrap_up_ms, c.answered))
_kpi(
    "longest_wait",
    "longest wait",
    "最长等待",
    "longest wait",
    "ms",
    "queue",
    lambda q: (q.longest_wait_ms, 1 if q.answered + q.abandoned + q.left else 0),
)
_kpi(
    "mean_wait_before_abandon",
    "mean wait before abandon",
    "放弃前平均等待",
    "mean wait before abandon",
    "ms",
    "queue",
    lambda q: (q.abandon_wait_ms, q.abandoned),
)
_kpi(
    "calls_per_hour",
    "calls per hour",
    "每小时呼叫次数",
    "A / logged-in hours",
    "per-hour",
    "agent",
    lambda a: (a.answered * 3_600_000, a.logged_in_ms),
)
_kpi(
    "blocked_rate",
    "blocked",
    "忙音率",
    "Bl / (Bl + O), per trunk",
    "share",
    "trunk",
    lambda t: (t.blocked, t.blocked + t.offered),
)
_kpi(
    "answered_rate",
    "calls answered",
    "应答率",
    "calls answered / calls",
    "share",
    "calls trunk",
    lambda c: (c.answered, c.calls if isinstance(c, CallCounts) else c.offered),
)
_kpi(
    "monitoring_score",
    "monitoring score",
    "监听分值",
    "mean QA score",
    "score",
    "queue agent",
    lambda c: (c.review_score / 1000, c.reviews),
)
_kpi(
    "csi",
    "CSI",
    "满意度指数",
    "weighted mean of CSAT grades",
    "score",
    "queue agent",
    lambda c: (c.rating_score / 1000, c.ratings),
)

ATTENDANCE: Final = Kpi(
    id="attendance", name="attendance", chinese="出勤率", formula="agents logged in / agents scheduled", unit="share",
    of=["agent"],
)  # fmt: skip
"""Of all agents together, so it is no figure of one agent's counts: `attendance`."""
KPIS: Final[list[Kpi]] = [*(rule.kpi for rule in _RULES), ATTENDANCE]
"""The whole table."""


def kpis(counts: QueueCounts | AgentCounts | TrunkCounts | CallCounts) -> dict[str, float | None]:
    """All key figures of a queue, agent or trunk, or of all calls, by id."""
    subject = next(subject for kind, subject in _SUBJECTS.items() if isinstance(counts, kind))
    found: dict[str, float | None] = {}
    for rule in _RULES:
        if subject in rule.kpi.of:
            above, below = rule.value(counts)
            found[rule.kpi.id] = above / below if below else None
    return found


def attendance(agents: list[AgentCounts]) -> float | None:
    """Of the agents who were scheduled, how many were logged in at all in that time."""
    scheduled = [agent for agent in agents if agent.scheduled_ms]
    return sum(agent.logged_in_ms > 0 for agent in scheduled) / len(scheduled) if scheduled else None
