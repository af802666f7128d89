# SPDX-License-Identifier: Apache-2.0
"""Keys in INFO, and keys that a phone tells by two ways at once."""

import pytest

from switchroom.pbx.calls.digits import DigitSource, Keys, Press, read_info, write_info


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", Press("5", 160)),
        ("application/dtmf-relay", b"Signal= 1\nDuration= 250", Press("1", 250)),
        ("application/dtmf-relay", b"signal=*\r\n", Press("*", 160)),
        ("application/dtmf-relay", b"Signal=11\r\nDuration=100", Press("#", 100)),
        ("application/dtmf-relay", b"Signal=d\r\nDuration=9999999", Press("D", 5_000)),
        ("application/dtmf-relay", b"Signal=3\r\nDuration=1", Press("3", 40)),
        ("application/dtmf-relay", b"Signal=3\r\nDuration=60000", Press("3", 5_000)),
        ("application/dtmf-relay", b"5", None),
        ("application/dtmf-relay", b"Signal=55\r\n", None),
        ("application/dtmf", b"7", Press("7", 160)),
        ("application/dtmf", b"#\r\n", Press("#", 160)),
        ("application/dtmf", b"16", Press("!", 160)),
        ("application/dtmf", b"Signal=4\r\nDuration=80", Press("4", 80)),
        ("application/dtmf", b"", None),
        ("application/dtmf", b"\xff\xfe", None),
    ],
)
def test_reading(content_type: str, body: bytes, expected: Press | None) -> None:
    assert read_info(content_type, body) == expected


def test_what_is_written_can_be_read() -> None:
    assert read_info(*write_info(Press("#", 120))) == Press("#", 120)


def told(*keys: tuple[float, str, DigitSource]) -> str:
    """The keys that are new, of (time, key, source)."""
    memory = Keys()
    return "".join(digit for at_s, digit, source in keys if memory.is_new(Press(digit, 100), source, at_s))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (((0, "5", "event"), (0.05, "5", "info")), "5"),
        (((0, "5", "info"), (0.3, "5", "event")), "5"),
        (((0, "5", "info"), (0.1, "5", "event"), (0.4, "5", "info"), (0.5, "5", "event")), "55"),
        (((0, "5", "info"), (0.01, "5", "info"), (0.1, "5", "event"), (0.2, "5", "event")), "55"),
        (((0, "1", "event"), (0.1, "2", "event"), (0.12, "1", "info"), (0.14, "2", "info")), "12"),
        (((0, "5", "event"), (0.2, "5", "event"), (0.4, "5", "event")), "555"),
        (((0, "5", "event"), (3, "5", "info")), "55"),  # two ways, but not at once
        (((0, "5", "tone"), (0.1, "5", "event")), "5"),
    ],
)
def test_a_key_counts_once(keys: tuple[tuple[float, str, DigitSource], ...], expected: str) -> None:
    assert told(*keys) == expected


def test_a_long_press_ends_long_after_its_info() -> None:
    memory = Keys()
    assert memory.is_new(Press("5", 160), "info", 0.0)
    assert not memory.is_new(Press("5", 4_000), "event", 4.1)
