# SPDX-License-Identifier: Apache-2.0
"""What a leg can be played, as its phone hears it; and what a party's voice starts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy
import pytest
import soundfile

from switchroom.pbx.call import Call
from switchroom.pbx.control import Digit, PlayDone, Speaking
from tests.pbx.calls.audio_rig import AMPLITUDE, RATE_HZ, Exchange, Phone, Sound, exchange

HEARD = pytest.approx(0, abs=1.0)


def write(path: Path, hz: float, seconds: float) -> str:
    t = numpy.arange(int(seconds * RATE_HZ)) / RATE_HZ
    soundfile.write(path, AMPLITUDE / 32768 * numpy.sin(2 * numpy.pi * hz * t), RATE_HZ, subtype="PCM_16")
    return str(path)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Exchange]:
    (tmp_path / "music").mkdir()
    write(tmp_path / "music" / "1.wav", 613.0, 0.5)
    write(tmp_path / "music" / "2.flac", 1613.0, 0.5)
    (tmp_path / "empty").mkdir()
    sections = {"recording": tmp_path, "music.default": tmp_path / "music", "music.none": tmp_path / "empty"}
    toml = "".join(f'[{name}]\nfolder = "{folder}"\n' for name, folder in sections.items())
    async with exchange(23_400, toml) as rig:
        yield rig


async def ended(phone: Phone, play: int) -> PlayDone:
    for _ in range(300):
        for fact in phone.facts:
            if isinstance(fact, PlayDone) and fact.play == play:
                return fact
        await asyncio.sleep(0.01)
    raise AssertionError("it plays on")


async def test_a_sequence_of_files_tones_and_silence(office: Exchange, tmp_path: Path) -> None:
    phone = await office.phone(433.0)
    file = write(tmp_path / "a.wav", 769.0, 0.4)
    play = phone.leg.play([file, "silence:200", "tone:1000/400", file])
    await office.talk(1_700)
    assert (await ended(phone, play)).finished
    sound = phone.heard().samples
    loud = numpy.flatnonzero(numpy.abs(sound) > 1_000)
    sound = sound[loud[0] : loud[-1] + 1]
    assert len(sound) == pytest.approx(1.4 * RATE_HZ, abs=200)
    assert numpy.abs(sound[int(0.43 * RATE_HZ) : int(0.57 * RATE_HZ)]).max() < 50


async def test_pause_seek_and_volume(office: Exchange, tmp_path: Path) -> None:
    phone = await office.phone(433.0)
    file = write(tmp_path / "a.wav", 769.0, 3.0)
    play = phone.leg.play(file, volume=0.5)
    await office.talk(700)
    assert phone.heard().level_db(769.0, 0.4) == pytest.approx(-6, abs=0.5)
    phone.leg.pause_play()
    await office.talk(500)
    assert phone.heard().level_db(769.0, 0.3) < -50
    phone.leg.pause_play(False)
    await office.talk(400)
    assert phone.heard().level_db(769.0, 0.3) == pytest.approx(-6, abs=0.5)
    phone.leg.seek_play(1.5, relative=True)
    await office.talk(600)
    assert (await ended(phone, play)).finished


def which_file(sound: Sound, block: int) -> bool:
    """Whether it is the first, in one of the last twenty 50 ms."""
    end = len(sound.samples) - block * 400
    part = Sound(sound.samples[end - 400 : end])
    return part.level_db(613.0, 0.05) > part.level_db(1613.0, 0.05)


async def test_all_hear_the_same_moment_of_the_music(office: Exchange) -> None:
    one = await office.phone(433.0)
    one.leg.play("music:default")
    await office.talk(330)
    other = await office.phone(769.0)
    other.leg.play("music:")
    await office.talk(1_800)
    sounds = [phone.heard() for phone in (one, other)]
    first, second = ([which_file(sound, block) for block in range(20)] for sound in sounds)
    assert {True, False} == set(first)
    assert sum(one == two for one, two in zip(first, second, strict=True)) >= 16  # packets may be shifted by one
    for source in ("music:none", "music:nowhere", "tone:nonsense", ["music:default", "x.wav"], "silence:long"):
        assert not (await ended(one, one.leg.play(source))).finished


async def test_a_voice_stops_a_prompt_and_a_beep_ends(office: Exchange, tmp_path: Path) -> None:
    phone = await office.phone(433.0)
    call = Call(office.board, phone.leg, "100")
    phone.silent = True
    playing = asyncio.create_task(call.play(write(tmp_path / "a.wav", 769.0, 5.0), until_speech=True))
    await office.talk(800)
    assert not playing.done()
    phone.silent, phone.speaks = False, True
    await office.talk(700)
    assert playing.done()
    await asyncio.wait_for(call.play("tone:beep"), 1.0)


async def test_a_message_ends_with_silence(office: Exchange) -> None:
    phone = await office.phone(433.0)
    phone.speaks = True
    call = Call(office.board, phone.leg, "100")
    recording = asyncio.create_task(call.record("message.wav", silence_s=0.6))
    await office.talk(800)
    phone.silent = True
    await office.talk(1_600)
    done = await asyncio.wait_for(recording, 2.0)
    assert 1_700 < done.duration_ms < 2_500
    told = []
    phone.leg.listener = lambda leg, fact: told.append(fact)
    phone.leg.detect_speech()
    phone.silent = False
    await office.talk(400)
    assert Speaking(True) in told


async def test_keys_heard_as_tones(office: Exchange) -> None:
    phone = await office.phone(433.0)
    phone.silent = True
    phone.leg.detect_digits()
    await office.talk(200)
    phone.silent, phone.two_hz = False, (770.0, 1336.0)
    await office.talk(160)
    phone.silent = True
    await office.talk(400)
    assert [fact.digit for fact in phone.facts if isinstance(fact, Digit)] == ["5"]
