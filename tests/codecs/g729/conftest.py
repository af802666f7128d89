# SPDX-License-Identifier: Apache-2.0
"""What the tests of G.729 share: each test that asks for a `variant` runs once for every one that this machine has."""

import pytest

from switchroom.codecs import g729


@pytest.fixture(params=g729.variants())
def variant(request: pytest.FixtureRequest) -> str:
    """Each variant of the inner loops that this machine has."""
    return str(request.param)
