# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: the layers of the exchange, read from the import statements.

The most specific row of the table that names a module holds for it. What is not named here (the parts that join the
layers, such as `pbx/server.py`) may import anything of the package.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "switchroom"

CONTROL = ("pbx.control", "pbx.errors", "pbx.events")
ALLOWED: dict[str, tuple[str, ...]] = {
    "ext": ("ext",),
    "codecs": ("codecs", "ext.codec_ops"),
    "media": ("media", "codecs", "ext"),
    "media.sdp": ("media.errors", "media.formats"),
    "pbx.errors": (),
    "pbx.events": ("pbx.events",),
    "pbx.control": ("pbx.errors", "pbx.events"),
    "pbx.sip": ("pbx.sip", "pbx.errors"),
    "pbx.io": ("pbx.io", "pbx.sip", "pbx.errors"),
    "pbx.storage": ("pbx.storage", "pbx.errors", "pbx.events"),
    "pbx.storage.base": ("pbx.errors", "pbx.events"),
    "pbx.journal": ("pbx.errors", "pbx.events", "pbx.storage.base"),
    "pbx.cdr": ("pbx.events",),
    "pbx.recording_index": ("pbx.events", "pbx.journal", "pbx.storage.base"),
    "pbx.cdr_sink": ("pbx.cdr", "pbx.journal", "pbx.storage.base"),
    "pbx.dialplan": ("pbx.dialplan", "pbx.errors"),
    "pbx.config": ("pbx.config", "pbx.dialplan", "pbx.errors", "media.config", "ivr.config", "pbx.config_values",
                   "pbx.config_paths", "pbx.config_reader", "pbx.config_recording", "pbx.config_rules",
                   "pbx.config_office", "pbx.config_voicemail", "pbx.config_tls", "pbx.acd.config",
                   "pbx.config_security", "pbx.config_conference", "pbx.config_storage", "pbx.trunks.config",
                   "pbx.trunks.outside", "pbx.trunks.profiles"),
    "pbx.config_office": ("pbx.dialplan",),
    "pbx.config_voicemail": ("pbx.config_values",),
    "pbx.config_plan": ("pbx.config", "pbx.config_office", "pbx.dialplan"),
    "ivr.config": ("ivr.spoken",),
    "pbx.config_conference": ("pbx.config_values", "pbx.dialplan"),
    "pbx.config_paths": ("pbx.acd.config", "pbx.config", "pbx.dialplan"),
    "pbx.config_diff": ("pbx.config", "pbx.config_values"),
    "pbx.config_reader": (),
    "pbx.config_recording": (),
    "pbx.config_rules": ("pbx.config_reader",),
    "pbx.config_security": ("pbx.config_values",),
    "pbx.config_tls": (),
    "pbx.security.guard": ("pbx.config_security", "pbx.events"),
    "pbx.config_storage": ("pbx.config_values",),
    "pbx.config_values": (),
    "pbx.calls": ("pbx.calls", "pbx.sip", "pbx.io.stack", "media", *CONTROL, "pbx.call", "pbx.config",
                  "pbx.config_recording", "pbx.dialplan", "pbx.admission", "pbx.gatekeeper", "pbx.ids", "pbx.peers",
                  "pbx.registrar", "pbx.storage.base", "pbx.apps.destinations", "pbx.apps.routing", "pbx.lines",
                  "pbx.apps.reroutes", "pbx.story", "pbx.trunks"),
    "pbx.call": ("pbx.b2bua", "pbx.sent_on", *CONTROL),
    "pbx.b2bua": ("pbx.sent_on", *CONTROL),
    "pbx.sent_on": CONTROL,
    "pbx.story": CONTROL,
    "pbx.sim": ("pbx.sim", "pbx.lines", "pbx.story", *CONTROL),
    "pbx.trunks": ("pbx.trunks", "pbx.config_reader", "pbx.config_values", "pbx.dialplan", *CONTROL),
    "pbx.reports": ("pbx.reports", *CONTROL),
    "pbx.reports.reports": ("pbx.reports", "pbx.journal", "pbx.storage.base", *CONTROL),
    "pbx.reports.explanations": ("pbx.acd", "pbx.journal", "pbx.storage.base", *CONTROL),
    "pbx.day": ("pbx.day", "pbx.acd", "pbx.call", "pbx.call_centre", "pbx.config_reader", "pbx.dialplan", "pbx.reports",
                "pbx.sim", "ivr", "testing.world", *CONTROL),
    "pbx.acd": ("pbx.acd", "pbx.call", "pbx.dialplan", *CONTROL),
    "pbx.acd.config": ("pbx.config_reader", "pbx.dialplan"),
    "pbx.acd.deadlines": (),
    "pbx.acd.service_level": ("pbx.events", "pbx.reports"),
    "pbx.acd.model": ("pbx.acd.config", "pbx.events"),
    "pbx.acd.agents": ("pbx.acd", "pbx.events"),
    "pbx.acd.scheduler": ("pbx.acd", "pbx.events"),
    "pbx.apps": ("pbx.apps", "pbx.call", "pbx.dialplan", "pbx.journal", "pbx.kept", "pbx.storage.base",
                 "pbx.config_office", "pbx.config_voicemail", "pbx.config_conference", "ivr.phrase", "ivr.spoken",
                 *CONTROL),
    "pbx.watch": ("pbx.watch", "pbx.sip", "pbx.gatekeeper", "pbx.registrar", *CONTROL),
    "pbx.watch.hub": (),
    "pbx.watch.documents": ("pbx.watch.hub",),
    "pbx.watch.lines": ("pbx.watch.hub", "pbx.calls", "pbx.sip"),
    "pbx.kept": ("pbx.errors", "pbx.storage.base"),
    "pbx.lines": (),
    "ivr": ("ivr", "pbx.call", "pbx.config_reader", "pbx.journal", "pbx.storage.base", *CONTROL),
    "pbx.rpc": ("pbx.rpc", "pbx.apps", "pbx.config_office", "pbx.config_diff", "pbx.acd", "pbx.config",
                "pbx.config_values", "pbx.journal", "pbx.reports", "pbx.storage.base", "pbx.trunks", "ivr",
                *CONTROL),
}  # fmt: skip
"""Module or package -> what of `switchroom` it may import (prefixes); the package's own root is always allowed."""

FORBIDDEN: dict[str, frozenset[str]] = {
    "pbx.sip": frozenset({"asyncio", "random", "secrets", "select", "selectors", "socket", "threading", "time"}),
    "media.sdp": frozenset({"asyncio", "random", "secrets", "select", "selectors", "socket", "threading", "time"}),
    "media.offer_answer": frozenset({"asyncio", "random", "socket", "time"}),
    "pbx.dialplan": frozenset({"asyncio", "random", "socket", "time"}),
    "pbx.security.guard": frozenset({"asyncio", "random", "socket", "time"}),
    "pbx.cdr": frozenset({"asyncio", "random", "socket", "time"}),
    "pbx.reports": frozenset({"random", "socket", "time"}),
    "pbx.journal": frozenset({"random", "socket", "time"}),
    "pbx.b2bua": frozenset({"random", "socket", "time"}),
    "pbx.sent_on": frozenset({"random", "socket", "time"}),
    "pbx.call": frozenset({"random", "socket", "time"}),
    "pbx.acd": frozenset({"random", "socket", "time"}),
    "pbx.acd.scheduler": frozenset({"asyncio", "random", "socket", "time"}),
    "pbx.acd.agents": frozenset({"asyncio", "random", "socket", "time"}),
    "pbx.acd.model": frozenset({"asyncio", "random", "socket", "time"}),
    "pbx.watch": frozenset({"random", "socket", "time"}),
    "pbx.apps": frozenset({"random", "socket", "time"}),
}
"""Module or package -> what of the standard library it must not touch: clock, chance and network come from outside."""


def modules() -> Iterator[tuple[str, Path]]:
    for folder in ("ext", "codecs", "media", "pbx", "ivr"):
        for path in sorted((PACKAGE / folder).resolve().rglob("*.py*")):
            if path.suffix in (".py", ".pyx", ".pxd"):
                parts = (folder, *path.relative_to((PACKAGE / folder).resolve()).with_suffix("").parts)
                yield ".".join(part for part in parts if part != "__init__"), path


def imported(path: Path) -> set[str]:
    """Full names of everything that a module imports, `cimport`s included."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        names: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        return names
    found = re.findall(r"^\s*from\s+([\w.]+)\s+c?import\s+\(?([\w, ]+)", text, re.MULTILINE)
    plain = re.findall(r"^\s*c?import\s+([\w.]+)", text, re.MULTILINE)
    return {f"{module}.{name.strip().split(' ')[0]}" for module, names in found for name in names.split(",")} | set(
        plain
    )


def row(table: dict[str, object], module: str) -> str | None:
    """The most specific key of `table` for `module`."""
    fitting = [key for key in table if within(module, key)]
    return max(fitting, key=len, default=None)


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


MODULES = dict(modules())


@pytest.mark.parametrize("module", MODULES)
def test_imports_stay_within_the_layer(module: str) -> None:
    names = imported(MODULES[module])
    inside = {name.removeprefix("switchroom.") for name in names if within(name, "switchroom")}
    allowed = ALLOWED.get(row(dict(ALLOWED), module) or "")
    if allowed is not None:
        own = (module, "switchroom", "__version__")
        strangers = [name for name in inside if not any(within(name, prefix) for prefix in (*allowed, *own))]
        assert strangers == [], f"{module} may import only {', '.join(allowed) or 'nothing of ours'}"
    banned = FORBIDDEN.get(row(dict(FORBIDDEN), module) or "", frozenset())
    assert {name.partition(".")[0] for name in names} & banned == set()


def test_every_row_of_the_table_names_something() -> None:
    known = set(MODULES) | {module.rpartition(".")[0] for module in MODULES}
    for key in {*ALLOWED, *FORBIDDEN}:
        assert any(within(module, key) for module in known), f"nothing is called {key}"


def test_nobody_below_the_operators_interface_imports_it() -> None:
    for module, path in MODULES.items():
        if not within(module, "pbx.rpc") and module not in {
            "pbx.server",
            "pbx.operations",
            "pbx.operations_audio",
            "pbx.cli",
        }:
            assert not [name for name in imported(path) if within(name, "switchroom.pbx.rpc")], module


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "import time\nfrom switchroom.pbx import events, cdr",
            {"time", "switchroom.pbx.events", "switchroom.pbx.cdr"},
        ),
        ("def f():\n    from switchroom.media import server", {"switchroom.media.server"}),
    ],
)
def test_the_reader_sees_every_form(tmp_path: Path, text: str, names: set[str]) -> None:
    (tmp_path / "module.py").write_text(text)
    assert imported(tmp_path / "module.py") == names


def test_the_reader_sees_cimports(tmp_path: Path) -> None:
    (tmp_path / "module.pyx").write_text(
        "from switchroom.ext.codec_ops cimport CodecOps, x\ncimport cython\nimport time\n"
    )
    expected = {"switchroom.ext.codec_ops.CodecOps", "switchroom.ext.codec_ops.x", "cython", "time"}
    assert imported(tmp_path / "module.pyx") == expected
