# SPDX-License-Identifier: Apache-2.0
"""A prompt recorded by telephone: who may, what they hear, and what is kept."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from switchroom.pbx.apps.pins import Pins
from switchroom.pbx.apps.prompt_recorder import PromptRecorder
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.events import AnyRecord, PromptRecorded
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl
from switchroom.pbx.sim.leg import SimLeg
from tests.pbx.apps.rig import FakeSound

PINS = {"1001": "", "1002": "4711"}


class NamedSound(FakeSound):
    """The audio of a file is its name."""

    def _write(self, wav: str) -> None:
        pass

    def _read(self, wav: str) -> bytes:
        return wav.rpartition("/")[2].encode()


class Rig:
    def __init__(self, refuses: bool = False) -> None:
        self.control = SimControl()
        self.sound = NamedSound()
        self.kept: list[tuple[str, str, bytes]] = []
        self.records: list[AnyRecord] = []
        self.status = 0
        self.refuses = refuses

    async def speak(self, text: object, user: str = "", **values: object) -> str:
        return str(text)

    async def keep(self, name: str, language: str, audio: bytes) -> None:
        if self.refuses:
            raise ValueError("no such folder")
        self.kept.append((name, language, audio))

    def call(self, user: str) -> SimLeg:
        recorder = PromptRecorder(
            lambda: ("1001", "1002"), lambda user: PINS.get(user, ""),
            Pins(lambda user: PINS.get(user, ""), asyncio.get_running_loop().time), self.sound, self.speak, self.keep,
            self.records.append,
        )  # fmt: skip
        leg = self.control.incoming(user, user=user)

        async def serve() -> None:
            try:
                await recorder.serve(Call(self.control, leg, "*61", user), "zh/welcome", None)
            except CallerGone:
                pass
            except CallError as error:
                self.status = error.status
            leg.hangup()

        self.task = asyncio.get_running_loop().create_task(serve())
        return leg


def play(script: Callable[[Rig], Awaitable[None]], **options: bool) -> Rig:
    rig = Rig(**options)

    async def main() -> None:
        await script(rig)
        await asyncio.sleep(1)
        await rig.task

    run(main())
    return rig


async def speaks(leg: SimLeg, keys: str) -> None:
    """Let the prompts pass, record, and press a key at the menu."""
    await asyncio.sleep(6)
    leg.press("#")
    await asyncio.sleep(3)
    leg.press(keys)
    await asyncio.sleep(4)


def test_heard_again_recorded_again_and_kept() -> None:
    async def script(rig: Rig) -> None:
        leg = rig.call("1001")
        await speaks(leg, "2")  # listen
        leg.press("3")
        await speaks(leg, "1")
        assert leg.heard.count("tone:beep") == 2
        assert [source.rpartition("/")[2] for source in leg.heard if source.endswith(".wav")] == [
            "1.wav",
            "1.wav",
            "2.wav",
        ]

    rig = play(script)
    assert rig.kept == [("welcome", "zh", b"2.wav")]
    [record] = rig.records
    assert isinstance(record, PromptRecorded)
    assert (record.prompt, record.language, record.by, record.duration_ms) == ("welcome", "zh", "1001", 4000)


@pytest.mark.parametrize("keys", ["*", "hangs up"])
def test_what_is_not_kept_changes_nothing(keys: str) -> None:
    async def script(rig: Rig) -> None:
        leg = rig.call("1001")
        if keys == "*":
            await speaks(leg, "*")
            assert leg.heard[-1] == "It is left as it was. Goodbye."
        else:
            await asyncio.sleep(6)
            leg.leave()

    rig = play(script)
    assert rig.kept == rig.records == []


def test_silence_is_recorded_once_more() -> None:
    async def script(rig: Rig) -> None:
        rig.sound.duration_ms = 0
        leg = rig.call("1001")
        await asyncio.sleep(6)
        leg.press("#")
        await asyncio.sleep(4)
        assert leg.heard[-2:] == ["Nothing was recorded. Once more.", "tone:beep"]
        leg.leave()

    assert play(script).kept == []


@pytest.mark.parametrize(("pin", "keeps"), [("4711", True), ("1", False)])
def test_who_has_a_pin_is_asked_for_it(pin: str, keeps: bool) -> None:
    async def script(rig: Rig) -> None:
        leg = rig.call("1002")
        for _ in range(1 if keeps else 3):
            await asyncio.sleep(3)
            leg.press(f"{pin}#")
        if keeps:
            await speaks(leg, "1")
        await asyncio.sleep(5)

    assert bool(play(script).kept) == keeps


@pytest.mark.parametrize("user", ["1003", ""])
def test_others_may_not(user: str) -> None:
    async def script(rig: Rig) -> None:
        leg = rig.call(user)
        await asyncio.sleep(1)
        assert leg.told[0].startswith("ended")

    assert play(script).status == 403


def test_what_cannot_be_kept_is_said() -> None:
    async def script(rig: Rig) -> None:
        leg = rig.call("1001")
        await speaks(leg, "1")
        assert leg.heard[-1] == "It could not be kept. Goodbye."

    assert play(script, refuses=True).records == []
