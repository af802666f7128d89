# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of the database under an exchange that takes real calls: calls go on, and no record is lost or doubled.

A handful of moments; `python -m benchmarks.kill_database` tries 200.
"""

import asyncio
from pathlib import Path

import pytest

from benchmarks.kill_database import run
from tests.postgres import Cluster

KILLS = 5


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_exchange_outlives_its_database(tmp_path: Path, postgres: Cluster) -> None:
    found = asyncio.run(run(tmp_path, postgres, KILLS, callers=3, seed=20))
    assert found.wrong == []
    assert found.kills == KILLS
    assert found.calls_while_away > 0
    assert found.write_errors > 0
    assert found.most_pending > 0
