# SPDX-License-Identifier: Apache-2.0
"""The fixtures for pytest: `pytest_plugins = ["switchroom.testing.plugin"]`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchroom.testing.bench import Bench
from switchroom.testing.coverage import Coverage


@pytest.fixture(scope="session")
def step_coverage() -> Coverage:
    """The steps that all benches of the session have been through."""
    return Coverage()


@pytest.fixture
def bench(step_coverage: Coverage) -> Iterator[Callable[..., Bench]]:
    """Make benches, as Bench does; they are closed, and their steps counted, after the test."""
    made: list[Bench] = []

    def make(*flows: Any, **options: Any) -> Bench:
        made.append(Bench(*flows, **options))
        return made[-1]

    yield make
    for each in made:
        step_coverage.add(each.records)
        each.close()
