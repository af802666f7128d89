# SPDX-License-Identifier: Apache-2.0
"""What the call centre knows over a restart: who is logged in where, who wants to be called back, who served whom last.

Settings changed while the exchange runs are not among it: the configuration holds again.
"""

from typing import TYPE_CHECKING

import msgspec

from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.control import CallError
from switchroom.pbx.events import (
    AgentStatus,
    AgentStatusSet,
    AnyRecord,
    CallbackAsked,
    CallbackTried,
    QueueAnswered,
    QueueCompleted,
    QueueLeft,
)

if TYPE_CHECKING:
    from switchroom.pbx.acd.desk import Desk

MAX_LAST_AGENTS = 10_000
"""Of the callers who are remembered, so many of the newest are over a restart."""
_MATTER = (AgentStatusSet, CallbackAsked, CallbackTried, QueueAnswered, QueueCompleted, QueueLeft)


class KeptAgent(msgspec.Struct, frozen=True):
    """One who is not logged out."""

    agent: str
    status: AgentStatus
    reason: str = ""
    at: str = ""


class KeptCallback(msgspec.Struct, frozen=True):
    """One callback that has not been made."""

    call: str
    queue: str
    number: str
    since_ms: int
    """UTC, milliseconds since 1970: its place in the queue."""
    attempts: int = 0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    agents: tuple[KeptAgent, ...] = ()
    callbacks: tuple[KeptCallback, ...] = ()
    last_agents: tuple[tuple[str, str], ...] = ()


def matters(record: AnyRecord) -> bool:
    """Whether after this record there is something else to keep."""
    return isinstance(record, _MATTER)


def capture(desk: "Desk", utc_s: float) -> Kept:
    """What is to be kept at this moment."""
    ago = utc_s - desk.now()
    return Kept(
        agents=tuple(
            KeptAgent(agent.name, agent.status, agent.reason, agent.at)
            for agent in desk.scheduler.agents.values()
            if agent.status != "logged-out"
        ),
        callbacks=tuple(
            KeptCallback(one.call, one.queue, one.number, round((one.since_s + ago) * 1000), one.attempts)
            for one in desk.waiting_callbacks()
        ),
        last_agents=tuple(list(desk.last_agents.items())[-MAX_LAST_AGENTS:]),
    )


def restore(desk: "Desk", kept: Kept, utc_s: float) -> None:
    """Let it be as it was; agents and queues that are no longer configured are passed over."""
    for agent in kept.agents:
        try:
            desk.set_status(agent.agent, agent.status, agent.reason, by="restart", at=agent.at)
        except AcdError:
            desk.log("acd.restart", agent=agent.agent, error="no longer configured")
    for number, name in kept.last_agents:
        if name in desk.scheduler.agents:
            desk.last_agents[number] = name
    for one in kept.callbacks:
        since_s = desk.now() - (utc_s - one.since_ms / 1000)
        try:
            desk.call_back(one.call, one.queue, one.number, since_s, one.attempts)
        except CallError as error:
            desk.log("acd.restart", call=one.call, error=str(error))
