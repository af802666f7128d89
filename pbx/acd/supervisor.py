# SPDX-License-Identifier: Apache-2.0
"""Supervisors: they listen to agents, whisper to them, barge in and take over, as far as their teams reach.

A supervisor's leg follows an agent: it hears this call and the next ones, until it hangs up or turns to another agent.
"""

import msgspec

from switchroom.pbx.acd.config import TeamConfig
from switchroom.pbx.acd.conversation import Conversation
from switchroom.pbx.acd.desk import Desk
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.control import CallError, Leg, TapMode
from switchroom.pbx.events import SupervisorJoined, SupervisorLeft, SupervisorTookOver

MAX_SUPERVISORS = 1000


class Watch(msgspec.Struct, eq=False):
    """One supervisor on the line."""

    supervisor: str
    leg: Leg
    agent: str
    mode: TapMode


class Supervisors:
    """All supervisors of a desk. `who` is a user's name; rights come from [[team]]."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.watches: dict[str, Watch] = {}
        """By supervisor."""
        desk.on_talk.append(self._on_talk)

    # ---- rights

    def may(self, who: str, agent: str) -> bool:
        """Whether somebody supervises an agent."""
        return any(who in team.supervisors and _covers(team, agent) for team in self._desk.centre.teams)

    def check(self, who: str, agent: str) -> None:
        """Raises AcdError where there is no such agent, or it is none of the supervisor's."""
        if agent not in self._desk.scheduler.agents:
            raise AcdError(f"there is no agent {agent!r}")
        if not self.may(who, agent):
            raise AcdError(f"{who} does not supervise agent {agent}", 403)

    # ---- on the line

    def watch(self, who: str, leg: Leg, agent: str, mode: TapMode = "listen") -> Watch:
        """Follow an agent from now on, with an answered leg of the supervisor's. Raises AcdError."""
        self.check(who, agent)
        if (old := self.watches.get(who)) is not None and old.leg is not leg:
            raise AcdError(f"{who} is on the line already", 409)
        if len(self.watches) >= MAX_SUPERVISORS:
            raise AcdError("too many supervisors are on the line", 503)
        self._desk.control.untap(leg)
        watch = self.watches[who] = Watch(who, leg, agent, mode)
        conversation = self._desk.conversations.get(agent)
        self._desk.write(
            SupervisorJoined(
                supervisor=who, agent=agent, mode=mode, call=conversation.call if conversation is not None else ""
            )
        )
        if conversation is not None:
            self._tap(watch, conversation)
        return watch

    def set_mode(self, who: str, mode: TapMode) -> None:
        """Listen, whisper or barge from now on. Raises AcdError when the supervisor is not on the line."""
        watch = self._watch_of(who)
        watch.mode = mode
        conversation = self._desk.conversations.get(watch.agent)
        self._desk.write(
            SupervisorJoined(
                supervisor=who, agent=watch.agent, mode=mode,
                call=conversation.call if conversation is not None else "",
            )
        )  # fmt: skip
        if conversation is not None:
            self._tap(watch, conversation)

    def leave(self, who: str) -> None:
        """Look on no longer. Without effect on who does not."""
        watch = self.watches.pop(who, None)
        if watch is not None:
            self._desk.control.untap(watch.leg)
            self._desk.write(SupervisorLeft(supervisor=who, agent=watch.agent))

    def take_over(self, who: str) -> None:
        """Cut the agent off and talk to the caller. Raises AcdError where nobody talks."""
        watch = self._watch_of(who)
        conversation = self._desk.conversations.get(watch.agent)
        if conversation is None:
            raise AcdError(f"agent {watch.agent} talks to nobody", 409)
        call = conversation.call
        self.leave(who)
        if not conversation.take_over(watch.leg, who):
            raise AcdError(f"agent {watch.agent} talks to nobody any more", 409)
        self._desk.write(SupervisorTookOver(supervisor=who, agent=watch.agent, call=call))

    # ---- over waiting callers and agents

    def check_queue(self, who: str, queue: str) -> None:
        """Raises AcdError unless the supervisor has an agent who serves the queue."""
        found = self._desk.scheduler.queues.get(queue)
        if found is None:
            raise AcdError(f"there is no queue {queue!r}")
        if not any(self.may(who, agent) for agent in found.members):
            raise AcdError(f"{who} supervises no agent of queue {queue}", 403)

    def pick(self, who: str, leg: Leg, call: str) -> None:
        """Take a waiting caller out of its queue and talk to it. Raises AcdError."""
        self._desk.pick(call, who, leg)

    # ---- within

    def _watch_of(self, who: str) -> Watch:
        watch = self.watches.get(who)
        if watch is None:
            raise AcdError(f"{who} is not on the line", 409)
        return watch

    def _on_talk(self, agent: str, conversation: Conversation | None) -> None:
        for watch in list(self.watches.values()):
            if watch.agent != agent:
                continue
            if watch.leg.state == "ended":
                self.leave(watch.supervisor)
            elif conversation is None:
                self._desk.control.untap(watch.leg)
            else:
                self._tap(watch, conversation)

    def _tap(self, watch: Watch, conversation: Conversation) -> None:
        try:
            self._desk.control.tap(watch.leg, conversation.leg, watch.mode)
        except CallError as error:
            self._desk.log("acd.tap", supervisor=watch.supervisor, agent=watch.agent, error=str(error))


def _covers(team: TeamConfig, agent: str) -> bool:
    return agent in team.agents or "*" in team.agents
