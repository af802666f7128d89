# SPDX-License-Identifier: Apache-2.0
"""Runs a day: the real desk and flows on the simulated exchange, and a journal of lines of JSON.

The same file and seed give the same journal, byte for byte.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from switchroom.ivr import document
from switchroom.ivr.services import Queues, Services
from switchroom.ivr.shelf import Shelf
from switchroom.pbx.acd.config import AgentConfig
from switchroom.pbx.acd.desk import Centre, Desk
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError, Endpoint
from switchroom.pbx.day import people
from switchroom.pbx.day.config import Crew, DayFile, DayRefused, Stream
from switchroom.pbx.day.replay import PastCall
from switchroom.pbx.dialplan import Clockwork
from switchroom.pbx.events import AnyRecord, Entry, QueueAbandoned, ServerStarted, ServerStopped
from switchroom.pbx.sim import clock
from switchroom.pbx.sim.control import SimControl
from switchroom.pbx.sim.leg import SimLeg
from switchroom.testing.world import TextPrompts, length_s

_encode = msgspec.json.Encoder().encode
VERSION = "simulated"
MEAN_PATIENCE_S = 120.0
MEAN_TALK_S = 180.0
"""Of those of a replayed day of whom the journal does not tell."""


class Lines:
    """The journal of a day: numbered records as lines of JSON, and to whoever counts."""

    def __init__(self, file: IO[bytes] | None, start_ns: int) -> None:
        self._file = file
        self._start_ns = start_ns
        self.number = 0
        self.listeners: list[Callable[[Entry], None]] = []

    def append(self, record: AnyRecord) -> int:
        """Give a record its number and time."""
        self.number += 1
        entry = Entry(self.number, self._start_ns + round(asyncio.get_running_loop().time() * 1e9), record)
        if self._file is not None:
            self._file.write(_encode(entry) + b"\n")
        for listener in self.listeners:
            listener(entry)
        return self.number


class Voice:
    """What queues say, as texts."""

    async def say(self, text: str, language: str) -> list[str]:
        return [f"{language}||{text}"]

    async def place(self, position: int, wait_s: float | None, language: str) -> list[str]:
        return [f"{language}|place|You are number {position}."]

    async def phrase(self, name: str, language: str, value: str = "") -> list[str]:
        return [f"{language}|{name}|{name}"]


class Ways:
    """Agents are their phones; there is nothing else to send a call to but queues and flows."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation

    def find(self, target: str) -> list[Endpoint]:
        return self._simulation.board.endpoints(target)

    def route(self, number: str) -> str:
        return number if ":" in number else f"user:{number}"

    async def send(self, call: Call, to: str) -> None:
        await self._simulation.serve_at(call, to)


class Simulation:
    """One day, with one seed."""

    def __init__(
        self, day: DayFile, folder: Path, seed: int, journal: Lines, past: Sequence[PastCall] | None = None
    ) -> None:
        """With `past` its callers come, instead of those of the streams."""
        self.past = past
        self.day = day
        self.journal = journal
        self.chance = random.Random(seed)
        self.board = SimControl(play_s=length_s, write=journal.append, forgets=True, on_bridged=self._bridged)
        self._folder = folder
        self._streams: dict[str, Stream] = {}
        """By the id of the call."""
        self._replayed: dict[str, PastCall] = {}
        """By the id of the call."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls = 0

    async def run(self) -> None:
        """From the first record to the last."""
        day = self.day.day
        self.journal.append(ServerStarted(version=VERSION))
        self._open()
        if self.past is not None:
            coming = [asyncio.ensure_future(self._come_again(self.past))]
        else:
            coming = [asyncio.ensure_future(self._come(stream)) for stream in self.day.streams]
        working = [
            asyncio.ensure_future(self._work(crew, f"{crew.name}{number}", number % crew.turns))
            for crew in self.day.crews
            for number in range(1, crew.agents + 1)
        ]
        await asyncio.gather(*coming)
        try:
            async with asyncio.timeout(day.closing_s):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            for leg in list(self.board.legs):
                leg.leave()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await self.desk.close()
        self.journal.append(ServerStopped(reason="the day is over"))

    async def serve_at(self, call: Call, to: str) -> None:
        """Serve a call at a queue or flow. Raises CallError for anything else."""
        kind, _, name = to.partition(":")
        if kind == "queue":
            stream = self._streams.get(call.id)
            wishes: dict[str, Any] = {}
            if stream is not None:
                wishes = {"priority": stream.priority, "skills": stream.skills}
            elif (past := self._replayed.get(call.id)) is not None:
                wishes = {"skills": past.skills}
            await self.desk.serve(call, name, **wishes)
        elif kind == "ivr":
            await self.shelf.serve(call, name)
        else:
            raise CallError(404, f"a simulated day has no {to}")

    # ---- within

    def _open(self) -> None:
        crews = [(crew, f"{crew.name}{n}") for crew in self.day.crews for n in range(1, crew.agents + 1)]
        for crew, name in crews:
            self.board.phones[f"user:{name}"] = lambda crew=crew: people.phone(self.chance, crew)  # type: ignore[misc]
        agents = [AgentConfig(name=name, queues=crew.queues, skills=crew.skills) for crew, name in crews]
        self.desk = Desk(
            self.board,
            Centre(acd=self.day.acd, queues=self.day.queues, agents=agents),
            Ways(self),
            Voice(),
            write=self.journal.append,
            below=self.chance.randrange,
        )
        clockwork = Clockwork(self.day.times, {})
        start_s = self.day.day.start.utc_ns / 1e9
        loop = asyncio.get_running_loop()

        def holds(name: str) -> bool | None:
            return clockwork.on(name, start_s + loop.time()) if name in clockwork.hours else None

        self.shelf = Shelf(
            None,
            Services(
                prompts=TextPrompts(),
                write=self.journal.append,
                send=self.serve_at,
                clock=loop.time,
                message_path=lambda call: f"messages/{call}",
                holds=holds,
                queues=self._queues(),
            ),
        )
        self.shelf.load()
        for name in self.day.day.flows:
            found, mistakes = document.read((self._folder / name).read_text(encoding="utf-8"), name)
            if found is None:
                raise DayRefused(mistakes)
            self.shelf.use(found)
        self.journal.listeners.append(self._on_entry)
        self.desk.start()

    def _queues(self) -> Queues:
        from switchroom.pbx.call_centre import FlowQueues

        return FlowQueues(lambda: self.desk)

    async def _come(self, stream: Stream) -> None:
        """Callers of a stream, one after the other."""
        loop = asyncio.get_running_loop()
        for at_s in list(people.arrivals(self.chance, stream, self.day.day.hours)):
            await asyncio.sleep(at_s - loop.time())
            self._call(stream, people.number(self.chance, stream))

    async def _come_again(self, past: Sequence[PastCall]) -> None:
        """The callers of a journal."""
        loop = asyncio.get_running_loop()
        for caller in past:
            if caller.queue in self.day.queues:
                await asyncio.sleep(caller.at_s - loop.time())
                self.calls += 1
                leg = self.board.incoming(caller.number)
                self._replayed[leg.call_id] = caller
                patience_s = caller.waited_s
                if not caller.gave_up:
                    patience_s += self.chance.expovariate(1 / MEAN_PATIENCE_S)
                self._start(self._serve(leg, f"queue:{caller.queue}", "", patience_s))

    def _call(self, stream: Stream, number: str) -> None:
        self.calls += 1
        leg = self.board.incoming(number, dialled=stream.dialled)
        self._streams[leg.call_id] = stream
        if stream.keys:
            pressed: set[int] = set()
            leg.on_change = lambda: self._listens(stream, leg, pressed)
        patience_s = people.drawn(self.chance, stream.patience_s, stream.patience)
        self._start(self._serve(leg, stream.to, stream.dialled, patience_s))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, leg: SimLeg, to: str, dialled: str, patience_s: float) -> None:
        """One caller, from beginning to end."""
        call = Call(self.board, leg, dialled)
        gives_up = asyncio.get_running_loop().call_later(patience_s, self._loses_patience, leg)
        leg.story.routed(to, dialled)
        try:
            await self.serve_at(call, to)
        except CallerGone:
            pass
        except CallError as error:
            leg.hangup(error.status, error.reason, error.by, error.result)
        finally:
            gives_up.cancel()
            leg.hangup(200 if leg.was_answered else 480)
            self._streams.pop(leg.call_id, None)
            self._replayed.pop(leg.call_id, None)

    def _loses_patience(self, leg: SimLeg) -> None:
        if leg.partner is None:  # nobody hangs up in a talk for having waited
            leg.leave()

    def _listens(self, stream: Stream, leg: SimLeg, pressed: set[int]) -> None:
        """Press what the caller presses at what it hears."""
        index = len(leg.heard) - 1
        if index < 0 or index in pressed or leg.state == "ended":
            return
        for text, keys in stream.keys.items():
            if text in leg.heard[index]:
                pressed.add(index)
                think_s = people.drawn(self.chance, stream.think_s, "lognormal")
                asyncio.get_running_loop().call_later(think_s, self._press, leg, keys)
                return

    def _press(self, leg: SimLeg, keys: str) -> None:
        if leg.state == "answered" and leg.partner is None:
            leg.press(keys)

    def _bridged(self, one: SimLeg, other: SimLeg) -> None:
        """They talk for a while; then one of them hangs up."""
        caller, agent = (one, other) if one.role == "caller" else (other, one)
        if (past := self._replayed.get(one.call_id)) is not None:
            talk_s = past.talk_s if past.talk_s is not None else self.chance.expovariate(1 / MEAN_TALK_S)
            leaver = caller
        elif (stream := self._streams.get(one.call_id)) is not None:
            talk_s = people.drawn(self.chance, stream.talk_s, stream.talk)
            leaver = caller if self.chance.random() < stream.ends else agent
        else:
            return
        asyncio.get_running_loop().call_later(talk_s, leaver.leave)

    def _on_entry(self, entry: Entry) -> None:
        """Some of those who gave up call again."""
        record = entry.record
        if not isinstance(record, QueueAbandoned):
            return
        stream = self._streams.get(record.call)
        if stream is not None and self.chance.random() < stream.repeats:
            after_s = people.drawn(self.chance, stream.repeat_after_s, "exponential")
            number = next((leg.party.number for leg in self.board.legs if leg.call_id == record.call), "")
            asyncio.get_running_loop().call_later(after_s, self._again, stream, number)

    def _again(self, stream: Stream, number: str) -> None:
        if asyncio.get_running_loop().time() < self.day.day.hours * 3600:
            self._call(stream, number or people.number(self.chance, stream))

    async def _work(self, crew: Crew, agent: str, turn: int) -> None:
        """An agent comes, takes its breaks, and goes."""
        loop = asyncio.get_running_loop()

        def late_s() -> float:
            return self.chance.expovariate(1 / crew.late_s) if crew.late_s else 0.0

        steps: list[tuple[float, str]] = [(crew.shift.begin_s + late_s(), "available")]
        for pause in crew.breaks:
            later_s = turn * (pause.end_s - pause.begin_s)
            steps += [
                (pause.begin_s + later_s + late_s(), "break"),
                (pause.end_s + later_s + late_s(), "available"),
            ]
        steps.append((crew.shift.end_s + late_s(), "logged-out"))
        for at_s, status in sorted(steps):
            await asyncio.sleep(max(0.0, at_s - loop.time()))
            self.desk.set_status(agent, status, "lunch" if status == "break" else "", by=agent)  # type: ignore[arg-type]


def simulate(
    path: Path,
    day: DayFile,
    seed: int,
    journal: Path | None,
    listeners: Sequence[Callable[[Entry], None]] = (),
    past: Sequence[PastCall] | None = None,
) -> Simulation:
    """Run a day to its end, in virtual time; `listeners` are told every entry. Raises OSError for the journal."""
    file = journal.open("wb") if journal is not None else None
    try:
        lines = Lines(file, day.day.start.utc_ns)
        lines.listeners += listeners
        simulation = Simulation(day, path.parent, seed, lines, past)
        clock.run(simulation.run())
        return simulation
    finally:
        if file is not None:
            file.close()
