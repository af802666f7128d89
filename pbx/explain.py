# SPDX-License-Identifier: Apache-2.0
"""`switchroom dial-plan explain`: which rule of a configuration wins for a caller and a number, and why."""

from datetime import datetime

from switchroom.pbx.config import Config
from switchroom.pbx.dialplan import Candidate, DialPlan
from switchroom.pbx.errors import SwitchroomError


class Unexplained(SwitchroomError):
    """The question makes no sense; the text says why."""


def context_of(config: Config, from_: str) -> str:
    """In which context a user, peer or context dials. Raises Unexplained."""
    named = {one.name: one.context for one in config.known_addresses} | {one.name: one.context for one in config.users}
    if from_ in named:
        return named[from_]
    if from_ in config.dial_plan:
        return from_
    raise Unexplained(f"{from_!r} is neither a user nor a peer, nor a context of the dial plan")


def moment(text: str) -> float:
    """A time such as `2026-10-01T12:00` (of this machine, unless it names an offset) in seconds since 1970."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise Unexplained(f"{text!r} is no time; expected one such as 2026-10-01T12:00+08:00") from None


def explain(plan: DialPlan, context: str, number: str, at_s: float | None = None) -> list[str]:
    """The candidates as lines for a person: those that match, and the count of those that do not."""
    candidates = plan.explain(number, context, at_s)
    fitting = [candidate for candidate in candidates if candidate.verdict != "does not match"]
    lines = [_line(candidate, context) for candidate in fitting]
    if not any(candidate.verdict == "wins" for candidate in candidates):
        lines.append(f"{number} leads nowhere in the context {context!r}: 404")
    others = len(candidates) - len(fitting)
    if others:
        lines.append(f"{others} other rule{'s do' if others > 1 else ' does'} not match {number}")
    return lines


def _line(candidate: Candidate, context: str) -> str:
    where = f" (in {candidate.context})" if candidate.context != context else ""
    verdict = f"passed over: {candidate.reason}" if candidate.reason else candidate.verdict
    return f"{candidate.rule} -> {candidate.to}{where}: {verdict}"
