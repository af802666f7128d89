# SPDX-License-Identifier: Apache-2.0
"""The scheduler under anything that may happen in any order, the death of its process too: what must hold after every
step, holds."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from switchroom.pbx.acd.config import Overflow, QueueConfig, Widen
from switchroom.pbx.acd.decisions import Offered, Withdrawn
from switchroom.pbx.acd.restart import Kept, KeptFold, lost, resumed
from switchroom.pbx.events import (
    Entry,
    OfferEnded,
    OfferJoined,
    QueueAbandoned,
    QueueAnswered,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueOffered,
    QueuePassed,
)
from tests.pbx.acd.centre import Centre

AGENTS = {
    "a": {"queues": {"q": 1, "r": 1}, "skills": {"x": 5}},
    "b": {"queues": {"q": 1, "s": 1}, "skills": {"x": 2}},
    "c": {"queues": {"q": 2, "r": 1, "s": 1}},
    "d": {"queues": {}},
}
QUEUES = {
    "q": QueueConfig(wrap_up_s=10, no_answers=2, overflow=(Overflow(when="wait", after_s=90, to="busy"),)),
    "r": QueueConfig(strategy="ring-all", priority=2, wrap_up_s=0, max_waiting=4),
    "s": QueueConfig(
        strategy="skill", skills={"x": 3}, widen=(Widen(after_s=20, skills={"x": 1}),), default_agents=("d",),
        overflow=(Overflow(when="nobody", to="busy"),),
    ),
}  # fmt: skip


class SchedulerMachine(RuleBasedStateMachine):
    """Callers come and go, agents do as they like, time passes."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.begin()

    def begin(self) -> None:
        queues = {name: {f: getattr(queue, f) for f in queue.__struct_fields__} for name, queue in QUEUES.items()}
        self.centre = Centre(AGENTS, queues=queues)
        self.scheduler = self.centre.scheduler
        self.rung: dict[int, tuple[str, ...]] = {}
        """Offers that whoever rings believes in."""

    def step(self) -> None:
        for decision in self.centre.step():
            if isinstance(decision, Offered):
                joins = decision.offer in self.rung  # who became ready since is rung too
                self.rung[decision.offer] = (*self.rung.get(decision.offer, ()), *decision.agents)
                rank = self.scheduler.callers[decision.call].rank
                for agent in decision.agents:
                    for line in self.scheduler.agents[agent].lines:
                        assert not line.waiting or (not joins and line.waiting[0][0] > rank), "somebody was passed over"
            elif isinstance(decision, Withdrawn):
                gone = set(decision.agents)
                self.rung[decision.offer] = tuple(set(self.rung[decision.offer]) - gone)
        self.stepped = True

    @rule(
        target=calls,
        queue=st.sampled_from(["q", "r", "s"]),
        priority=st.integers(0, 2),
        agent=st.sampled_from(["", "", "a", "d"]),
        skills=st.sampled_from([{}, {}, {"x": 2}]),
        callback=st.booleans(),
    )
    def come(self, queue: str, priority: int, agent: str, skills: dict[str, int], callback: bool) -> str:
        self.count += 1
        call = str(self.count)
        self.centre.enter(
            call, queue, priority=priority, agent=agent, agent_wait_s=15, skills=skills, callback=callback
        )
        self.step()
        return call

    @rule(call=consumes(calls), reason=st.sampled_from(["abandoned", "choice 1", "failed"]))
    def go(self, call: str, reason: str) -> None:
        self.scheduler.leave(self.centre.now, call, reason)
        self.step()

    @rule(
        agent=st.sampled_from(list(AGENTS)), status=st.sampled_from(["available", "available", "break", "logged-out"])
    )
    def say(self, agent: str, status: str) -> None:
        self.scheduler.set_status(self.centre.now, agent, status)  # type: ignore[arg-type]
        self.step()

    @rule(agent=st.sampled_from(list(AGENTS)), there=st.booleans())
    def phone(self, agent: str, there: bool) -> None:
        self.scheduler.set_reachable(agent, there)
        self.step()

    @rule(agent=st.sampled_from(list(AGENTS)), call=st.sampled_from(["", "own"]))
    def own_call(self, agent: str, call: str) -> None:
        self.scheduler.set_busy(self.centre.now, agent, call)
        self.step()

    @precondition(lambda self: any(self.rung.values()))
    @rule(data=st.data(), outcome=st.sampled_from(["answer", "answer", "no-answer", "busy", "unreachable", "silence"]))
    def ring(self, data: st.DataObject, outcome: str) -> None:
        offer = data.draw(st.sampled_from([offer for offer, agents in self.rung.items() if agents]))
        agent = data.draw(st.sampled_from(sorted(self.rung[offer])))
        self.rung[offer] = tuple(other for other in self.rung[offer] if other != agent)
        if outcome == "answer":
            stands = offer in self.scheduler.offers
            assert self.scheduler.answered(self.centre.now, offer, agent) == stands
            assert not self.scheduler.answered(self.centre.now, offer, agent), "only once"
        elif outcome != "silence":
            self.scheduler.ended(self.centre.now, offer, agent, outcome)  # type: ignore[arg-type]
        self.step()

    @rule(call=calls)
    def hang_up(self, call: str) -> None:
        self.scheduler.finished(self.centre.now, call, "caller")
        self.step()

    @rule(call=calls, agent=st.sampled_from(list(AGENTS)))
    def wish(self, call: str, agent: str) -> None:
        self.scheduler.prefer(self.centre.now, call, agent, 10)
        self.step()

    @rule(call=calls, agent=st.sampled_from(list(AGENTS)))
    def pass_on(self, call: str, agent: str) -> None:
        caller = self.scheduler.callers.get(call)
        talked_to = caller.agent if caller is not None else ""
        passed = self.scheduler.pass_on(self.centre.now, call, agent)
        assert passed == bool(talked_to)
        self.step()
        assert not passed or (self.scheduler.callers[call].agent, self.scheduler.agents[agent].call) == (agent, call)

    @rule(later_s=st.sampled_from([0.5, 30.0]))
    def die(self, later_s: float) -> None:
        """The process dies, and another one goes on with what the journal says."""
        before = self.centre
        fold = KeptFold(Kept(), lambda queue: 3)
        for number, (record, at_s) in enumerate(zip(before.records, before.times, strict=True), 1):
            fold.add(Entry(number, round(at_s * 1e9), record))
        said = {name: (agent.status, agent.reason) for name, agent in self.scheduler.agents.items()}
        self.begin()
        self.centre.records, self.centre.times, self.centre.now = before.records, before.times, before.now + later_s
        for ended in lost(fold.kept):
            self.centre.write(ended)
        for name, agent in fold.kept.agents.items():
            wrap_up_s = QUEUES[agent.queue].wrap_up_s if agent.queue else 0.0
            self.scheduler.resume(self.centre.now, name, resumed(agent, wrap_up_s, self.centre.now, self.centre.now))
        self.step()
        assert {name: (agent.status, agent.reason) for name, agent in self.scheduler.agents.items()} == said

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 120.0]))
    def pass_time(self, seconds: float) -> None:
        end = self.centre.now + seconds
        while (due := self.scheduler.next_deadline()) is not None and due <= end:
            self.centre.now = max(self.centre.now, due)
            self.step()
        self.centre.now = end
        self.step()

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        offered = Counter(agent for offer in self.scheduler.offers.values() for agent in offer.pending)
        talking = Counter(caller.agent for caller in self.scheduler.callers.values() if caller.agent)
        assert max((offered + talking).values(), default=0) <= 1
        for name, agent in self.scheduler.agents.items():
            assert (agent.state == "offered") == (name in offered)
            assert (agent.state == "talking") == (name in talking)
            assert (agent.offer is not None) == (name in offered)

    @invariant()
    def no_offer_outlives_its_caller(self) -> None:
        for offer in self.scheduler.offers.values():
            assert self.scheduler.callers[offer.caller.call].offer is offer
            assert offer.pending
        for caller in self.scheduler.callers.values():
            assert (caller.line is not None) + (caller.offer is not None) + bool(caller.agent) == 1

    @invariant()
    def nobody_waits_while_somebody_could_serve(self) -> None:
        for queue in self.scheduler.queues.values():
            for line in queue.lines.values():
                assert not (line.waiting and line.idle)
                ready = sorted(agent.name for agent in line.members.values() if agent.standing == "ready")
                assert sorted(entry[-1].name for entry in line.idle) == ready
                assert line.waiting == sorted(line.waiting, key=lambda entry: entry[0])
                assert sum(line.counts.values()) == len(line.members)

    @invariant()
    def nobody_is_ready_while_a_caller_is_offered_to_all(self) -> None:
        for offer in self.scheduler.offers.values():
            config = offer.caller.queue.config
            if config.strategy == "ring-all" and len(offer.pending) < config.ring_most:
                assert {entry[-1].name for entry in offer.line.idle} <= set(offer.agents)

    @invariant()
    def no_agent_is_stuck(self) -> None:
        for name, agent in self.scheduler.agents.items():
            key = ("lease", str(agent.offer.number)) if agent.offer is not None else ("agent", name)
            assert agent.state == "idle" or key in self.scheduler.deadlines

    @invariant()
    def the_records_add_up(self) -> None:
        entered = Counter(record.call for record in self.centre.told(QueueEntered))
        ended = Counter(
            record.call
            for record in self.centre.records
            if isinstance(record, QueueAnswered | QueueAbandoned | QueueLeft)
        )
        waiting = Counter(call for call, caller in self.scheduler.callers.items() if not caller.agent)
        assert entered == ended + waiting
        answered = Counter(record.call for record in self.centre.told(QueueAnswered))
        talking = Counter(call for call, caller in self.scheduler.callers.items() if caller.agent)
        answered += Counter(record.call for record in self.centre.told(QueuePassed))
        assert answered == Counter(record.call for record in self.centre.told(QueueCompleted)) + talking
        offered = Counter((r.offer, agent) for r in self.centre.told(QueueOffered) for agent in r.agents)
        offered += Counter((r.offer, r.agent) for r in self.centre.told(OfferJoined))
        over = Counter((r.offer, r.agent) for r in self.centre.told(OfferEnded))
        pending = Counter((o.number, agent) for o in self.scheduler.offers.values() for agent in o.pending)
        assert offered == over + pending


TestScheduler = SchedulerMachine.TestCase
TestScheduler.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
