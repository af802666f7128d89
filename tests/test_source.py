# SPDX-License-Identifier: Apache-2.0
"""Style as a test: licence lines, docstrings, lengths, and what must not stand in any source."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 450
"""A file holds one idea: aim at 150 lines, look twice at 400."""
MAX_TEST_LINES = 550
TABLES = {"codecs/g729/tables.c", "codecs/g729/kernels_vector.h"}
"""Longer because they are one table, or one kernel for each block of a Recommendation."""
METHODS = "pbx/rpc/methods/"
"""Methods, parameters and results of the operators' interface are described in docs/json-rpc.md."""
WAITING = ("tests/hostile/", "tests/clients/", "benchmarks/")
"""These watch other processes, which give no sign to wait for."""
SOURCES = {".py", ".pyx", ".pxd", ".c", ".h"}
FOLDERS = ("pbx", "media", "codecs", "ext", "ivr", "src", "benchmarks", "examples", "tests", "setup.py")


def sources() -> list[str]:
    """Every source file, relative to the root; built and generated ones are not among them."""
    starts = [ROOT / folder for folder in FOLDERS]
    paths = [path for start in starts for path in ([start] if start.is_file() else start.rglob("*"))]
    wanted = [path for path in paths if path.suffix in SOURCES and path.is_file() and "__pycache__" not in path.parts]
    names = [str(path.relative_to(ROOT)) for path in wanted]
    return sorted(name for name in names if not name.startswith("src/switchroom/") or name.count("/") == 2)


SOURCE_FILES = sources()
PYTHON = [name for name in SOURCE_FILES if name.endswith(".py")]


@pytest.mark.parametrize("name", SOURCE_FILES)
def test_form(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    head = "\n".join(text.splitlines()[:3])
    assert "SPDX-License-Identifier: Apache-2.0" in head or not text, "the licence line is missing"
    assert text == "" or text.endswith("\n")
    if name not in TABLES:
        assert text.count("\n") <= (MAX_TEST_LINES if name.startswith("tests/") else MAX_LINES)
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text) or name == "tests/test_source.py"
    places = re.findall(r"(?<![\w.])/(?:tmp|work|home|root)/[\w.]+", text)
    assert places == [] or name == "tests/test_source.py", "a path of one machine"


@pytest.mark.parametrize("name", PYTHON)
def test_python(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body, "the module has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and not name.startswith(WAITING):
            assert (node.value.id, node.attr) != ("time", "sleep"), f"line {node.lineno}: time.sleep"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            assert "sleep" not in {alias.name for alias in node.names}, f"line {node.lineno}: time.sleep"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: a bare except hides everything"


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in PYTHON
        if name.startswith(("pbx/", "media/", "ivr/", "codecs/")) and not name.startswith(METHODS)
    ],
)
def test_public_names_have_docstrings(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    bare = [
        node.name
        for node in tree.body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not _speaks_for_itself(node)
    ]
    assert bare == []


def _speaks_for_itself(node: ast.stmt) -> bool:
    """Records are named after what happened."""
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    return any(isinstance(base, ast.Name) and base.id == "Record" for base in bases)


def test_the_folders_of_the_package_are_links_kept_in_git() -> None:
    for folder in ("pbx", "media", "codecs", "ext", "ivr"):
        assert (ROOT / "src" / "switchroom" / folder).is_symlink()


def test_nothing_that_is_built_is_kept() -> None:
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if kept.returncode != 0:
        pytest.skip("not a git repository")
    built = [name for name in kept.stdout.splitlines() if name.endswith((".so", ".pyc", ".o", ".db"))]
    assert built == []


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports them by their bare names."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
