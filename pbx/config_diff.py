# SPDX-License-Identifier: Apache-2.0
"""What differs between two configurations, key by key, and which of it can change while the exchange runs."""

from collections.abc import Iterator
from typing import Any

import msgspec

from switchroom.pbx.config import Config
from switchroom.pbx.config_values import Secret

LIVE = frozenset({
    "user", "peer", "trunk", "routes", "dial_plan", "times", "group", "features", "parking", "blacklist", "voicemail",
    "limits", "conference", "queue", "agent", "team",
})  # fmt: skip
"""Sections that take effect at once; of all others the old values stay until a restart."""

NAMED = ("user", "peer", "trunk", "agent", "team")
"""Lists of things that are known by their names."""


class Change(msgspec.Struct, frozen=True):
    """One key; secrets are not shown, only that they changed."""

    key: str
    before: str
    """As in the file; empty: it was not there."""
    after: str
    live: bool


def differences(old: Config, new: Config) -> list[Change]:
    """In the order of the keys."""
    before, after = dict(_flat(old)), dict(_flat(new))
    return [
        Change(key, _shown(before.get(key)), _shown(after.get(key)), key.partition(".")[0] in LIVE)
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


def merged(old: Config, new: Config) -> Config:
    """The new configuration, with the old values of what cannot change while the exchange runs."""
    kept = {
        field.name: getattr(old, field.name)
        for field in msgspec.structs.fields(Config)
        if field.encode_name not in LIVE
    }
    return msgspec.structs.replace(new, **kept)


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Keys and values; things with a name are known by it, not by their place."""
    if isinstance(value, msgspec.Struct) and not hasattr(value, "from_text"):
        for field in msgspec.structs.fields(value):
            yield from _flat(getattr(value, field.name), f"{key}.{field.encode_name}" if key else field.encode_name)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{key}.{name}")
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        for index, item in enumerate(value):
            yield from _flat(item, f"{key}.{item.name if key in NAMED else index}")
    else:
        yield key, value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Secret):
        return "***" if value else '""'
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value) if not isinstance(value, str) else f'"{value}"'
