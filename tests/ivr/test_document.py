# SPDX-License-Identifier: Apache-2.0
"""Data flows: every mistake with its key, every finding of the linter, versions that are switched live."""

import json
from pathlib import Path

import pytest

from switchroom.ivr import document
from switchroom.ivr.document import Document
from switchroom.ivr.lint import lint, reached
from switchroom.ivr.prompts import Prompts
from switchroom.ivr.shelf import FlowRefused, Shelf
from switchroom.testing import Bench

GOOD = """
name = "night"
languages = ["en"]
start = "welcome"
[prompts.hello]
en = "Hello, {caller}."
[steps.welcome]
do = "menu"
say = ["hello", "Press 1."]
choices = { 1 = "message" }
otherwise = "message"
[steps.message]
do = "record"
mailbox = "night"
"""


def made(text: str) -> Document:
    found, mistakes = document.read(text)
    assert found is not None, mistakes
    return found


def test_toml_and_json_are_the_same() -> None:
    import tomllib

    assert made(GOOD) == made(json.dumps(tomllib.loads(GOOD)))


def test_a_prompt_with_fields_is_filled_in() -> None:
    with Bench(GOOD) as bench:
        caller = bench.call(number="4711").hears("4711").hears("Press 1.").press("1").hears("tone:beep")
        assert caller.said[:3] == ["Hello,", "4711", "."]


@pytest.mark.parametrize(
    ("wrong", "right", "mistake"),
    [
        ('start = "welcome"', 'start = "nowhere"', "start: no step is called 'nowhere'"),
        ('do = "menu"', 'do = "meny"', "steps.welcome.do: expected one of"),
        ('otherwise = "message"', 'otherwise = "lost"', "steps.welcome.otherwise: no step is called 'lost'"),
        ('otherwise = "message"', "", "steps.welcome.otherwise: is missing"),
        ("{ 1 =", "{ 11 =", "steps.welcome.choices.11: expected one key"),
        ("mailbox", "mailbx", "steps.message.mailbx: unknown key; do you mean mailbox?"),
        ('"hello",', '"helo",', "steps.welcome.say: no prompt is called 'helo'"),
        ('"Press 1."', '"Press {1}."', "steps.welcome.say[1]: 'Press {1}.': a field is written"),
        ('"Press 1."', '"Press {colour:x}."', "nothing is said as 'colour'"),
        ('["en"]', '["fr"]', "languages[0]: "),
        ('"night"\nlanguages', '"../night"\nlanguages', "name: expected letters"),
        ("[steps.message]", "[steps.message", "is neither TOML nor JSON"),
    ],
)
def test_mistakes_are_named_by_their_key(wrong: str, right: str, mistake: str) -> None:
    found, mistakes = document.read(GOOD.replace(wrong, right, 1), "night.toml")
    assert found is None
    assert any(mistake in str(each) for each in mistakes), mistakes
    assert all(str(each).startswith("night.toml: ") for each in mistakes)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "steps = 1", '{"name": "x", "start": "y", "steps": {"y": 7}}'])
def test_what_is_no_flow_is_refused(text: str) -> None:
    found, mistakes = document.read(text)
    assert found is None
    assert mistakes


def findings(text: str) -> list[str]:
    return [str(mistake) for mistake in lint(made(text))]


def test_the_linter() -> None:
    assert findings(GOOD) == []
    assert findings(GOOD + '[steps.island]\ndo = "hangup"\n') == ["steps.island: nothing leads here"]
    assert findings(GOOD.replace('["en"]', '["en", "zh"]')) == [
        "prompts.hello.zh: is missing: neither words nor a recording"
    ]
    assert findings(GOOD + '[prompts.spare]\nen = "x"\n') == ["prompts.spare: nobody says it"]
    forever = GOOD.replace('otherwise = "message"', 'otherwise = "welcome"')
    assert findings(forever) == ["steps.welcome: asks for ever: otherwise leads back to it"]


def test_deep_menus_are_found() -> None:
    steps = "".join(
        f'[steps.m{n}]\ndo = "menu"\nsay = ["x y"]\nchoices = {{ 1 = "m{n + 1}" }}\notherwise = "end"\n'
        for n in range(1, 5)
    )
    head, ends = (
        'name = "deep"\nstart = "m1"\nlanguages = ["en"]\n',
        '[steps.m5]\ndo = "hangup"\n[steps.end]\ndo = "hangup"\n',
    )
    assert findings(head + steps + ends) == ["steps.m4: lies 4 menus deep; callers give up after 3"]


def test_circles_are_found_unless_they_count() -> None:
    text = """
name = "round"
start = "one"
languages = ["en"]
[steps.one]
do = "say"
say = ["Hello there."]
next = "two"
[steps.two]
do = "set"
values = { x = "1" }
next = "one"
"""
    assert findings(text) == [f"steps.{n}: turns in a circle in which nobody is asked anything" for n in ("one", "two")]
    counted = text.replace('do = "set"\nvalues = { x = "1" }', 'do = "again"\notherwise = "end"')
    assert findings(counted + '[steps.end]\ndo = "hangup"\n') == []
    assert reached(made(text)) == {"one", "two"}


def test_a_recording_needs_no_words(tmp_path: Path) -> None:
    async def speak(text: str, language: str) -> str:
        return f"{language}:{text}"

    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "hello.flac").touch()
    both = made(GOOD.replace('["en"]', '["en", "zh"]'))
    assert lint(both, Prompts(tmp_path, speak)) == []


def test_versions_are_switched_live(tmp_path: Path) -> None:
    with Bench() as bench:
        shelf = Shelf(tmp_path, bench.services)
        assert shelf.load() == []
        assert shelf.put(GOOD, activate=True) == (1, [])
        assert shelf.put(GOOD.replace("Press 1.", "Press 1 now.")) == (2, [])
        bench.shelf = shelf
        first = bench.call("night").hears("Press 1.")
        shelf.activate("night", 2)
        bench.call("night").hears("Press 1 now.")
        first.waits(6).hears("Press 1.").hears_nothing_of("now")  # goes on as it began
    again = Shelf(tmp_path, bench.services)
    assert again.load() == []
    assert [(a.name, a.version, a.versions) for a in again.about() if a.kind == "data"] == [("night", 2, (1, 2))]
    assert "Press 1 now." in again.text("night")


def test_what_cannot_run_is_not_kept(tmp_path: Path) -> None:
    with Bench() as bench:
        shelf = Shelf(tmp_path, bench.services)
        with pytest.raises(FlowRefused, match="steps"):
            shelf.put('name = "x"\nstart = "y"')
        with pytest.raises(FlowRefused, match="no version 7"):
            shelf.activate("night", 7)
        with pytest.raises(FlowRefused, match="expected letters"):
            shelf.activate("../../etc", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_on_disk_stops_no_other_flow(tmp_path: Path) -> None:
    with Bench() as bench:
        shelf = Shelf(tmp_path, bench.services)
        shelf.put(GOOD, activate=True)
        shelf.put(GOOD.replace('"night"', '"day"', 1), activate=True)
        (tmp_path / "day" / "1.toml").write_text("nonsense")
        again = Shelf(tmp_path, bench.services)
        assert [mistake.file for mistake in again.load()] == ["day/1"]
        assert [a.name for a in again.about() if a.kind == "data"] == ["night"]


def test_a_queue_step_may_ask_for_the_agent_whom_the_caller_has_typed() -> None:
    text = """
name = "direct"
languages = ["en"]
start = "who"
[steps.who]
do = "collect"
say = ["Whom do you want?"]
into = "whom"
next = "wait"
otherwise = "wait"
[steps.wait]
do = "queue"
queue = "sales"
agent = "{whom}"
agent_wait_s = 20.0
otherwise = "bye"
[steps.bye]
do = "hangup"
"""
    with Bench(text) as bench:
        caller = bench.call()
        caller.hears("Whom").press("1001#").expects_queue("sales")
        assert bench.queues.waiting[0].wishes == {"agent": "1001", "agent_wait_s": 20.0}
        caller.hangs_up()
