# SPDX-License-Identifier: Apache-2.0
"""What a session's party is played: files, PCM and tones, one after the other or again and again.

The half of media/session.py that has nothing to do with what was agreed.
"""

import asyncio
import itertools
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from switchroom.media.errors import PlaneLost, PromptError
from switchroom.media.events import PlayDone, PlayEnd
from switchroom.media.move import Move
from switchroom.media.plane import Plane
from switchroom.media.prompts import Key, Prompt, PromptStore, Source, source_key
from switchroom.media.tones import Step, Tone, find_tone, pack_tone
from switchroom.media.wire import Op

if TYPE_CHECKING:
    from switchroom.media.session import Session

MAX_VOLUME: Final = 16.0
_PLAY: Final = struct.Struct("=IIII")
_SEEK: Final = struct.Struct("=ii")
_ONCE, _LOOP, _SHARED = 0, 1, 2

_plays = itertools.count(1)


class Playing:
    """What `Session` is beside offers and answers."""

    def __init__(self, plane: Plane, prompts: PromptStore, handle: int) -> None:
        self.plane = plane
        self.handle = handle
        self.closed = False
        self.move: Move | None = None
        self._prompts = prompts
        self._loading: tuple[int, asyncio.Task[None]] | None = None
        self._prompt: tuple[int, Key, Prompt, tuple[int, int]] | None = None  # the last one that was given to the plane
        self._plays: list[int] = []  # given to the plane and not ended yet; the last one is heard

    @property
    def codec(self) -> str | None:
        raise NotImplementedError

    def order(self, op: Op, other: "int | Session" = 0, body: bytes = b"", lazy: bool = False) -> None:
        raise NotImplementedError

    def play(
        self, source: Source | Sequence[Source], loop: bool = False, *, shared: bool = False, volume: float = 1.0
    ) -> int:
        """Play a sound file, PCM, a tone, or several in a row, instead of what was played. PlayDone tells its end.

        A file is read in a thread at its first use; one that cannot be read ends with the reason "failed". `shared`:
        for ever, and at the same place for all who hear it, as music on hold.
        """
        if not 0.0 < volume <= MAX_VOLUME:
            raise ValueError(f"a volume is above 0 and at most {MAX_VOLUME:.0f}, not {volume}")
        how = (_SHARED if shared else _LOOP if loop else _ONCE, round(volume * 256))
        key = source_key(source)
        number = next(_plays)
        self._replace_loading("replaced")
        rate_hz = self.plane.rates[self.codec] if self.codec is not None else 8_000
        prompt = self._prompts.find(key, rate_hz)
        if prompt is not None:
            self._start_play(number, key, prompt, how)
        else:
            task = asyncio.get_running_loop().create_task(self._load_and_play(number, key, rate_hz, how))
            self._loading = (number, task)
        return number

    async def _load_and_play(self, number: int, key: Key, rate_hz: int, how: tuple[int, int]) -> None:
        try:
            prompt = await self._prompts.load(key, rate_hz)
            self._loading = None
            self._start_play(number, key, prompt, how)
        except (PromptError, PlaneLost):
            self._loading = None
            self.plane.tell(PlayDone(cast("Session", self), number, "failed"))

    def _start_play(self, number: int, key: Key, prompt: Prompt, how: tuple[int, int]) -> None:
        self._plays.append(number)
        self._prompt = (number, key, prompt, how)
        if self.move is not None:
            self.move.then(lambda: self.go_on_playing(number, 0))
        else:
            self.go_on_playing(number, 0)

    def go_on_playing(self, number: int, start: int) -> None:
        """Let the plane play the prompt that is known by `number`, from that sample on."""
        if self._prompt is not None and number == self._prompt[0] and number in self._plays and not self.closed:
            _, key, prompt, (loop, gain) = self._prompt
            slot = self.plane.map_prompt(key, prompt)
            self._arrange_coding(key, prompt)
            self.plane.post(Op.PLAY, self.handle, slot, _PLAY.pack(number, loop, start, gain))

    def _arrange_coding(self, key: Key, prompt: Prompt) -> None:
        codec = self.codec
        if codec is None or codec not in self.plane.dear or self.plane.rates[codec] != prompt.rate_hz:
            return
        coded = self._prompts.coded(key, codec)
        if coded is not None:
            self.plane.map_coded(key, prompt, codec, coded)
        else:
            self._prompts.encode(key, prompt, codec)

    def tone(
        self,
        what: str | float | Tone | Sequence[Step],
        level_dbm0: float | None = None,
        duration_ms: int = 0,
    ) -> int:
        """Play a tone by name (media/tones.py), by Hz or by steps, for ever unless told; PlayDone tells its end."""
        tone = find_tone(what, level_dbm0)
        number = next(_plays)
        self._replace_loading("replaced")
        self._plays.append(number)
        self.order(Op.TONE, 0, pack_tone(tone, number, duration_ms))
        return number

    def fail_play(self) -> int:
        """The number of a play that could not begin; PlayDone says so."""
        number = next(_plays)
        self.plane.tell(PlayDone(cast("Session", self), number, "failed"))
        return number

    def stop(self) -> None:
        """End what is played."""
        self._replace_loading("stopped")
        self.order(Op.STOP)

    def pause_play(self, paused: bool = True) -> None:
        """Hold what is played at its place, or go on."""
        self.order(Op.PLAY_PAUSE, int(paused))

    def seek_play(self, seconds: float, relative: bool = False) -> None:
        """Go to a place of what is played, or by so much from where it is."""
        self.order(Op.PLAY_SEEK, 0, _SEEK.pack(max(-(1 << 31), min(round(seconds * 1000), (1 << 31) - 1)), relative))

    def echo(self, on: bool) -> None:
        """Send back to the remote what it says, or no longer."""
        self.order(Op.ECHO, int(on))

    @property
    def playing(self) -> int | None:
        """Number of the play or tone that runs or is being loaded."""
        if self._loading is not None:
            return self._loading[0]
        return self._plays[-1] if self._plays else None

    def play_ended(self, event: PlayDone) -> None:
        """The plane told it."""
        if event.play in self._plays:
            self._plays.remove(event.play)

    def _replace_loading(self, reason: PlayEnd) -> None:
        if self._loading is not None:
            number, task = self._loading
            self._loading = None
            task.cancel()
            self.plane.tell(PlayDone(cast("Session", self), number, reason))
