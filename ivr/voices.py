# SPDX-License-Identifier: Apache-2.0
"""The engines that make words of texts: espeak-ng on this machine, or a better voice behind HTTP.

An engine writes one audio file and raises SpeechError with what is wrong; caching and turns are ivr/speech.py's.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from switchroom.pbx.errors import SwitchroomError

WORDS_PER_MINUTE = 150
MAKE_S = 20.0
MAX_AUDIO_BYTES = 50_000_000

Engine = Callable[[str, str, Path], Awaitable[None]]
"""Makes a file at the path, of a text in a voice."""

ESPEAK_VOICES = {"en": "en", "zh": "cmn"}


class SpeechError(SwitchroomError):
    """The words could not be made; the text says why, and what to do about it."""


async def espeak(text: str, voice: str, path: Path) -> None:
    """Speak with espeak-ng; `voice` is one of its own, or a language."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise SpeechError("espeak-ng is not installed; install it with: apt-get install espeak-ng")
    process = await asyncio.create_subprocess_exec(
        program, "-v", ESPEAK_VOICES.get(voice, voice), "-s", str(WORDS_PER_MINUTE), "-w", str(path), "--stdin",
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


def over_http(url: str, timeout_s: float, note: Callable[[str], object]) -> Engine:
    """Speak by a service; where that fails, `note` is told why and espeak-ng speaks."""

    async def make(text: str, voice: str, path: Path) -> None:
        try:
            audio = await _fetch(url, {"text": text, "voice": voice}, timeout_s)
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            note(f"{url}: {str(error) or type(error).__name__}; espeak-ng speaks instead")
            await espeak(text, voice, path)
        else:
            await asyncio.to_thread(path.write_bytes, audio)

    return make


async def _fetch(url: str, wish: dict[str, str], timeout_s: float) -> bytes:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as http,
        http.post(url, json=wish) as answer,
    ):
        answer.raise_for_status()
        audio = await answer.content.read(MAX_AUDIO_BYTES)
        if not audio.startswith((b"RIFF", b"fLaC", b"OggS")):
            raise OSError(f"answered with something that is no audio ({answer.content_type})")
        return audio
