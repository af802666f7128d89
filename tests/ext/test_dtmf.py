# SPDX-License-Identifier: Apache-2.0
"""DTMF against the limits of ITU-T Q.24: seeded phases and alignments, thousands of digits, and what is no digit."""

import numpy as np
import pytest
from numpy.typing import NDArray

from switchroom.ext.dtmf import Detector, Event, Tone, frequencies

Wave = NDArray[np.float64]
DIGITS = "123A456B789C*0#D"
FULL_SCALE_DBM0 = 3.14


def amplitude(dbm0: float) -> float:
    return float(32767 * 10 ** ((dbm0 - FULL_SCALE_DBM0) / 20))


class Line:
    """A telephone line on which digits are dialled, one after the other."""

    def __init__(self, seed: int = 1, rate_hz: int = 8000) -> None:
        self.rng = np.random.default_rng(seed)
        self.rate_hz = rate_hz
        self.parts: list[Wave] = []
        self.dialled = ""

    def pause(self, ms: float) -> None:
        self.parts.append(np.zeros(int(ms * self.rate_hz / 1000)))

    def tone(self, digit: str, ms: float, dbm0: float = -10, twist: float = 0, low: float = 0, high: float = 0) -> None:
        """Two tones of random phase: the low one's level, the high one's over it, relative errors of frequency."""
        t = np.arange(int(ms * self.rate_hz / 1000)) / self.rate_hz
        first, second = frequencies(digit)
        wave = amplitude(dbm0) * np.sin(2 * np.pi * first * (1 + low) * t + self.rng.uniform(0, 7))
        wave += amplitude(dbm0 + twist) * np.sin(2 * np.pi * second * (1 + high) * t + self.rng.uniform(0, 7))
        self.parts.append(wave)

    def dial(self, count: int, on_ms: float = 40, off_ms: float = 40, **tone: float) -> "Line":
        for i in range(count):
            self.pause(off_ms + self.rng.uniform(0, 5))  # so that every alignment occurs
            self.tone(DIGITS[i % 16], on_ms, **tone)
            self.dialled += DIGITS[i % 16]
        return self

    def hear(self, snr_db: float | None = None, under: Wave | None = None) -> list[Event]:
        self.pause(100)
        wave = np.concatenate(self.parts)
        if snr_db is not None:
            loud = wave[wave != 0]
            wave = wave + self.rng.normal(0, np.sqrt((loud**2).mean() / 10 ** (snr_db / 10)), len(wave))
        if under is not None:
            wave = wave + np.resize(under, len(wave))
        return Detector(self.rate_hz).feed(np.clip(np.rint(wave), -32768, 32767).astype(np.int16))


def begun(events: list[Event]) -> str:
    return "".join(e.digit for e in events if e.kind == "begin")


def missed(line: Line, events: list[Event]) -> int:
    """Digits dialled and not heard; more, or other ones, than dialled fail at once."""
    heard, gone, at = begun(events), 0, 0
    for digit in line.dialled:
        if at < len(heard) and heard[at] == digit:
            at += 1
        else:
            gone += 1
    assert at == len(heard), f"{len(heard) - at} digits heard that nobody dialled"
    return gone


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_every_digit_of_40_ms_is_heard_with_its_evidence(rate_hz: int) -> None:
    line = Line(rate_hz=rate_hz).dial(320, twist=2, dbm0=-12)
    events = line.hear()
    assert begun(events) == line.dialled
    ends = [e for e in events if e.kind == "end"]
    at = 0.0
    for i, event in enumerate(ends):
        at += len(line.parts[2 * i])
        assert event.digit == line.dialled[i]
        assert event.start == pytest.approx(at, abs=0.005 * rate_hz)
        assert event.duration == pytest.approx(0.040 * rate_hz, abs=0.007 * rate_hz)
        assert event.low_dbm0 == pytest.approx(-12, abs=0.5)
        assert event.twist_db == pytest.approx(2, abs=0.6)
        assert abs(event.low_offset) < 0.003
        at += len(line.parts[2 * i + 1])


@pytest.mark.parametrize("on_ms", [10, 15, 20])
@pytest.mark.parametrize("snr_db", [None, 15])
def test_tones_of_20_ms_or_less_are_no_digits(on_ms: int, snr_db: float | None) -> None:
    assert Line().dial(800, on_ms, 60).hear(snr_db) == []


@pytest.mark.parametrize("digit", DIGITS)
def test_a_pause_of_40_ms_parts_one_digit_from_the_same(digit: str) -> None:
    line = Line()
    for _ in range(40):
        line.tone(digit, 40)
        line.pause(40 + line.rng.uniform(0, 5))
        line.dialled += digit
    assert begun(line.hear()) == line.dialled


@pytest.mark.parametrize(("snr_db", "most_missed"), [(20, 0.001), (15, 0.01)])
@pytest.mark.parametrize("twist", [4, 0, -8])
@pytest.mark.parametrize("offset", [0, 0.015, -0.015])
def test_noise_at_the_limits_of_twist_and_frequency(
    snr_db: float, most_missed: float, twist: float, offset: float
) -> None:
    line = Line(seed=int(snr_db + twist)).dial(2000, dbm0=-16, twist=twist, low=offset, high=offset)
    assert missed(line, line.hear(snr_db)) <= most_missed * 2000


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("which", [(1, 1), (1, 0), (0, 1), (1, -1)])
@pytest.mark.parametrize("snr_db", [None, 20])
def test_frequencies(sign: int, which: tuple[int, int], snr_db: float | None) -> None:
    near, far = ({"low": sign * by * which[0], "high": sign * by * which[1]} for by in (0.015, 0.035))
    line = Line(seed=4).dial(320, **near)
    assert missed(line, line.hear(snr_db)) == 0
    assert Line(seed=5).dial(320, 100, **far).hear(snr_db) == []


@pytest.mark.parametrize("dbm0", [-3, -10, -25])
def test_levels_that_are_heard(dbm0: float) -> None:
    line = Line(seed=6).dial(320, dbm0=dbm0)
    assert missed(line, line.hear()) == 0


def test_levels_that_are_not() -> None:
    assert Line(seed=7).dial(320, 100, dbm0=-55).hear() == []


@pytest.mark.parametrize("twist", [12, -12])
@pytest.mark.parametrize("snr_db", [None, 20])
def test_twist_of_12_db_is_refused(twist: float, snr_db: float | None) -> None:
    assert Line(seed=8).dial(320, 100, dbm0=-15, twist=twist).hear(snr_db) == []


@pytest.mark.parametrize("snr_db", [None, 15])
def test_a_gap_of_10_ms_does_not_double_a_digit(snr_db: float | None) -> None:
    line = Line(seed=9)
    for i in range(320):
        for ms in (line.rng.uniform(40, 60), line.rng.uniform(40, 60)):
            line.tone(DIGITS[i % 16], ms)
            line.pause(10)
        line.pause(40)
        line.dialled += DIGITS[i % 16]
    assert begun(line.hear(snr_db)) == line.dialled


@pytest.mark.parametrize(("dial_dbm0", "digit_dbm0"), [(-15, -15), (-10, -20), (-13, -25)])
@pytest.mark.parametrize("tones", [(350, 440), (425,)])
def test_dial_tone_does_not_hide_a_digit(dial_dbm0: float, digit_dbm0: float, tones: tuple[int, ...]) -> None:
    t = np.arange(80_000) / 8000
    dial = sum(amplitude(dial_dbm0) * np.sin(2 * np.pi * hz * t + hz) for hz in tones)
    line = Line(seed=10).dial(320, dbm0=digit_dbm0)
    assert missed(line, line.hear(under=np.asarray(dial))) == 0


def mu_law(pcm: Wave) -> Wave:
    """There and back through the mu-law curve, 8 bits."""
    x = np.clip(pcm / 32768, -1, 1)
    code = np.rint(np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256) * 127) / 127
    return np.asarray(np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255 * 32768)


def test_digits_through_g711() -> None:
    line = Line(seed=11).dial(640, dbm0=-20, twist=-8, low=0.015, high=-0.015)
    line.parts = [mu_law(part) for part in line.parts]
    assert missed(line, line.hear()) == 0


def talk(seconds: float, rate_hz: int, seed: int) -> Wave:
    """Vowels that glide: pulses of a wandering pitch through three wandering formants, pauses between them."""
    rng = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < seconds * rate_hz:
        t = np.arange(int(rng.uniform(0.08, 0.5) * rate_hz)) / rate_hz
        pitch = np.linspace(rng.uniform(80, 320), rng.uniform(80, 320), len(t))
        phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
        formants = [rng.uniform(*band) for band in ((250, 950), (900, 2300), (2300, 3200))]
        sharp = rng.uniform(40, 150)
        wave = np.zeros(len(t))
        for k in range(1, 45):
            gain = sum(1 / (1 + ((pitch * k - f) / sharp) ** 2) for f in formants) * (pitch * k < 3600)
            wave += gain * np.sin(k * phase + rng.uniform(0, 7))
        parts += [wave * np.hanning(len(t)) ** 0.3, np.zeros(int(rng.uniform(0, 0.1) * rate_hz))]
    wave = np.concatenate(parts)
    return wave / np.abs(wave).max() * 25_000


def music(seconds: float, rate_hz: int, seed: int) -> Wave:
    """Chords of plucked notes of the tempered scale."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(int(seconds / 0.25)):
        t = np.arange(rate_hz // 4) / rate_hz
        notes = 440 * 2 ** ((rng.integers(36, 96, rng.integers(1, 5)) - 69) / 12)
        parts.append(sum(np.sin(2 * np.pi * hz * k * t) / k for hz in notes for k in range(1, 6) if hz * k < 3600))
    wave = np.concatenate(parts)
    return wave / np.abs(wave).max() * 25_000


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("sound", [talk, music])
def test_speech_and_music_are_no_digits(sound, rate_hz: int) -> None:  # type: ignore[no-untyped-def]
    for seed in range(3):
        wave = sound(60, rate_hz, seed)
        for heard in (wave, mu_law(wave)):
            assert Detector(rate_hz).feed(heard.astype(np.int16)) == []


def test_noise_and_single_tones_are_no_digits() -> None:
    rng = np.random.default_rng(12)
    assert Detector().feed(np.clip(rng.normal(0, 8000, 480_000), -32768, 32767).astype(np.int16)) == []
    for hz in (697, 941, 1209, 1633):
        pcm = np.zeros(8000, np.int16)
        Tone(hz, -5).generate(pcm)
        assert Detector().feed(pcm) == []


def test_the_frame_size_does_not_matter() -> None:
    line = Line(seed=13).dial(32)
    pcm = np.concatenate(line.parts).astype(np.int16)
    whole, one = Detector(), Detector()
    parts = [e for at in range(0, len(pcm), 7) for e in one.feed(pcm[at : at + 7])]
    assert whole.feed(pcm) == parts != []


def test_suspicion_comes_before_certainty() -> None:
    detector, pcm = Detector(), np.zeros(160, np.int16)
    Tone(*frequencies("5")[:1], -10, frequencies("5")[1], -10).generate(pcm)
    detector.feed(pcm)
    assert detector.suspect
    detector.feed(np.zeros(400, np.int16))
    assert not detector.suspect


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
def test_generated_tones_have_their_level_length_and_ramps(rate_hz: int) -> None:
    n = rate_hz // 10
    tone = Tone(1000, -13, rate_hz=rate_hz, duration=n, ramp=rate_hz // 200)
    parts = [np.full(333, 77, np.int16) for _ in range(rate_hz // 3330 + 2)]
    written = [tone.generate(part) for part in parts]
    assert sum(written) == n
    pcm = np.concatenate(parts)
    assert not pcm[n:].any()
    middle = pcm[n // 4 : 3 * n // 4].astype(float)
    assert 20 * np.log10(np.sqrt(2 * (middle**2).mean()) / 32767) + FULL_SCALE_DBM0 == pytest.approx(-13, abs=0.05)
    assert np.abs(pcm[:3]).max() < 200
    assert np.abs(pcm[n - 3 : n]).max() < 200


def test_a_tone_for_ever_keeps_its_level_and_frequency() -> None:
    tone, pcm = Tone(440, 0), np.zeros(8000, np.int16)
    for _ in range(120):
        assert tone.generate(pcm) == 8000
    assert np.abs(pcm).max() == pytest.approx(amplitude(0), abs=2)
    assert np.abs(np.fft.rfft(pcm.astype(float)))[440] > 0.49 * amplitude(0) * 8000


def test_rubbish_is_refused() -> None:
    for digit in ("x", "", "12", "\u0661"):
        with pytest.raises(ValueError):
            frequencies(digit)
    with pytest.raises(ValueError, match="11025"):
        Detector(11025)
    assert frequencies("a") == frequencies("A")
