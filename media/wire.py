# SPDX-License-Identifier: Apache-2.0
"""The Python end of the wire to a media plane: records of ext/shard/wire.h, in batches, over a SOCK_SEQPACKET socket.

Commands are queued and go out together at the end of the loop's round; answers find their asker by a cookie, facts go
to one callback. The queue is bounded: a plane that takes nothing any more counts as lost.
"""

import asyncio
import enum
import os
import socket
import struct
from array import array
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple

from switchroom.media.errors import PlaneLost

VERSION: Final = 2
BATCH: Final = 32
MAX_QUEUED: Final = 200_000
LAZY_S: Final = 0.1

_RECORD: Final = struct.Struct("=HHIIIQ104s")
_ADDRESS: Final = struct.Struct("=HH16s")
RECORD_BYTES: Final = _RECORD.size
MESSAGE_BYTES: Final = BATCH * RECORD_BYTES


class Op(enum.IntEnum):
    """enum sr_op of wire.h."""

    HELLO = 1
    OPEN = 2
    CONFIGURE = 3
    CONFIRM = 4
    CLOSE = 5
    BRIDGE = 6
    UNBRIDGE = 7
    ECHO = 8
    PLAY = 9
    TONE = 10
    STOP = 11
    LOAD = 12
    UNLOAD = 13
    HOLD_MUSIC = 14
    SHUTDOWN = 15
    JOIN = 16
    LEAVE = 17
    GAIN = 18
    HEARS = 19
    DETECT = 20
    RECORD = 21
    RECORD_PAUSE = 22
    RECORD_STOP = 23
    ROOM_TONE = 24
    ROOM_RECORD = 25
    ROOM_RECORD_PAUSE = 26
    ROOM_RECORD_STOP = 27
    PLAY_PAUSE = 28
    PLAY_SEEK = 29
    RECORD_AHEAD = 30
    EAR = 31
    SECURE = 48
    KEYS_SEND = 49
    KEYS_DROP = 50
    DELAY = 51
    DEPART = 56
    ARRIVE = 57
    TAG = 58
    LIST = 59

    ANSWER = 128
    TIMED_OUT = 129
    RESUMED = 130
    DIGIT = 131
    PLAYED = 132
    LATCHED = 133
    FACTS_LOST = 134
    RECORDED = 135
    SPEAKING = 136
    LISTED = 160


class Error(enum.IntEnum):
    """enum sr_error of wire.h."""

    OK = 0
    NO_LEG = 1
    NO_ROOM = 2
    NO_PORT = 3
    BAD_RECORD = 4
    NO_PROMPT = 5
    BUSY = 6
    SYSTEM = 7


class Record(NamedTuple):
    """One record as it came; `body` is what wire.h says for the operation."""

    op: int
    flags: int
    cookie: int
    leg: int
    other: int
    number: int
    body: bytes


def unpack_record(data: bytes) -> Record:
    """One record."""
    return Record._make(_RECORD.unpack(data))


@lru_cache(maxsize=4_096)
def pack_address(host: str, port: int) -> bytes:
    """sr_wire_address."""
    address = ip_address(host)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return _ADDRESS.pack(family, port, address.packed)


def unpack_address(body: bytes) -> tuple[str, int]:
    """(host, port) of an sr_wire_address; ("", 0) for none."""
    return _unpacked(body[: _ADDRESS.size])


@lru_cache(maxsize=4_096)
def _unpacked(body: bytes) -> tuple[str, int]:
    family, port, packed = _ADDRESS.unpack(body)
    if family == 0:
        return "", 0
    return str(ip_address(packed[:4] if family == socket.AF_INET else packed)), port


class Wire:
    """`on_fact` gets every record that is no answer, `on_lost` is called once when the plane is gone."""

    def __init__(self, end: socket.socket, on_fact: Callable[[Record], None], on_lost: Callable[[], None]) -> None:
        end.setblocking(False)
        self._socket = end
        self._on_fact = on_fact
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[bytes, int | None]] = deque()  # a record, and a descriptor that goes with it
        self._asked: dict[int, asyncio.Future[Record]] = {}
        self._awaited: dict[int, Callable[[Record | None], None]] = {}
        self._cookie = 0
        self._flushing = False
        self._blocked = False
        self._later: asyncio.TimerHandle | None = None
        self.closed = False
        self.received_fd: int | None = None
        self._loop.add_reader(end, self._read)

    def post(
        self,
        op: Op,
        leg: int = 0,
        other: int = 0,
        body: bytes = b"",
        fd: int | None = None,
        cookie: int = 0,
        lazy: bool = False,
    ) -> None:
        """Queue a command. `fd` is duplicated, so the caller keeps its own. Raises PlaneLost when the plane is gone.

        A `lazy` command may wait for others for LAZY_S: a message wakes the plane's thread, which is most of its cost.
        """
        if self.closed:
            raise PlaneLost("the media plane is gone")
        if len(self._queue) >= MAX_QUEUED:
            self._lose()
            raise PlaneLost("the media plane takes no commands")
        record = _RECORD.pack(op, 0, cookie, leg, other, 0, body)
        self._queue.append((record, None if fd is None else os.dup(fd)))
        if self._flushing:
            return
        if not lazy:
            self._flushing = True
            self._loop.call_soon(self.flush)
        elif self._later is None:
            self._later = self._loop.call_later(LAZY_S, self.flush)

    def ask(
        self,
        op: Op,
        leg: int = 0,
        other: int = 0,
        body: bytes = b"",
        fd: int | None = None,
        lazy: bool = False,
    ) -> asyncio.Future[Record]:
        """Queue a command whose answer is awaited. The answer's `other` is an Error."""
        self._cookie = self._cookie % 0xFFFFFFFF + 1
        future: asyncio.Future[Record] = self._loop.create_future()
        self.post(op, leg, other, body, fd, self._cookie, lazy)
        self._asked[self._cookie] = future
        return future

    def ask_then(
        self,
        heard: Callable[[Record | None], None],
        op: Op,
        leg: int = 0,
        other: int = 0,
        body: bytes = b"",
        fd: int | None = None,
    ) -> None:
        """Queue a command; `heard` gets its answer before anything that comes after it, None if the plane is lost."""
        self._cookie = self._cookie % 0xFFFFFFFF + 1
        self.post(op, leg, other, body, fd, self._cookie)
        self._awaited[self._cookie] = heard

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it."""
        self._flushing = False
        if self._later is not None:
            self._later.cancel()
            self._later = None
        while self._queue and not self.closed:
            count, message = self._next_message()
            fd = self._queue[0][1]
            control = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [fd]))]
            try:
                self._socket.sendmsg([message], control)
            except BlockingIOError:
                if not self._blocked:
                    self._blocked = True
                    self._loop.add_writer(self._socket, self.flush)
                self._flushing = True
                return
            except OSError:
                self._lose()
                return
            for _ in range(count):
                self._queue.popleft()
            if fd is not None:
                os.close(fd)
        if self._blocked and not self.closed:
            self._blocked = False
            self._loop.remove_writer(self._socket)

    def _next_message(self) -> tuple[int, bytes]:
        """As many records as go into one message; one with a descriptor goes alone."""
        if self._queue[0][1] is not None:
            return 1, self._queue[0][0]
        parts: list[bytes] = []
        for record, fd in self._queue:
            if fd is not None or len(parts) == BATCH:
                break
            parts.append(record)
        return len(parts), b"".join(parts)

    def _read(self) -> None:
        for _ in range(64):  # then others in the loop have their turn
            try:
                data, control, _, _ = self._socket.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return
            except OSError:
                data, control = b"", []
            if not data:
                self._lose()
                return
            for level, kind, value in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self.received_fd = int.from_bytes(value[:4], "little")
            for fields in _RECORD.iter_unpack(data[: len(data) // RECORD_BYTES * RECORD_BYTES]):
                self._take(Record._make(fields))
                if self.closed:
                    return

    def drain(self) -> None:
        """Take what has come by now."""
        if not self.closed:
            self._read()

    def _take(self, record: Record) -> None:
        if record.op != Op.ANSWER:
            self._on_fact(record)
            return
        heard = self._awaited.pop(record.cookie, None)
        if heard is not None:
            heard(record)
            return
        future = self._asked.pop(record.cookie, None)
        if future is not None and not future.done():
            future.set_result(record)
        elif record.flags == Op.OPEN and record.other == Error.OK:
            self.post(Op.CLOSE, record.leg)  # nobody waits for this leg any more

    def _lose(self) -> None:
        if not self.closed:
            self.close()
            self._on_lost()

    def close(self) -> None:
        """Hang up: for the plane it is the end of the file. Who still waits for an answer gets PlaneLost."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        if self._later is not None:
            self._later.cancel()
        for _, fd in self._queue:
            if fd is not None:
                os.close(fd)
        self._queue.clear()
        for future in self._asked.values():
            if not future.done():
                future.set_exception(PlaneLost("the media plane is gone"))
        self._asked.clear()
        awaited, self._awaited = self._awaited, {}
        for heard in awaited.values():
            heard(None)
