# SPDX-License-Identifier: Apache-2.0
"""Sounds to send through the shard, and what a measuring set would say of those that come out."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from plane_rig import Leg, Rig, Rtp, Talker

from switchroom.codecs import registry
from switchroom.ext.codec import Codec

Sound = NDArray[np.float64]
NAMES = ("PCMU", "PCMA", "G722", "G729", "L16/8000", "L16/16000")
TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9, "G729": 18, "L16/8000": 97, "L16/16000": 98}
PLACES = {name: (TYPES[name], index) for index, name in enumerate(NAMES)}
"""Payload type, and number of the codec in a rig that has NAMES."""
COMMON_HZ = 16_000
"""Whatever the codec, sounds are made and compared at this rate."""


def tone(seconds: float, amplitude: float = 8_000.0, hz: float = 1_000.0) -> Sound:
    """A sine."""
    return amplitude * np.sin(2 * math.pi * hz * np.arange(int(seconds * COMMON_HZ)) / COMMON_HZ)


def speech(seconds: float, seed: int = 1) -> Sound:
    """Vowels, hisses and pauses like a voice's, with nothing above 3.4 kHz; the same for the same seed."""
    rng = np.random.default_rng(seed)
    parts: list[Sound] = []
    rate = 8_000
    while sum(map(len, parts)) < seconds * rate:
        length = int(rng.uniform(0.12, 0.3) * rate)
        glottis = np.zeros(length)
        hz = rng.uniform(95, 220) * np.linspace(1.1, 0.9, length)
        glottis[np.flatnonzero(np.diff(np.floor(np.cumsum(hz) / rate), prepend=0) > 0)] = 1.0
        hiss = rng.normal(0, 0.02 if rng.random() < 0.8 else 0.15, length)
        sound = _vowel(glottis + hiss, rng.uniform(300, 800), rng.uniform(900, 2_200), 2_600)
        parts += [sound * np.hanning(length) ** 0.5, np.zeros(int(rng.uniform(0.02, 0.15) * rate))]
    narrow = np.concatenate(parts)[: int(seconds * rate)]
    narrow *= 2_000.0 / math.sqrt(np.mean(narrow**2))
    return _twice(np.clip(narrow, -30_000, 30_000))


def hiss(seconds: float, dbov: float, seed: int = 2) -> Sound:
    """Noise of the telephone band."""
    sound = _twice(np.random.default_rng(seed).normal(0, 1_000, int(seconds * 8_000)))
    return sound * 32_768 * 10 ** (dbov / 20) / math.sqrt(np.mean(sound**2))


def _vowel(source: Sound, *formants: float) -> Sound:
    size = 2 * len(source)
    turn = np.exp(-2j * math.pi * np.arange(size // 2 + 1) / size)
    spectrum = np.fft.rfft(source, size)
    for hz in formants:
        pole = 0.97 * np.exp(2j * math.pi * hz / 8_000)
        spectrum = spectrum / ((1 - pole * turn) * (1 - np.conj(pole) * turn))
    return np.fft.irfft(spectrum, size)[: len(source)]


def _twice(narrow: Sound) -> Sound:
    """8 to 16 kHz, without what the telephone band does not carry."""
    spectrum = np.fft.rfft(narrow)
    edge = int(len(narrow) * 3_400 / 8_000)
    spectrum[edge:] = 0
    return 2 * np.fft.irfft(np.pad(spectrum, (0, len(narrow) // 2)), 2 * len(narrow))


def decimate(sound: Sound) -> Sound:
    """16 to 8 kHz; what is above 4 kHz goes."""
    spectrum = np.fft.rfft(sound)[: len(sound) // 4 + 1]
    return np.fft.irfft(spectrum, len(sound) // 2) / 2


class Voice:
    """A remote that says a sound in its codec, packet by packet."""

    def __init__(self, talker: Talker, name: str, sound: Sound, ptime_ms: int = 20) -> None:
        self.talker, self.ptime_ms = talker, ptime_ms
        codec = Codec(registry.capsule(name))
        at_rate = sound if codec.sample_rate_hz == COMMON_HZ else decimate(sound)
        pcm = np.clip(np.rint(at_rate), -32_768, 32_767).astype(np.int16)
        size = codec.sample_rate_hz // 1000 * ptime_ms
        self._units = codec.clock_rate_hz // 1000 * ptime_ms
        self.payloads = [codec.encode(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)]

    def packets(self) -> Iterator[Rtp]:
        for payload in self.payloads:
            packet = self.talker.packet(payload)
            self.talker.timestamp += self._units - len(payload)
            yield packet


class Hearing:
    """What a leg sends, decoded, and when its first sample was there. Nothing may be missing in between."""

    def __init__(self, rig: Rig, leg: Leg, name: str) -> None:
        self.rig, self.leg = rig, leg
        self.codec = Codec(registry.capsule(name))
        self.parts: list[Sound] = []
        self.began_ns: int | None = None

    def listen(self) -> None:
        for packet in self.rig.heard(self.leg):
            if self.began_ns is None:
                self.began_ns = self.rig.now_ns
            self.parts.append(np.frombuffer(self.codec.decode(packet.payload), np.int16).astype(float))

    @property
    def sound(self) -> Sound:
        sound = np.concatenate(self.parts)
        return sound if self.codec.sample_rate_hz == COMMON_HZ else _upsample(sound)


def _upsample(sound: Sound) -> Sound:
    spectrum = np.fft.rfft(sound)
    return 2 * np.fft.irfft(np.pad(spectrum, (0, len(sound) - len(spectrum) + 1)), 2 * len(sound))


def converse(rig: Rig, voice: Voice, hearing: Hearing, network: Callable[[int], float | None] | None = None) -> int:
    """Say all of it; returns when it began. `network` tells by how many ms packet i is late, None: it is lost."""
    began_ns = rig.now_ns
    arrivals: list[tuple[float, int, Rtp]] = []
    for i, packet in enumerate(voice.packets()):
        late_ms = 0.0 if network is None else network(i)
        if late_ms is not None:
            arrivals.append((i * voice.ptime_ms + late_ms, i, packet))
    arrivals.sort(key=lambda arrival: arrival[:2])
    for ms in range(len(voice.payloads) * voice.ptime_ms + 200):
        while arrivals and arrivals[0][0] <= ms:
            voice.talker.send(arrivals.pop(0)[2])
            hearing.listen()
        rig.run(1)
        hearing.listen()
    return began_ns


def level_db(sound: Sound) -> float:
    return 10 * math.log10(np.mean(sound**2) + 1e-9)


def lag(said: Sound, heard: Sound) -> int:
    """How many samples later `said` is heard, by the peak of the correlation."""
    size = len(said) + len(heard)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    at = int(np.argmax(product))
    return at if at < len(heard) else at - size


def segmental_snr_db(said: Sound, heard: Sound) -> float:
    """Mean over frames of 20 ms with speech in them, each counted as -10 to 35 dB; both of one length and in step."""
    size = COMMON_HZ // 50
    frames = said[: len(said) // size * size].reshape(-1, size)
    errors = frames - heard[: frames.size].reshape(-1, size)
    power, wrong = (frames**2).mean(axis=1), (errors**2).mean(axis=1)
    loud = power > power.max() / 1e4
    return float(np.clip(10 * np.log10((power[loud] + 1) / (wrong[loud] + 1)), -10, 35).mean())


def spectral_distance_db(said: Sound, heard: Sound) -> float:
    """Log-spectral distance: rms difference in dB of 20 bands to 3.8 kHz, over frames of 32 ms with speech in them."""
    ours, theirs = _bands(said), _bands(heard)
    loud = ours.max(axis=1) > ours.max() - 40
    return float(np.sqrt(((theirs - ours) ** 2).mean(axis=1))[loud].mean())


def _bands(sound: Sound) -> Sound:
    frames = np.lib.stride_tricks.sliding_window_view(sound, 512)[::256] * np.hanning(512)
    power = np.abs(np.fft.rfft(frames)) ** 2 / 512
    return 10 * np.log10(power[:, 1:121].reshape(len(power), 20, 6).mean(axis=2) + 100)
