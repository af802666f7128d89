# SPDX-License-Identifier: Apache-2.0
"""The media part as the calls see it: open sessions, bridge them, hear what happens."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from switchroom.media import formats
from switchroom.media.bridge import Bridge
from switchroom.media.conference import Conference
from switchroom.media.config import MediaConfig
from switchroom.media.doctor import examine
from switchroom.media.errors import MediaError, PlaneLost, PortsExhausted, PromptError
from switchroom.media.events import MediaEvent, PlaneGone
from switchroom.media.formats import Format
from switchroom.media.found import FoundLeg
from switchroom.media.limits import raise_file_limit
from switchroom.media.overload import Overload
from switchroom.media.plane import Plane
from switchroom.media.process import new_ports
from switchroom.media.prompts import Coded, Key, Prompt, PromptStore, source_key
from switchroom.media.reconnect import reconnect
from switchroom.media.session import Session
from switchroom.media.stats import PlaneStats
from switchroom.media.wire import Op

_FORMATS: Final[dict[str, Format]] = {
    form.codec: form
    for form in (formats.PCMU, formats.PCMA, formats.G722, formats.G729, formats.L16_8000, formats.L16_16000)
}
_ROUND_S: Final = 5.0
_WARDS: Final = 10
"""The leg doctor sees each session once in a round, a part of them at a time."""


class MediaServer:
    """`on_event` is called in the loop's thread, in the order in which things happened.

    `hold_music`: sound files that held parties hear one after the other, instead of the configuration's one.
    """

    def __init__(
        self, config: MediaConfig, on_event: Callable[[MediaEvent], None], hold_music: Sequence[str] = ()
    ) -> None:
        self.config = config
        self._hold_music = tuple(hold_music) or ((config.hold_music,) if config.hold_music is not None else ())
        try:
            self._formats = tuple([_FORMATS[name] for name in config.codecs])
        except KeyError as error:
            raise MediaError(f"no codec is called {error.args[0]!r}") from None
        if not self._formats:
            raise MediaError("no codec is chosen")
        self._on_event = on_event
        self._planes: list[Plane] = []
        self._watches: list[Overload] = []
        self._returning: set[asyncio.Task[None]] = set()
        self._round: asyncio.TimerHandle | None = None
        self.prompts = PromptStore(config.max_prompts)
        # Unique over restarts, as o= wants it (RFC 8866 section 5.2): microseconds since 1970, then counted up.
        self._sdp_ids = itertools.count(time.time_ns() // 1_000)

    async def start(self) -> None:
        """Start the shards and load the hold music. Raises MediaError, PromptError; then nothing is left running."""
        raise_file_limit(self.config)
        try:
            ports = None if self.config.process else new_ports(self.config)
            for shard in range(self.config.shards):
                plane = Plane(self.config, ports, shard, self._tell)
                await plane.start()
                self._add(shard, plane)
            for plane in self._planes:
                await self._load_hold_music(plane)
            self._round = asyncio.get_running_loop().call_later(_ROUND_S / _WARDS, self._make_round, 0)
        except BaseException:
            await self.close()
            raise

    def _add(self, shard: int, plane: Plane) -> None:
        """Use it from now on, in the place of a former one if there was one."""
        self._planes[shard : shard + 1] = [plane]
        self._watches[shard : shard + 1] = [Overload(shard)]
        plane.on_gone = lambda: self._gone(shard, plane)

    def _gone(self, shard: int, plane: Plane) -> None:
        if plane not in self._planes:
            return  # by close()
        reason = "the media process is gone" if plane.attached else "the media thread has ended"
        self._tell(PlaneGone(shard, True, reason))
        if plane.attached:
            task = asyncio.get_running_loop().create_task(self._bring_back(shard, plane))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

    async def _bring_back(self, shard: int, former: Plane) -> None:
        plane = await reconnect(
            self.config.process,
            former.process_id,
            lambda: Plane(self.config, None, shard, self._tell),
            self._load_hold_music,
        )
        if plane is None:
            self._tell(PlaneGone(shard, True, "another server has taken over the media process"))
            return
        self._add(shard, plane)
        await former.close()
        self._tell(PlaneGone(shard, False))

    async def close(self) -> None:
        """End all sessions and shards."""
        for task in self._returning:
            task.cancel()
        if self._round is not None:
            self._round.cancel()
        planes, self._planes = self._planes, []
        self._watches.clear()
        for plane in planes:
            await plane.close()
        await asyncio.to_thread(self.prompts.close)

    async def open(self, count: int = 1, beside: Session | None = None) -> list[Session]:
        """`count` sessions that can be bridged to each other, and to `beside`. Raises PortsExhausted, PlaneLost."""
        if beside is not None:
            return self._sessions(beside.plane, await beside.plane.open(count))
        alive = [plane for plane in self._planes if not plane.wire.closed]
        if not alive:
            raise PlaneLost("no media plane runs")
        alive.sort(key=lambda plane: len(plane.sessions))
        for plane in alive[:-1]:
            with suppress(PortsExhausted):
                return self._sessions(plane, await plane.open(count))
        return self._sessions(alive[-1], await alive[-1].open(count))

    def _sessions(self, plane: Plane, legs: list[tuple[int, int]]) -> list[Session]:
        made = []
        for handle, port in legs:
            session = Session(plane, self.prompts, self.config, self._formats, handle, port, next(self._sdp_ids))
            plane.sessions[handle] = session
            made.append(session)
        return made

    def bridge(self, a: Session, b: Session) -> Bridge:
        """Let two sessions hear each other. Raises MediaError."""
        return Bridge(a, b)

    def conference(self, session: Session, top: int = 0) -> Conference:
        """A conference on the shard of `session`, with nobody in it yet. Raises MediaError."""
        return Conference(session.plane, top)

    def stats(self) -> list[PlaneStats]:
        """One entry for each shard."""
        return [plane.stats() for plane in self._planes]

    def lateness(self) -> list[int]:
        """How many slots of all shards were how late; `stats.late_limit_us` has the steps."""
        pages = [plane.page.lateness() for plane in self._planes if plane.page is not None]
        return [sum(counts) for counts in zip(*pages, strict=True)]

    @property
    def sessions(self) -> list[Session]:
        """All that are open."""
        return [session for plane in self._planes for session in plane.sessions.values()]

    def found(self) -> list[FoundLeg]:
        """What a former server left in the media process, as it was when this one came."""
        return [leg for plane in self._planes for leg in plane.found.values()]

    def close_found(self, tag: str | None = None) -> int:
        """Close them, or those of one tag; returns how many."""
        return sum(plane.close_found(tag) for plane in self._planes)

    def _make_round(self, ward: int) -> None:
        for session in self.sessions:
            if session.id % _WARDS == ward:
                for trouble in examine(session):
                    self._tell(trouble)
        self._watch_clocks()
        self._round = asyncio.get_running_loop().call_later(_ROUND_S / _WARDS, self._make_round, (ward + 1) % _WARDS)

    def _watch_clocks(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for plane, watch in zip(self._planes, self._watches, strict=True):
            if plane.page is not None and not plane.wire.closed:
                event = watch.look(now_s, plane.page.plane(), plane.page.lateness())
                if event is not None:
                    self._tell(event)

    async def _load_hold_music(self, plane: Plane) -> None:
        if not self._hold_music:
            return
        key = source_key(self._hold_music)
        for rate_hz in set(plane.rates.values()):
            prompt = await self.prompts.load(key, rate_hz)
            answer = await plane.wire.ask(Op.HOLD_MUSIC, other=plane.map_prompt(key, prompt))
            if answer.other:
                raise PromptError(f"{', '.join(self._hold_music)}: the media plane cannot use it")
            for codec in plane.dear:
                if plane.rates[codec] == rate_hz:
                    self._encode_hold_music(plane, key, prompt, codec)

    def _encode_hold_music(self, plane: Plane, key: Key, prompt: Prompt, codec: str) -> None:
        def give(coded: Coded) -> None:
            for other in self._planes:
                if not other.wire.closed:
                    other.map_coded(key, prompt, codec, coded)

        coded = self.prompts.coded(key, codec)
        if coded is not None:
            plane.map_coded(key, prompt, codec, coded)
        else:
            self.prompts.encode(key, prompt, codec, give)

    def _tell(self, event: MediaEvent) -> None:
        try:
            self._on_event(event)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"a media event was not handled: {event}", "exception": error}
            )
