# SPDX-License-Identifier: Apache-2.0
"""A flow that is data: TOML or JSON, as a person or a graphical editor writes it, run by the verbs of `Flow`.

name = "night"
languages = ["zh", "en"]
start = "welcome"
[prompts.welcome]
zh = "您好。"
en = "Hello."
[steps.welcome]
do = "menu"
say = ["welcome"]
choices = { 1 = "leave-message" }
otherwise = "leave-message"
[steps.leave-message]
do = "record"
mailbox = "night"
"""

import json
import tomllib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from switchroom.ivr.flow import Flow, FlowError
from switchroom.ivr.prompts import Prompt, is_name
from switchroom.ivr.spoken import LANGUAGES, Language
from switchroom.ivr.steps import END, STEPS, Run, Step
from switchroom.pbx.config_reader import Mistake, Reader, join

MAX_STEPS = 500
MAX_BYTES = 1_000_000

_VERBS = {kind: verb for verb, kind in STEPS.items()}

Subflow = Callable[[Flow, str], Awaitable[None]]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A data flow that can run."""

    name: str
    languages: tuple[Language, ...]
    start: str
    prompts: dict[str, Prompt]
    steps: dict[str, Step]
    title: str = ""

    async def run(self, flow: Flow, subflow: Subflow) -> None:
        """Serve a call from the start to the end of the flow; `subflow` runs another one by its name."""
        run = Run(flow, self.prompts, subflow)
        name = self.start
        while name != END:
            step = self.steps[name]
            run.step = name
            try:
                following = await step.run(run)
            except ValueError as error:
                raise FlowError(f"{self.name}: {name}: {error}") from error
            if step.decides:
                flow.decided(name, _VERBS[type(step)], following or "end")
            name = following


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    start: str
    languages: tuple[Language, ...] = LANGUAGES
    title: str = ""
    prompts: dict[str, dict[Language, str]] = msgspec.field(default_factory=dict)

    def mistakes(self) -> Any:
        if not is_name(self.name):
            yield "name", "expected letters, digits, - and _"
        if not self.languages:
            yield "languages", "needs at least one"


def read(text: str, file: str = "") -> tuple[Document | None, list[Mistake]]:
    """A document in TOML, or in JSON where it begins with a brace; with all its mistakes, each with its key."""
    if len(text.encode()) > MAX_BYTES:
        return None, [Mistake(file, "", f"is longer than {MAX_BYTES} bytes")]
    try:
        data = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        return None, [Mistake(file, "", f"is neither TOML nor JSON: {error}")]
    return from_data(data, file)


def from_data(data: Any, file: str = "") -> tuple[Document | None, list[Mistake]]:
    """The same out of decoded data."""
    reader = Reader(file)
    if not isinstance(data, dict):
        return None, [Mistake(file, "", "expected a table")]
    steps = data.get("steps")
    head: _Head | None = reader.read(_Head, {key: value for key, value in data.items() if key != "steps"})
    if not isinstance(steps, dict) or not steps:
        reader.mistake("steps", "is missing: a flow needs at least one step")
        steps = {}
    if len(steps) > MAX_STEPS:
        reader.mistake("steps", f"has {len(steps)} steps; {MAX_STEPS} is the limit")
        steps = {}
    found = {str(name): _step(reader, step, join("steps", str(name))) for name, step in steps.items()}
    if head is None or reader.mistakes:
        return None, reader.mistakes
    document = Document(
        name=head.name,
        languages=head.languages,
        start=head.start,
        title=head.title,
        prompts={name: Prompt(name, **texts) for name, texts in head.prompts.items()},
        steps={name: step for name, step in found.items() if step is not None},
    )
    _check_targets(document, reader)
    return (None, reader.mistakes) if reader.mistakes else (document, [])


def _step(reader: Reader, data: Any, key: str) -> Step | None:
    if not isinstance(data, dict):
        reader.mistake(key, "expected a table")
        return None
    kind = STEPS.get(data.get("do", ""))
    if kind is None:
        reader.mistake(join(key, "do"), f"expected one of {', '.join(sorted(STEPS))}; found {data.get('do')!r}")
        return None
    step: Step | None = reader.read(kind, {name: value for name, value in data.items() if name != "do"}, key)
    return step


def _check_targets(document: Document, reader: Reader) -> None:
    if document.start not in document.steps:
        reader.mistake("start", f"no step is called {document.start!r}")
    for name, step in document.steps.items():
        for key, target in step.targets():
            if target != END and target not in document.steps:
                reader.mistake(f"{join('steps', name)}.{key}", f"no step is called {target!r}")
        for phrase in step.said():
            if phrase.names_a_prompt and phrase.text not in document.prompts:
                reader.mistake(f"{join('steps', name)}.say", f"no prompt is called {phrase.text!r}")
