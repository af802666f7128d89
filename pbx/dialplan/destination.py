# SPDX-License-Identifier: Apache-2.0
"""Where a rule sends a call: a kind, and for most kinds an argument."""

import re
from typing import Self

import msgspec

from switchroom.pbx.dialplan.steps import parse_menu, parse_steps

KINDS: dict[str, bool] = {
    "user": True,
    "sip": True,
    "trunk": True,
    "route": True,
    "echo": False,
    "tone": True,
    "play": True,
    "speak": True,
    "ring": False,
    "busy": False,
    "reject": True,
    "digits": False,
    "keys": False,
    "repeat": False,
    "music": True,
    "conference": True,
    "meet-me": False,
    "ivr": True,
    "app": True,
    "steps": True,
    "menu": True,
    "group": True,
    "page": True,
    "voicemail": True,
    "mailbox": False,
    "park": False,
    "parked": True,
    "feature": True,
    "queue": True,
    "agent": True,
    "supervise": True,
    "pick": True,
    "record-prompt": True,
}
"""What a destination can be, and whether it needs an argument; `pbx/apps/destinations.py` serves them."""

_FILLED = re.compile(r"\{number(?::(\d{1,2}))?\}")
_SIP = re.compile(r"(?:[^@\s<>]+@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:;[^\s<>]*)?")
_OUTSIDE = re.compile(r"[A-Za-z0-9_-]+/[^\s@/<>]+")
_PROMPT = re.compile(r"(en|zh)/[A-Za-z0-9_-]+")
_AGENT = re.compile(r"login(:.+)?|logout|break(:\d+)?|available|done(:\d+)?")


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
    if kind == "agent" and not _AGENT.fullmatch(_FILLED.sub("1", argument)):
        return "expected agent:login, logout, break, available or done; login:NAME, break:N and done:N too"
    if kind == "record-prompt" and not _PROMPT.fullmatch(_FILLED.sub("1", argument)):
        return "expected record-prompt:en/NAME or zh/NAME"
    try:
        if kind == "steps":
            parse_steps(argument)
        elif kind == "menu":
            for to in parse_menu(argument).values():
                if to != "hangup":
                    Destination.from_text(to)
    except ValueError as error:
        return str(error)
    if kind in ("trunk", "route") and not _OUTSIDE.fullmatch(_FILLED.sub("1", argument)):
        return f"expected {kind}:NAME/{{number}}"
    if kind == "sip" and not _SIP.fullmatch(_FILLED.sub("1", argument)):
        return "expected sip:user@host or sip:user@host:port"
    return ""
