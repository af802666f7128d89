# SPDX-License-Identifier: Apache-2.0
"""What the documentation says is so: every key with its default, every example a configuration that loads."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from switchroom.pbx import config
from switchroom.pbx.acd.config import AgentConfig, QueueConfig, TeamConfig
from switchroom.pbx.config_values import Endpoint, Listener, Secret
from switchroom.pbx.trunks.config import TrunkConfig

ROOT = Path(__file__).parent.parent
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", CONFIGURATION, re.DOTALL)
DOCUMENT: dict[str, Any] = {}
for block in BLOCKS:
    DOCUMENT |= tomllib.loads(block)
OPTIONAL = {"bind", "hold_music", "codecs"}
"""Shown as a comment, or with a value that means something."""
SECTIONS = {
    "acd",
    "blacklist",
    "features",
    "ivr",
    "journal",
    "storage",
    "limits",
    "mail",
    "media",
    "parking",
    "rpc",
    "security",
    "server",
    "sip",
    "speech",
    "tls",
    "voicemail",
}


def written(value: Any) -> Any:
    """A default as the file would hold it."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, tuple):
        return [written(item) for item in value]
    return str(value) if isinstance(value, (Listener, Endpoint)) else value


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_every_key_of_a_section_stands_there_with_its_default(section: str) -> None:
    defaults = getattr(config.Config(), section)
    told = DOCUMENT[section]
    for field in msgspec.structs.fields(defaults):
        if field.name == "tokens" or (field.name in OPTIONAL and field.name not in told):
            assert re.search(rf"^#? ?{field.name} = ", CONFIGURATION, re.MULTILINE), field.name
        else:
            assert told[field.name] == written(getattr(defaults, field.name)), field.name
    assert set(told) <= {field.name for field in msgspec.structs.fields(defaults)}


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("user", config.User),
        ("peer", config.Peer),
        ("trunk", TrunkConfig),
        ("agent", AgentConfig),
        ("team", TeamConfig),
    ],
)
def test_every_key_of_users_and_peers_stands_there(section: str, kind: type[msgspec.Struct]) -> None:
    known = {field.name for field in msgspec.structs.fields(kind)} - {"ha1", "ha1_sha256"}
    assert set(DOCUMENT[section][0]) == known


def test_every_key_of_a_queue_stands_there_with_its_default() -> None:
    told = DOCUMENT["queue"]["sales"]
    assert set(told) == {field.name for field in msgspec.structs.fields(QueueConfig)}
    for field in msgspec.structs.fields(QueueConfig()):
        if field.name != "overflow":
            assert told[field.name] == written(getattr(QueueConfig(), field.name)), field.name


def test_no_section_is_left_out() -> None:
    assert set(DOCUMENT) == {field.encode_name for field in msgspec.structs.fields(config.Config)}


EXAMPLES = [path for path in sorted((ROOT / "examples").glob("*.toml")) if path.name != "day.toml"]
"""A day is no configuration; tests/pbx/day runs it."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_load(path: Path) -> None:
    assert config.check(path) == []


def test_the_configuration_of_the_readme_loads() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    loaded, mistakes = config.loads(block)
    assert mistakes == []
    assert loaded is not None
    assert [user.name for user in loaded.users] == ["1001", "1002"]


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
