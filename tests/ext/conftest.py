# SPDX-License-Identifier: Apache-2.0
"""One rig for every test of the shard."""

from collections.abc import Iterator

import pytest
from plane_rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()
