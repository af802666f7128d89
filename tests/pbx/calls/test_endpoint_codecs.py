# SPDX-License-Identifier: Apache-2.0
"""Which codecs a called party is offered: those of the rule, else those of the user or peer, else [media]'s."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from switchroom.pbx import config
from switchroom.pbx.calls.switchboard import Switchboard

TOML = """
[[user]]
name = "1001"
password = "pw1001"
codecs = ["PCMA"]
[[user]]
name = "1002"
password = "pw1002"
[[peer]]
name = "carrier"
addresses = ["192.0.2.0/24"]
codecs = ["PCMA", "PCMU"]
"""


@pytest.fixture
def board() -> Switchboard:
    loaded, mistakes = config.loads(TOML)
    assert loaded is not None, mistakes
    parts: dict[str, Any] = {
        "stack": SimpleNamespace(agent=None, is_ours=lambda uri, domains: False),
        "registrar": SimpleNamespace(
            knows=lambda name: True, lookup=lambda name: [SimpleNamespace(contact=f"sip:{name}@198.51.100.1")]
        ),
    }
    return Switchboard(config=loaded, media=cast(Any, None), ids=cast(Any, None), write=print, log=print, **parts)


@pytest.mark.parametrize(
    ("target", "rule", "offered"),
    [
        ("user:1001", (), ("PCMA",)),
        ("user:1001", ("PCMU",), ("PCMU",)),
        ("user:1002", (), ()),
        ("sip:5@192.0.2.7:5080", (), ("PCMA", "PCMU")),
        ("sip:5@192.0.2.7", ("PCMU",), ("PCMU",)),
        ("sip:5@198.51.100.7", (), ()),
        ("sip:5@[2001:db8::1]", (), ()),
        ("sip:5@example.org", (), ()),
    ],
)
def test_the_nearest_wish_counts(
    board: Switchboard, target: str, rule: tuple[str, ...], offered: tuple[str, ...]
) -> None:
    (endpoint,) = board.endpoints(target, rule)
    assert tuple(endpoint.codecs) == offered
