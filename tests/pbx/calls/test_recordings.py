# SPDX-License-Identifier: Apache-2.0
"""Recordings of real legs and rooms: what is on them, how they are told, and what a full disk or a kill leaves."""

import asyncio
import fcntl
import hashlib
import os
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy
import pytest
import soundfile

from switchroom.media import recording_file
from switchroom.media.recorder import Recording as MediaRecording
from switchroom.pbx.calls.recordings import Recording
from switchroom.pbx.control import CallError, Recorded
from switchroom.pbx.events import (
    RecordingConverted,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from tests.pbx.calls.audio_rig import RATE_HZ, Exchange, Sound, exchange

FULL = 32768 / 8000  # a phone's amplitude is 8000


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Exchange]:
    async with exchange(23_100, f'[recording]\nfolder = "{tmp_path / "archive"}"') as rig:
        yield rig


async def until(condition: Callable[[], object]) -> None:
    for _ in range(300):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def ended(office: Exchange, recording: Recording) -> RecordingEnded:
    def those() -> list[RecordingEnded]:
        return [one for one in office.records if isinstance(one, RecordingEnded) and one.recording == recording.id]

    await until(those)
    return those()[0]


def size_and_digest(path: str) -> tuple[int, str]:
    data = Path(path).read_bytes()
    return len(data), hashlib.sha256(data).hexdigest()


def sides(path: str | Path) -> list[Sound]:
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert rate == RATE_HZ
    return [Sound(side.astype(float)) for side in samples.T]


async def test_a_call_is_recorded_one_side_each(office: Exchange) -> None:
    caller, agent = await office.phone(433.0, "1001"), await office.phone(769.0, "2001")
    office.board.bridge(caller.leg, agent.leg)
    recording = caller.leg.record(label="sales")
    await office.talk(1_500)
    recording.stop()
    end = await ended(office, recording)
    said, heard = sides(end.path)
    assert (said.level_db(433.0), heard.level_db(769.0)) == (pytest.approx(0, abs=0.5), pytest.approx(0, abs=0.5))
    assert max(said.level_db(769.0), heard.level_db(433.0)) < -40
    assert end.duration_ms == pytest.approx(1_500, abs=250)
    assert (end.lost_ms, end.paused_ms, end.error, end.call, end.leg) == (0, 0, "", caller.leg.call_id, caller.leg.id)
    assert (end.size_bytes, end.sha256) == size_and_digest(end.path)
    [began] = [record for record in office.records if isinstance(record, RecordingStarted)]
    assert (began.party, began.label, began.stereo, began.path) == ("1001", "sales", True, end.path)
    assert caller.facts[-1] == Recorded(recording.id, end.path, end.duration_ms, 0)
    assert not list(office.board.recordings.folder.rglob("*.segments"))
    again = caller.leg.record("again.wav", stereo=False)  # at once after the first
    await office.talk(600)
    caller.leg.hangup()
    assert sides((await ended(office, again)).path)[0].level_db(433.0, 0.3) == pytest.approx(0, abs=1.0)


async def test_a_pause_is_a_silence_of_its_length(office: Exchange) -> None:
    phone = await office.phone(433.0)
    recording = phone.leg.record("card.wav", stereo=False)
    await office.talk(500)
    recording.pause()
    recording.pause()
    await office.talk(700)
    recording.resume()
    await office.talk(500)
    recording.stop()
    end = await ended(office, recording)
    assert end.duration_ms == pytest.approx(1_700, abs=250)
    assert end.paused_ms == pytest.approx(700, abs=100)
    samples = sides(end.path)[0].samples
    assert numpy.abs(samples[int(0.8 * RATE_HZ) : int(1.0 * RATE_HZ)]).max() == 0
    assert [type(record) for record in office.records if isinstance(record, RecordingPaused | RecordingResumed)] == [
        RecordingPaused,
        RecordingResumed,
    ]


async def test_keys_as_tones_are_kept_out_of_recordings(tmp_path: Path) -> None:
    toml = f'[recording]\nfolder = "{tmp_path}"\nmute_digits = true'
    async with exchange(23_700, toml) as office:
        caller, agent = await office.phone(433.0, "1001"), await office.phone(769.0, "2001")
        office.board.bridge(caller.leg, agent.leg)
        caller.silent = agent.silent = True
        recording = agent.leg.record()  # the keys of the one who is heard
        await office.talk(400)
        caller.silent, caller.two_hz = False, (770.0, 1336.0)
        await office.talk(600)
        caller.silent = True
        await office.talk(200)
        recording.stop()
        _, heard = sides((await ended(office, recording)).path)
        assert (numpy.abs(heard.samples) > 500).sum() < 0.15 * RATE_HZ


async def test_a_recording_on_demand_begins_with_what_was_said_before(office: Exchange) -> None:
    phone = await office.phone(433.0)
    phone.leg.record_ahead(1.0)
    await office.talk(1_600)
    recording = phone.leg.record()
    phone.silent = True
    await office.talk(600)
    recording.stop()
    end = await ended(office, recording)
    assert end.duration_ms == pytest.approx(1_600, abs=200)
    said = sides(end.path)[0].samples
    assert numpy.abs(said[: int(0.8 * RATE_HZ)]).max() > 7_000
    assert numpy.abs(said[-int(0.3 * RATE_HZ) :]).max() < 100


async def test_a_room_and_its_parties_are_recorded(office: Exchange) -> None:
    phones = [await office.phone(hz) for hz in (433.0, 769.0, 1223.0)]
    room = office.board.room()
    with pytest.raises(CallError):
        room.record()
    for phone in phones:
        room.join(phone.leg)
    recording = room.record(label="board meeting")
    await office.talk(1_000)
    room.close()
    end = await ended(office, recording)
    [mixed] = sides(end.path)
    assert [mixed.level_db(phone.hz, 0.3) for phone in phones] == [pytest.approx(0, abs=1.0)] * 3


@pytest.mark.parametrize("form", ["flac", "opus"])
async def test_the_archive_is_kept_in_another_form(tmp_path: Path, form: str) -> None:
    toml = f'[recording]\nfolder = "{tmp_path}"\nformat = "{form}"'
    async with exchange(23_200, toml) as office:
        phone = await office.phone(433.0)
        recording = phone.leg.record()
        elsewhere = tmp_path.parent / f"message-{form}.wav"
        await office.talk(800)
        recording.stop()
        await until(lambda: any(isinstance(record, RecordingConverted) for record in office.records))
        [converted] = [record for record in office.records if isinstance(record, RecordingConverted)]
        samples, rate = soundfile.read(converted.path, always_2d=True)
        level = Sound(samples[:, 0] * 32768).level_db(433.0, 0.3) if rate == RATE_HZ else 0
        assert converted.path.endswith(form)
        assert level == pytest.approx(0, abs=1.0)
        assert (converted.size_bytes, converted.sha256) == size_and_digest(converted.path)
        await until(lambda: not Path(recording.path).exists())
        message = phone.leg.record(str(elsewhere))
        await office.talk(300)
        message.stop()
        await ended(office, message)
        assert elsewhere.exists()
        named = phone.leg.record("greeting.wav")
        await office.talk(300)
        named.stop()
        await ended(office, named)
        assert "greeting.wav" in os.listdir(tmp_path)
        assert not [name for name in os.listdir(tmp_path) if "pending" in name]


async def test_a_start_converts_what_was_waiting_for_it_and_nothing_else(tmp_path: Path) -> None:
    for name in ("old", "r1-t", "r2-t"):
        soundfile.write(tmp_path / f"{name}.wav", numpy.zeros(8000, numpy.int16), RATE_HZ)
    (tmp_path / "r1-t.wav.pending").touch()
    (tmp_path / "gone.wav.pending").touch()
    async with exchange(23_200, f'[recording]\nfolder = "{tmp_path}"\nformat = "flac"') as office:
        await office.board.recordings.repair()
        await until(lambda: sorted(os.listdir(tmp_path)) == ["old.wav", "r1-t.flac", "r2-t.wav"])
        assert [r.recording for r in office.records if isinstance(r, RecordingConverted)] == ["r1-t"]


async def test_what_a_killed_exchange_left_is_mended_at_the_start(tmp_path: Path) -> None:
    async with exchange(23_300, f'[recording]\nfolder = "{tmp_path}"') as office:
        phone = await office.phone(433.0)
        recording = phone.leg.record("2026/lost.wav")
        await office.talk(1_400)
        left = recording.segments.read_bytes()
        name = recording.segments.name
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / name).write_bytes(left + left[:1000])  # torn, as by a kill
        (tmp_path / "other" / "empty.wav.r9-x.segments").touch()
        recording.stop()
        await ended(office, recording)
        assert await office.board.recordings.repair() == 2
        repaired = [record for record in office.records if isinstance(record, RecordingEnded) and record.repaired]
        mended, empty = ([one for one in repaired if bool(one.error) is bad] for bad in (False, True))
        assert await office.board.recordings.repair() == 0
        assert [(one.recording, one.path) for one in mended] == [(recording.id, str(tmp_path / "other" / "lost.wav"))]
        assert 900 <= mended[0].duration_ms <= 1_000
        assert sides(mended[0].path)[0].level_db(433.0, 0.4) == pytest.approx(0, abs=0.5)
        assert [one.recording for one in empty] == ["r9-x"]


@pytest.fixture
def fill_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let files take so many bytes, until a recording is to be finished."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    finish = recording_file.finish

    def finish_with_room(segments: Path, wav: Path, frames: int) -> recording_file.Finished:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        return finish(segments, wav, frames)

    monkeypatch.setattr(recording_file, "finish", finish_with_room)
    yield lambda room: resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_full_disk_costs_what_does_not_fit_and_is_told(
    office: Exchange, fill_disk: Callable[[int], None]
) -> None:
    phone = await office.phone(433.0)
    recording = phone.leg.record("full.wav", stereo=False)
    fill_disk(20_000)  # a second of 16,000 bytes fits
    await office.talk(3_300)
    recording.stop()
    end = await ended(office, recording)
    assert end.error == "File too large"
    samples = sides(end.path)[0].samples
    assert samples[:7_000].any()
    assert not samples[8_000:].any()
    assert end.duration_ms == len(samples) // 8 == pytest.approx(3_300, abs=250)
    assert (end.lost_ms, end.paused_ms) == (pytest.approx(end.duration_ms - 950, abs=70), 0)
    assert phone.facts[-1] == Recorded(recording.id, end.path, end.duration_ms, end.lost_ms)


async def test_a_disk_that_is_full_from_the_start_loses_all_and_says_so(
    office: Exchange, fill_disk: Callable[[int], None]
) -> None:
    phone = await office.phone(433.0)
    recording = phone.leg.record("full.wav")
    fill_disk(0)
    await office.talk(1_500)
    recording.stop()
    end = await ended(office, recording)
    assert (end.error, end.duration_ms) == ("File too large", 0)
    assert end.lost_ms == pytest.approx(1_500, abs=250)
    assert phone.facts[-1] == Recorded(recording.id, end.path, 0, end.lost_ms)
    assert not list(office.board.recordings.folder.rglob("full*"))


async def test_a_disk_that_stands_still_is_not_heard(office: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is a pipe that takes 4 kB until somebody reads it."""
    caller, agent = await office.phone(433.0), await office.phone(769.0)
    office.board.bridge(caller.leg, agent.leg)
    out, end = os.pipe()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    monkeypatch.setattr(MediaRecording, "_create", lambda recording: end)
    recording = caller.leg.record("slow.wav")
    await office.talk(2_500)
    assert agent.heard().level_db(433.0) == pytest.approx(0, abs=0.5)
    recording.stop()
    kept = bytearray()

    def read() -> None:
        while data := os.read(out, 65_536):
            kept.extend(data)

    await asyncio.to_thread(read)  # all that waited, to the end
    os.close(out)
    recording.segments.write_bytes(kept)
    told = await ended(office, recording)
    assert (told.lost_ms, told.duration_ms) == (0, pytest.approx(2_500, abs=250))
    assert sides(told.path)[0].level_db(433.0, 1.5) == pytest.approx(0, abs=0.5)


async def test_what_cannot_be_recorded_is_said(office: Exchange, tmp_path: Path) -> None:
    phone = await office.phone(433.0)
    (tmp_path / "file").touch()
    with pytest.raises(CallError, match="file"):
        phone.leg.record(str(tmp_path / "file" / "x.wav"))
    phone.leg.record("one.wav")
    with pytest.raises(CallError, match="already"):
        phone.leg.record("two.wav")
    phone.leg.hangup()
    with pytest.raises(CallError):
        phone.leg.record("three.wav")
