# SPDX-License-Identifier: Apache-2.0
"""Tones and prompts: the sound that the remote gets, and the end of each that is told."""

import fcntl
import os

import numpy
import pytest
from plane_rig import HELD, MS, RECEIVES, TONE, Rig

from switchroom.media.prompts import Pcm, load_prompt
from switchroom.media.wire import Error, Op

A = ("10.1.0.1", 4000)
FINISHED, STOPPED, REPLACED, CLOSED, FAILED = range(5)


def expand(code):
    code = ~code & 0xFF
    magnitude = ((((code & 15) << 1 | 33) << (code >> 4 & 7)) - 33) << 2
    return -magnitude if code & 0x80 else magnitude


OF_ULAW = numpy.array([expand(code) for code in range(256)], float)


def sound(rig, leg):
    return numpy.concatenate([OF_ULAW[numpy.frombuffer(packet.payload, numpy.uint8)] for packet in rig.heard(leg)])


def dbm0(samples):
    """Of a sine: full scale is +3.14 dBm0."""
    return 20 * numpy.log10(numpy.sqrt(2 * numpy.mean(samples**2)) / 32767) + 3.14


def tone(rig, leg, first, second=0.0, on=1000, off=0, level=-10.0, total=0, play=1):
    body = TONE.pack(play, total, level, first, 0, 0, 0, second, 0, 0, 0, on, 0, 0, 0, off, 0, 0, 0, 1)
    return rig.command(Op.TONE, leg.handle, 0, body)


def load(rig, slot, samples, rate=8000):
    prompt = load_prompt((Pcm(numpy.asarray(samples, numpy.int16).tobytes(), rate),), rate)
    answer = rig.command(Op.LOAD, 0, slot, prompt.samples.to_bytes(4, "little") + rate.to_bytes(4, "little"), prompt.fd)
    prompt.close()
    return answer.other


def play(rig, leg, slot, number=1, loop=False):
    body = number.to_bytes(4, "little") + int(loop).to_bytes(4, "little")
    return rig.command(Op.PLAY, leg.handle, slot, body).other


def ends(rig):
    return [(fact.other, fact.body[0]) for fact in rig.told(Op.PLAYED)]


@pytest.mark.parametrize("level", [0.0, -10.0, -20.0])
def test_a_tone_has_its_frequency_and_level_and_little_else(rig, level):
    leg, _ = rig.party(A)
    tone(rig, leg, 1000.0, level=level)
    rig.run(2_040)
    samples = sound(rig, leg)[400 : 16_400 - 400 - 200][:15_200]
    assert dbm0(samples) == pytest.approx(level, abs=0.1)
    spectrum = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(len(samples)))) ** 2
    peak = int(numpy.argmax(spectrum))
    assert peak * 8000 / len(samples) == pytest.approx(1000.0, abs=1)
    rest = spectrum.sum() - spectrum[peak - 4 : peak + 5].sum()
    assert 10 * numpy.log10(spectrum.sum() / rest) > 33  # what G.711 itself allows (ITU-T G.712)


def test_two_frequencies_have_the_level_each(rig):
    leg, _ = rig.party(A)
    tone(rig, leg, 440.0, 480.0, level=-19.0)
    rig.run(1_040)
    samples = sound(rig, leg)[-8_000:]
    assert dbm0(samples) == pytest.approx(-16.0, abs=0.2)


def test_a_cadence_keeps_its_times(rig):
    leg, _ = rig.party(A)
    rig.shard.sent()
    tone(rig, leg, 450.0, on=350, off=350)
    rig.run(2_200)
    loud = numpy.abs(sound(rig, leg)) > 300
    envelope = [bool(loud[i : i + 80].any()) for i in range(0, len(loud) - 80, 80)]
    first = envelope.index(True)
    assert [all(envelope[first + 70 * i : first + 70 * i + 35]) for i in range(2)] == [True, True]
    assert not any(envelope[first + 36 : first + 69])


def test_a_tone_begins_and_ends_without_a_click(rig):
    leg, _ = rig.party(A)
    rig.run(100)
    rig.shard.sent()
    tone(rig, leg, 400.0, level=-3.0, total=100)
    rig.run(300)
    samples = sound(rig, leg)
    steepest = numpy.max(numpy.abs(numpy.diff(samples)))
    assert (
        steepest < 1.15 * 2 * numpy.pi * 400 / 8000 * 32767 * 10 ** (-6.14 / 20) + 1000
    )  # of the sine; and one G.711 step
    assert ends(rig) == [(1, FINISHED)]


def test_nonsense_is_refused_and_told(rig):
    leg, _ = rig.party(A)
    assert tone(rig, leg, 1000.0, level=20.0).other == Error.BAD_RECORD
    assert tone(rig, leg, float("nan")).other == Error.BAD_RECORD
    assert tone(rig, leg, 1000.0, on=0).other == Error.BAD_RECORD
    assert play(rig, leg, 3, 9) == Error.NO_PROMPT
    assert ends(rig) == [(1, FAILED)] * 3 + [(9, FAILED)]


def test_a_prompt_is_heard_whole_and_its_end_is_told_once(rig):
    leg, _ = rig.party(A)
    ramp = numpy.linspace(0, 20_000, 1_000)
    assert load(rig, 0, ramp) == 0
    rig.shard.sent()
    assert play(rig, leg, 0) == 0
    rig.run(300)
    samples = sound(rig, leg)
    start = int(numpy.argmax(samples > 0)) - 1
    assert numpy.max(numpy.abs(samples[start : start + 1_000] - ramp)) < 520
    assert not samples[start + 1_001 :].any()
    assert ends(rig) == [(1, FINISHED)]


def test_a_loop_goes_on_without_a_seam_until_stopped(rig):
    leg, _ = rig.party(A)
    load(rig, 0, numpy.full(777, 8_031))
    play(rig, leg, 0, loop=True)
    rig.shard.sent()
    rig.run(1_000)
    assert set(sound(rig, leg)) == {7_932.0}
    assert ends(rig) == []
    rig.command(Op.STOP, leg.handle)
    rig.shard.sent()
    rig.run(40)
    assert set(sound(rig, leg)) == {0.0}
    assert ends(rig) == [(1, STOPPED)]


def test_a_new_play_replaces_the_former_and_a_close_ends_it(rig):
    leg, _ = rig.party(A)
    load(rig, 0, numpy.zeros(80_000))
    play(rig, leg, 0, 1)
    play(rig, leg, 0, 2)
    tone(rig, leg, 400.0, play=3)
    rig.command(Op.CLOSE, leg.handle)
    assert ends(rig) == [(1, REPLACED), (2, REPLACED), (3, CLOSED)]


def test_a_prompt_unloaded_while_it_is_played_plays_to_its_end(rig):
    leg, _ = rig.party(A)
    load(rig, 0, numpy.full(4_000, 8_031))
    play(rig, leg, 0)
    rig.run(100)
    assert rig.command(Op.UNLOAD, 0, 0).other == 0
    assert play(rig, leg, 0, 2) == Error.NO_PROMPT
    rig.shard.sent()
    rig.run(100)
    assert set(sound(rig, leg)) == {7_932.0}
    rig.run(500)
    assert load(rig, 0, numpy.zeros(80)) == 0  # the slot is free again


def test_memory_that_could_shrink_or_change_is_refused(rig):
    fd = os.memfd_create("bad", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 1_600)
    body = (800).to_bytes(4, "little") + (8_000).to_bytes(4, "little")
    assert rig.command(Op.LOAD, 0, 0, body, fd).other == Error.BAD_RECORD
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE)
    too_long = (801).to_bytes(4, "little") + (8_000).to_bytes(4, "little")
    assert rig.command(Op.LOAD, 0, 0, too_long, fd).other == Error.BAD_RECORD
    assert rig.command(Op.LOAD, 0, 0, body, fd).other == 0
    os.close(fd)


def test_held_parties_hear_the_same_moment_of_the_music(rig):
    music = numpy.arange(8_000) * 4
    load(rig, 0, music)
    assert rig.command(Op.HOLD_MUSIC, 0, 0).other == 0
    heard = []
    for i in range(2):
        holder, _ = rig.party((f"10.2.0.{i + 1}", 4000), flags=HELD | RECEIVES)
        listener, _ = rig.party((f"10.2.1.{i + 1}", 4000))
        rig.command(Op.BRIDGE, holder.handle, listener.handle)
        heard.append(listener)
        rig.run(37)
    rig.shard.sent()
    starts = {leg.port: [] for leg in heard}
    for _ in range(200):
        rig.run(1)
        for port, _, data in rig.shard.sent():
            if port in starts:
                starts[port].append(OF_ULAW[data[12]] - rig.now_ns // 1_000_000 * 8 * 4)
    first, second = starts.values()
    assert len(first) == len(second) == 10
    assert numpy.ptp([*first, *second]) < 520  # one G.711 step, where another moment would be up to 16,000 away


def test_legs_take_their_turns_where_the_fewest_others_do():
    rig = Rig(ports=(20_000, 20_079))
    legs = [rig.party(("10.1.0.1", 4000 + 2 * number), confirm=False)[0] for number in range(16)]
    for leg in legs[::4]:
        tone(rig, leg, 500.0)
    rig.run(100)
    rig.shard.sent()
    for _ in range(8):
        rig.step(5 * MS)
        assert len(rig.shard.sent()) == 1
    rig.close()
