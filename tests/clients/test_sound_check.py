# SPDX-License-Identifier: Apache-2.0
"""The numbers to check audio with, called by real phones: played back, keys read back, music; all measured."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from tests.clients.audio import FRAME_MS, Heard, frame_levels, write_tone
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

RATE_HZ = 8000
SAID_HZ, MUSIC_HZ = 700, 600
SAID_S = 9.0
CALL_S = 18.0
LEVEL_DBFS = -12.0
KEYS = "595"
KEY_HZ = {"5": (770, 1336), "9": (852, 1477)}
FIRST_KEY_S, KEYS_EVERY_S = 4.0, 3.0
RULES = """
  { number = "9011", to = "repeat" },
  { number = "9012", to = "keys" },
  { number = "9013", to = "music:default" },
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("sound")
    (folder / "music").mkdir()
    write_tone(folder / "music" / "hum.wav", MUSIC_HZ, 3.0, LEVEL_DBFS)
    process = ServerProcess(folder, rtp=23_500, rules=RULES, more='[music.default]\nfolder = "music"\n').start()
    yield process
    process.stop()


def keys_as_tones() -> NDArray[np.float64]:
    """KEYS, each 120 ms long."""
    sound = np.zeros(int(60 * RATE_HZ))
    t = np.arange(int(0.12 * RATE_HZ)) / RATE_HZ
    for i, key in enumerate(KEYS):
        at = int((FIRST_KEY_S + i * KEYS_EVERY_S) * RATE_HZ)
        sound[at : at + len(t)] = sum(0.2 * np.sin(2 * np.pi * hz * t) for hz in KEY_HZ[key])
    return sound


def spoken(sound: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The parts between silences of half a second and more."""
    frames = sound[: len(sound) // 80 * 80].reshape(-1, 80)
    loud = np.flatnonzero(np.abs(frames).max(axis=1) > 0.02)
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > 50) + 1)
    return [sound[part[0] * 80 : (part[-1] + 1) * 80] for part in parts]


def unbroken(path: Path, hz: float) -> NDArray[np.float64]:
    """The levels of the longest stretch of a tone, frame by frame."""
    levels = frame_levels(sf.read(path)[0], RATE_HZ, hz)
    there = np.flatnonzero(levels > -20)
    stretches = np.split(there, np.flatnonzero(np.diff(there) > 1) + 1)
    return levels[max(stretches, key=len)]


def likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """1: the same waveform, wherever it begins."""
    size = len(one) + len(other)
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(product.max() / np.sqrt((one**2).sum() * (other**2).sum()))


def test_played_back_read_back_and_music(server: ServerProcess, tmp_path: Path) -> None:
    need("baresip")
    phones = {number: Baresip(tmp_path / number, server, f"10{number[-2:]}") for number in ("9001", "9002", "9003")}
    repeat, keys, music = phones.values()
    write_tone(repeat.folder / "said.wav", SAID_HZ, SAID_S, LEVEL_DBFS)
    said, _ = sf.read(repeat.folder / "said.wav")
    sf.write(repeat.folder / "tone.wav", np.concatenate([said, np.zeros(60 * RATE_HZ)]), RATE_HZ)
    sf.write(keys.folder / "tone.wav", keys_as_tones(), RATE_HZ)
    try:
        for phone in phones.values():
            phone.start()
        server.wait_for("registrations", lambda: len(server.call("registrations.list")["registrations"]) >= 3)
        for phone, number in ((repeat, "9011"), (keys, "9012"), (music, "9013")):
            phone.command("dial", f"sip:{number}@{HOST}:{server.sip}")
            phone.wait("CALL_ESTABLISHED")
        repeat.rest(CALL_S)
        for phone in phones.values():
            phone.command("hangup")
            phone.wait("CALL_CLOSED")
    finally:
        for phone in phones.values():
            phone.stop()

    again = unbroken(repeat.recording(), SAID_HZ)
    assert len(again) * FRAME_MS > 2_000
    assert np.median(again) == pytest.approx(LEVEL_DBFS, abs=0.5)

    first, second, third = spoken(sf.read(keys.recording())[0])[-len(KEYS) :]
    assert likeness(first, third) > 0.9, "the same key is said otherwise"
    assert likeness(first, second) < 0.6, "another key is said the same"

    hum = Heard(music.recording(), MUSIC_HZ)
    assert hum.seconds > CALL_S - 3
    assert hum.level_dbfs == pytest.approx(LEVEL_DBFS, abs=0.5)
    assert hum.longest_gap_ms <= 40
