# SPDX-License-Identifier: Apache-2.0
"""The people of `switchroom demo --busy`: agents who log in, answer and take breaks, and callers who press keys, wait,
talk, give up, and say how content they were; over real SIP and RTP.

They run in a process of their own, which ends with the demo: `python -m switchroom.pbx.demo_people HOST:PORT SEED
FOLDER`. The same seed makes the same people; what the exchange does with them depends on its timing.
"""

import asyncio
import io
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import soundfile
import soxr

from switchroom.ivr.speech import Speech
from switchroom.ivr.voices import SpeechError
from switchroom.pbx.demo_phone import Address, Phone, Refused, Talk

AGENTS = range(1003, 1011)
"""1001 and 1002 are for whoever tries the demo."""
AGENTS_HOST, CALLERS_HOST = "127.0.0.1", "127.0.0.3"
MAX_CALLERS = 14
EVERY_S, PATIENCE_S, TALK_S = 4.0, 50.0, 25.0
NUMBERS = tuple(f"138000000{number:02}" for number in range(60))
WAYS = (("8888", 70), ("8000", 15), ("8001", 15))
CALLER_SAYS = (
    "Good morning. I have a question about my order. It should have been here on Monday.",
    "Hello. My telephone does not ring any more, and I do not know why. Can you help me?",
    "I would like to have two more lines, and an offer for it, please.",
)
AGENT_SAYS = (
    "Thank you for waiting. My name is Alex. How can I help you?",
    "One moment please, I will look it up for you. Yes, here it is.",
    "I have written that down, and I will send you a message about it. Is there anything else?",
)
_TROUBLE = (Refused, TimeoutError, OSError)


class World:
    """What they have in common. Callers are told when they talk, and when the agent has left; people hear that."""

    def __init__(self, server: Address, seed: int, sounds: tuple[list[bytes], list[bytes]]) -> None:
        self.server, self.seed = server, seed
        self.caller_says, self.agent_says = sounds
        self.served: dict[str, tuple[asyncio.Event, asyncio.Event]] = {}
        """Number of a caller to: it talks, the agent has left."""


class Agent:
    """One agent at its phone."""

    def __init__(self, world: World, user: int) -> None:
        self._world = world
        self._random = Random(f"{world.seed} agent {user}")
        self._phone = Phone(str(user), world.server, self._random, f"pw{user}")
        self._phone.on_call = lambda talk: self._later(self._serve(talk))
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self) -> None:
        """Log in, and take a break now and then; for ever."""
        await asyncio.sleep(self._random.uniform(0, 4))
        await self._phone.open(AGENTS_HOST)
        try:
            await self._phone.register()
            await self._dial("*11")
            while True:
                await asyncio.sleep(self._random.uniform(90, 300))
                await self._phone.register()
                await self._dial(f"*13{self._random.choice('1234')}")
                await asyncio.sleep(self._random.uniform(15, 40))
                await self._dial("*14")
        finally:
            self._phone.close()

    async def _dial(self, code: str) -> None:
        """Dial a code between two calls, and listen to what it says."""
        for talk in list(self._phone.talks.values()):
            await asyncio.wait({talk.over})
        with suppress(*_TROUBLE):
            own = await self._phone.call(code)
            await asyncio.wait({own.over}, timeout=8)
            await own.hang_up()

    async def _serve(self, talk: Talk) -> None:
        """Answer after a moment, seldom not at all; talk, and in most cases be the one who hangs up."""
        draw = self._random
        if draw.random() < 0.03:
            return
        await asyncio.sleep(draw.uniform(1, 4))
        if talk.over.done():
            return
        await talk.answer()
        talks, left = self._world.served.get(talk.number, (asyncio.Event(), asyncio.Event()))
        talks.set()
        ends_s = asyncio.get_running_loop().time() + min(max(6.0, draw.expovariate(1 / TALK_S)), 70.0)
        while not talk.over.done() and (rest_s := ends_s - asyncio.get_running_loop().time()) > 0:
            talk.audio.say(draw.choice(self._world.agent_says))
            await asyncio.wait({talk.over}, timeout=min(rest_s, draw.uniform(6, 12)))
        with suppress(*_TROUBLE):
            await talk.hang_up()
        left.set()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def call_once(world: World, number: str, draw: Random) -> None:
    """One caller: dials, presses keys, waits as long as it likes, talks, rates."""
    phone = await Phone(number, world.server, draw).open(CALLERS_HOST)
    talks, left = world.served[number] = asyncio.Event(), asyncio.Event()
    try:
        (dialled,) = draw.choices([way for way, _ in WAYS], [weight for _, weight in WAYS])
        talk = await phone.call(dialled)
        if dialled == "8888" and not await _choose(talk, draw):
            return
        if not await _until(talks, talk, max(5.0, draw.expovariate(1 / PATIENCE_S))):
            return
        ends_s = draw.uniform(8, 40) if draw.random() < 0.2 else 120.0
        while not left.is_set() and not talk.over.done() and ends_s > 0:
            talk.audio.say(draw.choice(world.caller_says))
            pause_s = draw.uniform(8, 14)
            ends_s -= pause_s
            await _until(left, talk, pause_s)
        if left.is_set() and dialled == "8888" and draw.random() < 0.85:
            await asyncio.wait({talk.over}, timeout=draw.uniform(2, 5))
            talk.audio.press(draw.choices("123", (7, 1, 2))[0])
            await asyncio.wait({talk.over}, timeout=15)
    except _TROUBLE:
        pass
    finally:
        for talk in list(phone.talks.values()):
            with suppress(*_TROUBLE):
                await talk.hang_up()
        phone.close()
        del world.served[number]


async def _choose(talk: Talk, draw: Random) -> bool:
    """Go through the menu; False where it was enough."""
    await asyncio.wait({talk.over}, timeout=draw.uniform(2, 7))
    if draw.random() < 0.15:
        talk.audio.press("8")
        await asyncio.wait({talk.over}, timeout=draw.uniform(2, 5))
    choice = draw.choices("123", (5, 4, 1))[0]
    talk.audio.press(choice)
    if choice == "3":
        await asyncio.wait({talk.over}, timeout=3)
        talk.audio.press("1")
        await asyncio.wait({talk.over}, timeout=8)
    return choice != "3" and not talk.over.done()


async def _until(event: asyncio.Event, talk: Talk, most_s: float) -> bool:
    """Whether it happened before the time was over and the call as well."""
    waiting = asyncio.ensure_future(event.wait())
    either: set[asyncio.Future[Any]] = {waiting, talk.over}
    await asyncio.wait(either, timeout=most_s, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return event.is_set()


async def callers(world: World) -> None:
    """Let callers come, one after the other, each of them not twice at a time; for ever."""
    draw = Random(f"{world.seed} callers")
    calling: set[asyncio.Task[None]] = set()
    await asyncio.sleep(6)
    for serial in range(1_000_000):
        number = draw.choice(NUMBERS)
        if len(calling) < MAX_CALLERS and number not in world.served:
            task = asyncio.create_task(call_once(world, number, Random(f"{world.seed} call {serial}")))
            calling.add(task)
            task.add_done_callback(calling.discard)
        await asyncio.sleep(min(draw.expovariate(1 / EVERY_S), 5 * EVERY_S))


async def _spoken(speech: Speech, texts: tuple[str, ...], voice: str) -> list[bytes]:
    """The texts in G.711; nothing but silence where there is no voice."""
    sounds = []
    for text in texts:
        try:
            samples, rate = soundfile.read(await speech.say(text, voice), dtype="float32")
        except SpeechError:
            return [b"\xff"]
        raw = io.BytesIO()
        soundfile.write(raw, soxr.resample(samples, rate, 8000), 8000, format="RAW", subtype="ULAW")
        sounds.append(raw.getvalue())
    return sounds


async def main(server: Address, seed: int, folder: Path) -> None:
    """Live until the demo, which holds the other end of our standard input, ends."""
    speech = Speech(folder)
    world = World(server, seed, (await _spoken(speech, CALLER_SAYS, "en+f3"), await _spoken(speech, AGENT_SAYS, "en")))
    everybody = [asyncio.create_task(Agent(world, user).live()) for user in AGENTS]
    everybody.append(asyncio.create_task(callers(world)))
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, gone.set)  # nothing is ever written to it: it ends
    await gone.wait()
    for task in everybody:
        task.cancel()
    await asyncio.gather(*everybody, return_exceptions=True)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    with suppress(KeyboardInterrupt):
        asyncio.run(main((host, int(port)), int(sys.argv[2]), Path(sys.argv[3])))
