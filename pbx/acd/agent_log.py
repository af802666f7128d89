# SPDX-License-Identifier: Apache-2.0
"""What an agent did, and what was decided about it, record by record: its log in, breaks, talks, and every caller who
was offered to it or to somebody else in its queues, with the reason."""

import msgspec

from switchroom.pbx import events
from switchroom.pbx.events import Entry


class AgentFact(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an agent's log. Times are UTC, milliseconds since 1970."""

    number: int
    """Of the record in the journal."""
    at_ms: int
    what: str
    """The kind of record: `agent.status`, `queue.offered`, …; `passed-over` where another one was offered a caller."""
    text: str
    call: str = ""
    queue: str = ""


def fact_of(entry: Entry, agent: str) -> AgentFact | None:
    """What a record says of an agent; None: nothing."""
    record = entry.record
    match record:
        case events.AgentStatusSet(agent=name) if name == agent:
            text = f"{record.status}{f' ({record.reason})' if record.reason else ''}, set by {record.by or 'nobody'}"
            return _fact(entry, text + (f", at {record.at}" if record.at else ""))
        case events.AgentStateSet(agent=name) if name == agent:
            return _fact(entry, record.state, record.call, record.queue)
        case events.AgentReachable(agent=name) if name == agent:
            return _fact(
                entry, "its telephone is registered" if record.reachable else "its telephone is not registered"
            )
        case events.AgentWrappedUp(agent=name) if name == agent:
            code = f" with the code {record.code}" if record.code else ""
            return _fact(entry, f"wrapped up for {record.duration_ms / 1000:.1f} s{code}", record.call, record.queue)
        case events.AgentOverdue(agent=name) if name == agent:
            return _fact(entry, f"{record.what} for {record.for_ms / 1000:.0f} s")
        case events.QueueOffered():
            if agent in record.agents:
                return _fact(entry, f"chosen by {record.rule}", record.call, record.queue)
            if (standing := record.passed.get(agent)) is not None:
                text = f"{', '.join(record.agents)} by {record.rule}; this agent: {standing}"
                fact = _fact(entry, text, record.call, record.queue)
                return msgspec.structs.replace(fact, what="passed-over")
        case events.OfferJoined(agent=name) if name == agent:
            return _fact(entry, "rung too", record.call, record.queue)
        case events.OfferEnded(agent=name) if name == agent:
            return _fact(entry, f"{record.outcome} after {record.rang_ms / 1000:.1f} s", record.call, record.queue)
        case events.QueueAnswered(agent=name) if name == agent:
            text = f"{record.caller or 'a caller'} after {record.waited_ms / 1000:.1f} s of waiting"
            return _fact(entry, text, record.call, record.queue)
        case events.QueuePassed() if agent in (record.agent, record.by):
            return _fact(entry, f"from {record.by} to {record.agent}", record.call, record.queue)
        case events.QueueCompleted(agent=name) if name == agent:
            text = f"talked for {record.talk_ms / 1000:.1f} s, ended by {record.reason or 'nobody'}"
            return _fact(entry, text, record.call, record.queue)
        case events.SupervisorJoined(agent=name) | events.SupervisorTookOver(agent=name) if name == agent:
            mode = record.mode if isinstance(record, events.SupervisorJoined) else "took over"
            return _fact(entry, f"{record.supervisor}: {mode}", record.call)
        case events.CallRated(agent=name) if name == agent:
            return _fact(entry, record.grade, record.call, record.queue)
    return None


def _fact(entry: Entry, text: str, call: str = "", queue: str = "") -> AgentFact:
    what = str(entry.record.__struct_config__.tag)
    return AgentFact(number=entry.number, at_ms=entry.at_ns // 1_000_000, what=what, text=text, call=call, queue=queue)
