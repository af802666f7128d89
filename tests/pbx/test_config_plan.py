# SPDX-License-Identifier: Apache-2.0
"""What comes first when users dial: one's own numbers and codes, then the features, then the patterns."""

import msgspec
import pytest

from switchroom.pbx.config import Config, User
from switchroom.pbx.config_plan import dial_plan
from switchroom.pbx.config_values import Secret
from switchroom.pbx.dialplan import Destination, Pattern, Rule


def rule(number: str, to: str) -> Rule:
    return Rule(number=Pattern.from_text(number), to=Destination.from_text(to))


@pytest.mark.parametrize(
    ("dialled", "goes_to"),
    [("700", "echo"), ("701", "parked:701"), ("*72", "busy"), ("*73", "feature:forward_always_off"), ("1234", "ring")],
)
def test_order(dialled: str, goes_to: str) -> None:
    config = msgspec.structs.replace(
        Config(),
        users=(User(name="1001", password=Secret("x")),),
        dial_plan={"default": (rule("[1-7]XX.", "ring"), rule("700", "echo"), rule("*72", "busy"))},
    )
    route = dial_plan(config, {}, lambda: 0.0).route(dialled, "default")
    assert route is not None
    assert str(route.to).rstrip("/") == goes_to
