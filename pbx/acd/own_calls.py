# SPDX-License-Identifier: Apache-2.0
"""Which agents' phones are in calls, out of the records of calls: so that nobody in a call is offered a caller."""

from collections.abc import Iterable, Mapping

from switchroom.pbx.events import AnyRecord, CallEnded, CallStarted, LegEnded, LegStarted


class OwnCalls:
    """`agents` is a mapping of users to the agents whose phones they are."""

    def __init__(self, agents: Mapping[str, str]) -> None:
        self._seats: dict[str, str] = {}
        """Agents who have logged in at other phones than their own, to the users of these."""
        self._sitting: dict[str, str] = {}
        """The same the other way round."""
        self._users: dict[str, str] = {}
        """Calls that a user began."""
        self._legs: dict[str, tuple[str, str]] = {}
        """Leg -> user and call."""
        self._of: dict[str, dict[str, None]] = {}
        """User -> its legs."""
        self.apply(agents)

    def apply(self, agents: Mapping[str, str]) -> None:
        """Other agents; those whose phones are in calls by now are told when these end."""
        self._agents = {user: agent for user, agent in agents.items() if user}
        self._own = {agent: user for user, agent in self._agents.items()}
        for agent in [agent for agent in self._seats if agent not in self._own]:
            self.sit(agent, "")

    def sit(self, agent: str, user: str) -> None:
        """The agent takes its calls at a user's phone from now on; empty, or its own: at its own."""
        if self._sitting.get(seat := self._seats.pop(agent, "")) == agent:
            del self._sitting[seat]
        if user and user != self._own.get(agent):
            self._seats[agent], self._sitting[user] = user, agent

    def agent_of(self, user: str) -> str:
        """Whose phone this user's is; empty: no agent's."""
        return self._agents.get(user, "")

    def at(self, user: str) -> str:
        """Who takes calls at this user's phone at this time; empty: no agent."""
        if (sitting := self._sitting.get(user)) is not None:
            return sitting
        agent = self._agents.get(user, "")
        return "" if agent in self._seats else agent

    def observe(self, record: AnyRecord) -> str | None:
        """Take a record; the agent, if it says something about one."""
        if type(record) is LegStarted:
            user = self._users.get(record.call, "") if record.direction == "in" else record.party
            if not user:
                return None
            self._legs[record.leg] = user, record.call
            self._of.setdefault(user, {})[record.leg] = None
            return self.at(user) or None
        if type(record) is LegEnded:
            return self._leg_ended(record.leg) if record.leg in self._legs else None
        if type(record) is CallStarted:
            if record.user:
                self._users[record.call] = record.user
        elif type(record) is CallEnded:
            self._users.pop(record.call, None)
        return None

    def _leg_ended(self, leg: str) -> str | None:
        user, _ = self._legs.pop(leg)
        self._of[user].pop(leg, None)
        if not self._of[user]:
            del self._of[user]
        return self.at(user) or None

    def call_of(self, agent: str) -> str:
        """A call that the agent's phone is in; empty: none."""
        legs = self._of.get(self._seats.get(agent) or self._own.get(agent, ""))
        return self._legs[next(iter(legs))][1] if legs else ""

    def busy(self) -> Iterable[str]:
        """Agents whose phones are in calls."""
        return [agent for user in self._of if (agent := self.at(user))]
