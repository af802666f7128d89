# SPDX-License-Identifier: Apache-2.0
"""The call centre at work: carries out what the scheduler decides, on CallControl, and tells it what comes of it.

It runs the same on the real exchange and on the simulated one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from switchroom.pbx.acd.callback import Callback
from switchroom.pbx.acd.config import AcdConfig, AgentConfig, QueueConfig, TeamConfig
from switchroom.pbx.acd.conversation import Conversation
from switchroom.pbx.acd.decisions import Offered, Overdue, Overflowed, Withdrawn
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.model import Resumed
from switchroom.pbx.acd.own_calls import OwnCalls
from switchroom.pbx.acd.ringing import Ringing
from switchroom.pbx.acd.scheduler import Scheduler
from switchroom.pbx.acd.visit import Served, Visit, Wishes
from switchroom.pbx.acd.voice import Voice
from switchroom.pbx.call import Call
from switchroom.pbx.control import NORMAL, CallControl, CallError, Endpoint, Leg, Party
from switchroom.pbx.events import AgentStatus, AnyRecord, OfferOutcome, RegistrationAdded, RegistrationRemoved

MAX_CALLBACKS = 10_000


class Centre(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of the call centre."""

    acd: AcdConfig = AcdConfig()
    queues: Mapping[str, QueueConfig] = msgspec.field(default_factory=dict)
    agents: Sequence[AgentConfig] = ()
    teams: Sequence[TeamConfig] = ()


class Ways(Protocol):
    """The dial plan, as far as the call centre needs it."""

    def find(self, target: str) -> list[Endpoint]:
        """Where a target (`user:1001`, `sip:…`) or number can be reached. Raises CallError."""

    def route(self, number: str) -> str:
        """The destination to which a number or URI leads, as text; empty: nowhere."""

    async def send(self, call: Call, to: str) -> None:
        """Serve a call at a destination to its end. Raises CallError, CallerGone."""


class Desk:
    """Everything of the call centre that goes on. Applications use `serve`."""

    def __init__(
        self,
        control: CallControl,
        centre: Centre,
        ways: Ways,
        voice: Voice,
        *,
        write: Callable[[AnyRecord], object],
        below: Callable[[int], int],
        log: Callable[..., Any] = lambda event, **fields: None,
    ) -> None:
        self.control = control
        self.centre = centre
        self.voice = voice
        self.log = log
        self.write = write
        self._ways = ways
        self.scheduler = Scheduler(write, below, max_break_s=centre.acd.max_break_s)
        self.visits: dict[str, Visit] = {}
        self.callbacks: dict[str, Callback] = {}
        """Those that wait in a queue or are being made, by the call in which they were asked for."""
        self.asked: dict[str, Callback] = {}
        """All that have not come to an end: between two attempts too."""
        self.conversations: dict[str, Conversation] = {}
        """By the name of the agent, or of the supervisor who took a caller."""
        self.on_talk: list[Callable[[str, Conversation | None], None]] = []
        """Told the agent and its conversation when one begins, and None when it ends."""
        self.last_agents: dict[str, str] = {}
        """Caller to the agent it talked to last, the newest last."""
        self._ringing: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False
        self._loop = asyncio.get_running_loop()
        for name, queue in centre.queues.items():
            self.scheduler.put_queue(name, queue)
        for agent in centre.agents:
            self.scheduler.put_agent(agent)
        self._own_calls = OwnCalls({self.user_of(agent): agent.name for agent in centre.agents})

    def start(self) -> None:
        """Agents that are available from the start, are; those that were resumed before are as they were."""
        for agent in self.centre.agents:
            if self.scheduler.agents[agent.name].status == "logged-out":
                self._begin(agent)
        self.step()

    def apply(self, centre: Centre) -> None:
        """Other queues, agents and teams from now on; calls go on (changes.py)."""
        old, before_queues = {agent.name: agent for agent in self.centre.agents}, self.centre.queues
        self.centre = centre
        queues = {  # what an operator has changed meanwhile stays, where the file says what it said before
            name: self.queue_config(name) if before_queues.get(name) == config else config
            for name, config in centre.queues.items()
        }
        self.scheduler.changes.apply(self.now(), queues, centre.agents)
        self._own_calls.apply({self.user_of(agent): agent.name for agent in centre.agents})
        for agent in centre.agents:
            if (before := old.get(agent.name)) is None:
                self._begin(agent)
            elif before != agent:
                self.probe(agent.name)
        self.step()

    def _begin(self, agent: AgentConfig) -> None:
        known = self.scheduler.agents[agent.name]
        known.status_since_s = known.state_since_s = self.now()
        self.probe(agent.name)
        if agent.logged_in:
            self.scheduler.set_status(self.now(), agent.name, "available", "", "system")

    async def close(self) -> None:
        """Stop ringing and calling back. Callers' own tasks end with their calls."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = [*self._ringing.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- for applications

    async def serve(
        self,
        call: Call,
        queue: str,
        *,
        priority: int = 0,
        skills: Mapping[str, int] | None = None,
        agent: str = "",
        agent_wait_s: float = 0.0,
        follow: bool = True,
    ) -> Served:
        """Let a caller wait in a queue and talk to an agent; returns when the agent has left and the caller has not.

        `skills` are asked for beside what the queue asks; `agent` is whom the caller wants, for `agent_wait_s` at most
        (0: until it comes). With `follow` a caller whom queue or agent send elsewhere is served there too, to its end;
        without, `Served.to` says where. Raises CallerGone when the caller hangs up, AcdError for an unknown queue,
        CallError when following leads nowhere.
        """
        if queue not in self.scheduler.queues:
            raise AcdError(f"there is no queue {queue!r}")
        if agent and agent not in self.scheduler.agents:
            raise AcdError(f"there is no agent {agent!r}")
        wishes = Wishes(priority, skills or {}, agent, agent_wait_s)
        served = await Visit(self, call, wishes).run(queue)
        if follow and served.to:
            await self.follow(call, served)
        return served

    async def follow(self, call: Call, served: Served) -> None:
        """Serve a caller where queue or agent have sent it. Raises CallError, CallerGone."""
        if served.to == "callback":
            self.call_back(call.id, served.queue, call.caller, self.now() - served.waited_s)
            for source in await self.phrase("callback", self.queue_config(served.queue).language):
                await call.play(source)
            await call.hangup()
            return
        await self.send(call, served.to)

    async def send(self, call: Call, to: str) -> None:
        """Serve a call at a destination of the dial plan. Raises CallError, CallerGone."""
        await self._ways.send(call, to)

    def resume(self, agent: str, known: Resumed) -> None:
        """An agent goes on as before a restart. Raises AcdError. `start` comes after all of them."""
        self.scheduler.resume(self.now(), agent, known)
        self._sit(agent)
        self.probe(agent)

    def call_back(
        self, call: str, queue: str, number: str, since_s: float, attempts: int = 0, *, again: bool = False
    ) -> None:
        """Keep the place that a caller has had in a queue since a time, and call `number` when it is its turn.

        `call` is the call in which it asked for that; `again` after a restart. Raises CallError.
        """
        if queue not in self.scheduler.queues:
            raise CallError(404, f"there is no queue {queue!r}")
        if not number or call in self.asked or len(self.asked) >= MAX_CALLBACKS:
            raise CallError(503, "no callback can be taken")
        Callback(self, call, queue, number, since_s, attempts).begin(again)

    # ---- ways

    def now(self) -> float:
        """The clock of the event loop."""
        return self._loop.time()

    def find(self, target: str) -> list[Endpoint]:
        """Where a target or number is reached. Raises CallError."""
        return self._ways.find(target)

    def route(self, number: str) -> str:
        """The destination of a number, as text."""
        return self._ways.route(number)

    def agent_of(self, user: str) -> str:
        """The agent whose phone a user's is; empty: none's."""
        return self._own_calls.agent_of(user)

    def user_of(self, agent: AgentConfig) -> str:
        """The user whose phone is the agent's; empty where it is none."""
        phone = agent.phone or f"user:{agent.name}"
        return phone.removeprefix("user:") if phone.startswith("user:") else ""

    def agent_with(self, leg: Leg) -> str:
        """The agent, logged in, at whose telephone a leg is, if it can take a caller now; empty: there is none."""
        for name, conversation in self.conversations.items():
            if conversation.leg is leg:
                return name if name in self.scheduler.agents else ""
        agent = self.scheduler.agents.get(self._own_calls.at(leg.user)) if leg.user else None
        can = agent is not None and agent.status != "logged-out" and agent.state != "talking"
        return agent.name if agent is not None and can else ""

    def places(self, agent: str, queue: str) -> list[str]:
        """Where an agent is rung for a caller of a queue, one after the other."""
        found = self.scheduler.agents[agent]
        first = found.at or found.config.phone or f"user:{agent}"
        mobile = found.config.mobile
        if self.scheduler.queues[queue].config.then_mobile and mobile and mobile != first:
            return [first, mobile]
        return [first]

    def probe(self, agent: str) -> None:
        """Look whether the agent's phone is there."""
        found = self.scheduler.agents[agent]
        place = found.at or found.config.phone or f"user:{agent}"
        reachable = True
        try:
            self.find(place)
        except CallError:
            reachable = False
        self.scheduler.set_reachable(agent, reachable)

    # ---- words

    def queue_config(self, queue: str) -> QueueConfig:
        """The settings of a queue as they are now."""
        return self.scheduler.queues[queue].config

    def sources(self, text: str, language: str) -> Awaitable[Sequence[str]]:
        """What a setting names: a file, or `speak:` and a sentence."""
        return self._sources(text, language)

    async def _sources(self, text: str, language: str) -> Sequence[str]:
        if text.startswith("speak:"):
            return await self.voice.say(text.removeprefix("speak:"), language or self.centre.acd.language)
        return [text] if text else []

    async def phrase(self, name: str, language: str = "") -> Sequence[str]:
        """One of the phrases of `voice`."""
        return await self.voice.phrase(name, language or self.centre.acd.language)

    async def place(self, call: str) -> Sequence[str]:
        """The words for a caller's place in its queue."""
        caller = self.scheduler.callers.get(call)
        if caller is None or caller.offer is not None:
            return []
        config, queue = caller.queue.config, caller.queue
        position = queue.position(caller.rank)
        wait_s = queue.estimate_s(position) if config.announce_wait else None
        language = config.language or self.centre.acd.language
        return await self.voice.place(position if config.announce_position else 0, wait_s, language)

    async def whisper(self, queue: str) -> Sequence[str]:
        """What an agent hears before it is joined; a fault costs nothing but the words."""
        try:
            config = self.queue_config(queue)
            return await self._sources(config.whisper, config.language)
        except Exception as error:
            self.log("acd.announcement", queue=queue, error=repr(error))
            return []

    # ---- what happens

    def step(self) -> None:
        """Carry out what the scheduler decides now, and come again when it has something to do."""
        for decision in self.scheduler.step(self.now()):
            match decision:
                case Offered():
                    self._ring(decision)
                case Withdrawn():
                    for agent in decision.agents:
                        if (task := self._ringing.pop((decision.offer, agent), None)) is not None:
                            task.cancel()
                case Overflowed():
                    if (visit := self.visits.get(decision.call)) is not None:
                        visit.overflowed(decision)
                case Overdue():
                    self._look(decision)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (due_s := self.scheduler.next_deadline()) is not None:
            self._timer = self._loop.call_at(due_s, self.step)

    def offer_answered(self, offer: int, agent: str, leg: Leg) -> bool:
        """Whether the caller is this agent's now."""
        found = self.scheduler.offers.get(offer)
        if found is None or not self.scheduler.answered(self.now(), offer, agent):
            return False
        call = found.caller.call
        if (visit := self.visits.get(call) or self.callbacks.get(call)) is not None:
            visit.connected(agent, leg)
        self.step()
        return True

    def offer_ended(self, offer: int, agent: str, outcome: OfferOutcome) -> None:
        """The agent will not answer."""
        self._ringing.pop((offer, agent), None)
        self.scheduler.ended(self.now(), offer, agent, outcome)
        self.look_after()
        self.step()

    def talk_began(self, conversation: Conversation) -> None:
        """An agent and a caller are about to be joined."""
        number = conversation.caller.party.number
        if number and conversation.agent in self.scheduler.agents:
            self.last_agents.pop(number, None)
            self.last_agents[number] = conversation.agent
            if len(self.last_agents) > self.centre.acd.remember_callers:
                del self.last_agents[next(iter(self.last_agents))]
        for listener in self.on_talk:
            listener(conversation.agent, conversation)

    def talk_ended(self, agent: str, leg: Leg) -> None:
        """They are no longer."""
        for listener in self.on_talk:
            listener(agent, None)

    def set_status(self, agent: str, status: AgentStatus, reason: str = "", *, by: str, at: str = "") -> None:
        """An agent logs in, goes on break or logs out, at its phone or by somebody's order. Raises AcdError."""
        self.scheduler.set_status(self.now(), agent, status, reason, by, at)
        self._sit(agent)
        if status != "logged-out":
            self.probe(agent)
        self.look_after()
        self.step()

    def wrap_up_done(self, agent: str, code: str = "") -> None:
        """The agent is done with its last call. Raises AcdError."""
        self.scheduler.wrap_up_done(self.now(), agent, code)
        self.look_after()
        self.step()

    def pick(self, call: str, by: str, leg: Leg) -> None:
        """Join a caller who waits to a leg of somebody outside the queue. Raises AcdError when it does not wait."""
        visit = self.visits.get(call)
        if visit is None or not self.scheduler.take(self.now(), call, by):
            raise AcdError(f"call {call} does not wait", 409)
        visit.connected(by, leg)
        self.step()

    def move(self, call: str, queue: str) -> None:
        """Move a caller who waits to another queue, where it keeps its place. Raises AcdError."""
        if queue not in self.scheduler.queues:
            raise AcdError(f"there is no queue {queue!r}")
        visit, caller = self.visits.get(call), self.scheduler.callers.get(call)
        if visit is None or caller is None or caller.agent:
            raise AcdError(f"call {call} does not wait", 409)
        self.scheduler.leave(self.now(), call, "moved", f"queue:{queue}")
        visit.overflowed(Overflowed(call, caller.queue.name, "moved", f"queue:{queue}"))
        self.step()

    def last_agent(self, number: str) -> str:
        """The agent whom this caller talked to last, if it may be offered callers at all."""
        agent = self.last_agents.get(number, "")
        known = self.scheduler.agents.get(agent)
        return agent if known is not None and known.status == "available" else ""

    def observe(self, record: AnyRecord) -> None:
        """Told every record of the exchange at once: agents' phones come and go, and are in calls of their own."""
        if type(record) is RegistrationAdded or type(record) is RegistrationRemoved:
            if agent := self._own_calls.at(record.user):
                self._loop.call_soon(self._probe_and_step, agent)
        elif (of := self._own_calls.observe(record)) is not None and of in self.scheduler.agents:
            self.scheduler.set_busy(self.now(), of, self._own_calls.call_of(of))
            self._loop.call_soon(self.step)

    def look_after(self) -> None:
        """Agents who began a call of their own meanwhile are busy."""
        for agent in filter(self.scheduler.agents.__contains__, self._own_calls.busy()):
            self.scheduler.set_busy(self.now(), agent, self._own_calls.call_of(agent))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that belongs to the desk; kept until done."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- within

    def _ring(self, offered: Offered) -> None:
        visit, callback = self.visits.get(offered.call), self.callbacks.get(offered.call)
        beside = visit.call.leg if visit is not None else None
        caller = beside.party if beside is not None else Party(callback.number if callback is not None else "")
        if title := self.queue_config(offered.queue).title:
            caller = Party(caller.number, f"{title}: {caller.name}" if caller.name else title)
        shown = visit.call.presentation if visit is not None else NORMAL
        for agent in offered.agents:
            task = self._loop.create_task(Ringing(self, offered, agent, caller, beside, shown).run())
            self._ringing[offered.offer, agent] = task
            task.add_done_callback(self._rung)

    def _rung(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log("acd.fault", error=repr(error), exc_info=error)

    def _probe_and_step(self, agent: str) -> None:
        self.probe(agent)
        self.step()

    def _sit(self, agent: str) -> None:
        """Whoever logs in at another phone is busy when that one is."""
        place = self.scheduler.agents[agent].at
        self._own_calls.sit(agent, place.removeprefix("user:") if place.startswith("user:") else "")
        self.scheduler.set_busy(self.now(), agent, self._own_calls.call_of(agent))

    def _look(self, overdue: Overdue) -> None:
        """The watchdog: what the scheduler believes an agent to be in must still go on."""
        agent = self.scheduler.agents[overdue.agent]
        if agent.state == "busy":
            self.scheduler.set_busy(self.now(), agent.name, self._own_calls.call_of(agent.name))
        elif overdue.call not in self.visits and overdue.call not in self.callbacks:
            self.log("acd.stuck", agent=agent.name, call=overdue.call)
            self.scheduler.give_up(self.now(), agent.name)
