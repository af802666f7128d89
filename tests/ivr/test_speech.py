# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ASYNC240 (a test may look at its files while the loop stands still)
"""Speech: words become a sound file, once; what goes wrong is said in words."""

import asyncio
import os
import shutil
import wave
from pathlib import Path

import pytest

from switchroom.ivr import speech as module
from switchroom.ivr.speech import MAX_TEXT, Speech, SpeechError

PRETEND = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -w ] && file=$2; shift; done
words=$(cat)
[ "$words" = fail ] && { echo no such voice >&2; exit 1; }
echo "$words" > "$file"
echo x >> "$RUNS"
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pretended espeak-ng, and the file in which it counts its runs."""
    program = tmp_path / "bin" / "espeak-ng"
    program.parent.mkdir()
    program.write_text(PRETEND)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    (tmp_path / "runs").write_text("")
    return tmp_path / "runs"


async def test_the_same_words_are_made_once(tmp_path: Path, runs: Path) -> None:
    speech = Speech(tmp_path / "cache")
    at_once = await asyncio.gather(*(speech.say("hello") for _ in range(5)))
    assert {*at_once, await Speech(tmp_path / "cache").say("hello")} == {at_once[0]}
    assert Path(at_once[0]).read_text() == "hello\n"
    assert await speech.say("hello", voice="cmn") != at_once[0]
    assert runs.read_text() == "x\nx\n"


async def test_the_cache_is_bounded_and_what_is_used_stays(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 3)
    speech = Speech(tmp_path / "cache")
    welcome = await speech.say("welcome")
    for number in range(5):
        await speech.say(str(number))
        assert await speech.say("welcome") == welcome
    assert len(list((tmp_path / "cache").iterdir())) == 3
    assert Path(welcome).exists()
    assert runs.read_text().count("x") == 6


async def test_a_failure_says_why_and_leaves_nothing(tmp_path: Path, runs: Path) -> None:
    speech = Speech(tmp_path / "cache")
    with pytest.raises(SpeechError, match="no such voice"):
        await speech.say("fail")
    assert list((tmp_path / "cache").glob("*.wav")) == []
    with pytest.raises(SpeechError, match="too many"):
        await speech.say("x" * (MAX_TEXT + 1))


async def test_a_missing_program_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechError, match="apt-get install espeak-ng"):
        await Speech(tmp_path).say("hello")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_real_speech_has_sound_in_it(tmp_path: Path) -> None:
    for voice, text in (("en", "one two three"), ("cmn", "一二三")):
        with wave.open(await Speech(tmp_path, voice).say(text)) as file:
            assert file.getnchannels() == 1
            seconds = file.getnframes() / file.getframerate()
            samples = memoryview(file.readframes(file.getnframes())).cast("h")
        assert 0.5 < seconds < 5
        assert max(samples) > 3000
