# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of a real server that records real audio: the next start mends it, and a second is missing at most.

A handful of moments; `python -m benchmarks.kill_recordings` tries 200.
"""

import asyncio
from pathlib import Path

import pytest

from benchmarks.kill_recordings import run

KILLS = 4
CALLS = 3


@pytest.mark.slow
def test_recordings_survive_kills_at_random_moments(tmp_path: Path) -> None:
    found = asyncio.run(run(tmp_path, KILLS, CALLS, seed=20))
    assert [one for one in found if one.wrong] == []
    assert len(found) == KILLS * CALLS
    assert max(one.duration_s for one in found) > 1.0
    assert list(tmp_path.rglob("*.segments*")) == []
