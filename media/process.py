# SPDX-License-Identifier: Apache-2.0
"""The media plane as a process of its own, so that calls talk on while the server restarts.

It listens at a Unix socket of SOCK_SEQPACKET. A server connects once for each shard; the first record, SR_HELLO, says
which one. The newest server has the shard. Nothing else happens here: the wire goes to the shard's thread.
"""

import os
import signal
import socket
import struct
import threading
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from switchroom.codecs import registry
from switchroom.ext.plane import Ports, Shard
from switchroom.media.config import MediaConfig
from switchroom.media.errors import MediaError
from switchroom.media.limits import raise_file_limit
from switchroom.media.wire import RECORD_BYTES, Op, unpack_record

_HELLO_S: Final = 2.0
_CREDENTIALS: Final = struct.Struct("=3i")


class _Stop(Exception):
    pass


def socket_path(process: str) -> str:
    """The path in `unix:/path`. Raises MediaError."""
    kind, _, path = process.partition(":")
    if kind != "unix" or not path:
        raise MediaError(f"the media process is given as unix:/path, not as {process!r}")
    return path


def new_shard(config: MediaConfig, ports: Ports, wire_fd: int, door: bool = False) -> Shard:
    """Raises MediaError."""
    try:
        return Shard(
            wire_fd,
            [registry.capsule(name) for name in config.codecs],
            config.bound_to,
            ports,
            max_legs=config.max_sessions,
            max_prompts=config.max_prompts,
            rtp_timeout_ms=config.rtp_timeout_ms,
            traffic_class=config.traffic_class,
            gather_us=config.gather_us,
            door=door,
        )
    except (ValueError, OSError) as error:
        raise MediaError(f"the media plane does not start: {error}") from error


def new_ports(config: MediaConfig) -> Ports:
    """One pool for all shards, so that a leg may move between them. Raises MediaError."""
    try:
        return Ports(*config.ports, config.port_rest_ms)
    except ValueError as error:
        raise MediaError(f"the ports {config.ports[0]} to {config.ports[1]}: {error}") from None


def serve(config: MediaConfig) -> None:
    """Run the shards until SIGTERM or SIGINT. Raises MediaError."""
    path = socket_path(config.process)
    with _listen(path) as door:
        raise_file_limit(config)
        ports = new_ports(config)
        shards = [new_shard(config, ports, -1, door=True) for _ in range(config.shards)]
        threads = [threading.Thread(target=shard.run, name="media", daemon=True) for shard in shards]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        try:
            for thread in threads:
                thread.start()
            print(f"media: {config.shards} shards at {path}", flush=True)
            while True:
                end, _ = door.accept()
                _hand_over(end, shards)
        except _Stop:
            pass
        finally:
            for shard in shards:
                shard.stop()
            for thread in threads:
                thread.join()
            Path(path).unlink(missing_ok=True)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _Stop


def _listen(path: str) -> socket.socket:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with probe:
        try:
            probe.connect(path)
        except OSError:
            Path(path).unlink(missing_ok=True)  # left by one that was killed
        else:
            raise MediaError(f"a media process runs at {path} already")
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    try:
        door.bind(path)
    except OSError as error:
        door.close()
        raise MediaError(f"{path}: {error.strerror}") from error
    finally:
        os.umask(before)
    door.listen()
    return door


def _credentials(end: socket.socket) -> tuple[int, int]:
    """Process and user at the other end."""
    process, user, _ = _CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return process, user


def peer_id(end: socket.socket) -> int:
    """Number of the process that listens at the other end."""
    return _credentials(end)[0]


def process_id(process: str) -> int | None:
    """Number of the media process that runs at `process` now; nothing is asked of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        try:
            end.connect(socket_path(process))
            return peer_id(end)
        except OSError:
            return None


def _hand_over(end: socket.socket, shards: list[Shard]) -> None:
    """Whoever is of another user, or says nothing that makes sense, is hung up on."""
    with end:
        try:
            _, user = _credentials(end)
            end.settimeout(_HELLO_S)
            hello = end.recv(RECORD_BYTES, socket.MSG_PEEK)
            if user not in (0, os.getuid()) or len(hello) != RECORD_BYTES:
                return
            record = unpack_record(hello)
            if record.op != Op.HELLO or record.leg >= len(shards):
                return
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            shards[record.leg].attach(os.dup(end.fileno()))
        except OSError:
            return
