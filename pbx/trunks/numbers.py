# SPDX-License-Identifier: Apache-2.0
"""How numbers change on their way to and from a trunk, as lines that are read at sight: `"0Z. -> +86{number:1}"`.

The left side is a pattern of the dial plan, the right side what the number becomes; the first line that matches holds,
and a number that no line matches stays as it is.
"""

import re
from collections.abc import Sequence
from typing import Literal, Self

import msgspec

from switchroom.pbx.dialplan import Pattern

_FIELD = re.compile(r"\{number(?::(\d{1,2}))?\}")
_NUMBER = re.compile(r"\+?[0-9*#A-Za-z._-]*")


class NumberRule(msgspec.Struct, frozen=True):
    """One line."""

    pattern: Pattern
    becomes: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        left, arrow, right = (part.strip() for part in text.partition("->"))
        if not arrow or not left:
            raise ValueError(f"{text!r}: expected a line such as '0Z. -> +86{{number:1}}'")
        rest = _FIELD.sub("", right)
        if not _NUMBER.fullmatch(rest):
            raise ValueError(f"{text!r}: {rest!r} cannot be part of a number; fields are {{number}} and {{number:N}}")
        return cls(Pattern.from_text(left), right)

    def __str__(self) -> str:
        return f"{self.pattern} -> {self.becomes}"


def change(number: str, rules: Sequence[NumberRule]) -> str:
    """What a number becomes."""
    for rule in rules:
        if re.fullmatch(rule.pattern.expression, number):
            return _FIELD.sub(lambda field: number[int(field[1] or 0) :], rule.becomes)
    return number


class Country(msgspec.Struct, frozen=True):
    """How numbers are dialled in a country: `86`, or with its prefixes `1 011 1` (code, international, national)."""

    code: str
    international: str = "00"
    national: str = "0"

    @classmethod
    def from_text(cls, text: str) -> Self:
        parts = text.split()
        if not 1 <= len(parts) <= 3 or not all(part.isdecimal() for part in parts):
            raise ValueError(f"{text!r}: expected a country code such as '86', or '1 011 1' with its prefixes")
        known = _PREFIXES.get(parts[0], ("00", "0"))
        return cls(parts[0], *(parts[1:] or known)) if len(parts) != 2 else cls(parts[0], parts[1], known[1])

    def e164(self, number: str) -> str:
        """`+` and country code before a number that was dialled in this country; short numbers stay as they are."""
        if number.startswith("+") or not number.isdecimal():
            return number
        if self.international and number.startswith(self.international):
            return f"+{number[len(self.international) :]}"
        if self.national and number.startswith(self.national) and len(number) > 7:
            return f"+{self.code}{number[len(self.national) :]}"
        return f"+{self.code}{number}" if len(number) > 9 else number

    def national_form(self, number: str) -> str:
        """A number as it is dialled in this country."""
        if not number.startswith("+"):
            return number
        if number.startswith(f"+{self.code}"):
            return f"{self.national}{number[1 + len(self.code) :]}"
        return f"{self.international}{number[1:]}"

    def __str__(self) -> str:
        return self.code


_PREFIXES = {"1": ("011", "1"), "7": ("810", "8"), "81": ("010", "0"), "82": ("00", "0"), "852": ("001", ""),
             "65": ("000", ""), "61": ("0011", "0"), "39": ("00", ""), "34": ("00", ""), "45": ("00", ""),
             "47": ("00", ""), "420": ("00", ""), "48": ("00", ""), "886": ("002", "0")}  # fmt: skip
"""International and national prefix where they are not 00 and 0 (ITU-T Operational Bulletin, dialling procedures)."""

CallerPolicy = Literal["pass", "fixed", "own-only", "anonymous"]
"""What the outside is shown as calling number: it passes; one fixed number; only numbers of ours, else the fixed one;
none at all."""
