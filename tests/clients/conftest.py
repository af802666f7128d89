# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests with real clients: one server for a module, and what is missing said plainly."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.pjsua import program
from tests.clients.server import ServerProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs real clients."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.clients)
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("server"), sip_more="trace = true").start()
    yield process
    process.stop()


def need(program: str) -> None:
    """Skip where a program is missing; under CI that is a failure."""
    if shutil.which(program) is None:
        message = f"{program} is not installed (apt-get install sip-tester baresip-core)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def need_pjsua() -> None:
    """Skip where there is no pjsua: it is in no Debian package."""
    if program() is None:
        pytest.skip("pjsua is not there")
