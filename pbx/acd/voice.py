# SPDX-License-Identifier: Apache-2.0
"""What queues and agents' telephones say, in Chinese and English, through whatever speaks."""

from collections.abc import Awaitable, Callable
from typing import Protocol

Speak = Callable[[str, str], Awaitable[str]]
"""Text and language (`en`, `zh`) to the path of an audio file that says it."""


class Voice(Protocol):
    """Words for the occasions; each answer is what `Leg.play` takes."""

    async def say(self, text: str, language: str) -> list[str]:
        """A sentence, as it stands in the configuration."""

    async def place(self, position: int, wait_s: float | None, language: str) -> list[str]:
        """The place in the queue (0: not told), and how long it will take (None: not told)."""

    async def phrase(self, name: str, language: str, value: str = "") -> list[str]:
        """One of `PHRASES`."""


PHRASES: dict[str, tuple[str, str]] = {
    "logged-in": ("You are logged in.", "您已签入。"),
    "logged-out": ("You are logged out.", "您已签出。"),
    "break": ("You are on break.", "您已置忙。"),
    "available": ("You are available.", "您已置闲。"),
    "no-agent": ("This telephone belongs to no agent.", "这部电话没有对应的坐席。"),
    "wrong-pin": ("That is not the right number.", "密码不正确。"),
    "not-allowed": ("You may not do this.", "您没有权限。"),
    "nothing": ("There is nothing to do.", "没有可执行的操作。"),
    "pin": ("Please enter your number.", "请输入密码。"),
    "same-agent": ("For the person you spoke to last time, press 1.", "如需接通上次为您服务的坐席,请按1。"),
    "callback": (
        "We will call you back. You keep your place in the queue. Goodbye.",
        "我们将给您回电,您的排队位置将保留。再见。",
    ),
    "waits": ("Please stay on the line.", "请稍候。"),
    "taken": ("You talk to the caller now.", "您已接通来电者。"),
    "callback-call": ("This is the call that you asked for.", "这是您要求的回电。"),
    "for-callback": ("Callback.", "回电。"),
}


class Spoken:
    """The words of this file, spoken by `speak`."""

    def __init__(self, speak: Speak) -> None:
        self._speak = speak

    async def say(self, text: str, language: str) -> list[str]:
        return [await self._speak(text, language)]

    async def phrase(self, name: str, language: str, value: str = "") -> list[str]:
        english, chinese = PHRASES[name]
        return await self.say(chinese if language == "zh" else english, language)

    async def place(self, position: int, wait_s: float | None, language: str) -> list[str]:
        sentence = (_chinese if language == "zh" else _english)(position, wait_s)
        return await self.say(sentence, language) if sentence else []


def _english(position: int, wait_s: float | None) -> str:
    parts = []
    if position:
        parts.append(f"You are number {position} in the queue." if position > 1 else "You are next.")
    if wait_s is not None:
        minutes = round(wait_s / 60)
        often = "less than one minute" if not minutes else "about one minute" if minutes == 1 else f"{minutes} minutes"
        parts.append(f"The estimated waiting time is {often}.")
    return " ".join(parts)


def _chinese(position: int, wait_s: float | None) -> str:
    parts = []
    if position:
        parts.append(f"您是第{position}位。" if position > 1 else "您是下一位。")
    if wait_s is not None:
        minutes = round(wait_s / 60)
        parts.append(f"预计等候{minutes}分钟。" if minutes else "预计等候不到一分钟。")
    return "".join(parts)
