# SPDX-License-Identifier: Apache-2.0
"""Queues, agents and supervisors.

A caller's stay in a queue begins with `queue.entered` and ends with exactly one of `queue.answered`, `queue.abandoned`
and `queue.left`; an offer to an agent begins with `queue.offered` and ends with one `offer.ended` for each agent; what
was answered ends with `queue.completed`, and where the caller was passed on to another agent that is told by
`queue.passed`, which ends with one of its own. `call` is the call by whose id the whole stay is known.
"""

from typing import Literal

import msgspec

from switchroom.pbx.events.record import Record

AgentStatus = Literal["logged-out", "available", "break"]
"""What a person has set."""
AgentState = Literal["idle", "offered", "talking", "wrap-up", "busy", "paused"]
"""What the system sees. `busy`: in a call of its own; `paused`: left alone for a moment after it did not answer."""
OfferOutcome = Literal[
    "answered",
    "no-answer",
    "busy",
    "refused",
    "unreachable",
    "caller-gone",
    "answered-elsewhere",
    "withdrawn",
    "failed",
]
Standing = Literal[
    "ready", "offered", "talking", "wrap-up", "busy", "paused", "unreachable", "break", "logged-out", "skills"
]
"""How an agent stands towards a caller at the moment of a decision; `skills`: ready, but not skilled enough."""
WaitReason = Literal["nobody", "no-agents", "break", "unreachable", "skills", "agent", "busy"]
"""Why callers wait: nobody is logged in; no agent there has the skills; all on break; no phone of theirs is registered;
agents are ready, but not skilled enough; they wait for one agent; all are busy."""
TapMode = Literal["listen", "whisper", "barge"]


class QueueEntered(Record, frozen=True, tag="queue.entered"):
    call: str
    queue: str
    caller: str
    priority: int = 0
    position: int = 1
    skills: dict[str, int] = msgspec.field(default_factory=dict)
    """What the call asks for beside what the queue does."""
    agent: str = ""
    """The one agent whom the caller would like to have."""
    waited_ms: int = 0
    """How long it had waited before, in another queue."""
    callback: bool = False
    """The caller has hung up, and is called back when it is its turn."""


class QueueRefused(Record, frozen=True, tag="queue.refused"):
    """A caller could not enter: `full`, `lines`, `nobody`, `service-level`, `estimate`, `closed`."""

    call: str
    queue: str
    caller: str
    reason: str
    to: str = ""


class QueueWaits(Record, frozen=True, tag="queue.waits"):
    """Why the callers of a queue wait from now on, and how its agents stand."""

    queue: str
    reason: WaitReason
    waiting: int
    agents: dict[str, int] = msgspec.field(default_factory=dict)
    """How many agents stand how."""
    skills: dict[str, int] = msgspec.field(default_factory=dict)
    """Of those callers that ask for these."""
    stage: int = 0
    """Of those that have come so far in `widen`."""
    agent: str = ""
    """Of those that wait for this agent."""


class QueueLine(Record, frozen=True, tag="queue.line"):
    """A caller waits among others from now on: less is asked of agents, or it no longer waits for one agent."""

    call: str
    queue: str
    stage: int
    agent: str = ""


class QueueOffered(Record, frozen=True, tag="queue.offered"):
    call: str
    queue: str
    offer: int
    agents: tuple[str, ...]
    waited_ms: int
    rule: str
    """The strategy that chose."""
    passed: dict[str, Standing] = msgspec.field(default_factory=dict)
    """Other agents of the queue, and how they stood; `ready` ones come after the chosen by the rule."""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    """How many stood how, where they were too many to name."""


class OfferJoined(Record, frozen=True, tag="offer.joined"):
    """An agent who has become ready is rung too, for a caller who is being offered to all."""

    call: str
    queue: str
    offer: int
    agent: str


class OfferEnded(Record, frozen=True, tag="offer.ended"):
    call: str
    queue: str
    offer: int
    agent: str
    outcome: OfferOutcome
    rang_ms: int


class QueueAnswered(Record, frozen=True, tag="queue.answered"):
    call: str
    queue: str
    agent: str
    caller: str
    waited_ms: int
    offer: int = 0
    """0: a supervisor took the caller out of the queue."""


class QueueAbandoned(Record, frozen=True, tag="queue.abandoned"):
    call: str
    queue: str
    waited_ms: int
    position: int = 0


class QueueLeft(Record, frozen=True, tag="queue.left"):
    """The stay ended otherwise: by a rule of overflow, the caller's choice, a supervisor, or a fault."""

    call: str
    queue: str
    reason: str
    waited_ms: int
    to: str = ""


class QueuePassed(Record, frozen=True, tag="queue.passed"):
    """An agent has passed the caller on to another one, who talks to it from now on, as after `queue.answered`."""

    call: str
    queue: str
    agent: str
    by: str
    """The agent who did."""


class QueueCompleted(Record, frozen=True, tag="queue.completed"):
    """What was answered or passed on is over for this agent."""

    call: str
    queue: str
    agent: str
    talk_ms: int
    reason: str = ""
    """`caller`, `agent`, `transferred`, `taken-over`, or a fault."""


class QueueChanged(Record, frozen=True, tag="queue.changed"):
    """A setting was changed while the exchange runs."""

    queue: str
    key: str
    value: str
    by: str


class AgentStatusSet(Record, frozen=True, tag="agent.status"):
    agent: str
    status: AgentStatus
    reason: str = ""
    by: str = ""
    """`phone`, `system`, or the name of an operator or supervisor."""
    at: str = ""
    """The phone or number at which it takes calls."""


class AgentStateSet(Record, frozen=True, tag="agent.state"):
    agent: str
    state: AgentState
    call: str = ""
    queue: str = ""


class AgentReachable(Record, frozen=True, tag="agent.reachable"):
    """Whether the agent's phone is there to be rung."""

    agent: str
    reachable: bool


class AgentWrappedUp(Record, frozen=True, tag="agent.wrapped-up"):
    agent: str
    call: str
    queue: str
    code: str = ""
    duration_ms: int = 0


class AgentOverdue(Record, frozen=True, tag="agent.overdue"):
    """A watchdog found an agent longer in a state or status than it may be."""

    agent: str
    what: str
    for_ms: int


class CallbackAsked(Record, frozen=True, tag="callback.asked"):
    call: str
    queue: str
    number: str


class CallbackTried(Record, frozen=True, tag="callback.tried"):
    call: str
    queue: str
    agent: str
    number: str
    attempt: int
    outcome: str
    """`answered`, or why not."""
    by_call: str = ""
    """The call in which it was tried."""


class SupervisorJoined(Record, frozen=True, tag="supervisor.joined"):
    supervisor: str
    agent: str
    mode: TapMode
    call: str = ""
    """The call that the agent has at this time."""


class SupervisorLeft(Record, frozen=True, tag="supervisor.left"):
    supervisor: str
    agent: str


class SupervisorTookOver(Record, frozen=True, tag="supervisor.took-over"):
    supervisor: str
    agent: str
    call: str
