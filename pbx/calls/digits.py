# SPDX-License-Identifier: Apache-2.0
"""Keys that a party presses: told once though a phone tells them twice, carried in INFO, passed on across a bridge."""

import re
from collections import deque
from typing import Final, Literal

import msgspec

DigitSource = Literal["event", "tone", "info"]

DTMF_RELAY: Final = "application/dtmf-relay"
DTMF: Final = "application/dtmf"
TWICE_S: Final = 1.0
"""The same key from another source within this time, apart from its length, is the same press."""
REMEMBERED: Final = 16
MIN_MS, MAX_MS, DEFAULT_MS = 40, 5_000, 160

_SIGNAL: Final = re.compile(rb"^\s*signal\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_DURATION: Final = re.compile(rb"^\s*duration\s*=\s*(\d{1,6})", re.IGNORECASE | re.MULTILINE)
_CODES: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D", "16": "!"}
_KEYS: Final = frozenset("0123456789*#ABCD!")


class Press(msgspec.Struct, frozen=True):
    """One key."""

    digit: str
    duration_ms: int


def read_info(content_type: str, body: bytes) -> Press | None:
    """The key of an INFO: `Signal=5` and `Duration=160`, or the bare character. None when there is none in it."""
    signal = _SIGNAL.search(body)
    text = (signal[1] if signal is not None else body.strip() if content_type == DTMF else b"").decode("latin-1")
    digit = _CODES.get(text, text.upper())
    if digit not in _KEYS:
        return None
    duration = _DURATION.search(body)
    return Press(digit, min(max(int(duration[1]), MIN_MS), MAX_MS) if duration is not None else DEFAULT_MS)


def write_info(press: Press) -> tuple[str, bytes]:
    """Content type and body of an INFO that presses a key."""
    return DTMF_RELAY, f"Signal={press.digit}\r\nDuration={press.duration_ms}\r\n".encode()


class Keys:
    """What one party pressed lately. Some phones send each key by two ways at once; it then counts once."""

    def __init__(self) -> None:
        self._alone: deque[tuple[float, float, str, DigitSource]] = deque(maxlen=REMEMBERED)

    def is_new(self, press: Press, source: DigitSource, now_s: float) -> bool:
        """Whether a key that is told now is more than the twin of one told before."""
        length_s = press.duration_ms / 1000
        for told in self._alone:
            at_s, told_length_s, digit, by = told
            if digit == press.digit and by != source and now_s - at_s <= TWICE_S + max(length_s, told_length_s):
                self._alone.remove(told)  # each has one twin: a key pressed again comes by both ways again
                return False
        self._alone.append((now_s, length_s, press.digit, source))
        return True
