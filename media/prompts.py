# SPDX-License-Identifier: Apache-2.0
"""Sound files as the plane wants them: mono 16-bit PCM at a codec's rate, in sealed memory that is shared, not copied.

Files are read and resampled in a thread, once for each rate, and kept while there is room. For codecs that are dear to
encode (G.722, G.729) a prompt is encoded once, after its first play, for all who hear it then. A sequence of sources
becomes one piece, so nothing is heard between its parts.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import msgspec

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media.errors import PromptError
from switchroom.media.tones import Tone, render_tone

if TYPE_CHECKING:
    import numpy

MAX_SECONDS: Final = 2 * 3600
MAX_CODING: Final = 64
"""That are being encoded; what comes then is encoded at another time."""
_PIECE_MS: Final = 300  # SR_CODED_MULTIPLE_MS of ext/shard/wire.h
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Pcm(msgspec.Struct, frozen=True):
    """Sound that is in memory already: 16-bit samples in the machine's byte order, mono."""

    samples: bytes
    rate_hz: int


class ToneFor(msgspec.Struct, frozen=True):
    """A tone among the parts of a sequence; one of 0 Hz is silence."""

    tone: Tone
    duration_ms: int


Source = str | os.PathLike[str] | Pcm | ToneFor
"""A sound file that libsndfile reads (WAV, FLAC, Ogg and more), PCM, or a tone."""

Key = tuple[str | Pcm | ToneFor, ...]


def source_key(source: Source | Sequence[Source]) -> Key:
    """What makes two sources the same."""
    if isinstance(source, (str, os.PathLike, Pcm, ToneFor)):
        source = (source,)
    if not source:
        raise ValueError("nothing to play")
    return tuple([part if isinstance(part, (Pcm, ToneFor)) else os.fspath(part) for part in source])


class Prompt(msgspec.Struct, frozen=True, eq=False):
    """Samples in a sealed memory file; the plane maps the same memory."""

    fd: int
    samples: int
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return self.samples / self.rate_hz

    def close(self) -> None:
        os.close(self.fd)


class Coded(msgspec.Struct, frozen=True, eq=False):
    """The payloads of a prompt in a codec, one after the other, in a sealed memory file; with silence at the end."""

    fd: int
    samples: int
    """That they stand for."""
    rate_hz: int
    bytes: int

    def close(self) -> None:
        os.close(self.fd)


def encode_prompt(prompt: Prompt, codec: str) -> Coded:
    """Encode the whole; blocks, mostly without the GIL. Raises OSError."""
    encoder = Codec(registry.capsule(codec))
    piece = _PIECE_MS * prompt.rate_hz // 1000
    parts = []
    for at in range(0, prompt.samples, piece):
        pcm = os.pread(prompt.fd, 2 * min(piece, prompt.samples - at), 2 * at)
        parts.append(encoder.encode(memoryview(pcm.ljust(2 * piece, b"\0")).cast("h")))
    data = b"".join(parts)
    return Coded(_seal(data), len(parts) * piece, prompt.rate_hz, len(data))


def load_prompt(key: Key, rate_hz: int) -> Prompt:
    """Read, mix down, resample and seal; blocks. Raises PromptError."""
    import numpy

    parts = [_resample(*_read(part, rate_hz), rate_hz) for part in key]
    sound = numpy.concatenate(parts)
    if not 0 < len(sound) <= MAX_SECONDS * rate_hz:
        raise PromptError(f"{_name(key)} has no sound, or more than {MAX_SECONDS // 3600} hours of it")
    try:
        return Prompt(_seal(sound.tobytes()), len(sound), rate_hz)
    except OSError as error:
        raise PromptError(f"{_name(key)}: {error}") from error


def _seal(data: bytes) -> int:
    """Memory that nobody can change any more."""
    fd = os.memfd_create("switchroom-prompt", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except OSError:
        os.close(fd)
        raise
    return fd


def _name(key: Key) -> str:
    return ", ".join(part if isinstance(part, str) else type(part).__name__ for part in key)


def _read(part: str | Pcm | ToneFor, rate_hz: int) -> "tuple[numpy.ndarray[Any, Any], int]":
    import numpy
    import soundfile

    if isinstance(part, ToneFor):
        return render_tone(part.tone, part.duration_ms, rate_hz), rate_hz
    if isinstance(part, Pcm):
        return numpy.frombuffer(part.samples, numpy.int16), part.rate_hz
    try:
        with soundfile.SoundFile(part) as file:
            if file.frames > MAX_SECONDS * file.samplerate:
                raise PromptError(f"{part} is longer than {MAX_SECONDS // 3600} hours")
            sound = file.read(dtype="float32", always_2d=True)
            of_file_hz = file.samplerate
    except (OSError, RuntimeError, TypeError) as error:  # soundfile's errors are RuntimeErrors
        raise PromptError(f"{part}: {error}") from error
    mono = sound.mean(axis=1)
    return numpy.clip(numpy.rint(mono * 32768.0), -32768, 32767).astype(numpy.int16), int(of_file_hz)


def _resample(sound: "numpy.ndarray[Any, Any]", from_hz: int, to_hz: int) -> "numpy.ndarray[Any, Any]":
    if from_hz == to_hz or len(sound) == 0:
        return sound
    import soxr

    resampled: numpy.ndarray[Any, Any] = soxr.resample(sound, from_hz, to_hz)
    return resampled


class PromptStore:
    """Prompts by source and rate. At most `limit` are kept; the one that was used longest ago goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._loading: dict[tuple[Key, int], asyncio.Future[Prompt]] = {}
        self._loaded: dict[tuple[Key, int], Prompt] = {}
        self._coded: dict[tuple[Key, str], Coded] = {}
        self._coding: set[tuple[Key, str]] = set()
        self._pool = ThreadPoolExecutor(2, "prompts")
        self._closed = False

    def find(self, key: Key, rate_hz: int) -> Prompt | None:
        """The prompt if it is in memory."""
        prompt = self._loaded.pop((key, rate_hz), None)
        if prompt is not None:
            self._loaded[key, rate_hz] = prompt  # the newest is last
        return prompt

    async def load(self, key: Key, rate_hz: int) -> Prompt:
        """The prompt, read if need be, once for all who ask meanwhile. Raises PromptError."""
        prompt = self.find(key, rate_hz)
        if prompt is not None:
            return prompt
        future = self._loading.get((key, rate_hz))
        if future is None:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._pool, load_prompt, key, rate_hz)
            self._loading[key, rate_hz] = future
            future.add_done_callback(lambda done: self._keep((key, rate_hz), done))
        return await asyncio.shield(future)

    def _keep(self, key: tuple[Key, int], done: "asyncio.Future[Prompt]") -> None:
        self._loading.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._loaded[key] = done.result()
        while len(self._loaded) > self._limit:
            self._drop(next(iter(self._loaded)))

    def _drop(self, known: tuple[Key, int]) -> None:
        prompt = self._loaded.pop(known)
        prompt.close()
        for place, coded in [*self._coded.items()]:
            if place[0] == known[0] and coded.rate_hz == prompt.rate_hz:
                self._coded.pop(place).close()

    def coded(self, key: Key, codec: str) -> Coded | None:
        """The prompt in a codec, if it has been encoded."""
        return self._coded.get((key, codec))

    def encode(self, key: Key, prompt: Prompt, codec: str, done: Callable[[Coded], None] | None = None) -> None:
        """Have it encoded in a thread, for all who are played it from then on."""
        place = (key, codec)
        if place in self._coding or place in self._coded or len(self._coding) >= MAX_CODING:
            return
        self._coding.add(place)
        copy = msgspec.structs.replace(prompt, fd=os.dup(prompt.fd))

        def keep(future: asyncio.Future[Coded]) -> None:
            copy.close()
            self._coding.discard(place)
            if future.cancelled() or future.exception() is not None:
                return
            coded = future.result()
            if self._closed or self._loaded.get((key, prompt.rate_hz)) is not prompt:
                coded.close()
                return
            self._coded[place] = coded
            if done is not None:
                done(coded)

        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._pool, encode_prompt, copy, codec).add_done_callback(keep)

    def forget(self, source: Source | Sequence[Source]) -> None:
        """The file has changed: read it again at the next play."""
        key = source_key(source)
        for known in [known for known in self._loaded if known[0] == key]:
            self._drop(known)

    def close(self) -> None:
        """Give back all memory; loads under way end unheard."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        for known in [*self._loaded]:
            self._drop(known)
