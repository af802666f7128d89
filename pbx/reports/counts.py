# SPDX-License-Identifier: Apache-2.0
"""What is counted, in whole numbers and milliseconds: so that intervals add up to the day exactly.

Nothing here is a rate; those are computed from sums (pbx/reports/kpis.py), never averaged.
"""

from typing import TypeVar

import msgspec


class Counts(msgspec.Struct, kw_only=True):
    """The base: figures that add up, but for those that begin with `longest_`, of which the greatest stays."""

    def add(self, other: "Counts") -> None:
        """Take those of another interval, queue or agent in."""
        for name in other.__struct_fields__:
            mine, others = getattr(self, name), getattr(other, name)
            setattr(self, name, max(mine, others) if name.startswith("longest_") else mine + others)


C = TypeVar("C", bound=Counts)


def total(kind: type[C], parts: "list[C]") -> C:
    """All of them together."""
    together = kind()
    for part in parts:
        together.add(part)
    return together


class Content(Counts, kw_only=True):
    """What callers and listeners thought of it."""

    ratings: int = 0
    rating_score: int = 0
    """Sum of the weights of the grades, in thousandths."""
    reviews: int = 0
    review_score: int = 0
    """Sum of the scores of reviewed recordings (QA), in thousandths."""


class QueueCounts(Content, kw_only=True):
    """One queue. A, O, Ab and T are those of the KPI table."""

    offered: int = 0
    """O: callers that came, refused ones not counted."""
    refused: int = 0
    queued: int = 0
    """Those for whom nobody was free when they came."""
    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    abandoned_in_time: int = 0
    left: int = 0
    """Gone elsewhere: overflow, the caller's choice, a supervisor."""
    wait_ms: int = 0
    """Of those answered."""
    longest_wait_ms: int = 0
    abandon_wait_ms: int = 0
    talk_ms: int = 0
    """Without hold."""
    hold_ms: int = 0
    wrap_up_ms: int = 0
    completed: int = 0
    transferred: int = 0


class AgentCounts(Content, kw_only=True):
    """One agent. The times from `ready_ms` on are what `logged_in_ms` was spent on, with talk, hold and wrap-up."""

    offered: int = 0
    answered: int = 0
    """A: callers whom it talked to."""
    received: int = 0
    """Of these, passed on to it by another agent; in no queue's A."""
    missed: int = 0
    transferred: int = 0
    dialled: int = 0
    """Calls that it began itself."""
    dialled_answered: int = 0
    logins: int = 0
    logged_in_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    ready_ms: int = 0
    ringing_ms: int = 0
    break_ms: int = 0
    busy_ms: int = 0
    """In calls of its own."""
    away_ms: int = 0
    """Left alone after no answer, or its phone not registered."""
    scheduled_ms: int = 0
    adherent_ms: int = 0
    """Of the scheduled time: available, or in a call."""


class TrunkCounts(Counts, kw_only=True):
    """One trunk, or other peer."""

    offered: int = 0
    blocked: int = 0
    answered: int = 0
    talk_ms: int = 0


class CallCounts(Counts, kw_only=True):
    """All calls of the exchange, by when they began; those of callers who ask again, by their number."""

    calls: int = 0
    answered: int = 0
    lost: int = 0
    talk_ms: int = 0
    longest_talk_ms: int = 0
    callers: int = 0
    """Calls that came to queues with a number."""
    repeated: int = 0
    """Of these, with a number that had come in the days before."""
    contacts: int = 0
    """Of these, answered by an agent."""
    followed: int = 0
    """Contacts after which the same number came again within those days."""
