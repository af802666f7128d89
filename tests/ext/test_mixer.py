# SPDX-License-Identifier: Apache-2.0
"""Mix-minus: everybody hears the others, never themselves, never distorted, and never a click."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.ext.mixer import Mixer

Pcm = NDArray[np.int16]


def tone(hz: float, level: float, tick: int = 0, samples: int = 160) -> Pcm:
    t = np.arange(tick * samples, (tick + 1) * samples) / 8000
    return np.asarray(level * np.sin(2 * np.pi * hz * t), np.int16)


def settle(mixer: Mixer, frames: list[Pcm | None], ticks: int = 40) -> list[Pcm]:
    """The same frames for a while; what is heard at the end."""
    for _ in range(ticks):
        heard = mixer.tick(list(frames))
    return [np.frombuffer(h, np.int16) for h in heard]


def test_each_hears_the_exact_sum_of_the_others() -> None:
    frames = [tone(200 * (i + 1), 3000) for i in range(6)]
    heard = settle(Mixer(6), list(frames))
    total = np.sum(frames, axis=0, dtype=np.int32)
    for own, got in zip(frames, heard, strict=True):
        assert (got == total - own).all()


def test_silent_parties_share_one_output() -> None:
    mixer = Mixer(50)
    frames: list[Pcm | None] = [None] * 50
    frames[3], frames[9] = tone(300, 5000), tone(500, 5000)
    heard = settle(mixer, frames)
    assert mixer.common == [i for i in range(50) if i not in (3, 9)]
    assert (heard[3] == frames[9]).all()
    assert (heard[0] == np.add(frames[3], frames[9])).all()


def test_parties_that_send_silence_share_one_output_too() -> None:
    mixer = Mixer(5)
    law_silence, faint = np.full(160, 8, np.int16), np.full(160, 9, np.int16)
    talker = tone(500, 5000)
    heard = settle(mixer, [talker, law_silence, -law_silence, np.zeros(160, np.int16), faint])
    assert mixer.common == [1, 2, 3]
    assert (heard[1] == talker + faint).all()
    assert (heard[4] == talker).all()
    mixer.gain(1, 16.0)
    mixer.override(0, [(2, 1.0)])
    heard = settle(mixer, [talker, law_silence, law_silence, None, None])
    assert mixer.common == [2, 3, 4]  # at such a gain it can be heard
    assert (heard[3] == talker + 128).all()
    assert (heard[0] == 128 + 8).all()


def test_loud_sums_are_bent_not_wrapped() -> None:
    frames: list[Pcm | None] = [np.full(160, 32767, np.int16) for _ in range(200)]
    heard = settle(Mixer(200), frames)
    assert all((h > 32000).all() for h in heard)
    soft = settle(Mixer(3), [tone(300, 12_000), tone(300, 12_000), None])
    assert np.abs(soft[2]).max() == pytest.approx(24_000, abs=2)


def test_monitor_whisper_and_barge() -> None:
    agent, caller, boss = tone(300, 4000), tone(500, 4000), tone(700, 4000)
    frames: list[Pcm | None] = [agent, caller, boss]
    mixer = Mixer(3)
    mixer.gain(2, 0)
    monitored = settle(mixer, frames)
    assert (monitored[0] == caller).all()
    assert (monitored[1] == agent).all()
    assert (monitored[2] == agent + caller).all()
    mixer.override(0, [(2, 1.0)])
    whispered = settle(mixer, frames)
    assert (whispered[0] == caller + boss).all()
    assert (whispered[1] == agent).all()
    mixer.override(0, [])
    mixer.gain(2, 1)
    barged = settle(mixer, frames)
    assert (barged[1] == agent + boss).all()


def test_an_override_replaces_the_common_gain() -> None:
    mixer = Mixer(3)
    mixer.override(0, [(1, 0.5), (2, 0.0)])
    loud = tone(400, 8000)
    heard = settle(mixer, [None, loud, tone(900, 8000)])
    assert np.abs(heard[0] - loud / 2).max() <= 1


def test_the_loudest_are_heard_and_keep_their_place() -> None:
    mixer = Mixer(40, top=3)
    levels = [100 + 10 * i for i in range(40)]
    frames: list[Pcm | None] = [tone(250 + i, level) for i, level in enumerate(levels)]
    for i in (5, 17, 31):
        frames[i] = tone(300, 8000)
    settle(mixer, frames)
    assert mixer.mixed == [5, 17, 31]
    frames[20] = tone(300, 10_000)  # only 2 dB louder: the three stay
    settle(mixer, frames)
    assert mixer.mixed == [5, 17, 31]
    frames[20] = tone(300, 30_000)
    settle(mixer, frames)
    assert len(mixer.mixed) == 3
    assert 20 in mixer.mixed


def test_equally_loud_parties_share_the_places() -> None:
    mixer = Mixer(100, top=4)
    settle(mixer, [tone(300, 8000)] * 100)
    assert len(mixer.mixed) == 4


def test_who_comes_and_goes_is_faded() -> None:
    mixer, heard = Mixer(5, top=1), []
    for tick in range(120):
        first = tone(200, 6000, tick)
        second = tone(230, 20_000, tick) if 40 <= tick < 80 else None
        heard.append(np.frombuffer(mixer.tick([None, first, second, None, None])[0], np.int16))
    pcm = np.concatenate(heard).astype(int)
    assert np.abs(np.diff(pcm)).max() < 1.5 * 2 * np.pi * 230 / 8000 * 26_000
    assert np.abs(pcm[100 * 160 :]).max() == pytest.approx(6000, abs=3)


def test_active_speakers_are_told_with_hysteresis() -> None:
    mixer = Mixer(4)
    settle(mixer, [None, tone(300, 5000), tone(300, 60), None])
    assert mixer.speaking == [1]
    for _ in range(10):  # a word's pause
        mixer.tick([None] * 4)
    assert mixer.speaking == [1]
    settle(mixer, [None] * 4)
    assert mixer.speaking == []


def test_one_thousand_parties() -> None:
    rng = np.random.default_rng(1)
    frames = [rng.integers(-200, 200, 160).astype(np.int16) for _ in range(1000)]
    heard = settle(Mixer(1000), list(frames), 3)
    total = np.sum(frames, axis=0, dtype=np.int32)
    assert (heard[999] == total - frames[999]).all()


def test_rubbish_is_refused() -> None:
    for parties, top in ((0, 0), (1001, 0), (5, 17), (5, -1)):
        with pytest.raises(ValueError):
            Mixer(parties, top)
    with pytest.raises(ValueError, match="frames"):
        Mixer(2).tick([None])
    with pytest.raises(IndexError):
        Mixer(2).gain(2, 1)
