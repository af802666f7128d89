# SPDX-License-Identifier: Apache-2.0
"""What a caller is to hear, in the language of the call: a recording where there is one, else words for the speech
engine.

A recording lies in a folder of prompts as `zh/welcome.wav` (or .flac, .ogg, .opus), and can be added, exchanged or
deleted while calls go on.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from switchroom.ivr import spoken
from switchroom.ivr.spoken import LANGUAGES, Language
from switchroom.pbx.errors import SwitchroomError

_STARTS = {b"RIFF": ".wav", b"fLaC": ".flac", b"OggS": ".ogg"}
SUFFIXES = (".wav", ".flac", ".ogg", ".opus")

Speak = Callable[[str, Language], Awaitable[str]]
"""Text and its language to the path of an audio file that says it."""


class PromptMissing(SwitchroomError):
    """A prompt has neither a recording nor words in the language of the call, nor in any other."""


class Prompt(msgspec.Struct, frozen=True):
    """Something said always the same: a name for its recordings, and words for where there are none."""

    name: str
    en: str = ""
    zh: str = ""

    def words(self, language: Language) -> str:
        """The words in one language; empty where there are none."""
        text: str = getattr(self, language)
        return text


class Value(msgspec.Struct, frozen=True):
    """Something said differently each time; `kind` is one of spoken.SAY, or `text` for words as they are."""

    kind: str
    text: str

    def words(self, language: Language) -> str:
        """Raises ValueError where the text does not fit the kind."""
        return self.text if self.kind == "text" else spoken.SAY[self.kind](self.text, language)


class Sound(msgspec.Struct, frozen=True):
    """An audio file, or `tone:NAME`, as `Leg.play` takes it."""

    source: str


Part = Prompt | Value | Sound | str
"""One piece of what is said; a plain text is spoken as it is, in the language of the call."""


class Prompts:
    """Finds the sources of what is to be played. `folder` may be missing; then everything is spoken."""

    def __init__(self, folder: Path | None, speak: Speak) -> None:
        self._folder = folder
        self._speak = speak

    async def sources(self, parts: Iterable[Part], language: Language) -> list[str]:
        """What `Leg.play` is to play; neighbouring words make one sentence. Raises PromptMissing, ValueError."""
        found: list[str] = []
        words: list[str] = []
        said_in = language
        for part in parts:
            recording = part.source if isinstance(part, Sound) else None
            if isinstance(part, Prompt):
                recording, text, spoken_in = self._find(part, language)
            else:
                text = "" if isinstance(part, Sound) else part if isinstance(part, str) else part.words(language)
                spoken_in = language
            if words and (recording or spoken_in != said_in):
                found.append(await self._say(words, said_in))
                words = []
            if recording:
                found.append(recording)
            elif text:
                words.append(text)
                said_in = spoken_in
        if words:
            found.append(await self._say(words, said_in))
        return found

    def recording(self, name: str, language: Language) -> Path | None:
        """The file of a recorded prompt."""
        if self._folder is None or not is_name(name):
            return None
        for suffix in SUFFIXES:
            path = self._folder / language / f"{name}{suffix}"
            if path.is_file():
                return path
        return None

    async def keep(self, name: str, language: Language, audio: bytes) -> None:
        """Add or exchange a recording. Raises ValueError for a name or audio that cannot be used."""
        if self._folder is None or not is_name(name):
            raise ValueError(f"{name!r} cannot name a prompt: letters, digits, - and _ can")
        suffix = next((suffix for start, suffix in _STARTS.items() if audio.startswith(start)), "")
        if not suffix:
            raise ValueError("expected a WAV, FLAC or Ogg file")
        await asyncio.to_thread(self._write, self._folder / language, name, suffix, audio)

    def delete(self, name: str, language: Language) -> None:
        """Remove a recording; from then on its words are spoken. Raises ValueError where there is none."""
        path = self.recording(name, language)
        if path is None:
            raise ValueError(f"there is no recording {name!r} in {language!r}")
        path.unlink()

    @staticmethod
    def _write(folder: Path, name: str, suffix: str, audio: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{name}.part"
        unfinished.write_bytes(audio)
        os.replace(unfinished, folder / f"{name}{suffix}")  # a file that exists is whole
        for other in SUFFIXES:
            if other != suffix:
                (folder / f"{name}{other}").unlink(missing_ok=True)

    def recordings(self) -> Mapping[str, list[Language]]:
        """The names of all recordings there are, each with its languages."""
        found: dict[str, list[Language]] = {}
        for language in LANGUAGES:
            for path in sorted((self._folder / language).glob("*")) if self._folder is not None else ():
                if path.suffix in SUFFIXES:
                    found.setdefault(path.stem, []).append(language)
        return found

    def _find(self, prompt: Prompt, language: Language) -> tuple[str | None, str, Language]:
        """A recording, or words, in the language wanted, else in another."""
        for each in (language, *(other for other in LANGUAGES if other != language)):
            if (path := self.recording(prompt.name, each)) is not None:
                return str(path), "", each
            if text := prompt.words(each):
                return None, text, each
        raise PromptMissing(f"the prompt {prompt.name!r} has neither words nor a recording")

    async def _say(self, words: list[str], language: Language) -> str:
        return await self._speak(" ".join(words) if language == "en" else "".join(words), language)


def is_name(text: str) -> bool:
    """Whether a text can name a prompt: nothing that leads out of its folder."""
    return text.replace("-", "").replace("_", "").isalnum() and len(text) <= 80
