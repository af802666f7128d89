# SPDX-License-Identifier: Apache-2.0
"""A fold that looks at a record's kind before its cases must name every kind that has a case."""

import ast
import inspect
import textwrap
from collections.abc import Callable

import pytest

from switchroom.pbx import recording_index
from switchroom.pbx.acd import restart
from switchroom.pbx.reports import tally


def kinds_with_a_case(function: Callable[..., object]) -> set[str]:
    """The classes of all `case` lines within a function."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    patterns = [node for node in ast.walk(tree) if isinstance(node, ast.MatchClass)]
    return {ast.unparse(pattern.cls).rpartition(".")[2] for pattern in patterns}


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (tally.Tally._count, tally._COUNTED),
        (restart.KeptFold._keep, restart._KEPT),
        (recording_index.folded, recording_index._RECORDS),
    ],
)
def test_every_case_can_be_reached(function: Callable[..., object], kinds: frozenset[type]) -> None:
    assert kinds_with_a_case(function) == {kind.__name__ for kind in kinds}
