# SPDX-License-Identifier: Apache-2.0
"""One media plane as Python sees it: its thread, its wire, the sessions on it, and the prompts it has mapped."""

import asyncio
import errno
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.ext.plane import Ports, codec_info
from switchroom.media.config import MediaConfig
from switchroom.media.errors import MediaError, PlaneLost, PortsExhausted
from switchroom.media.events import (
    Digit,
    Latched,
    MediaEvent,
    PlayDone,
    PlayEnd,
    Recorded,
    RtpResumed,
    RtpTimeout,
    SessionEvent,
    Speaking,
)
from switchroom.media.events import PlaneLost as PlaneLostEvent
from switchroom.media.found import LIST_SLOTS, FoundLeg, read_listed
from switchroom.media.process import new_shard, peer_id, socket_path
from switchroom.media.prompts import Coded, Key, Prompt
from switchroom.media.stats import PlaneStats, StatsPage
from switchroom.media.wire import VERSION, Error, Op, Record, Wire, unpack_address

if TYPE_CHECKING:
    from switchroom.media.recorder import Recording
    from switchroom.media.session import Session

_PLAY_ENDS: Final[tuple[PlayEnd, ...]] = ("finished", "stopped", "replaced", "closed", "failed")
_PROMPT: Final = struct.Struct("=IIII")
_RECORDED: Final = struct.Struct("=QQi")
_JOIN_S: Final = 5.0
MAX_ROOMS: Final = 512
"""Conferences of one shard (ext/shard/plane.h)."""
MAX_SPARE: Final = 64


class Plane:
    """A shard in a thread of this process, with `ports` those of all shards; or, without, in the media process."""

    def __init__(
        self, config: MediaConfig, ports: Ports | None, shard: int, on_event: Callable[[MediaEvent], None]
    ) -> None:
        self._config = config
        self._ports = ports
        self._shard = shard
        self.attached = ports is None
        self.found: dict[int, FoundLeg] = {}
        """Legs of a former server."""
        self._thread: threading.Thread | None = None
        self._on_event = on_event
        self.on_gone: Callable[[], None] = lambda: None
        """Called when the thread or process is lost, after all events about it."""
        self.process_id = 0
        """Of the media process."""
        self.codecs = {name: index for index, name in enumerate(config.codecs)}
        capsules = [registry.capsule(name) for name in config.codecs]
        self._capsules = capsules
        tables = [codec_info(capsule) for capsule in capsules]
        self.rates = {name: rate for name, (_, rate, _) in zip(config.codecs, tables, strict=True)}
        self.dear = frozenset(name for name in config.codecs if Codec(registry.capsule(name)).has_state)
        """Codecs for which prompts are encoded once for all."""
        self._codecs = " ".join(f"{name}/{rate}" for name, rate, _ in tables)
        self.sessions: dict[int, Session] = {}
        self._prompts: dict[tuple[Key, int], tuple[int, Prompt]] = {}  # slot and what is in it
        self._coded: set[tuple[int, str]] = set()  # slots, and codecs in which the plane has them too
        self._free_slots = list(range(config.max_prompts - 1, -1, -1))
        self.free_rooms = list(range(MAX_ROOMS - 1, -1, -1))
        self.recordings: dict[int, Recording] = {}
        """Until the plane has told that their files are whole."""
        self.page: StatsPage | None = None
        self.facts_lost = 0
        pairs = (config.ports[1] - config.ports[0] + 1) // 2
        self._spare_wanted = min(MAX_SPARE, config.max_sessions // 64, pairs // 64 // config.shards)
        self._spare: deque[tuple[int, int]] = deque()
        """Legs opened ahead, so that a call need not wait for the plane's thread to wake up."""
        self._opening: set[asyncio.Future[Record]] = set()

    async def start(self) -> None:
        """Start the thread and greet it. Raises MediaError when it does not come up."""
        self.wire = Wire(self._connect() if self.attached else self._run(), self._on_fact, self._on_lost)
        answer = await self.wire.ask(Op.HELLO, self._shard, VERSION)
        fd = self.wire.received_fd
        if answer.other != Error.OK or fd is None:
            raise MediaError("the media plane speaks another version")
        codecs = answer.body.partition(b"\0")[0].decode()
        if codecs != self._codecs:
            raise MediaError(
                f"the media process has the codecs {codecs}: it needs the same configuration as the server"
            )
        self.page = StatsPage(fd, self._config.codecs)
        if self.attached:
            for first in range(0, self._config.max_sessions, LIST_SLOTS):
                await self.wire.ask(Op.LIST, other=first)
            taken = {leg.room for leg in self.found.values()}
            self.free_rooms = [room for room in self.free_rooms if room not in taken]

    def _run(self) -> socket.socket:
        assert self._ports is not None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        try:
            shard = new_shard(self._config, self._ports, theirs.detach())
        except MediaError:
            ours.close()
            raise
        self._thread = threading.Thread(target=shard.run, name="media", daemon=True)
        self._thread.start()
        return ours

    def _connect(self) -> socket.socket:
        path = socket_path(self._config.process)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        try:
            end.connect(path)
        except OSError as error:
            end.close()
            raise MediaError(f"no media process at {path} ({error.strerror}): start `switchroom media`") from error
        self.process_id = peer_id(end)
        return end

    async def close(self) -> None:
        """End the thread; all legs, ports and prompts of it are given back."""
        if not hasattr(self, "wire"):
            return  # it never came up
        if not self.wire.closed:
            for handle in [*self.sessions, *[spare for spare, _ in self._spare]] if self.attached else ():
                self.wire.post(Op.CLOSE, handle)
            if not self.attached:
                self.wire.post(Op.SHUTDOWN)
            self.wire.flush()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _JOIN_S)
        self.wire.drain()  # the last recordings have been told
        self.wire.close()
        for session in list(self.sessions.values()):
            session.end()
        self.sessions.clear()
        if self.page is not None:
            self.page.close()
            self.page = None

    def stats(self) -> PlaneStats:
        """Raises PlaneLost when the plane is not there."""
        if self.page is None:
            raise PlaneLost("the media plane is gone")
        return self.page.plane()

    async def open(self, count: int) -> list[tuple[int, int]]:
        """(handle, RTP port) of `count` new legs: all or none. Raises PortsExhausted, PlaneLost, MediaError."""
        taken: list[tuple[int, int]] = []
        try:
            while len(taken) < count:
                if self._spare:
                    taken.append(self._spare.popleft())
                    continue
                answers = await asyncio.gather(*[self.wire.ask(Op.OPEN) for _ in range(count - len(taken))])
                taken += [_opened(answer) for answer in answers if answer.other == Error.OK]
                refused = next((answer for answer in answers if answer.other != Error.OK), None)
                if refused is not None and self._opening:
                    await asyncio.wait(set(self._opening))  # the last ones went to those that are opened ahead
                elif refused is not None and not self._spare:
                    raise _refusal(refused)
        except BaseException:
            for handle, _ in taken:
                self.post(Op.CLOSE, handle)
            raise
        self._refill()
        return taken

    def _refill(self) -> None:
        """Open legs ahead, many at a time."""
        missing = self._spare_wanted - len(self._spare) - len(self._opening)
        if 2 * missing < self._spare_wanted:
            return
        for _ in range(missing):
            asked = self.wire.ask(Op.OPEN)
            self._opening.add(asked)
            asked.add_done_callback(self._keep_spare)

    def _keep_spare(self, asked: asyncio.Future[Record]) -> None:
        self._opening.discard(asked)
        if asked.cancelled() or asked.exception() is not None:
            return
        answer = asked.result()
        if answer.other == Error.OK:
            self._spare.append(_opened(answer))

    @property
    def spare(self) -> int:
        """How many legs are open ahead, for nobody."""
        return len(self._spare)

    def post(self, op: Op, leg: int = 0, other: int = 0, body: bytes = b"", lazy: bool = False) -> None:
        """Order something whose only answer is what happens. A lost plane has told so by events already."""
        if not self.wire.closed:
            self.wire.post(op, leg, other, body, lazy=lazy)

    def tell(self, event: MediaEvent) -> None:
        """An event that Python itself knows of, after those that are being handled now."""
        asyncio.get_running_loop().call_soon(self._on_event, event)

    def map_prompt(self, key: Key, prompt: Prompt) -> int:
        """The slot in which the plane has the prompt; sent there if it is not."""
        at = (key, prompt.rate_hz)
        known = self._prompts.pop(at, None)
        if known is not None and known[1] is not prompt:
            self._unmap(known[0])
            known = None
        if known is None:
            if not self._free_slots:
                self._unmap(self._prompts.pop(next(iter(self._prompts)))[0])
            # The plane frees a slot that is still played when the play ends; so a slot comes round as late as possible.
            slot = self._free_slots.pop(0)
            self.wire.post(Op.LOAD, other=slot, body=_PROMPT.pack(prompt.samples, prompt.rate_hz, 0, 0), fd=prompt.fd)
            known = (slot, prompt)
        self._prompts[at] = known
        return known[0]

    def map_coded(self, key: Key, prompt: Prompt, codec: str, coded: Coded) -> None:
        """Let the plane have the prompt in a codec too; those who are played it from now on get that."""
        slot = self.map_prompt(key, prompt)
        if (slot, codec) not in self._coded:
            self._coded.add((slot, codec))
            body = _PROMPT.pack(coded.samples, coded.rate_hz, self.codecs[codec] + 1, coded.bytes)
            self.wire.post(Op.LOAD, other=slot, body=body, fd=coded.fd)

    def _unmap(self, slot: int) -> None:
        self._coded = {known for known in self._coded if known[0] != slot}
        self.post(Op.UNLOAD, other=slot)
        self._free_slots.append(slot)

    def _on_lost(self) -> None:
        self._spare.clear()
        for session in list(self.sessions.values()):
            session.end()
            self._on_event(PlaneLostEvent(session))
        self.sessions.clear()
        self.found.clear()
        for recording in list(self.recordings.values()):
            self.recording_failed(recording, "the media plane was lost")
        self.on_gone()

    def _on_fact(self, record: Record) -> None:
        if record.op == Op.FACTS_LOST:
            self.facts_lost += record.other
            return
        if record.op == Op.RECORDED:
            self._recorded(record)
            return
        if self.attached and self._is_of_found(record):
            return
        session = self.sessions.get(record.leg)
        event = _read_event(session, record) if session is not None else None
        if session is None or event is None:
            return
        if isinstance(event, PlayDone):
            session.play_ended(event)
        self._on_event(event)

    def _is_of_found(self, record: Record) -> bool:
        """Whether a fact is about a leg of a former server; nobody but us will close that one."""
        if record.op == Op.LISTED and record.leg not in self.sessions:
            leg = read_listed(record)
            if leg is None:
                self.post(Op.CLOSE, record.leg)
            else:
                self.found[leg.handle] = leg
            return True
        if record.leg not in self.found:
            return False
        if record.op == Op.TIMED_OUT:
            self._close_found(record.leg)
        return True

    def _close_found(self, handle: int) -> None:
        self.post(Op.CLOSE, handle)
        room = self.found.pop(handle).room
        if room is not None and all(leg.room != room for leg in self.found.values()):
            self.free_rooms.insert(0, room)

    def close_found(self, tag: str | None) -> int:
        """Close legs of a former server, all or those of one tag; returns how many."""
        chosen = [leg.handle for leg in self.found.values() if tag is None or leg.tag == tag]
        for handle in chosen:
            self._close_found(handle)
        return len(chosen)

    def recording_failed(self, recording: "Recording", reason: str) -> None:
        """It never began, or nobody will tell how it ended."""
        if self.recordings.pop(recording.number, None) is not None:
            recording.stopped = True
            self.tell(Recorded(recording.session, recording.number, 0, 0, recording.rate_hz, reason))

    def _recorded(self, record: Record) -> None:
        recording = self.recordings.pop(record.other, None)
        if recording is None:
            return
        recording.stopped = True
        frames, lost, number = _RECORDED.unpack_from(record.body)
        error = os.strerror(number) if number else None
        self._on_event(Recorded(recording.session, recording.number, frames, lost, recording.rate_hz, error))


def _opened(answer: Record) -> tuple[int, int]:
    return answer.leg, int.from_bytes(answer.body[:2], "little")


def _refusal(answer: Record) -> MediaError:
    if answer.other == Error.NO_PORT:
        return PortsExhausted("no RTP port is free")
    if answer.other == Error.NO_ROOM:
        return PortsExhausted("all sessions are in use")
    number = int.from_bytes(answer.body[:4], "little")
    return MediaError(f"no RTP socket: {errno.errorcode.get(number, number)}, {os.strerror(number)}")


def _read_event(session: "Session", record: Record) -> SessionEvent | None:
    match record.op:
        case Op.TIMED_OUT:
            return RtpTimeout(session)
        case Op.RESUMED:
            return RtpResumed(session)
        case Op.DIGIT:
            return Digit(session, chr(record.body[4]), int.from_bytes(record.body[:4], "little"), record.body[5] != 0)
        case Op.PLAYED:
            return PlayDone(session, record.other, _PLAY_ENDS[record.body[0]])
        case Op.SPEAKING:
            return Speaking(session, record.other != 0)
        case Op.LATCHED:
            return Latched(session, *unpack_address(record.body))
    return None
