# SPDX-License-Identifier: Apache-2.0
"""The dial plan: lists of rules, one list per context; the first rule that matches a number says where the call goes.

Patterns: `X` a digit, `Z` 1 to 9, `N` 2 to 9, `[2-57]` one of a set, `.` at the end one or more of anything; all other
characters stand for themselves. All rules of a context are one regular expression, so one match routes a number.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Self

import msgspec

from switchroom.pbx.errors import SwitchroomError

KINDS: dict[str, bool] = {
    "user": True,
    "sip": True,
    "echo": False,
    "tone": True,
    "play": True,
    "speak": True,
    "ring": False,
    "busy": False,
    "reject": True,
    "digits": False,
    "app": True,
}
"""What a destination can be, and whether it needs an argument; `pbx/apps/destinations.py` serves them."""

_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}
_FILLED = re.compile(r"\{number(?::(\d{1,2}))?\}")
_SIP = re.compile(r"(?:[^@\s<>]+@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:;[^\s<>]*)?")


class UnknownContext(SwitchroomError):
    """A user or peer names a context that the dial plan does not have."""


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

    def __str__(self) -> str:
        return self.text


def _set(text: str, inside: str) -> str:
    try:
        re.compile(expression := f"[{inside}]")
    except re.error as error:
        raise ValueError(f"{text!r}: {error.msg}") from None
    return expression


class Destination(msgspec.Struct, frozen=True):
    """Where a rule sends a call: `user:{number}`, `sip:{number:1}@192.0.2.7`, `echo`, `tone:1000`, `reject:404`.

    `{number}` becomes the dialled number, `{number:2}` the number without its first two characters.
    """

    kind: str
    argument: str = ""

    @classmethod
    def from_text(cls, text: str) -> Self:
        kind, colon, argument = text.partition(":")
        if kind not in KINDS:
            raise ValueError(f"unknown destination {text!r}; known: {', '.join(sorted(KINDS))}")
        if KINDS[kind] and not argument:
            raise ValueError(f"{kind!r} needs an argument: {kind}:…")
        if colon and not KINDS[kind]:
            raise ValueError(f"{kind!r} has no argument")
        if "{" in _FILLED.sub("", argument) or "}" in _FILLED.sub("", argument):
            raise ValueError(f"{text!r}: only {{number}} and {{number:N}} can be filled in")
        if reason := _wrong_argument(kind, argument):
            raise ValueError(f"{text!r}: {reason}")
        return cls(kind, argument)

    @property
    def fixed(self) -> bool:
        """Whether it is the same for every number."""
        return "{" not in self.argument

    def fill(self, number: str) -> "Destination":
        """The destination for one dialled number."""
        if self.fixed:
            return self
        return Destination(self.kind, _FILLED.sub(lambda match: number[int(match[1] or 0) :], self.argument))

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}" if self.argument else self.kind


def _wrong_argument(kind: str, argument: str) -> str:
    if kind == "tone" and not (argument.isdecimal() and 20 <= int(argument) <= 3900):
        return "a tone is 20 to 3900 Hz"
    if kind == "reject" and not (argument.isdecimal() and 400 <= int(argument) <= 699):
        return "a refusal is a SIP status from 400 to 699"
    if kind == "sip" and not _SIP.fullmatch(_FILLED.sub("1", argument)):
        return "expected sip:user@host or sip:user@host:port"
    return ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the dial plan."""

    number: Pattern
    to: Destination
    codecs: tuple[str, ...] = ()
    """The codecs to offer the called side, by preference; empty: those of the peer, else of [media]."""

    @property
    def name(self) -> str:
        """How journal and logs call the rule."""
        return self.number.text


class Route(msgspec.Struct, frozen=True):
    """What the dial plan says about one number."""

    rule: Rule
    to: Destination


class Candidate(msgspec.Struct, frozen=True):
    """One rule in the explanation of a route."""

    rule: str
    to: str
    verdict: Literal["wins", "does not match", "matches too, but comes later"]


class DialPlan:
    """All contexts, compiled. Immutable: a new configuration is a new DialPlan."""

    def __init__(self, contexts: Mapping[str, Sequence[Rule]]) -> None:
        self.contexts = {name: tuple(rules) for name, rules in contexts.items()}
        self._match = {name: re.compile(_one_expression(rules)).fullmatch for name, rules in self.contexts.items()}
        self._fixed = {
            name: tuple(Route(rule, rule.to) if rule.to.fixed else None for rule in rules)
            for name, rules in self.contexts.items()
        }

    def route(self, number: str, context: str = "default") -> Route | None:
        """Where `number` goes when dialled in `context`; None: nowhere (404). UnknownContext if there is none such."""
        try:
            match = self._match[context](number)
        except KeyError:
            raise UnknownContext(f"the dial plan has no context {context!r}") from None
        if match is None:
            return None
        index = (match.lastindex or 1) - 1
        if route := self._fixed[context][index]:
            return route
        rule = self.contexts[context][index]
        return Route(rule, rule.to.fill(number))

    def explain(self, number: str, context: str = "default") -> list[Candidate]:
        """Every rule of the context, in order, with what became of it."""
        route, explained = self.route(number, context), []
        won = False
        for rule in self.contexts[context]:
            if route is not None and rule is route.rule and not won:
                won = True
                explained.append(Candidate(rule.name, str(route.to), "wins"))
            elif re.fullmatch(rule.number.expression, number):
                explained.append(Candidate(rule.name, str(rule.to), "matches too, but comes later"))
            else:
                explained.append(Candidate(rule.name, str(rule.to), "does not match"))
        return explained


def _one_expression(rules: Sequence[Rule]) -> str:
    # One group per rule: alternatives are tried in order, and the number of the last group matched is the rule's.
    return "|".join(f"({rule.number.expression})" for rule in rules) or r"(?!)"
