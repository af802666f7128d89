# SPDX-License-Identifier: Apache-2.0
"""Recordings killed, cut, damaged, starved of disk: every file plays, its length is right, at most a second is lost."""

import os
import random
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from switchroom.ext.segment import Recording
from switchroom.media.recording_file import RecordingError, convert, finish, pcm, repair, segments, summary, to_wav

FRAME = 160


def frames(first: int, count: int) -> NDArray[np.int16]:
    """Stereo PCM that numbers its frames: low half on the left, and its inverse on the right."""
    left = (np.arange(first, first + count) & 0x7FFF).astype(np.int16)
    return np.stack([left, ~left], 1).reshape(-1)


def record(path: Path, ticks: int, drain_every: int = 10, ring_bytes: int = 1 << 17) -> Recording:
    recording = Recording(path, ring_bytes=ring_bytes)
    for tick in range(ticks):
        recording.put(frames(tick * FRAME, FRAME))
        if tick % drain_every == drain_every - 1:
            assert recording.drain() == 0
    return recording


def played(path: Path) -> NDArray[np.int16]:
    return np.frombuffer(b"".join(pcm(path)), np.int16)


def test_what_is_recorded_is_played(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.rec", 173)
    assert recording.close() == 0
    assert (played(tmp_path / "a.rec") == frames(0, 173 * FRAME)).all()
    found = to_wav(tmp_path / "a.rec", tmp_path / "a.wav")
    assert (found.frames, found.missing, found.paused) == (173 * FRAME, 0, 0)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnframes(), file.getnchannels(), file.getframerate()) == (173 * FRAME, 2, 8000)
    assert [s.frames for s in segments(tmp_path / "a.rec")] == [8000, 8000, 8000, 173 * FRAME - 24_000]


def test_a_pause_is_marked_silence(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.rec", 60)
    recording.pause(12_345)
    recording.put(frames(0, FRAME))
    recording.close()
    found = summary(tmp_path / "a.rec")
    assert found.pauses == ((60 * FRAME, 12_345),)
    assert found.frames == 61 * FRAME + 12_345
    sound = played(tmp_path / "a.rec")
    assert not sound[2 * 60 * FRAME : 2 * (60 * FRAME + 12_345)].any()
    assert (sound[-2 * FRAME :] == frames(0, FRAME)).all()


def test_a_slow_writer_loses_frames_but_not_the_length(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.rec", 500, drain_every=100, ring_bytes=1 << 14)
    recording.close()
    stats = recording.stats
    assert 0 < stats["ring_lost"] < 500 * FRAME
    found = summary(tmp_path / "a.rec")
    assert found.frames == 500 * FRAME
    assert (found.missing, found.paused) == (stats["ring_lost"], 0)
    sound, whole = played(tmp_path / "a.rec"), frames(0, 500 * FRAME)
    kept = sound != 0
    assert (sound[kept] == whole[kept]).all()


def test_what_is_lost_at_the_very_end_is_lost_and_not_paused(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.rec", 300, drain_every=1000, ring_bytes=1 << 17)  # 4 s, and nobody drains it
    recording.close()
    lost = recording.stats["ring_lost"]
    assert lost > 8000
    found = summary(tmp_path / "a.rec")
    assert (found.frames, found.missing, found.paused, found.pauses) == (300 * FRAME, lost, 0, ())
    assert len(played(tmp_path / "a.rec")) == 2 * 300 * FRAME


def test_the_writer_leaves_less_than_a_second_in_memory(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "a.rec")
    for tick in range(400):
        recording.put(frames(tick * FRAME, FRAME))
        if tick % 5 == 4:  # each 100 ms
            recording.drain()
            assert (tick + 1) * FRAME - len(played(tmp_path / "a.rec")) // 2 < 7_200


WRITER = """
import sys
import numpy as np
from switchroom.ext.segment import Recording
recording = Recording(sys.argv[1])
tick = 0
while True:
    left = (np.arange(tick * 160, tick * 160 + 160) & 0x7FFF).astype(np.int16)
    recording.put(np.stack([left, ~left], 1).reshape(-1))
    tick += 1
    if tick % 10 == 0:
        recording.drain()
        sys.stdout.write(f"{tick * 160}\\n")
        sys.stdout.flush()
"""


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_at_most_a_second_is_missing(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    stop, told = random.Random(seed).randrange(6000, 400_000), 0
    while told < stop:
        told = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    lines = writer.communicate()[0].splitlines()
    told = int(lines[-2]) if len(lines) > 1 else told
    repair(path)
    sound = played(path)
    assert len(sound) // 2 > told - 8000
    assert (sound == frames(0, len(sound) // 2)).all()


def test_cut_anywhere_the_rest_plays(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    record(path, 200).close()
    whole = path.read_bytes()
    rng = random.Random(1)
    for cut in [rng.randrange(len(whole)) for _ in range(60)]:
        path.write_bytes(whole[:cut])
        size = cut - repair(path)
        assert path.stat().st_size == size
        sound = played(path)
        assert len(sound) * 2 > cut - 36 * 5 - 32_036
        assert (sound == frames(0, len(sound) // 2)).all()


def test_damage_in_the_middle_costs_its_segments_only(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    record(path, 500).close()
    data = bytearray(path.read_bytes())
    data[100_000] ^= 0x40
    path.write_bytes(data)
    found, sound = summary(path), played(path)
    assert found.missing == 8000
    assert found.frames == 500 * FRAME == len(sound) // 2
    hole = slice(2 * 24_000, 2 * 32_000)
    assert not sound[hole].any()
    sound_before, whole = sound[: 2 * 24_000], frames(0, 500 * FRAME)
    assert (sound_before == whole[: 2 * 24_000]).all()
    assert (sound[2 * 32_000 :] == whole[2 * 32_000 :]).all()


FULL = """
import resource, sys
import numpy as np
from switchroom.ext.segment import Recording
recording = Recording(sys.argv[1])
for second in range(10):
    if second in (3, 7):
        soft = 100_000 if second == 3 else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
    for _ in range(2):
        recording.put(np.full(8000, second + 1, np.int16))
    recording.drain()
recording.close()
print(recording.stats["disk_lost"], recording.stats["errors"], recording.stats["last_errno"])
"""


def test_a_full_disk_is_counted_and_survived(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    lost, errors, last_errno = map(int, done.stdout.split())
    assert (lost, errors) == (4 * 8000, 4)
    assert last_errno > 0
    sound = played(path)
    assert [int(s) for s in sound[:: 2 * 8000]] == [1, 2, 3, 0, 0, 0, 0, 8, 9, 10]
    assert summary(path).missing == 4 * 8000


def test_a_disk_that_stays_full_leaves_the_length(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    code = FULL.replace("(3, 7)", "(3,)")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[0]) == 7 * 8000
    finished = finish(path, tmp_path / "a.wav", 10 * 8000)
    assert (finished.duration_ms, finished.missing_ms, finished.paused_ms) == (10_000, 7_000, 0)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() == 10 * 8000
        sound = np.frombuffer(file.readframes(10 * 8000), np.int16)
    assert [int(s) for s in sound[:: 2 * 8000]] == [1, 2, 3, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("suffix", [".flac", ".opus", ".ogg"])
def test_conversion(suffix: str, tmp_path: Path) -> None:
    recording = Recording(tmp_path / "a.rec", channels=1)
    tone = np.asarray(8000 * np.sin(2 * np.pi * 500 * np.arange(24_000) / 8000), np.int16)
    for at in range(0, 24_000, FRAME):
        recording.put(tone[at : at + FRAME])
        recording.drain()
    recording.close()
    convert(tmp_path / "a.rec", tmp_path / f"a{suffix}")
    out, rate_hz = soundfile.read(tmp_path / f"a{suffix}", dtype="int16")
    assert len(out) / rate_hz == pytest.approx(3, abs=0.01)
    assert out.astype(float).std() == pytest.approx(tone.std(), rel=0.05)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a.rec", f"a{suffix}"])


def test_rubbish_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.rec").write_bytes(random.Random(1).randbytes(100_000) + b"SRSG" * 100)
    for call in (summary, lambda p: to_wav(p, tmp_path / "a.wav"), lambda p: convert(p, tmp_path / "a.flac")):
        with pytest.raises(RecordingError, match="no recorded audio"):
            call(tmp_path / "a.rec")
    assert os.listdir(tmp_path) == ["a.rec"]
    with pytest.raises(RecordingError, match="flac"):
        convert(tmp_path / "a.rec", tmp_path / "a.mp3")
    with pytest.raises(FileExistsError):
        Recording(tmp_path / "a.rec")
    with pytest.raises(ValueError, match="power of two"):
        Recording(tmp_path / "b.rec", ring_bytes=1000)
