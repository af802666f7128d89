# SPDX-License-Identifier: Apache-2.0
"""Patterns of numbers: `X` a digit, `Z` 1 to 9, `N` 2 to 9, `[2-57]` one of a set; all else stands for itself.

`.` at the end is one or more of anything.
"""

import re
from typing import Self

import msgspec

_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}

_PART = re.compile(r"\(\?s:\.\)\+|\[[^\]]*\]|\\.|.")
"""What one character of a number must match."""


class Pattern(msgspec.Struct, frozen=True):
    """A pattern of numbers: `text` as written, `expression` as a regular expression without groups."""

    text: str
    expression: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        if not text:
            raise ValueError("a pattern cannot be empty")
        parts, rest = [], text
        while rest:
            character, rest = rest[0], rest[1:]
            if character == "[":
                inside, closed, rest = rest.partition("]")
                if not closed or not re.fullmatch(r"(?:[0-9A-Za-z*#+._](?:-[0-9A-Za-z])?)+", inside):
                    raise ValueError(f"{text!r}: a set is written like [2-57] or [*#]")
                parts.append(_set(text, inside))
            elif character == ".":
                if rest:
                    raise ValueError(f"{text!r}: '.' (one or more of anything) stands only at the end")
                parts.append("(?s:.)+")
            else:
                parts.append(_CLASSES.get(character) or re.escape(character))
        return cls(text, "".join(parts))

    @property
    def exact(self) -> bool:
        """Whether it is one number and no other."""
        return self.expression == re.escape(self.text)

    def may_become(self, number: str) -> bool:
        """Whether more digits after these could make a number that it matches."""
        parts = [part for part in _PART.findall(self.expression) if part]
        more = bool(parts) and parts[-1] == "(?s:.)+"
        wanted = len(parts) - (1 if more else 0)
        if len(number) > wanted or (len(number) == wanted and not more):
            return False
        return all(re.fullmatch(part, digit) for part, digit in zip(parts, number, strict=False))

    def __str__(self) -> str:
        return self.text


def _set(text: str, inside: str) -> str:
    try:
        re.compile(expression := f"[{inside}]")
    except re.error as error:
        raise ValueError(f"{text!r}: {error.msg}") from None
    return expression
