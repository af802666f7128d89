# SPDX-License-Identifier: Apache-2.0
"""What flows that are data have said: the name of a prompt, or words with fields in braces.

`{order.status}` is said as it stands in the variables, `{digits:member}` or `{money:order.total}` as spoken.SAY has it.
"""

import re
from collections.abc import Mapping
from typing import Any, Self

import msgspec

from switchroom.ivr import spoken
from switchroom.ivr.prompts import Part, Prompt, Value, is_name
from switchroom.ivr.spoken import Language

_FIELD = re.compile(r"\{(?:(?P<kind>[a-z]+):)?(?P<path>[A-Za-z_][\w.-]*)\}")
MAX_FILLED = 2_000
"""Characters of a text with its fields filled in."""


class Template(msgspec.Struct, frozen=True):
    """A text with fields, for URLs, destinations, comparisons."""

    text: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        _check(text)
        return cls(text)

    def fill(self, variables: Mapping[str, Any]) -> str:
        """The text with the fields' values; a variable that is not there is empty."""
        return _FIELD.sub(lambda field: as_text(look_up(variables, field["path"])), self.text)[:MAX_FILLED]

    def fields(self) -> set[str]:
        """The variables that it names, by the first part of their paths."""
        return {field["path"].partition(".")[0] for field in _FIELD.finditer(self.text)}


class Phrase(msgspec.Struct, frozen=True):
    """One entry of `say`: `text` is the name of a prompt, or words."""

    text: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        if not text.strip():
            raise ValueError("nothing to say")
        _check(text)
        return cls(text)

    @property
    def names_a_prompt(self) -> bool:
        return is_name(self.text) and self.text.isascii() and self.text == self.text.lower()

    def parts(self, prompts: Mapping[str, Prompt], language: Language, variables: Mapping[str, Any]) -> list[Part]:
        """What `Flow.say` takes."""
        prompt = prompts.get(self.text)
        if prompt is None:
            return _parts(self.text, variables)
        if _FIELD.search(prompt.en) or _FIELD.search(prompt.zh):
            other: Language = "zh" if language == "en" else "en"
            return _parts(prompt.words(language) or prompt.words(other), variables)
        return [prompt]


def look_up(variables: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path into dicts and lists; None where there is none."""
    value: Any = variables
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def as_text(value: Any) -> str:
    """A value of JSON or a database as a flow compares and says it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _parts(text: str, variables: Mapping[str, Any]) -> list[Part]:
    parts: list[Part] = []
    at = 0
    for field in _FIELD.finditer(text):
        if words := text[at : field.start()].strip():
            parts.append(words)
        value = as_text(look_up(variables, field["path"]))[:MAX_FILLED]
        if value:
            parts.append(_value(field["kind"] or "text", value))
        at = field.end()
    if words := text[at:].strip():
        parts.append(words)
    return parts


def _value(kind: str, text: str) -> Value:
    """Said as asked for; a value that does not fit, as other systems send them, is said as it stands."""
    value = Value(kind, text)
    try:
        value.words("en")
    except ValueError:
        return Value("text", text)
    return value


def _check(text: str) -> None:
    for field in _FIELD.finditer(text):
        if field["kind"] is not None and field["kind"] not in spoken.SAY:
            raise ValueError(f"{field[0]}: nothing is said as {field['kind']!r}; known: {', '.join(spoken.SAY)}")
    rest = _FIELD.sub("", text)
    if "{" in rest or "}" in rest:
        raise ValueError(f"{text!r}: a field is written {{name}}, {{name.part}} or {{number:name}}")
