# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of a media plane in their own process share: descriptions, the load program, lateness read."""

import itertools
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from switchroom.media.stats import late_limit_us

HOST, FIRST, SECOND = "127.0.0.51", "127.0.0.52", "127.0.0.53"
"""The plane, and the remotes of the two sides of its calls."""
CORES = sorted(os.sched_getaffinity(0))
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def describe(host: str, port: int, payload_type: int = 0) -> bytes:
    """The SDP of a remote."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {payload_type}\r\n"
    ).encode()


def build_load(folder: Path) -> Path:
    """Compile rtp_load.c into a folder."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("no C compiler: set CC")
    program = folder / "rtp_load"
    source = Path(__file__).parent / "rtp_load.c"
    subprocess.run([*shlex.split(compiler), "-O2", "-o", program, source], check=True)
    return program


def late_us(counts: Sequence[int]) -> dict[str, int]:
    """So late, at most, were half of the slots, and so on."""
    reached = list(itertools.accumulate(counts))
    return {
        name: late_limit_us(next(step for step, slots in enumerate(reached) if slots >= share * reached[-1]))
        for name, share in SHARES.items()
    }
