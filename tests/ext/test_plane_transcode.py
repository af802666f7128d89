# SPDX-License-Identifier: Apache-2.0
"""What is heard where packets cannot simply be passed on: between codecs and rates, with loss, jitter and drift."""

import math

import numpy
import pytest
from plane_rig import Rig

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media.wire import Op

A = ("10.1.0.1", 4000)
B = ("10.1.0.2", 5000)
NAMES = ("PCMU", "PCMA", "G722")
RATES = {"PCMU": 8000, "PCMA": 8000, "G722": 16000}


class Speaker:
    """Says a sine in a codec, packet by packet."""

    def __init__(self, talker, name, hz=1000.0, amplitude=8000.0):
        self.talker = talker
        self.codec = Codec(registry.capsule(name))
        self.rate = RATES[name]
        self.hz = hz
        self.amplitude = amplitude
        self.at = 0

    def packet(self):
        n = numpy.arange(self.at, self.at + self.rate // 50)
        self.at += self.rate // 50
        sine = self.amplitude * numpy.sin(2 * math.pi * self.hz * n / self.rate)
        return self.talker.packet(self.codec.encode(numpy.rint(sine).astype(numpy.int16)))


class Ear:
    """Decodes what a leg sends."""

    def __init__(self, rig, leg, name):
        self.rig, self.leg = rig, leg
        self.codec = Codec(registry.capsule(name))

    def hear(self):
        sound = b"".join(self.codec.decode(packet.payload) for packet in self.rig.heard(self.leg))
        return numpy.frombuffer(sound, numpy.int16).astype(float)


def level_db(samples):
    return 20 * math.log10(math.sqrt(2 * numpy.mean(samples**2)) + 1e-9)


def call(first, second):
    rig = Rig(codecs=NAMES)
    places = {name: (payload_type, NAMES.index(name)) for name, payload_type in zip(NAMES, (0, 8, 9), strict=True)}
    leg_a, a = rig.party(A, send=places[first], receive=(places[first],))
    leg_b, b = rig.party(B, send=places[second], receive=(places[second],), ssrc=0x99)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    rig.shard.sent()
    return rig, Speaker(a, first), Ear(rig, leg_b, second), b


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_a_tone_keeps_its_level_between_all_codecs(first, second):
    rig, speaker, ear, _ = call(first, second)
    for _ in range(100):
        speaker.talker.send(speaker.packet())
        rig.run(20)
    sound = ear.hear()
    rate = RATES[second]
    tail = sound[rate // 2 : rate // 2 + rate]
    assert level_db(tail) == pytest.approx(20 * math.log10(8000), abs=0.5)
    spectrum = numpy.abs(numpy.fft.rfft(tail * numpy.hanning(len(tail)))) ** 2
    assert 10 * math.log10(spectrum[990:1011].sum() / (spectrum.sum() - spectrum[990:1011].sum())) > 30
    rig.close()


def test_loss_is_concealed():
    rig, speaker, ear, _ = call("PCMU", "G722")
    lost = {30, 41, 42, 60, 75, 76, 90}
    for i in range(100):
        packet = speaker.packet()
        if i not in lost:
            speaker.talker.send(packet)
        rig.run(20)
    sound = ear.hear()[8_000:28_000]
    frames = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    assert min(level_db(frame) for frame in frames) > level_db(sound) - 6
    rig.close()


def test_jitter_and_disorder_are_smoothed():
    rig, speaker, ear, _ = call("PCMU", "G722")
    random = numpy.random.default_rng(5)
    arrivals = sorted((20 * i + random.uniform(0, 45), speaker.packet()) for i in range(400))
    now = 0.0
    for at, packet in arrivals:
        rig.run(at - now)
        now = at
        speaker.talker.send(packet)
    rig.run(100)
    sound = ear.hear()[32_000:120_000]
    frames = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    quiet = sum(level_db(frame) < level_db(sound) - 3 for frame in frames)
    assert quiet <= len(frames) // 50
    rig.close()


def test_the_delay_without_jitter_is_under_45_ms():
    rig, speaker, ear, _ = call("PCMU", "G722")
    speaker.amplitude = 0.0
    for _ in range(100):
        speaker.talker.send(speaker.packet())
        rig.run(20)
    ear.hear()
    speaker.amplitude = 8000.0
    said_ns = rig.now_ns
    for _ in range(8):
        speaker.talker.send(speaker.packet())
        for _ in range(20):
            rig.run(1)
            sound = ear.hear()
            if len(sound) and numpy.max(numpy.abs(sound)) > 2000:
                first = int(numpy.argmax(numpy.abs(sound) > 2000)) / 16
                assert (rig.now_ns - said_ns) / 1e6 + first <= 45
                rig.close()
                return
    raise AssertionError("nothing was heard in 8 packets")
