# SPDX-License-Identifier: Apache-2.0
"""The addresses of a trunk: in what order they are tried, and which of them answer."""

import re
from collections.abc import Callable, Sequence
from typing import Literal, Self

import msgspec

State = Literal["unknown", "up", "down"]

_TARGET = re.compile(r"(?P<uri>sips?:\S+)(?:\s+priority\s+(?P<priority>\d{1,4}))?(?:\s+weight\s+(?P<weight>\d{1,4}))?")


class Target(msgspec.Struct, frozen=True):
    """`sip:192.0.2.10:5060;transport=tcp priority 2 weight 10`; lower priorities come first."""

    uri: str
    priority: int = 1
    weight: int = 1

    @classmethod
    def from_text(cls, text: str) -> Self:
        found = _TARGET.fullmatch(text.strip())
        if found is None or "@" in found["uri"]:
            raise ValueError(f"{text!r}: expected a target such as 'sip:192.0.2.10:5060 priority 1 weight 10'")
        return cls(found["uri"], int(found["priority"] or 1), int(found["weight"] or 1))

    def with_user(self, number: str) -> str:
        """The URI of a number at this target."""
        scheme, _, rest = self.uri.partition(":")
        return f"{scheme}:{number}@{rest}"

    @property
    def host(self) -> str:
        """Without brackets: a name or an address."""
        found = re.match(r"sips?:(?:\[([^\]]+)\]|([^:;?]+))", self.uri)
        return (found[1] or found[2]) if found is not None else ""

    def __str__(self) -> str:
        return f"{self.uri} priority {self.priority} weight {self.weight}"


class Targets:
    """All addresses of one trunk, with what is known of each. `below` draws a number below its argument."""

    def __init__(self, targets: Sequence[Target], below: Callable[[int], int]) -> None:
        self.states: dict[Target, State] = dict.fromkeys(targets, "unknown")
        self._below = below

    def order(self) -> list[Target]:
        """Those that are not known to be down first, by priority, drawn by weight within one (as RFC 2782 has it);
        then, as a last resort, those that are down."""
        alive = [target for target, state in self.states.items() if state != "down"]
        dead = [target for target, state in self.states.items() if state == "down"]
        return [*self._drawn(alive), *self._drawn(dead)]

    def replace(self, targets: Sequence[Target]) -> None:
        """Others; of those that stay, what is known stays."""
        self.states = {target: self.states.get(target, "unknown") for target in targets}

    def set(self, target: Target, state: State) -> bool:
        """Whether that is news."""
        known = self.states.get(target)
        if known is None or known == state:
            return False
        self.states[target] = state
        return True

    @property
    def alive(self) -> bool:
        """Whether any of them may answer."""
        return any(state != "down" for state in self.states.values()) or not self.states

    def _drawn(self, targets: list[Target]) -> list[Target]:
        ordered: list[Target] = []
        for priority in sorted({target.priority for target in targets}):
            group = [target for target in targets if target.priority == priority]
            while group:
                at = self._below(sum(target.weight for target in group) or 1)
                for target in group:
                    at -= target.weight
                    if at < 0 or target is group[-1]:
                        ordered.append(target)
                        group.remove(target)
                        break
        return ordered
