# SPDX-License-Identifier: Apache-2.0
"""The limit on one source's messages, on a clock in hand."""

from switchroom.pbx.io import flood
from switchroom.pbx.io.flood import FloodGate


def test_each_source_has_its_own_limit_per_second() -> None:
    gate = FloodGate(3)
    assert [gate.passes("192.0.2.1", 0.1) for _ in range(5)] == [True] * 3 + [False] * 2
    assert gate.passes("192.0.2.2", 0.2)
    assert not gate.passes("192.0.2.1", 0.9)
    assert gate.passes("192.0.2.1", 1.2)
    assert gate.dropped == 3


def test_long_messages_count_for_several() -> None:
    gate = FloodGate(20)
    assert [gate.passes("192.0.2.1", 0.1, 65_000) for _ in range(3)] == [True, False, False]


def test_spoofed_sources_do_not_fill_the_memory() -> None:
    gate = FloodGate(3)
    for number in range(2 * flood.MAX_SOURCES):
        assert gate.passes(str(number), 0.5)
    assert len(gate._counts) <= flood.MAX_SOURCES
