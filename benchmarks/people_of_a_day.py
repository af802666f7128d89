# SPDX-License-Identifier: Apache-2.0
"""Agents and callers for bench_centre: real SIP over loopback, from one process, with audio where it is wanted."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from switchroom.pbx.demo_phone import FRAME_S, Address, Audio, Phone, Refused, Talk

AGENTS_HOST, CALLERS_HOST = "127.0.0.24", "127.0.0.22"
AT_ONCE = 20
"""Registrations."""
MOST = 4.0
"""No talk is longer than so many times the mean."""


@dataclass
class Outcome:
    """What the people saw."""

    calls: int = 0
    refused: int = 0
    lost: int = 0
    """Calls of which nothing was heard any more."""
    audio_calls: int = 0
    heard: int = 0
    expected: int = 0
    """Packets, by the time that those calls went on."""
    cpu_s: float = 0.0
    """Of the exchange, from the first call to the end of the last, registrations left out."""


class Mute(Audio):
    """Audio that is agreed on and not sent."""

    def send_to(self, description: bytes) -> None:
        pass


class Day:
    """`rate` calls a second for `seconds`. Talk and patience are means of exponential times, `ring_s` is the most."""

    def __init__(
        self,
        server: Address,
        agents: int,
        rate: float,
        seconds: float,
        *,
        talk_s: float,
        ring_s: float,
        patience_s: float,
        with_audio: float,
        seed: int,
    ) -> None:
        self._server, self._agents, self._rate, self._seconds = server, agents, rate, seconds
        self._talk_s, self._ring_s, self._patience_s, self._with_audio = talk_s, ring_s, patience_s, with_audio
        self._draw = Random(seed)
        self._outcome = Outcome()
        self._tasks: set[asyncio.Task[None]] = set()
        self._talking: dict[str, asyncio.Event] = {}
        """By the caller's number, set when an agent has answered."""

    async def run(self, cpu_s: Callable[[], float]) -> Outcome:
        """From the registrations to the last hang-up."""
        loop = asyncio.get_running_loop()
        phones = [Phone(str(1001 + n), self._server, self._draw, f"pw{1001 + n}") for n in range(self._agents)]
        for phone in phones:
            await phone.open(AGENTS_HOST)
            phone.make_audio = Mute
            phone.on_call = lambda talk, phone=phone: self._later(self._answer(talk))  # type: ignore[misc]
        for first in range(0, len(phones), AT_ONCE):
            await asyncio.gather(*[phone.register() for phone in phones[first : first + AT_ONCE]])
        callers = [await self._caller(n) for n in range(self._agents)]
        begun_s = cpu_s()
        ends_s, next_s = loop.time() + self._seconds, loop.time()
        while next_s < ends_s:
            await asyncio.sleep(max(0.0, next_s - loop.time()))
            free = next((phone for phone in callers if not phone.talks and phone.user not in self._talking), None)
            if free is not None:
                self._outcome.calls += 1
                self._later(self._call(free))
            next_s += self._draw.expovariate(self._rate)
        with suppress(TimeoutError):  # who is not done by then is stuck
            async with asyncio.timeout(2 * MOST * self._talk_s + self._patience_s):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        self._outcome.cpu_s = cpu_s() - begun_s
        for phone in (*phones, *callers):
            phone.close()
        return self._outcome

    async def _caller(self, number: int) -> Phone:
        return await Phone(f"138{number:05}", self._server, self._draw).open(CALLERS_HOST)

    async def _answer(self, talk: Talk) -> None:
        """An agent: answer, and now and then be the one who hangs up."""
        await asyncio.sleep(self._draw.uniform(0.2, 1.0) * self._ring_s)
        event = self._talking.get(talk.number)
        if talk.number.endswith("0"):  # as the caller does
            talk.audio = Audio(self._draw)
        await talk.answer()
        if event is not None:
            event.set()
        if self._draw.random() < 0.3:
            await asyncio.wait({talk.over}, timeout=self._talks())
            with suppress(Refused, TimeoutError, OSError):
                await talk.hang_up()

    async def _call(self, phone: Phone) -> None:
        """A caller: wait as long as it likes, talk, hang up."""
        loop, out = asyncio.get_running_loop(), self._outcome
        answered = self._talking[phone.user] = asyncio.Event()
        audio = phone.user.endswith("0") and self._with_audio > 0
        phone.make_audio = Audio if audio else Mute
        try:
            talk = await phone.call("5000")
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.5, self._draw.expovariate(1 / self._patience_s))):
                    await answered.wait()
            began_s, heard = loop.time(), talk.audio.heard
            if answered.is_set():
                await asyncio.wait({talk.over}, timeout=max(0.5, self._talks()))
            if audio and answered.is_set():
                out.audio_calls += 1
                out.heard += talk.audio.heard - heard
                out.expected += round((loop.time() - began_s) / FRAME_S)
            await talk.hang_up()
        except Refused:
            out.refused += 1
        except (TimeoutError, OSError):
            out.lost += 1
        finally:
            del self._talking[phone.user]

    def _talks(self) -> float:
        return min(self._draw.expovariate(1 / self._talk_s), MOST * self._talk_s)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
