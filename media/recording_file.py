# SPDX-License-Identifier: Apache-2.0
"""Files of recording segments (ext/kernels/segment.h): read, mend after a crash, and turn into WAV, FLAC or Opus.

Whatever is left of a recording plays: holes and pauses are silence, so that the length is that of the call.
"""

import fcntl
import hashlib
import os
import struct
import wave
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

HEADER = struct.Struct("<IBBBBIIQII")
MAGIC = 0x47535253
VERSION = 1
AUDIO, PAUSE, LOST = 0, 1, 2
WINDOW = 1 << 16
SILENCE_FRAMES = 8000  # written at a time
WAV_BYTES_MAX = 0xFFFFFFFF - 44
HOLE_S_MAX = 24 * 3600  # a longer one is a damaged header that its CRC happens to fit


class Segment(NamedTuple):
    """One whole segment of a file."""

    kind: int
    channels: int
    rate_hz: int
    first_frame: int
    frames: int
    pcm: bytes  # little-endian int16, interleaved; empty but for AUDIO
    end: int  # where it ends in the file, bytes


class Summary(NamedTuple):
    """What a file of segments holds, in frames."""

    rate_hz: int
    channels: int
    frames: int
    paused: int
    missing: int
    pauses: tuple[tuple[int, int], ...]  # (first frame, frames)


class RecordingError(Exception):
    """A recording cannot be read or converted; the text says which and why."""


class StillWritten(RecordingError):
    """A media process that outlived its server has the file and goes on with it."""


def _segment(data: bytes, at: int, offset: int) -> Segment | None:
    """The whole and sound segment at `at` of `data`, which lies `offset` into the file."""
    if len(data) - at < HEADER.size:
        return None
    magic, version, kind, channels, _, rate_hz, _, first_frame, frames, crc = HEADER.unpack_from(data, at)
    if magic != MAGIC or version != VERSION or kind not in (AUDIO, PAUSE, LOST) or channels not in (1, 2):
        return None
    if not 8000 <= rate_hz <= 48_000 or (kind == AUDIO and frames > rate_hz):
        return None
    end = at + HEADER.size + (frames * channels * 2 if kind == AUDIO else 0)
    if len(data) < end:
        return None
    found = zlib.crc32(data[at + HEADER.size : end], zlib.crc32(data[at : at + HEADER.size - 4]))
    if found != crc:
        return None
    return Segment(kind, channels, rate_hz, first_frame, frames, data[at + HEADER.size : end], offset + end)


def segments(path: str | os.PathLike[str]) -> Iterator[Segment]:
    """The sound segments in their order; damaged bytes between them are passed over."""
    magic = struct.pack("<I", MAGIC)
    longest = HEADER.size + 48_000 * 4
    with open(path, "rb") as file:
        data, offset, ended = b"", 0, False
        while True:
            while not ended and len(data) < longest:
                more = file.read(WINDOW)
                ended = not more
                data += more
            if not data:
                return
            segment = _segment(data, 0, offset)
            if segment is not None:
                yield segment
                used = segment.end - offset
            else:
                used = data.find(magic, 1)
                used = used if used > 0 else max(1, len(data) - (0 if ended else 3))
            data = data[used:]
            offset += used


def placed(path: str | os.PathLike[str]) -> Iterator[tuple[Segment, int]]:
    """The segments that fit together, each with the frames missing before it."""
    first, at = None, 0
    for segment in segments(path):
        first = first or segment
        hole = segment.first_frame - at
        if (segment.rate_hz, segment.channels) != (first.rate_hz, first.channels):
            continue
        if not 0 <= hole <= HOLE_S_MAX * segment.rate_hz:
            continue
        yield segment, hole
        at = segment.first_frame + segment.frames


def summary(path: str | os.PathLike[str], frames: int = 0) -> Summary:
    """What the file holds, of at least `frames`. RecordingError when there is no sound segment in it."""
    last, paused, missing, pauses = None, 0, 0, []
    for last, hole in placed(path):
        missing += hole
        if last.kind == PAUSE:
            paused += last.frames
            pauses.append((last.first_frame, last.frames))
        elif last.kind == LOST:
            missing += last.frames
    if last is None:
        raise RecordingError(f"{os.fspath(path)}: no recorded audio in it")
    end = last.first_frame + last.frames
    frames = max(frames, end)
    missing += frames - end
    return Summary(last.rate_hz, last.channels, frames, paused, missing, tuple(pauses))


def repair(path: str | os.PathLike[str]) -> int:
    """Cut a torn segment off the end, as a crash leaves it; returns the bytes cut."""
    good = 0
    for segment in segments(path):
        good = segment.end
    size = os.path.getsize(path)
    if good < size:
        os.truncate(path, good)
    return size - good


def pcm(path: str | os.PathLike[str], frames: int = 0) -> Iterator[bytes]:
    """The whole recording, at least `frames`, as little-endian interleaved int16, silence where nothing is."""
    end, channels = 0, 1
    for segment, hole in placed(path):
        yield from _silence(hole + (segment.frames if segment.kind != AUDIO else 0), segment.channels)
        if segment.pcm:
            yield segment.pcm
        end, channels = segment.first_frame + segment.frames, segment.channels
    yield from _silence(frames - end, channels)


def _silence(frames: int, channels: int) -> Iterator[bytes]:
    for left in range(frames, 0, -SILENCE_FRAMES):
        yield bytes(2 * channels * min(left, SILENCE_FRAMES))


def to_wav(path: str | os.PathLike[str], wav: str | os.PathLike[str], frames: int = 0) -> Summary:
    """Write the recording, at least `frames` of it, as a WAV file, whole or not at all.

    RecordingError when it holds nothing or is over 4 GB.
    """
    found = summary(path, frames)
    if found.frames * found.channels * 2 > WAV_BYTES_MAX:
        raise RecordingError(f"{os.fspath(path)}: too long for a WAV file")
    part = Path(f"{os.fspath(wav)}.part")
    try:
        with wave.open(str(part), "wb") as out:
            out.setnchannels(found.channels)
            out.setsampwidth(2)
            out.setframerate(found.rate_hz)
            for block in pcm(path, frames):
                out.writeframesraw(block)
        os.replace(part, wav)
    finally:
        part.unlink(missing_ok=True)
    return found


def convert(path: str | os.PathLike[str], to: str | os.PathLike[str]) -> Summary:
    """Write the recording as FLAC (.flac) or Opus (.opus, .ogg), whole or not at all; meant for a background thread."""
    soundfile: Any = import_module("soundfile")  # it has no types
    kind = _form(to)
    found = summary(path)
    part = Path(f"{os.fspath(to)}.part")
    try:
        with soundfile.SoundFile(
            part, "w", samplerate=found.rate_hz, channels=found.channels, format=kind[0], subtype=kind[1]
        ) as out:
            for block in pcm(path):
                out.buffer_write(block, dtype="int16")
        os.replace(part, to)
    except (soundfile.LibsndfileError, OSError) as error:
        raise RecordingError(f"{os.fspath(to)}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return found


class Finished(NamedTuple):
    """A recording that has become a WAV file."""

    duration_ms: int
    paused_ms: int
    missing_ms: int
    size_bytes: int
    sha256: str


def finish(path: str | os.PathLike[str], wav: str | os.PathLike[str], frames: int = 0) -> Finished:
    """Mend the segments, write them as WAV, and take them away. Raises RecordingError, OSError; then they stay.

    `frames`: what was to be recorded, if it is known; what is missing at the end becomes silence.
    """
    with owned(path):
        repair(path)
        found = to_wav(path, wav, frames)
        size, digest = _size_and_digest(wav)
        os.unlink(path)
    per_ms = found.rate_hz // 1000
    return Finished(found.frames // per_ms, found.paused // per_ms, found.missing // per_ms, size, digest)


@contextmanager
def owned(path: str | os.PathLike[str]) -> Iterator[None]:
    """Nobody else may touch the file meanwhile: who writes it holds its lock (media/recorder.py)."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StillWritten(f"{os.fspath(path)}: is still being written") from None
        except OSError:
            pass  # a file system without locks
        yield


def convert_wav(wav: str | os.PathLike[str], to: str | os.PathLike[str]) -> tuple[int, str]:
    """Write a WAV file as FLAC or Opus, whole or not at all; its size and SHA-256. Raises RecordingError, OSError."""
    soundfile: Any = import_module("soundfile")
    form, subtype = _form(to)
    part = Path(f"{os.fspath(to)}.part")
    try:
        with (
            soundfile.SoundFile(wav) as sound,
            soundfile.SoundFile(
                part, "w", samplerate=sound.samplerate, channels=sound.channels, format=form, subtype=subtype
            ) as out,
        ):
            for block in sound.blocks(WINDOW, dtype="int16", always_2d=True):
                out.write(block)
        os.replace(part, to)
    except soundfile.LibsndfileError as error:
        raise RecordingError(f"{os.fspath(to)}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return _size_and_digest(to)


def _form(to: str | os.PathLike[str]) -> tuple[str, str]:
    forms = {".flac": ("FLAC", "PCM_16"), ".opus": ("OGG", "OPUS"), ".ogg": ("OGG", "OPUS")}
    try:
        return forms[Path(to).suffix]
    except KeyError:
        raise RecordingError(f"{os.fspath(to)}: .flac, .opus or .ogg is wanted") from None


def _size_and_digest(path: str | os.PathLike[str]) -> tuple[int, str]:
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
