# SPDX-License-Identifier: Apache-2.0
"""What applications say: in the user's language, with its numbers as they are spoken; and all of it in Chinese too."""

import ast
import re
from datetime import datetime
from pathlib import Path

import pytest

from switchroom.pbx.apps.chinese import CHINESE
from switchroom.pbx.apps.features import SAID
from switchroom.pbx.apps.words import Words, messages, moment, worded
from tests.pbx.apps.rig import OfficeRig, after, play

APPS = Path(__file__).parents[3] / "pbx" / "apps"
SAYING = {"say", "ask", "_confirm", "_speak", "_key", "_desk"}
ONLY_HERE = {"destinations.py", "sound_check.py"}
"""What these say is for trying an exchange, and of the configuration."""


def texts() -> set[str]:
    """All that can be said, out of the code: constants in calls that say something, and what is put together there."""
    found = {f"{who} go to {{digits:number}}." for who in SAID.values()}
    found |= {f"{who} are not forwarded any more." for who in SAID.values()}
    found |= {f"{{name}} {now}." for now in ("follows the clock again", "is on by hand", "is off by hand")}
    found |= {
        f"{who} cannot take your call. Please leave a message after the tone." for who in ("{owner}", "{digits:owner}")
    }
    for kind in ("New", "Saved"):
        found |= {f"{kind} message from {who}" for who in ("{name}", "{digits:number}", "an unknown caller")}
    found |= {clause for count in range(3) for clause in messages(count, count)[0]}
    found |= {moment(0, days * 86_400 + 60.0)[0] for days in range(3)} | {"forwarded by {digits:by}"}
    for file in sorted(APPS.rglob("*.py")):
        if file.name in ONLY_HERE:
            continue
        tree = ast.parse(file.read_text())
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        }
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in SAYING:
                for part in (part for argument in node.args for part in ast.walk(argument)):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip():
                        found.add(part.value)
                    elif isinstance(part, ast.Name) and part.id in constants:
                        found.add(constants[part.id])
            elif isinstance(node, ast.Return) and file.name == "conference_door.py":
                value = node.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value:
                    found.add(value.value)
    return {text for text in found if not text.startswith((" ", "features are"))}


def test_all_of_it_can_be_said_in_chinese_with_the_same_fields() -> None:
    said = texts()
    assert sorted(said - CHINESE.keys()) == []
    assert len(said) > 80
    fields = re.compile(r"\{[^}]*\}")
    for english, chinese in CHINESE.items():
        assert sorted(fields.findall(english)) == sorted(fields.findall(chinese)), english


@pytest.mark.parametrize(
    ("text", "values", "english", "chinese"),
    [
        ("Parked at {digits:slot}.", {"slot": "701"}, "Parked at seven zero one.", "通话已驻留在七零幺。"),
        ("{count:count} are here.", {"count": 12}, "twelve are here.", "现有十二人。"),
        ("{name} is on by hand.", {"name": "open"}, "open is on by hand.", "open已手动开启。"),
        (*messages(2, 1), "You have two new messages, one saved message", "您有两条新留言,一条已存留言"),
        ("A text of the configuration.", {}, "A text of the configuration.", "A text of the configuration."),
    ],
)
def test_numbers_are_words(text: str, values: dict[str, object], english: str, chinese: str) -> None:
    assert worded(text, "en", **values) == english
    assert worded(text, "zh", **values) == chinese


def test_times_are_told_as_one_says_them() -> None:
    at = datetime(2026, 11, 25, 17, 5).astimezone().timestamp()
    clause, values = moment(round(at * 1000), at + 60)
    assert worded(clause, "en", **values) == "today at five oh five p m"
    assert worded(clause, "zh", **values) == "今天下午五点零五分"
    clause, values = moment(round(at * 1000), at + 20 * 86_400)
    assert worded(clause, "en", **values) == "on November twenty-fifth, twenty twenty-six at five oh five p m"


async def test_each_user_hears_his_own_language() -> None:
    heard: list[tuple[str, str]] = []

    async def say(text: str, language: str) -> str:
        heard.append((language, text))
        return text

    words = Words(say, lambda user: "zh" if user == "1002" else "en")
    assert await words("Goodbye.", "1002") == "再见。"
    assert await words("Goodbye.") == "Goodbye."
    assert heard == [("zh", "再见。"), ("en", "Goodbye.")]


def test_a_user_is_spoken_to_in_the_language_of_his_desk(tmp_path: Path) -> None:
    async def script(rig: OfficeRig) -> None:
        leg = rig.calls("1002", "*78")
        await after(3)
        assert leg.heard == ["免打扰已开启。"]
        leg = rig.calls("1003", "*721001")
        await after(3)
        assert leg.heard == ["All calls go to one zero zero one."]
        rig.phone("1002", answers_after_s=None)
        caller = rig.calls("0139", "*991002")
        await after(1)
        assert caller.told == ["ended 403"], "codes are for users"
        leg = rig.calls("1003", "*991002")
        await after(3)
        assert leg.heard[0].startswith("one zero zero two cannot take your call")

    play(tmp_path, script, desks=("", 'language = "zh"\nmailbox = true', "", ""))
