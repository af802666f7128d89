# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterable

class Shard:
    def __init__(
        self,
        wire_fd: int,
        codecs: Iterable[object],
        bind: str,
        ports: tuple[int, int],
        *,
        max_legs: int = 1024,
        max_prompts: int = 1024,
        port_rest_ms: int = 2000,
        rtp_timeout_ms: int = 3000,
        traffic_class: int = 0xB8,
        gather_us: int = 0,
        seed: int | None = None,
    ) -> None: ...
    def run(self) -> None: ...
    def close(self) -> None: ...

class VirtualShard(Shard):
    def refuse(self, port: int, refused: bool = True) -> None: ...
    def fail_sends(self, failing: bool) -> None: ...
    def advance(self, now_ns: int, wall_ns: int = 0) -> bool: ...
    def deliver(self, port: int, data: bytes, source: tuple[str, int]) -> bool: ...
    def sent(self) -> list[tuple[int, tuple[str, int], bytes]]: ...

def codec_info(capsule: object) -> tuple[str, int, int]: ...
