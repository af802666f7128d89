# SPDX-License-Identifier: Apache-2.0
"""Recordings of the real exchange: begun by a leg or room, kept in crash-safe segments while they run, a WAV file at
their end, and FLAC or Opus some time after.

    segments (media plane) -> WAV -> recording.ended, Recorded -> [FLAC or Opus -> recording.converted]

What a killed exchange left behind is mended at the next start.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from switchroom.media import recording_file
from switchroom.media.errors import MediaError
from switchroom.media.events import Recorded as MediaRecorded
from switchroom.media.recorder import Recording as MediaRecording
from switchroom.media.recording_file import Finished, RecordingError, StillWritten
from switchroom.pbx.control import CallError, Recorded
from switchroom.pbx.events import (
    AnyRecord,
    RecordingConverted,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg
    from switchroom.pbx.calls.room import Room

AGAIN_S = 5.0
"""So often a file is looked after that a media process is still writing."""
SUFFIX = ".segments"
PENDING = ".pending"
"""Beside a WAV file that is to become FLAC or Opus, until it is."""
T = TypeVar("T")


class Recording:
    """One that runs; control.Recording."""

    def __init__(self, book: "Recordings", recording_id: str, path: Path, label: str, leg: "Leg | None") -> None:
        self.id = recording_id
        self.path = str(path)
        self.label = label
        self.leg = leg
        """None: a room is recorded."""
        self.paused = False
        self._book = book
        self._media: MediaRecording | None = None

    @property
    def call_id(self) -> str:
        return self.leg.call_id if self.leg is not None else ""

    @property
    def segments(self) -> Path:
        """The file while it runs."""
        return Path(f"{self.path}.{self.id}{SUFFIX}")

    def begin(self, media: MediaRecording) -> None:
        self._media = media

    @property
    def running(self) -> bool:
        return self._media is not None and not self._media.stopped

    def pause(self) -> None:
        if self.running and not self.paused and self._media is not None:
            self.paused = True
            self._media.pause()
            self._book.write(RecordingPaused(recording=self.id, call=self.call_id))

    def resume(self) -> None:
        if self.running and self.paused and self._media is not None:
            self.paused = False
            self._media.resume()
            self._book.write(RecordingResumed(recording=self.id, call=self.call_id))

    def stop(self) -> None:
        if self._media is not None:
            self._media.stop()


class Recordings:
    """All of one exchange. `folder` is the archive: recordings without a path of their own go there, by day, and are
    kept as `form` (wav, flac, opus); others stay what they are. `utc_s` is the clock on the wall."""

    def __init__(
        self,
        folder: Path,
        form: str,
        *,
        tag: Callable[[], str],
        utc_s: Callable[[], float],
        write: Callable[[AnyRecord], object],
        log: Callable[..., None],
    ) -> None:
        self.folder = folder
        self.running: dict[str, Recording] = {}
        """By id, until their files are whole."""
        self.write = write
        self._form = form
        self._tag = tag
        self._utc_s = utc_s
        self._log = log
        self._order = 0
        self._by_number: dict[int, Recording] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._converting: set[str] = set()
        self._surviving: asyncio.Task[None] | None = None
        self._finishers = ThreadPoolExecutor(2, "recordings")
        self._converter = ThreadPoolExecutor(1, "conversion", lambda: os.nice(10))  # of this thread alone, on Linux

    # ---- beginning

    def of_leg(self, leg: "Leg", path: str, stereo: bool, label: str, before_s: float = 0.0) -> Recording:
        """Raises CallError where there is no audio or no file."""
        if leg.media is None:
            raise CallError(481, "the leg is over")
        recording = self._new(path, label, leg)
        media = leg.media
        self._begin(recording, lambda: media.record(recording.segments, stereo))
        self.write(
            RecordingStarted(
                recording=recording.id, path=recording.path, call=leg.call_id, leg=leg.id, party=leg.party.number,
                label=label, stereo=stereo, before_ms=round(1000 * before_s),
            )
        )  # fmt: skip
        return recording

    def of_room(self, room: "Room", path: str, label: str) -> Recording:
        """The same for all that is said in a room."""
        conference = room.conference
        if conference is None:
            raise CallError(481, "nobody is in the room")
        recording = self._new(path, label, None)
        self._begin(recording, lambda: conference.record(recording.segments))
        self.write(RecordingStarted(recording=recording.id, path=recording.path, label=label))
        return recording

    def _new(self, path: str, label: str, leg: "Leg | None") -> Recording:
        self._order += 1
        recording_id = f"r{self._order:x}-{self._tag()}"
        day = datetime.fromtimestamp(self._utc_s(), UTC).date().isoformat()
        return Recording(self, recording_id, self.folder / (path or f"{day}/{recording_id}.wav"), label, leg)

    def _begin(self, recording: Recording, start: Callable[[], MediaRecording]) -> None:
        try:
            recording.segments.parent.mkdir(parents=True, exist_ok=True)
            media = start()
        except OSError as error:
            raise CallError(500, f"{recording.path}: {error.strerror}") from error
        except MediaError as error:
            raise CallError(500, str(error)) from error
        recording.begin(media)
        self.running[recording.id] = recording
        self._by_number[media.number] = recording

    # ---- the end

    def on_recorded(self, event: MediaRecorded) -> None:
        """The media plane has closed the file."""
        recording = self._by_number.pop(event.recording, None)
        if recording is not None:
            self._spawn(self._finish(recording, event))

    async def _finish(self, recording: Recording, event: MediaRecorded) -> None:
        path, error = Path(recording.path), event.error or ""
        done: Finished | None = None
        try:
            done = await self._in(self._finishers, recording_file.finish, recording.segments, path, event.frames)
        except (OSError, StillWritten) as trouble:  # the next start tries again
            error = error or str(trouble)
        except RecordingError as trouble:
            error = error or (str(trouble) if event.frames else "nothing was recorded")
            await self._in(self._finishers, _give_up, recording.segments)
        self.running.pop(recording.id, None)
        ended = _ended(recording.id, path, done, error)
        if done is None and event.frames == event.lost:  # nothing could be kept, not even for the next start
            ended = msgspec.structs.replace(ended, lost_ms=1000 * event.frames // event.rate_hz)
        leg = recording.leg
        if leg is not None:
            ended = msgspec.structs.replace(ended, call=leg.call_id, leg=leg.id)
        self.write(ended)
        if error:
            self._log("recording.trouble", recording=recording.id, path=recording.path, error=error)
        if leg is not None:
            leg.tell(Recorded(recording.id, recording.path, ended.duration_ms, ended.lost_ms))
        self._convert(recording.id, path)

    # ---- what a killed exchange left

    async def repair(self, *folders: Path) -> int:
        """Mend and finish what lies in the archive and in `folders`; how many there were."""
        left = await self._in(self._finishers, _left_behind, {self.folder, *folders})
        written = [segments for segments in left if not await self._mend(segments)]
        if written:
            self._surviving = asyncio.get_running_loop().create_task(self._mend_later(written))
        for pending in await self._in(self._finishers, lambda: sorted(self.folder.rglob(f"*.wav{PENDING}"))):
            path = pending.with_suffix("")
            if self._form == "wav" or not path.exists():
                pending.unlink(missing_ok=True)
            self._convert(path.stem, path)
        return len(left)

    async def _mend(self, segments: Path) -> bool:
        """False: a media process that outlived its server goes on with the file, so it must not be touched."""
        wav, recording_id, _ = segments.name.rsplit(".", 2)
        path = segments.with_name(wav)
        done, error = None, ""
        try:
            done = await self._in(self._finishers, recording_file.finish, segments, path)
        except StillWritten:
            return False
        except OSError as trouble:  # the next start tries again
            error = str(trouble)
        except RecordingError as trouble:
            error = str(trouble)
            await self._in(self._finishers, _give_up, segments)
        self.write(msgspec.structs.replace(_ended(recording_id, path, done, error), repaired=True))
        self._log("recording.repaired", recording=recording_id, path=str(path), error=error)
        self._convert(recording_id, path)
        return True

    async def _mend_later(self, written: list[Path]) -> None:
        while written:
            await asyncio.sleep(AGAIN_S)
            written = [segments for segments in written if not await self._mend(segments)]

    # ---- other forms

    def _convert(self, recording_id: str, path: Path) -> None:
        """FLAC or Opus in place of the WAV file, in its own time, unless somebody chose the name of that file."""
        chosen = path.stem != recording_id or not path.is_relative_to(self.folder)
        if self._form == "wav" or chosen or recording_id in self._converting or not path.exists():
            return
        _pending(path).touch()  # so that the next start goes on with it
        self._converting.add(recording_id)
        self._spawn(self._converted(recording_id, path))

    async def _converted(self, recording_id: str, path: Path) -> None:
        to = path.with_suffix(f".{self._form}")
        try:
            size, digest = await self._in(self._converter, recording_file.convert_wav, path, to)
        except (RecordingError, OSError) as error:
            self._log("recording.trouble", recording=recording_id, path=str(to), error=str(error))
            return
        finally:
            self._converting.discard(recording_id)
        self.write(RecordingConverted(recording=recording_id, path=str(to), size_bytes=size, sha256=digest))
        await self._in(self._finishers, path.unlink)
        await self._in(self._finishers, _pending(path).unlink)

    async def close(self) -> None:
        """Wait for files that are being finished; conversions that have not begun are done at the next start."""
        if self._surviving is not None:
            self._surviving.cancel()
        self._converter.shutdown(wait=False, cancel_futures=True)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._finishers.shutdown()

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _give_up(segments: Path) -> None:
    """Somebody may still want to look at what cannot be read; nothing of it is looked at again."""
    if segments.stat().st_size:
        os.replace(segments, f"{segments}.unreadable")
    else:
        segments.unlink()


def _pending(path: Path) -> Path:
    return Path(f"{path}{PENDING}")


def _ended(recording_id: str, path: Path, done: Finished | None, error: str) -> RecordingEnded:
    if done is None:
        return RecordingEnded(recording=recording_id, path=str(path), error=error or "nothing was recorded")
    return RecordingEnded(
        recording=recording_id,
        path=str(path),
        duration_ms=done.duration_ms,
        paused_ms=done.paused_ms,
        lost_ms=done.missing_ms,
        size_bytes=done.size_bytes,
        sha256=done.sha256,
        error=error,
    )


def _left_behind(folders: set[Path]) -> list[Path]:
    return sorted({path for folder in folders if folder.is_dir() for path in folder.rglob(f"*{SUFFIX}")})
