# SPDX-License-Identifier: Apache-2.0
"""The scheduler: who is offered to whom. Pure: it is told what happens and when, and answers with decisions.

It is the one place where an agent is reserved. Callers and agents are told to it as they come and go; `step` brings
them together and says what else is due. Every fact goes to `write` as a record, so the journal and what is true here
cannot differ.
"""

from collections.abc import Callable, Mapping

from switchroom.pbx.acd.agents import Agents
from switchroom.pbx.acd.changes import Changes
from switchroom.pbx.acd.choice import choose, passed_over
from switchroom.pbx.acd.config import AcdConfig, Overflow
from switchroom.pbx.acd.deadlines import ms
from switchroom.pbx.acd.decisions import Decision, Offered, Overdue, Overflowed, Refusal, Withdrawn
from switchroom.pbx.acd.entrance import refusal
from switchroom.pbx.acd.model import Agent, Caller, Line, Offer, add, remove
from switchroom.pbx.acd.talks import Talks
from switchroom.pbx.events import (
    AgentStatus,
    AnyRecord,
    OfferEnded,
    OfferJoined,
    OfferOutcome,
    QueueAbandoned,
    QueueEntered,
    QueueLeft,
    QueueLine,
    QueueOffered,
    QueueRefused,
)

LEASE_GRACE_S = 5.0
"""Whoever carries out an offer must have said how it ended so long after the ringing should."""
MAX_CALLERS = 100_000


class Scheduler:
    """All queues, agents and callers. `below` draws a number below its argument, for queues that choose at random."""

    def __init__(
        self,
        write: Callable[[AnyRecord], object],
        below: Callable[[int], int],
        *,
        max_break_s: float = AcdConfig().max_break_s,
    ) -> None:
        self._write = write
        self._below = below
        self.callers: dict[str, Caller] = {}
        self.offers: dict[int, Offer] = {}
        self._to_all: dict[int, Offer] = {}
        """Of these, those that ring all agents of a line."""
        self._crew = Agents(write, max_break_s)
        self.queues = self._crew.queues
        self.agents = self._crew.agents
        self.deadlines = self._crew.deadlines
        self._talks = Talks(write, self._crew, self.callers)
        self.changes = Changes(self, self._crew)
        self._decisions: list[Decision] = []
        self._order = 0
        self._offer_number = 0
        # What is done to agents and talks, is done by the crew and the talks.
        self.finished = self._talks.finished
        self.give_up = self._talks.give_up
        self.put_queue = self._crew.put_queue
        self.put_agent = self._crew.put_agent
        self.set_reachable = self._crew.set_reachable
        self.set_skills = self._crew.set_skills
        self.set_busy = self._crew.set_busy
        self.resume = self._crew.resume
        self.wrap_up_done = self._crew.wrap_up_done

    # ---- callers

    def enter(
        self,
        now: float,
        call: str,
        queue: str,
        *,
        number: str = "",
        priority: int = 0,
        skills: Mapping[str, int] | None = None,
        agent: str = "",
        agent_wait_s: float = 0.0,
        entered_s: float | None = None,
        callback: bool = False,
    ) -> Refusal | None:
        """Let a caller wait. `entered_s`: since when it has waited already, which keeps its place in the order.

        `agent` is the one it waits for at first, for `agent_wait_s` (0: for ever).
        """
        assert call not in self.callers, "a call waits in one queue at a time"
        to = self.queues[queue]
        refused = None if callback else refusal(to)
        if len(self.callers) >= MAX_CALLERS:
            refused = Refusal("full")
        if refused is not None:
            self._write(QueueRefused(call=call, queue=queue, caller=number, reason=refused.reason, to=refused.to))
            return refused
        self._order += 1
        rank = (-(to.config.priority + priority), now if entered_s is None else entered_s, self._order)
        caller = Caller(call, number, to, rank, now)
        caller.skills = tuple(sorted((skills or {}).items()))
        caller.callback = callback
        if agent in self.agents and self.agents[agent].status != "logged-out":
            caller.only = agent
            caller.only_until_s = now + agent_wait_s if agent_wait_s else float("inf")
        self._write(
            QueueEntered(
                call=call, queue=queue, caller=number, priority=-rank[0], position=to.position(rank),
                skills=dict(caller.skills), agent=caller.only, waited_ms=ms(now - caller.entered_s), callback=callback,
            )
        )  # fmt: skip
        self.callers[call] = to.callers[call] = caller
        self.stand(now, caller)
        return None

    def leave(self, now: float, call: str, reason: str = "abandoned", to: str = "") -> None:
        """A caller who does not talk yet goes; one who talks is done. Without effect on one who is not there."""
        caller = self.callers.get(call)
        if caller is None:
            return
        if caller.agent:
            self.finished(now, call, reason)
            return
        self._forget(now, caller, "caller-gone" if reason == "abandoned" else "withdrawn")
        waited_ms = ms(now - caller.entered_s)
        queue = caller.queue
        if reason == "abandoned":
            self._write(
                QueueAbandoned(call=call, queue=queue.name, waited_ms=waited_ms, position=queue.position(caller.rank))
            )
            if now - caller.joined_s > queue.config.short_abandon_s:
                queue.outcomes.append(False)
        else:
            self._write(QueueLeft(call=call, queue=queue.name, reason=reason, waited_ms=waited_ms, to=to))

    def prefer(self, now: float, call: str, agent: str, wait_s: float = 0.0) -> bool:
        """Let a waiting caller wait for one agent first; False when it does not wait, or the agent is logged out."""
        caller = self.callers.get(call)
        if caller is None or caller.line is None:
            return False
        if agent not in self.agents or self.agents[agent].status == "logged-out":
            return False
        self.unline(caller)
        caller.only, caller.only_until_s = agent, now + wait_s if wait_s else float("inf")
        self._write(QueueLine(call=call, queue=caller.queue.name, stage=caller.stage, agent=agent))
        self.stand(now, caller)
        return True

    def raise_priority(self, now: float, call: str, priority: int) -> bool:
        """Give a waiting caller another priority; False when it does not wait in a line."""
        caller = self.callers.get(call)
        if caller is None or caller.line is None:
            return False
        self.unline(caller)
        caller.rank = (-(caller.queue.config.priority + priority), *caller.rank[1:])
        self.stand(now, caller)
        return True

    def take(self, now: float, call: str, by: str) -> bool:
        """A supervisor takes a waiting caller out of the queue; False when it is no longer there."""
        caller = self.callers.get(call)
        if caller is None or caller.agent:
            return False
        self._forget(now, caller, "withdrawn")
        self._answer(now, caller, by, 0)
        return True

    # ---- agents

    def set_status(
        self, now: float, agent: str, status: AgentStatus, reason: str = "", by: str = "system", at: str = ""
    ) -> None:
        """An agent logs in (`at` another place than its phone), goes on break, or logs out; what it is being offered
        is taken back then, and what it talks goes on. Raises AcdError."""
        self._crew.set_status(now, agent, status, reason, by, at)
        offer = self.agents[agent].offer
        if status != "available" and offer is not None:
            self._decisions.append(Withdrawn(offer.number, (agent,)))
            self.ended(now, offer.number, agent, "withdrawn")

    # ---- offers

    def answered(self, now: float, offer: int, agent: str) -> bool:
        """An agent has answered. True for exactly one agent of an offer that stands: the caller is its."""
        found = self.offers.get(offer)
        if found is None or agent not in found.pending:
            return False
        caller = found.caller
        others = tuple([other for other in found.pending if other != agent])
        found.pending.clear()
        self._end(now, found, agent, "answered")
        for other in others:
            self._end(now, found, other, "answered-elsewhere")
            self._crew.release(now, self.agents[other])
        if others:
            self._decisions.append(Withdrawn(offer, others))
        self._close(offer)
        caller.offer = None
        self._crew.talk(now, self.agents[agent], caller)
        if (member := caller.queue.members.get(agent)) is not None:
            member.share += 1
        self._answer(now, caller, agent, offer)
        return True

    def ended(self, now: float, offer: int, agent: str, outcome: OfferOutcome) -> None:
        """An agent will not answer this offer. Without effect on one that is over."""
        found = self.offers.get(offer)
        if found is None or agent not in found.pending:
            return
        del found.pending[agent]
        self._end(now, found, agent, outcome)
        self._crew.missed(now, self.agents[agent], outcome, found.caller.queue)
        if not found.pending:
            self._close(offer)
            found.caller.offer = None
            self._after_offer(now, found.caller, outcome)

    def pass_on(self, now: float, call: str, agent: str) -> bool:
        """A caller's agent has put it through to another one, who is offered nobody then; False when it does not talk.
        Who is logged out may take it too."""
        caller, offer = self.callers.get(call), self.agents[agent].offer
        if caller is not None and caller.agent and offer is not None:
            self._decisions.append(Withdrawn(offer.number, (agent,)))
            self.ended(now, offer.number, agent, "withdrawn")
        return self._talks.pass_on(now, call, agent)

    # ---- decisions

    def step(self, now: float) -> list[Decision]:
        """Bring callers and agents together, and say what else is due: to be carried out in this order."""
        for kind, name in self.deadlines.due(now):
            if kind == "caller":
                self._caller_due(now, self.callers[name])
            elif kind == "lease":
                self._lease_over(now, int(name))
            elif (overdue := self._crew.due(now, kind, self.agents[name])) is not None:
                self._decisions.append(Overdue(overdue.name, overdue.call))
        self._after_log_outs(now)
        if self.changes.leaving:
            self.changes.forget()
        self._match(now)
        if self._to_all:
            self._join_in(now)
        self._crew.say_why()
        decisions, self._decisions = self._decisions, []
        return decisions

    def next_deadline(self) -> float | None:
        """When `step` has something to do, if nothing happens before."""
        return self.deadlines.next()

    def _match(self, now: float) -> None:
        """Offer callers to ready agents: of all that can be, always the one who is first in the order of all queues.

        Nobody else need be looked at: a pair can only have come about in a line that somebody entered.
        """
        lines = [line for line in self._crew.changed if line.waiting and line.idle]
        while lines:
            line = min(lines, key=lambda line: line.waiting[0][0])
            caller = line.waiting[0][1]
            self._offer(now, line, caller, choose(line, self._below))
            lines = [line for line in lines if line.waiting and line.idle]

    def _offer(self, now: float, line: Line, caller: Caller, agents: list[Agent]) -> None:
        queue = line.queue
        names = tuple([agent.name for agent in agents])
        passed, counts = passed_over(line, names)
        self.unline(caller)
        self._offer_number += 1
        ring_s = queue.config.ring_s * (2 if queue.config.then_mobile else 1)
        offer = Offer(self._offer_number, caller, names, now, now + ring_s + LEASE_GRACE_S, dict.fromkeys(names), line)
        self.offers[offer.number] = caller.offer = offer
        caller.offers += 1
        self._write(
            QueueOffered(
                call=caller.call, queue=queue.name, offer=offer.number, agents=names,
                waited_ms=ms(now - caller.entered_s), rule="one-agent" if line.only else queue.config.strategy,
                passed=passed, counts=counts,
            )
        )  # fmt: skip
        if queue.config.strategy == "ring-all":
            self._to_all[offer.number] = offer
        self._ring(now, offer, agents)

    def _ring(self, now: float, offer: Offer, agents: list[Agent]) -> None:
        caller, queue = offer.caller, offer.caller.queue
        for agent in agents:
            queue.turns += 1
            if (member := queue.members.get(agent.name)) is not None:
                member.turn = queue.turns
            self._crew.reserve(now, agent, offer)
        names = tuple([agent.name for agent in agents])
        self.deadlines.set(("lease", str(offer.number)), offer.deadline_s)
        self._decisions.append(Offered(offer.number, caller.call, queue.name, names, queue.config.ring_s))

    def _join_in(self, now: float) -> None:
        """Whoever is ready, and has nobody waiting for it, is rung too for those who are offered to all; once each."""
        for offer in sorted(self._to_all.values(), key=lambda offer: offer.caller.rank):
            config = offer.caller.queue.config
            room = config.ring_most - len(offer.pending)
            if room <= 0 or not offer.line.idle:
                continue
            agents = [entry[-1] for entry in offer.line.idle if entry[-1].name not in offer.agents][:room]
            for agent in agents:
                offer.agents += (agent.name,)
                offer.pending[agent.name] = None
                self._write(
                    OfferJoined(
                        call=offer.caller.call, queue=offer.caller.queue.name, offer=offer.number, agent=agent.name
                    )
                )
            if agents:
                offer.deadline_s = now + config.ring_s * (2 if config.then_mobile else 1) + LEASE_GRACE_S
                self._ring(now, offer, agents)

    # ---- within

    def stand(self, now: float, caller: Caller) -> None:
        """Put a caller into the line where it belongs at this time."""
        queue, stood = caller.queue, (caller.stage, caller.only)
        if caller.only:
            agent = self.agents.get(caller.only)
            if agent is None or agent.status == "logged-out" or now >= caller.only_until_s:
                caller.only = ""
        while (stage := caller.stage + 1) < len(queue.stages) and now >= caller.joined_s + queue.stages[stage][0]:
            caller.stage = stage
        stage = 0 if caller.only else caller.stage
        if stood != (caller.stage, caller.only):
            self._write(QueueLine(call=caller.call, queue=queue.name, stage=caller.stage, agent=caller.only))
        caller.line = line = self._crew.line(queue, stage, caller.skills, caller.only)
        add(line.waiting, (caller.rank, caller))
        self._crew.changed[line] = None
        due_s = self._due(caller)
        if due_s is not None:
            self.deadlines.set(("caller", caller.call), due_s)

    def _due(self, caller: Caller) -> float | None:
        """When the next thing happens to a waiting caller of itself."""
        if caller.callback:  # its place is kept, and nothing sends it elsewhere
            return None
        queue = caller.queue
        due_s = caller.joined_s + queue.config.max_wait_s
        if (rule := queue.rule("wait")) is not None:
            due_s = min(due_s, caller.joined_s + rule.after_s)
        if caller.only:
            due_s = min(due_s, caller.only_until_s)
        if caller.stage + 1 < len(queue.stages):
            due_s = min(due_s, caller.joined_s + queue.stages[caller.stage + 1][0])
        return due_s

    def _caller_due(self, now: float, caller: Caller) -> None:
        if caller.line is None:
            return  # it is being offered; what is due comes when that has ended
        rule = caller.queue.rule("wait")
        after_s = min(caller.queue.config.max_wait_s, rule.after_s if rule is not None else float("inf"))
        if not caller.callback and now >= caller.joined_s + after_s:
            self._overflow(now, caller, "wait", rule)
            return
        self.unline(caller)
        self.stand(now, caller)

    def _after_offer(self, now: float, caller: Caller, outcome: OfferOutcome) -> None:
        """Nobody has answered: the caller has its place again, or goes where the queue sends such callers."""
        caller.missed += outcome not in ("withdrawn", "unreachable")
        rule = caller.queue.rule("no-answer")
        if rule is not None and caller.missed >= rule.after_offers and not caller.callback:
            self._overflow(now, caller, "no-answer", rule)
        else:
            self.stand(now, caller)

    def _overflow(self, now: float, caller: Caller, reason: str, rule: Overflow | None) -> None:
        to = rule.to if rule is not None else ""
        self.leave(now, caller.call, reason, to)
        self._decisions.append(Overflowed(caller.call, caller.queue.name, reason, to))

    def _after_log_outs(self, now: float) -> None:
        """Nobody waits for one agent who is gone, or where nobody is left, unless the queue wants it so."""
        gone, self._crew.gone = self._crew.gone, {}
        for name in gone:
            for line in list(self.agents[name].lines):
                for _, caller in list(line.waiting) if line.only else ():
                    self.unline(caller)
                    self.stand(now, caller)
        emptied, self._crew.emptied = self._crew.emptied, {}
        for queue in emptied:
            rule = queue.rule("nobody")
            if rule is not None and not queue.logged_in:
                for caller in list(queue.in_order()):
                    if not caller.callback:
                        self._overflow(now, caller, "nobody", rule)

    def _lease_over(self, now: float, number: int) -> None:
        """Nobody said how an offer ended: the agents are given back, and the caller its place."""
        offer = self.offers.get(number)
        if offer is not None:
            pending = tuple(offer.pending)
            for agent in pending:
                self.ended(now, number, agent, "failed")
            self._decisions.append(Withdrawn(number, pending))

    def _forget(self, now: float, caller: Caller, outcome: OfferOutcome) -> None:
        """Take a caller who does not talk out of its queue, and its offer back."""
        del self.callers[caller.call], caller.queue.callers[caller.call]
        self.deadlines.clear(("caller", caller.call))
        if caller.line is not None:
            self.unline(caller)
        offer, caller.offer = caller.offer, None
        if offer is not None:
            pending = tuple(offer.pending)
            for agent in pending:
                del offer.pending[agent]
                self._end(now, offer, agent, outcome)
                self._crew.release(now, self.agents[agent])
            self._close(offer.number)
            self._decisions.append(Withdrawn(offer.number, pending))

    def _answer(self, now: float, caller: Caller, agent: str, offer: int) -> None:
        self.deadlines.clear(("caller", caller.call))
        self._talks.begin(now, caller, agent, offer)

    def _close(self, offer: int) -> None:
        del self.offers[offer]
        self._to_all.pop(offer, None)

    def _end(self, now: float, offer: Offer, agent: str, outcome: OfferOutcome) -> None:
        caller = offer.caller
        if not offer.pending:
            self.deadlines.clear(("lease", str(offer.number)))
        self._write(
            OfferEnded(
                call=caller.call, queue=caller.queue.name, offer=offer.number, agent=agent, outcome=outcome,
                rang_ms=ms(now - offer.made_s),
            )
        )  # fmt: skip

    def unline(self, caller: Caller) -> None:
        """Take a caller out of its line."""
        line, caller.line = caller.line, None
        assert line is not None
        remove(line.waiting, (caller.rank, caller))
        if not line.waiting:
            line.reason = None
