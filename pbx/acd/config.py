# SPDX-License-Identifier: Apache-2.0
"""[acd], [queue.NAME], [[agent]] and [[team]]: the call centre's part of the configuration.

What of a queue may be changed while the exchange runs stands in `LIVE`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from switchroom.pbx.config_reader import Reader
from switchroom.pbx.dialplan import Destination

Level = Annotated[int, Meta(ge=1, le=10)]
Tier = Annotated[int, Meta(ge=1, le=100)]
Priority = Annotated[int, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=1, le=100_000)]
CountOrNone = Annotated[int, Meta(ge=0, le=100_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
SecondsOrNone = Annotated[float, Meta(ge=0, le=86_400)]
Share = Annotated[float, Meta(gt=0, le=1)]
Strategy = Literal[
    "longest-idle", "even", "fewest-calls", "least-talk", "round-robin", "random", "skill", "priority", "ring-all"
]
LIVE = frozenset(
    {
        "max_calls",
        "max_waiting",
        "max_wait_s",
        "strategy",
        "ring_s",
        "wrap_up_s",
        "priority",
        "music",
        "target_s",
        "open",
    }
)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """The base of these sections."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between keys that is broken."""
        return iter(())


class Widen(Section, frozen=True):
    """One of a queue's `widen`: what is asked of agents once a caller has waited so long."""

    after_s: Seconds
    skills: dict[str, Level] = msgspec.field(default_factory=dict)


class Overflow(Section, frozen=True):
    """One of a queue's `overflow`: when callers go elsewhere, and where."""

    when: Literal["wait", "full", "nobody", "no-answer", "estimate", "service-level", "closed"]
    """`wait`: after `after_s`; `full`: too many wait, or all lines are taken; `nobody`: no agent is logged in;
    `no-answer`: the caller was offered `after_offers` times and nobody answered;
    `estimate`: one would wait longer than `above_s`; `service-level`: it is below `below`; `closed`: by an operator."""
    to: str
    """`callback`, `queue:NAME`, or any other destination of the dial plan."""
    after_s: SecondsOrNone = 0.0
    after_offers: Annotated[int, Meta(ge=1, le=100)] = 3
    above_s: SecondsOrNone = 0.0
    below: Share = 0.8

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.when == "wait" and not self.after_s:
            yield "after_s", "is missing: how long they wait before"
        if self.when == "estimate" and not self.above_s:
            yield "above_s", "is missing: how long the estimated wait may be"
        if self.to != "callback":
            try:
                Destination.from_text(self.to)
            except ValueError as error:
                yield "to", str(error)


class QueueConfig(Section, frozen=True):
    """[queue.NAME]: where callers wait for agents."""

    title: str = ""
    """Shown on wallboards (empty: the name), and before the caller's name on agents' phones."""
    strategy: Strategy = "longest-idle"
    priority: Priority = 0
    """Added to that of each caller; higher ones go first wherever an agent serves several queues."""
    open: bool = True
    max_waiting: Count = 200
    max_calls: CountOrNone = 0
    """Callers waiting and talking at one time; 0: no limit."""
    max_wait_s: Seconds = 1800.0
    """After so long a caller leaves, whatever `overflow` says."""
    overflow: tuple[Overflow, ...] = ()
    skills: dict[str, Level] = msgspec.field(default_factory=dict)
    """What agents need to serve it, with the least level of each."""
    widen: tuple[Widen, ...] = ()
    default_agents: tuple[str, ...] = ()
    """Who takes callers for whom no other agent is there, whatever the skills."""
    default_after_s: SecondsOrNone = 0.0
    ring_s: Seconds = 15.0
    """How long an agent's phone rings: three rings."""
    ring_most: Annotated[int, Meta(ge=1, le=50)] = 10
    """How many `ring-all` rings at one time."""
    retry_s: SecondsOrNone = 10.0
    """How long an agent that did not answer is left alone."""
    no_answers: CountOrNone = 3
    """After so many in a row the agent is put on break; 0: never."""
    then_mobile: bool = False
    """An agent whose phone is not answered is rung at its mobile before the next one is tried."""
    wrap_up_s: SecondsOrNone = 10.0
    """How long an agent has for what is to be done after a call."""
    wrap_up_codes: tuple[str, ...] = ()
    answer: bool = True
    """Answer callers as they come; otherwise they are answered when an agent is, and hear music before, but cannot
    press keys."""
    auto_answer: bool = False
    """Agents' phones are asked to answer by themselves."""
    whisper: str = ""
    """What an agent hears before it is joined: a sound file, or `speak:` and a sentence."""
    music: str = "tone:ringback"
    """What callers hear: a sound file, or `tone:NAME`."""
    greeting: str = ""
    """Heard once at the beginning: a sound file, or `speak:` and a sentence."""
    adverts: tuple[str, ...] = ()
    """Heard in turn between the music."""
    announce_every_s: SecondsOrNone = 30.0
    """How often adverts and the place in the queue are heard; 0: never."""
    announce_position: bool = True
    announce_wait: bool = True
    language: str = ""
    """Of announcements; empty: [acd]'s."""
    choices: dict[str, str] = msgspec.field(default_factory=dict)
    """What a waiting caller may press, and where it leads: `callback`, `leave`, or a destination of the dial plan."""
    same_agent: Literal["no", "ask", "always"] = "no"
    """Whether callers get the agent they had last, if it is logged in."""
    same_agent_wait_s: SecondsOrNone = 30.0
    """How long they wait for it before they go to anybody."""
    target_s: Seconds = 20.0
    """Service level: the share of callers who are to be answered within so long."""
    short_abandon_s: SecondsOrNone = 5.0
    """Who hangs up sooner is counted apart."""
    expected_handling_s: Seconds = 180.0
    """For estimated waits, until there are figures."""
    callback_attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    callback_retry_s: Seconds = 300.0

    def mistakes(self) -> Iterator[tuple[str, str]]:
        times = [stage.after_s for stage in self.widen]
        if times != sorted(set(times)):
            yield "widen", "its times must rise"
        for key, to in self.choices.items():
            if len(key) != 1 or key not in "0123456789*#":
                yield f"choices.{key}", "is no key of a telephone"
            if to not in ("callback", "leave"):
                try:
                    Destination.from_text(to)
                except ValueError as error:
                    yield f"choices.{key}", str(error)


class AgentConfig(Section, frozen=True):
    """[[agent]]: somebody who takes calls from queues."""

    name: Annotated[str, Meta(pattern=r"^[0-9A-Za-z._-]+$")]
    display_name: str = ""
    phone: str = ""
    """`user:1001`, `sip:…`, or a number of the dial plan; empty: the user of the agent's name."""
    home: str = ""
    mobile: str = ""
    """Other places at which the agent may log in."""
    pin: Annotated[str, Meta(pattern=r"^[0-9]*$")] = ""
    """Asked for when the agent logs in at another phone."""
    queues: dict[str, Tier] = msgspec.field(default_factory=dict)
    """The queues it serves, each with its tier: lower tiers are offered callers first."""
    skills: dict[str, Level] = msgspec.field(default_factory=dict)
    logged_in: bool = False
    """Whether it is available from the start, as for phones that nobody logs in at."""


class TeamConfig(Section, frozen=True):
    """[[team]]: who supervises whom."""

    name: str
    agents: tuple[str, ...] = ()
    """Names of agents; `*`: all."""
    supervisors: tuple[str, ...] = ()
    """Users who may listen to these agents, whisper, barge in, take over, and change their status."""


class AcdConfig(Section, frozen=True):
    """[acd]: what holds for all queues."""

    language: str = "en"
    """Of announcements: `en` or `zh`."""
    break_reasons: tuple[str, ...] = ("break", "lunch", "meeting", "training")
    """Dialled by their place: the first with 1."""
    max_break_s: Seconds = 7200.0
    """An agent longer on break is told to the journal."""
    context: str = "default"
    """The context of the dial plan for agents' numbers, overflow and choices."""
    remember_callers: CountOrNone = 100_000
    """Callers whose last agent is remembered."""


def targets(queues: Mapping[str, QueueConfig]) -> dict[str, tuple[int, int]]:
    """For each queue how soon callers are to be answered, and what is a short abandon, in milliseconds."""
    return {name: (round(queue.target_s * 1000), round(queue.short_abandon_s * 1000)) for name, queue in queues.items()}


def is_file(text: str) -> bool:
    """Whether a setting for something to be heard names a file."""
    return bool(text) and not text.startswith(("speak:", "tone:"))


def with_absolute_paths(queue: QueueConfig, absolute: Callable[[str], str]) -> QueueConfig:
    """The queue with the paths of its sound files made absolute."""

    def place(text: str) -> str:
        return absolute(text) if is_file(text) else text

    return msgspec.structs.replace(
        queue,
        music=place(queue.music),
        greeting=place(queue.greeting),
        whisper=place(queue.whisper),
        adverts=tuple(map(place, queue.adverts)),
    )


def check(document: dict[str, Any], reader: Reader, folder: Path) -> None:
    """The rules between these sections, and between them and others; every broken one is noted in `reader`."""
    queues, agents, teams = document.get("queue"), document.get("agent"), document.get("team")
    known = set(queues) if isinstance(queues, dict) else set()
    names: dict[str, str] = {}
    users = {user.get("name") for user in _tables(document.get("user"))}
    for index, agent in enumerate(_tables(agents)):
        key, name = f"agent[{index}]", agent.get("name")
        if isinstance(name, str) and (earlier := names.setdefault(name, key)) != key:
            reader.mistake(f"{key}.name", f"{name!r} is already the name of {earlier}")
        served = agent.get("queues")
        for queue in served if isinstance(served, dict) else ():
            if queue not in known:
                reader.mistake(f"{key}.queues", f"there is no queue {queue!r}")
        if not agent.get("phone") and isinstance(name, str) and name not in users:
            reader.mistake(f"{key}.phone", f"is missing, and there is no user {name!r}")
    for index, team in enumerate(_tables(teams)):
        for part, there, what in (("agents", names, "agent"), ("supervisors", users, "user")):
            given = team.get(part)
            for name in given if isinstance(given, list) else ():
                if name not in there and name != "*":
                    reader.mistake(f"team[{index}].{part}", f"there is no {what} {name!r}")
    for name, queue in queues.items() if isinstance(queues, dict) else ():
        if isinstance(queue, dict):
            _check_queue(f"queue.{name}", queue, known, names, reader)
            for key, text in _sounds(queue):
                if isinstance(text, str) and is_file(text) and not (folder / text).is_file():
                    reader.mistake(f"queue.{name}.{key}", f"there is no file {text!r}")
    plan = document.get("dial_plan")
    for context, rules in plan.items() if isinstance(plan, dict) else ():
        for index, rule in enumerate(_tables(rules)):
            to = rule.get("to")
            if isinstance(to, str) and to.startswith("queue:") and "{" not in to and to[6:] not in known:
                reader.mistake(f"dial_plan.{context}[{index}].to", f"there is no queue {to[6:]!r}")


def _check_queue(key: str, queue: dict[str, Any], queues: set[str], agents: dict[str, str], reader: Reader) -> None:
    for name in _list(queue.get("default_agents")):
        if name not in agents:
            reader.mistake(f"{key}.default_agents", f"there is no agent {name!r}")
    choices = queue.get("choices")
    targets = [(f"{key}.overflow[{i}].to", rule.get("to")) for i, rule in enumerate(_tables(queue.get("overflow")))]
    targets += [(f"{key}.choices.{k}", to) for k, to in choices.items()] if isinstance(choices, dict) else []
    for place, to in targets:
        if isinstance(to, str) and to.startswith("queue:") and to.removeprefix("queue:") not in queues:
            reader.mistake(place, f"there is no queue {to.removeprefix('queue:')!r}")


def _sounds(queue: dict[str, Any]) -> list[tuple[str, Any]]:
    single = [(key, queue.get(key)) for key in ("music", "greeting", "whisper")]
    return single + [(f"adverts[{index}]", advert) for index, advert in enumerate(_list(queue.get("adverts")))]


def _tables(value: Any) -> list[dict[str, Any]]:
    return [table if isinstance(table, dict) else {} for table in _list(value)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
