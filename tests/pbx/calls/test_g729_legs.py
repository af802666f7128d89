# SPDX-License-Identifier: Apache-2.0
"""Legs with G.729 in calls, recordings and rooms, next to legs with G.711: all are heard at the level they speak at."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import soundfile

from switchroom.pbx.calls.recordings import Recording
from switchroom.pbx.events import RecordingEnded
from tests.pbx.calls.audio_rig import Exchange, Sound, exchange, levels

LEVEL = pytest.approx(0, abs=1.5)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Exchange]:
    toml = f'[recording]\nfolder = "{tmp_path}"'
    async with exchange(23_500, toml, codecs=("PCMU", "PCMA", "G729")) as rig:
        yield rig


async def sides(office: Exchange, recording: Recording) -> list[Sound]:
    for _ in range(300):
        for record in office.records:
            if isinstance(record, RecordingEnded) and record.recording == recording.id:
                assert (record.error, record.lost_ms) == ("", 0)
                samples, _ = soundfile.read(record.path, dtype="int16", always_2d=True)
                return [Sound(side.astype(float)) for side in samples.T]
        await asyncio.sleep(0.01)
    raise AssertionError("the recording has no end")


@pytest.mark.parametrize("other", ["G729", "PCMU", "PCMA"])
async def test_a_call_and_its_recording(office: Exchange, other: str) -> None:
    caller = await office.phone(433.0, codec="G729")
    agent = await office.phone(769.0, codec=other)
    office.board.bridge(caller.leg, agent.leg)
    recording = caller.leg.record()
    await office.talk(1_200)
    assert levels(caller, [agent]) == [LEVEL]
    assert levels(agent, [caller]) == [LEVEL]
    recording.stop()
    said, heard = await sides(office, recording)
    assert (said.level_db(433.0), heard.level_db(769.0)) == (LEVEL, LEVEL)
    assert max(said.level_db(769.0), heard.level_db(433.0)) < -25


async def test_a_room_of_both(office: Exchange) -> None:
    phones = [await office.phone(hz, codec=codec) for hz, codec in ((433.0, "G729"), (1223.0, "G729"), (769.0, "PCMU"))]
    room = office.board.room()
    for phone in phones:
        room.join(phone.leg)
    recording = room.record()
    await office.talk(1_500)
    for phone in phones:
        others = [other for other in phones if other is not phone]
        heard = phone.heard()
        assert [heard.level_db(other.hz) for other in others] == [pytest.approx(0, abs=3.0)] * 2
        assert heard.level_db(phone.hz) < -15
    recording.stop()
    [mixed] = await sides(office, recording)
    assert [mixed.level_db(phone.hz, 0.3) for phone in phones] == [LEVEL] * 3
