# SPDX-License-Identifier: Apache-2.0
"""What the scheduler knows: agents, queues with their lines, callers and offers.

A *line* is where callers stand who ask the same of an agent: its callers and its ready agents are each kept in the
order in which they are taken, so that a decision looks at the first of both and at nothing else.
"""

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec

from switchroom.pbx.acd.config import AgentConfig, Overflow, QueueConfig
from switchroom.pbx.events import AgentState, AgentStatus, Standing, WaitReason

Skills = tuple[tuple[str, int], ...]
"""Skills asked for and their least levels, sorted."""
Rank = tuple[int, float, int]
"""The place of a caller in the one order of all queues: priority (negated), time of entry, order of entry."""

DEFAULT_TIER = 1000
"""Of a queue's default agents, who serve only its last stage."""
_NOBODYS: Skills = (("", 1),)
"""What no agent has."""
MAX_LINES = 64
"""Lines of one queue; beyond it those in which nobody stands are dropped."""


class WrapUp(msgspec.Struct):
    """What an agent has to do after a talk; a call of its own may come between."""

    call: str
    queue: str
    until_s: float
    spent_s: float = 0.0
    """Before such a call."""


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of an agent before a restart; times by the clock of today."""

    status: AgentStatus
    reason: str
    at: str
    since_s: float
    idle_since_s: float
    calls: int
    talk_s: float
    no_answers: int
    call: str
    queue: str
    wrap_up_until_s: float


class Agent:
    """One agent, and what it is doing."""

    __slots__ = (
        "at", "call", "calls", "config", "idle_since_s", "index", "levels", "lines", "name",
        "no_answers", "offer", "places", "queue", "queues", "reachable", "reason", "standing", "state",
        "state_since_s", "status", "status_since_s", "talk_s", "wrap_up",
    )  # fmt: skip

    def __init__(self, config: AgentConfig, index: int) -> None:
        self.config = config
        self.name = config.name
        self.index = index
        self.levels: dict[str, int] = dict(config.skills)
        self.status: AgentStatus = "logged-out"
        self.reason = ""
        self.state: AgentState = "idle"
        self.standing: Standing = "logged-out"
        self.reachable = True
        self.at = ""
        """Where it takes calls, if not at its phone."""
        self.queues: list[str] = []
        """Those that it serves."""
        self.call = ""
        self.queue = ""
        self.offer: Offer | None = None
        self.idle_since_s = self.status_since_s = self.state_since_s = 0.0
        self.calls = 0
        self.talk_s = 0.0
        """Since it logged in, as is `calls`."""
        self.no_answers = 0
        self.wrap_up: WrapUp | None = None
        self.lines: list[Line] = []
        """Those whose callers it may take."""
        self.places: list[tuple[Line, tuple[Any, ...]]] = []
        """Where it stands among the ready agents."""

    def stands(self) -> Standing:
        """How it stands towards any caller whose skills it has."""
        if self.status != "available":
            return self.status
        if self.state != "idle":
            return self.state
        return "ready" if self.reachable else "unreachable"


class Member(msgspec.Struct):
    """An agent's part in one queue."""

    tier: int
    turn: int = 0
    """When it was last offered a caller of the queue, counted in offers."""
    share: int = 0
    """How many of the queue's callers it took; one who comes later begins with the least of the others."""


class Caller:
    """Somebody who waits, is being offered, or talks."""

    __slots__ = (
        "agent", "answered_s", "call", "callback", "entered_s", "joined_s", "line", "missed", "number", "offer",
        "offers", "only", "only_until_s", "queue", "rank", "skills", "stage",
    )  # fmt: skip

    def __init__(self, call: str, number: str, queue: "Queue", rank: Rank, joined_s: float) -> None:
        self.call = call
        self.number = number
        self.queue = queue
        self.rank = rank
        self.entered_s = rank[1]
        self.joined_s = joined_s
        """When it came to this queue; `entered_s` counts from the first one."""
        self.skills: Skills = ()
        self.stage = 0
        self.only = ""
        """The one agent it waits for, until `only_until_s`."""
        self.only_until_s = 0.0
        self.line: Line | None = None
        self.offer: Offer | None = None
        self.offers = 0
        self.missed = 0
        """Offers that nobody answered."""
        self.agent = ""
        """Whom it talks to."""
        self.answered_s = 0.0
        self.callback = False


class Offer(msgspec.Struct, eq=False):
    """One caller for one agent, or for several with `ring-all`. The agents are reserved until `deadline_s`."""

    number: int
    caller: Caller
    agents: tuple[str, ...]
    made_s: float
    deadline_s: float
    pending: dict[str, None]
    """Agents that have not come to an end with it."""
    line: "Line"
    """Where the caller stood; who becomes ready there may be rung too, where the queue rings all."""


class Line:
    """Callers of one queue who ask the same, and the agents who may take them."""

    __slots__ = ("counts", "idle", "key", "members", "only", "queue", "reason", "skills", "stage", "waiting")

    def __init__(self, queue: "Queue", stage: int, skills: Skills, only: str) -> None:
        self.queue, self.stage, self.skills, self.only = queue, stage, skills, only
        self.waiting: list[tuple[Rank, Caller]] = []
        self.idle: list[tuple[Any, ...]] = []
        """(tier, what the strategy compares, index, agent), the next one first."""
        self.members: dict[str, Agent] = {}
        self.counts: Counter[str] = Counter()
        self.reason: WaitReason | None = None
        """Why those in it wait, as the journal was told last."""

    def takes(self, agent: Agent) -> bool:
        """Whether the agent may serve its callers."""
        if self.only:
            return agent.name == self.only
        member = self.queue.members.get(agent.name)
        if member is None:
            return False
        if member.tier == DEFAULT_TIER:
            return self.queue.is_default_stage(self.stage)
        stages = self.queue.stages[: self.stage + 1]
        return _has(agent.levels, self.skills) and any(_has(agent.levels, skills) for _, skills in stages)

    def why(self) -> WaitReason:
        """Why its callers wait, given that no agent is ready for them."""
        if self.only:
            return "agent"
        counts, members = self.counts, len(self.members)
        if self.queue.counts["ready"]:
            return "skills"
        if not members:
            return "no-agents" if self.queue.members else "nobody"
        out, breaks = counts["logged-out"], counts["break"]
        if out == members:
            return "nobody"
        if breaks + out == members:
            return "break"
        if counts["unreachable"] + breaks + out == members:
            return "unreachable"
        return "busy"


class Queue:
    """One queue."""

    def __init__(self, name: str, config: QueueConfig) -> None:
        self.name = name
        self.members: dict[str, Member] = {}
        self.agents: dict[str, Agent] = {}
        self.lines: dict[tuple[int, Skills, str], Line] = {}
        self.counts: Counter[str] = Counter()
        """How its agents stand."""
        self.callers: dict[str, Caller] = {}
        """All of them: waiting, offered, talking."""
        self.talking = 0
        self.turns = 0
        self.handling_s = config.expected_handling_s
        """A moving average of talk and wrap-up."""
        self.outcomes: deque[bool] = deque(maxlen=100)
        """Of its last callers, which were answered in time."""
        self.configure(config)

    def configure(self, config: QueueConfig) -> None:
        """Take new settings; those of `widen` and skills only while nobody is in it."""
        self.config = config
        base = tuple(sorted(config.skills.items()))
        self.stages: list[tuple[float, Skills]] = [(0.0, base)]
        self.stages += [(stage.after_s, tuple(sorted(stage.skills.items()))) for stage in config.widen]
        self._default = len(self.stages) if config.default_agents else -1
        if config.default_agents:  # the last stage, and nobody has less skill than none
            self.stages.append((max(config.default_after_s, self.stages[-1][0]), _NOBODYS))
        self._overflow: dict[str, Overflow] = {rule.when: rule for rule in reversed(config.overflow)}

    def is_default_stage(self, stage: int) -> bool:
        """Whether at this stage the default agents serve too."""
        return stage == self._default

    def rule(self, when: str) -> Overflow | None:
        """The first rule of overflow for an occasion."""
        return self._overflow.get(when)

    @property
    def waiting(self) -> int:
        """Callers not yet talking."""
        return len(self.callers) - self.talking

    @property
    def logged_in(self) -> int:
        return len(self.agents) - self.counts["logged-out"]

    def in_order(self) -> Iterator[Caller]:
        """Those who wait in a line, in their order."""
        found = [entry for line in self.lines.values() for entry in line.waiting]
        return (caller for _, caller in sorted(found, key=lambda entry: entry[0]))

    def position(self, rank: Rank) -> int:
        """How many wait before somebody of this rank, plus one."""
        return 1 + sum(bisect_left(line.waiting, (rank,)) for line in self.lines.values())

    def estimate_s(self, position: int) -> float | None:
        """How long somebody at this position will wait; None where no agent serves."""
        serving = self.logged_in - self.counts["break"]
        if serving <= 0:
            return None
        return 0.0 if self.counts["ready"] >= position else position * self.handling_s / serving

    def service_level(self) -> float:
        """The share of its last callers who were answered in time."""
        return sum(self.outcomes) / len(self.outcomes) if self.outcomes else 1.0

    def key(self, agent: Agent, line: Line) -> tuple[Any, ...]:
        """Where a ready agent stands in a line. What the strategy compares does not change while it is ready."""
        member = self.members.get(agent.name) or Member(1)  # a line for one agent may be of a queue it does not serve
        value: float
        match self.config.strategy:
            case "even":
                value = member.share
            case "fewest-calls":
                value = agent.calls
            case "least-talk":
                value = agent.talk_s
            case "round-robin":
                value = member.turn
            case "random":
                value = 0.0
            case "skill":
                asked = line.skills or self.stages[0][1]
                value = -sum(agent.levels.get(skill, 0) for skill, _ in asked)
            case _:
                value = agent.idle_since_s
        return member.tier, value, agent.idle_since_s, agent.index, agent

    def take_member(self, agent: Agent, tier: int) -> None:
        """Let an agent serve the queue."""
        self.members[agent.name] = Member(tier)
        self.agents[agent.name] = agent
        agent.queues.append(self.name)
        self.counts[agent.standing] += 1

    def lose_member(self, agent: Agent) -> None:
        """The agent serves the queue no longer, and stands in none of its lines."""
        del self.members[agent.name], self.agents[agent.name]
        agent.queues.remove(self.name)
        self.counts[agent.standing] -= 1


def _has(levels: dict[str, int], skills: Skills) -> bool:
    return all(levels.get(skill, 0) >= level for skill, level in skills)


def add(entries: list[Any], entry: Any) -> None:
    """Put an entry into its place."""
    insort(entries, entry)


def remove(entries: list[Any], entry: Any) -> None:
    """Take an entry that is there out of a sorted list."""
    index = bisect_left(entries, entry)
    assert entries[index] is entry or entries[index] == entry
    del entries[index]
