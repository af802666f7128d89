# SPDX-License-Identifier: Apache-2.0
from typing import NamedTuple

class Pulled(NamedTuple):
    verdict: str
    payload: bytes | None
    duration: int
    seq: int
    timestamp: int
    kind: str

KINDS: tuple[str, ...]
PUSHED: tuple[str, ...]
VERDICTS: tuple[str, ...]

class Jitter:
    def __init__(self, clock_rate_hz: int = 8000, min_delay_ms: int = 0, max_delay_ms: int = 400) -> None: ...
    def bounds(self, min_delay_ms: int, max_delay_ms: int) -> None: ...
    def flush(self) -> None: ...
    def push(
        self,
        now_ns: int,
        seq: int,
        timestamp: int,
        payload: bytes,
        duration: int = 160,
        *,
        ssrc: int = 0,
        marker: bool = False,
        payload_type: int = 0,
        kind: str = "audio",
    ) -> str: ...
    def pull(self, now_ns: int, queued: int = 0, want: int = 160) -> Pulled: ...
    @property
    def target_ms(self) -> float: ...
    @property
    def delay_ms(self) -> float: ...
    @property
    def stats(self) -> dict[str, int]: ...
