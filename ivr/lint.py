# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a data flow although it can run: steps that nobody reaches, menus too deep for callers, circles.

`document.read` says what keeps it from running; a graphical editor shows both.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from switchroom.ivr import document
from switchroom.ivr.document import Document
from switchroom.ivr.phrase import Template
from switchroom.ivr.prompts import Prompts
from switchroom.ivr.steps import END, Step
from switchroom.ivr.steps.going import Transfer
from switchroom.ivr.steps.hearing import Hangup, Menu
from switchroom.pbx.config_reader import Mistake, join

MAX_MENU_DEPTH = 3
"""A caller who must press more keys than this to get anywhere gives up (PRODUCT.md B9)."""


def lint(flow: Document, prompts: Prompts | None = None, file: str = "") -> list[Mistake]:
    """All findings, in the order of the steps. With `prompts`, what is recorded needs no words."""
    depths = _menu_depths(flow)
    findings = [
        *((join("steps", name), reason) for name in flow.steps for reason in _of_step(flow, name, depths)),
        *_of_prompts(flow, prompts),
    ]
    return [Mistake(file, key, reason) for key, reason in findings]


def check_file(path: Path, recordings: Path | None = None) -> list[Mistake]:
    """Everything that is wrong with the flow in a file: what keeps it from running, else the findings."""
    found, mistakes = document.read(path.read_text(encoding="utf-8"), str(path))
    if found is None:
        return mistakes
    return lint(found, Prompts(recordings, _silent) if recordings is not None else None, str(path))


async def _silent(text: str, language: str) -> str:
    return ""


def reached(flow: Document) -> set[str]:
    """The steps that some caller can come to."""
    return set(_menu_depths(flow))


def _of_step(flow: Document, name: str, depths: dict[str, int]) -> Iterator[str]:
    step = flow.steps[name]
    if name not in depths:
        yield "nothing leads here"
        return
    if isinstance(step, Menu) and depths[name] > MAX_MENU_DEPTH:
        yield f"lies {depths[name]} menus deep; callers give up after {MAX_MENU_DEPTH}"
    if _spins(flow, name):
        yield "turns in a circle in which nobody is asked anything"
    if isinstance(step, Menu) and step.otherwise == name:
        yield "asks for ever: otherwise leads back to it"
    if not isinstance(step, (Hangup, Transfer)) and not any(True for _ in step.targets()):
        yield "leads nowhere"


def _menu_depths(flow: Document) -> dict[str, int]:
    """For each step that can be reached, the fewest menus up to and including it."""
    depths: dict[str, int] = {}
    waiting = deque([(flow.start, 0)])
    while waiting:
        name, depth = waiting.popleft()
        step = flow.steps.get(name)
        if step is None or name in depths:
            continue
        is_menu = isinstance(step, Menu)
        depths[name] = depth + is_menu
        for _, target in step.targets():
            if target != END:  # steps behind no further menu come first, so that the first visit is the shortest
                (waiting.append if is_menu else waiting.appendleft)((target, depths[name]))
    return depths


def _spins(flow: Document, name: str) -> bool:
    """Whether a caller can come from the step to itself without being asked anything in between."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        step: Step = flow.steps[waiting.pop()]
        if step.asks:
            continue
        for _, target in step.targets():
            if target == name:
                return True
            if target != END and target not in seen:
                seen.add(target)
                waiting.append(target)
    return False


def _of_prompts(flow: Document, prompts: Prompts | None) -> Iterator[tuple[str, str]]:
    said = {phrase.text for step in flow.steps.values() for phrase in step.said()}
    for name, prompt in flow.prompts.items():
        key = join("prompts", name)
        if name not in said:
            yield key, "nobody says it"
        for language in flow.languages:
            recorded = prompts is not None and prompts.recording(name, language) is not None
            if not prompt.words(language) and not recorded:
                yield join(key, language), "is missing: neither words nor a recording"
            try:
                Template.from_text(prompt.words(language))
            except ValueError as error:
                yield join(key, language), str(error)
