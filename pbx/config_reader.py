# SPDX-License-Identifier: Apache-2.0
"""Turn a TOML document into frozen Structs and name every mistake by its dotted key, not only the first.

msgspec stops at the first error and names it by its own path, which hides table keys; so this module walks the Structs
itself and leaves only plain values (numbers, texts, lists of them) to msgspec.
"""

import difflib
import re
from collections.abc import Callable
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

_AT_PATH = re.compile(r"^(?P<reason>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)


class Mistake(msgspec.Struct, frozen=True, order=True):
    """What is wrong in a configuration file, and where."""

    file: str
    key: str
    """Dotted, with the index of a list in brackets: `user[2].password`; empty for the file as a whole."""
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.reason) if part)


class Reader:
    """Reads one document; `mistakes` collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []

    def mistake(self, key: str, reason: str) -> None:
        self.mistakes.append(Mistake(self.file, key, reason))

    def read(self, kind: Any, value: Any, key: str = "") -> Any:
        """`value` as a `kind`; None after a mistake has been noted (no `kind` used here has None as a value)."""
        if len(both := get_args(kind)) == 2 and NoneType in both:  # TOML has no null: what stands there is the other
            kind = both[0] if both[1] is NoneType else both[1]
        if hasattr(kind, "from_text"):
            return self._text(kind.from_text, value, key)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind, value, key)
        if get_origin(kind) is tuple and get_args(kind)[1:] == (...,):
            return self._list(get_args(kind)[0], value, key)
        if get_origin(kind) is dict:
            return self._table(get_args(kind)[1], value, key)
        return self._plain(kind, value, key)

    def _text(self, from_text: Callable[[str], Any], value: Any, key: str) -> Any:
        if not isinstance(value, str):
            return self.mistake(key, f"expected text in quotes, found {_name(value)}")
        try:
            return from_text(value)
        except ValueError as error:
            return self.mistake(key, str(error))

    def _list(self, kind: Any, value: Any, key: str) -> Any:
        if not isinstance(value, list):
            return self.mistake(key, f"expected a list, found {_name(value)}")
        items = [self.read(kind, item, f"{key}[{index}]") for index, item in enumerate(value)]
        return None if any(item is None for item in items) else tuple(items)

    def _table(self, kind: Any, value: Any, key: str) -> Any:
        if not isinstance(value, dict):
            return self.mistake(key, f"expected a table, found {_name(value)}")
        items = {name: self.read(kind, item, join(key, name)) for name, item in value.items()}
        return None if any(item is None for item in items.values()) else items

    def _struct(self, kind: type[msgspec.Struct], value: Any, key: str) -> Any:
        if not isinstance(value, dict):
            return self.mistake(key, f"expected a table, found {_name(value)}")
        before = len(self.mistakes)
        hints = get_type_hints(kind, include_extras=True)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind) if field.name[0] != "_"}
        for name in value:
            if name not in fields:
                self.mistake(join(key, name), f"unknown key{_suggestion(name, fields)}")
        found = {}
        for name, field in fields.items():
            if name in value:
                found[field.name] = self.read(hints[field.name], value[name], join(key, name))
            elif field.required:
                self.mistake(join(key, name), "is missing")
        if len(self.mistakes) > before:
            return None
        try:
            made = kind(**found)
        except ValueError as error:  # a rule of the Struct's own (__post_init__)
            return self.mistake(key, str(error))
        for name, reason in made.mistakes() if hasattr(made, "mistakes") else ():
            self.mistake(f"{key}.{name}" if key else name, reason)
        return made

    def _plain(self, kind: Any, value: Any, key: str) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            at = _AT_PATH.match(str(error))
            assert at is not None
            reason = at["reason"][:1].lower() + at["reason"][1:]
            shown = "" if " got " in reason or isinstance(value, (list, dict)) else f", found {value!r}"
            return self.mistake(key + (at["path"] or ""), reason.replace("`", "") + shown)


def join(key: str, name: str) -> str:
    """`name` under `key`, in quotes where TOML wants them."""
    part = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
    return f"{key}.{part}" if key else part


def _suggestion(name: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; do you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"


def _name(value: Any) -> str:
    names = {dict: "a table", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)
