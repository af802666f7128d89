# SPDX-License-Identifier: Apache-2.0
"""Which agents' phones are in calls, out of the records of calls: so that nobody in a call is offered a caller."""

from collections.abc import Iterable, Mapping

from switchroom.pbx.events import AnyRecord, CallEnded, CallStarted, LegEnded, LegStarted


class OwnCalls:
    """`agents` is a mapping of users to the agents whose phones they are."""

    def __init__(self, agents: Mapping[str, str]) -> None:
        self.apply(agents)
        self._users: dict[str, str] = {}
        """Calls that an agent's user began."""
        self._legs: dict[str, tuple[str, str]] = {}
        """Leg -> agent and call."""
        self._of: dict[str, dict[str, None]] = {}
        """Agent -> its legs."""

    def apply(self, agents: Mapping[str, str]) -> None:
        """Other agents; those whose phones are in calls by now are told when these end."""
        self._agents = {user: agent for user, agent in agents.items() if user}

    def agent_of(self, user: str) -> str:
        """Whose phone this user's is; empty: no agent's."""
        return self._agents.get(user, "")

    def observe(self, record: AnyRecord) -> str | None:
        """Take a record; the agent, if it says something about one."""
        if type(record) is LegStarted:
            user = self._users.get(record.call, "") if record.direction == "in" else record.party
            agent = self._agents.get(user)
            if agent is not None:
                self._legs[record.leg] = agent, record.call
                self._of.setdefault(agent, {})[record.leg] = None
            return agent
        if type(record) is LegEnded:
            return self._leg_ended(record.leg) if record.leg in self._legs else None
        if type(record) is CallStarted:
            if record.user in self._agents:
                self._users[record.call] = record.user
        elif type(record) is CallEnded:
            self._users.pop(record.call, None)
        return None

    def _leg_ended(self, leg: str) -> str:
        agent, _ = self._legs.pop(leg)
        self._of[agent].pop(leg, None)
        if not self._of[agent]:
            del self._of[agent]
        return agent

    def call_of(self, agent: str) -> str:
        """A call that the agent's phone is in; empty: none."""
        legs = self._of.get(agent)
        return self._legs[next(iter(legs))][1] if legs else ""

    def busy(self) -> Iterable[str]:
        """Agents whose phones are in calls."""
        return list(self._of)
