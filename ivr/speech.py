# SPDX-License-Identifier: Apache-2.0
"""Text to speech, kept in a cache on disk: the same words are made once. Who makes them is ivr/voices.py's."""

import asyncio
import hashlib
import os
from pathlib import Path

from switchroom.ivr.voices import WORDS_PER_MINUTE, Engine, SpeechError, espeak

MAX_TEXT = 2_000
MAX_FILES = 2_000
"""Kept on disk; what was not said for longest goes first. Read-back digits would otherwise fill it."""
MAX_AT_ONCE = 4
"""Made at one time."""

__all__ = ["Speech", "SpeechError"]


class Speech:
    """Makes audio files of spoken text in `folder`.

    `voice` is one of the engine's; for espeak-ng a language or a name of its own, such as `en` or `cmn`.
    """

    def __init__(self, folder: Path, voice: str = "en", engine: Engine = espeak) -> None:
        self._folder = folder
        self._voice = voice
        self._engine = engine
        self._making: dict[Path, asyncio.Future[None]] = {}
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def say(self, text: str, voice: str = "") -> str:
        """The path of an audio file that says `text`. Raises SpeechError."""
        voice = voice or self._voice
        if len(text) > MAX_TEXT:
            raise SpeechError(f"{len(text)} characters are too many to say; {MAX_TEXT} is the limit")
        name = hashlib.sha256(f"{voice}|{WORDS_PER_MINUTE}|{text}".encode()).hexdigest()[:32]
        path = self._folder / f"{name}.wav"
        if path.exists():
            os.utime(path)
            return str(path)
        making = self._making.get(path)
        if making is None:
            making = self._making[path] = asyncio.ensure_future(self._make_in_turn(text, voice, path))
            making.add_done_callback(lambda _: self._making.pop(path, None))
        await asyncio.shield(making)
        return str(path)

    async def _make_in_turn(self, text: str, voice: str, path: Path) -> None:
        async with self._turns:
            os.makedirs(self._folder, exist_ok=True)
            unfinished = path.with_suffix(".part")
            await self._engine(text, voice, unfinished)
            os.replace(unfinished, path)  # a file that exists is whole
        files = sorted(self._folder.glob("*.wav"), key=lambda file: file.stat().st_mtime_ns)
        for oldest in files[:-MAX_FILES]:
            oldest.unlink()
