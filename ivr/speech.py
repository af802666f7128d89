# SPDX-License-Identifier: Apache-2.0
"""Text to speech through espeak-ng, kept in a cache on disk: the same words are made once."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

MAX_TEXT = 2_000
MAX_FILES = 2_000
"""Kept on disk; what was not said for longest goes first. Read-back digits would otherwise fill it."""
MAX_AT_ONCE = 4
"""Processes of espeak-ng at one time."""
MAKE_S = 20.0
WORDS_PER_MINUTE = 150


class SpeechError(Exception):
    """The words could not be made; the text says why, and what to do about it."""


class Speech:
    """Makes WAV files of spoken text in `folder`.

    `voice` is one of espeak-ng's, such as `en` or `cmn`.
    """

    def __init__(self, folder: Path, voice: str = "en") -> None:
        self._folder = folder
        self._voice = voice
        self._making: dict[Path, asyncio.Future[None]] = {}
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def say(self, text: str, voice: str = "") -> str:
        """The path of a mono WAV file that says `text`. Raises SpeechError."""
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
            await self._make(text, voice, path)
        files = sorted(self._folder.glob("*.wav"), key=lambda file: file.stat().st_mtime_ns)
        for oldest in files[:-MAX_FILES]:
            oldest.unlink()

    async def _make(self, text: str, voice: str, path: Path) -> None:
        program = shutil.which("espeak-ng")
        if program is None:
            raise SpeechError("espeak-ng is not installed; install it with: apt-get install espeak-ng")
        os.makedirs(self._folder, exist_ok=True)
        unfinished = path.with_suffix(".part")
        process = await asyncio.create_subprocess_exec(
            program, "-v", voice, "-s", str(WORDS_PER_MINUTE), "-w", str(unfinished), "--stdin",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(MAKE_S):
                _, errors = await process.communicate(text.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise SpeechError(f"espeak-ng took longer than {MAKE_S:g} s") from None
        if process.returncode != 0:
            raise SpeechError(f"espeak-ng failed: {errors.decode('utf-8', 'replace').strip()[:200]}")
        os.replace(unfinished, path)  # a file that exists is whole
