# SPDX-License-Identifier: Apache-2.0
"""The dial plan: lists of rules, one list per context; the first rule that matches a number says where the call goes.

A rule may hold at certain times only, and a context may include another one. All rules of a context are one regular
expression, so one match routes a number where no time matters.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from switchroom.pbx.dialplan.destination import Destination
from switchroom.pbx.dialplan.pattern import Pattern
from switchroom.pbx.dialplan.times import Clockwork, Condition
from switchroom.pbx.errors import SwitchroomError

NOTHING = Pattern("", "(?!)")
NOWHERE = Destination("reject", "404")
ALWAYS = Condition()


class UnknownContext(SwitchroomError):
    """A user or peer names a context that the dial plan does not have."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the dial plan: a number and where it goes, or another context to be included here."""

    number: Pattern = NOTHING
    to: Destination = NOWHERE
    when: Condition = ALWAYS
    codecs: tuple[str, ...] = ()
    """The codecs to offer the called side, by preference; empty: those of the peer, else of [media]."""
    include: str = ""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.include and (self.number is not NOTHING or self.to is not NOWHERE):
            yield "include", "stands alone, or with `when`"

    @property
    def name(self) -> str:
        """How journal and logs call the rule."""
        return self.number.text


class Route(msgspec.Struct, frozen=True):
    """What the dial plan says about one number."""

    rule: Rule
    to: Destination


Verdict = Literal["wins", "does not match", "not at this time", "matches too, but comes later"]


class Candidate(msgspec.Struct, frozen=True):
    """One rule in the explanation of a route."""

    rule: str
    to: str
    verdict: Verdict
    context: str = ""
    """Where it stands: another one than that asked for, where it is included."""
    reason: str = ""


class DialPlan:
    """All contexts, compiled. Immutable: a new configuration is a new DialPlan. `utc` reads the clock."""

    def __init__(
        self,
        contexts: Mapping[str, Sequence[Rule]],
        clockwork: Clockwork | None = None,
        utc: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.clockwork = clockwork or Clockwork({}, {})
        self._utc = utc
        flat = {name: tuple(_flatten(contexts, name, ALWAYS, ())) for name in contexts}
        self.contexts = {name: tuple(rule for _, rule in rules) for name, rules in flat.items()}
        self._origins = {name: tuple(origin for origin, _ in rules) for name, rules in flat.items()}
        self._match = {name: re.compile(_one_expression(rules)).fullmatch for name, rules in self.contexts.items()}
        self._fixed = {
            name: tuple(Route(rule, rule.to) if rule.to.fixed else None for rule in rules)
            for name, rules in self.contexts.items()
        }

    def route(self, number: str, context: str = "default", at_s: float | None = None) -> Route | None:
        """Where `number` goes when dialled in `context`, now or at a time in UTC; None: nowhere (404).

        Raises UnknownContext if there is none such.
        """
        try:
            match = self._match[context](number)
        except KeyError:
            raise UnknownContext(f"the dial plan has no context {context!r}") from None
        if match is None:
            return None
        index = (match.lastindex or 1) - 1
        rule = self.contexts[context][index]
        if rule.when is not ALWAYS:
            found = self._first_at(number, context, index, self._utc() if at_s is None else at_s)
            if found is None:
                return None
            index, rule = found
        return self._fixed[context][index] or Route(rule, rule.to.fill(number))

    def may_become(self, number: str, context: str) -> bool:
        """Whether more digits could make a number that leads somewhere: it came digit by digit (RFC 3578)."""
        return any(rule.number.may_become(number) for rule in self.contexts.get(context, ()))

    def explain(self, number: str, context: str = "default", at_s: float | None = None) -> list[Candidate]:
        """Every rule of the context, in order, with what became of it."""
        at_s = self._utc() if at_s is None else at_s
        route, explained = self.route(number, context, at_s), []
        won = False
        for origin, rule in zip(self._origins[context], self.contexts[context], strict=True):
            to, reason = str(rule.to), ""
            if not re.fullmatch(rule.number.expression, number):
                verdict: Verdict = "does not match"
            elif won:
                verdict = "matches too, but comes later"
            elif reason := self.clockwork.why_not(rule.when, at_s):
                verdict = "not at this time"
            else:
                assert route is not None
                won, verdict, to = True, "wins", str(route.to)
            explained.append(Candidate(rule.name, to, verdict, origin, reason))
        return explained

    def _first_at(self, number: str, context: str, start: int, at_s: float) -> tuple[int, Rule] | None:
        rules = self.contexts[context]
        for index in range(start, len(rules)):
            rule = rules[index]
            if re.fullmatch(rule.number.expression, number) and self.clockwork.holds(rule.when, at_s):
                return index, rule
        return None


def _flatten(
    contexts: Mapping[str, Sequence[Rule]], name: str, when: Condition, inside: tuple[str, ...]
) -> Iterator[tuple[str, Rule]]:
    """The rules of a context and of those that it includes, each with the context it stands in."""
    if name in inside:
        raise UnknownContext(f"the dial plan's context {name!r} includes itself: {' > '.join((*inside, name))}")
    if name not in contexts:
        raise UnknownContext(f"the dial plan has no context {name!r}, which {inside[-1]!r} includes")
    for rule in contexts[name]:
        both = Condition(when.terms + rule.when.terms) if when.terms and rule.when.terms else None
        holds = both or (when if when.terms else rule.when)
        if rule.include:
            yield from _flatten(contexts, rule.include, holds if holds.terms else ALWAYS, (*inside, name))
        else:
            yield name, rule if holds is rule.when else msgspec.structs.replace(rule, when=holds)


def _one_expression(rules: Sequence[Rule]) -> str:
    # One group per rule: alternatives are tried in order, and the number of the last group matched is the rule's.
    return "|".join(f"({rule.number.expression})" for rule in rules) or r"(?!)"
