# SPDX-License-Identifier: Apache-2.0
"""Which of the ready agents of a line is offered its first caller, and how the others stood."""

from collections.abc import Callable, Collection

from switchroom.pbx.acd.model import Agent, Line
from switchroom.pbx.events import Standing

NAMED = 20
"""A decision names every agent of a queue of so many; of larger ones it names some, and counts the rest."""


def choose(line: Line, below: Callable[[int], int]) -> list[Agent]:
    """One agent, or all that are to be rung together. The line's order is the strategy's."""
    config, idle = line.queue.config, line.idle
    if config.strategy == "ring-all":
        return [entry[-1] for entry in idle[: config.ring_most]]
    if config.strategy == "random" and len(idle) > 1:
        among = sum(entry[0] == idle[0][0] for entry in idle)  # those of the first tier
        return [idle[below(among)][-1]]
    return [idle[0][-1]]


def passed_over(line: Line, chosen: Collection[str]) -> tuple[dict[str, Standing], dict[str, int]]:
    """How those stood who were not chosen: by name where they are few, and counted where they are many."""
    if line.only:
        return {}, {}
    agents = line.queue.agents
    if len(agents) > NAMED:
        first = {entry[-1].name: entry[-1].standing for entry in line.idle[:NAMED] if entry[-1].name not in chosen}
        return first, {standing: count for standing, count in line.queue.counts.items() if count}
    standings: dict[str, Standing] = {}
    for name, agent in agents.items():
        if name not in chosen:
            unskilled = agent.standing == "ready" and name not in line.members
            standings[name] = "skills" if unskilled else agent.standing
    return standings, {}
