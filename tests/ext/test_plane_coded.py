# SPDX-License-Identifier: Apache-2.0
"""Prompts and hold music that are encoded once: all who hear them get the same packets, and hear what they should."""

import os
from itertools import pairwise

import numpy as np
import pytest
from plane_rig import BOTH, HELD, PROMPT, RECEIVES, Leg, Rig, Rtp
from sound_measures import COMMON_HZ, NAMES, PLACES, Sound, decimate, lag, level_db, speech

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media.prompts import Coded, Pcm, Prompt, encode_prompt, load_prompt
from switchroom.media.wire import Error, Op

DEAR = ("G722", "G729")
FINISHED, STOPPED = 0, 1
LOOP = 1


def prompt_of(sound: Sound, name: str) -> Prompt:
    rate = Codec(registry.capsule(name)).sample_rate_hz
    at_rate = sound if rate == COMMON_HZ else decimate(sound)
    return load_prompt((Pcm(np.clip(at_rate, -32_768, 32_767).astype(np.int16).tobytes(), rate),), rate)


class Room:
    """Some legs of one codec and a prompt of `sound`."""

    def __init__(self, name: str, sound: Sound, ptimes: tuple[int, ...] = (20, 20)) -> None:
        self.name, self.rig = name, Rig(codecs=NAMES)
        self.prompt = prompt_of(sound, name)
        self.coded = encode_prompt(self.prompt, name)
        self.payloads = os.pread(self.coded.fd, self.coded.bytes, 0)
        assert self.rig.load(0, self.prompt) == Error.OK
        assert self.rig.load(0, self.coded, PLACES[name][1]) == Error.OK
        self.legs = [self.leg(i, ptime) for i, ptime in enumerate(ptimes)]
        self.rig.run(33)
        self.rig.shard.sent()

    def leg(self, index: int, ptime_ms: int) -> Leg:
        place = PLACES[self.name]
        leg, self.talker = self.rig.party(
            (f"10.2.0.{index + 1}", 4000), send=place, receive=(place,), ptime_ms=ptime_ms, ssrc=index
        )
        return leg

    def packets(self, ms: int) -> dict[Leg, list[Rtp]]:
        heard: dict[Leg, list[Rtp]] = {leg: [] for leg in self.legs}
        for _ in range(ms // 10):
            self.rig.run(10)
            sent = self.rig.shard.sent()
            for leg in self.legs:
                heard[leg] += [Rtp.from_bytes(data) for port, _, data in sent if port == leg.port]
        return heard

    def decoded(self, packets: list[Rtp]) -> Sound:
        codec = Codec(registry.capsule(self.name))
        pcm = b"".join(codec.decode(packet.payload) for packet in packets)
        return np.frombuffer(pcm, np.int16).astype(float)

    def ends(self) -> list[tuple[int, int]]:
        return [(fact.other, fact.body[0]) for fact in self.rig.told(Op.PLAYED)]


def whole(packets: list[Rtp]) -> bytes:
    for before, after in pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
    return b"".join(packet.payload for packet in packets)


@pytest.mark.parametrize("name", DEAR)
@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_all_who_are_played_a_prompt_get_the_same_packets(name: str, ptime_ms: int) -> None:
    room = Room(name, speech(1.55), (ptime_ms, ptime_ms, ptime_ms))
    for number, leg in enumerate(room.legs):
        room.rig.play(leg, 0, number)
        room.rig.run(7)  # at other moments, after other sounds
    heard = room.packets(2_000)
    for leg in room.legs:
        sound = whole(heard[leg])
        assert room.payloads[: len(room.payloads) * 1_500 // 1_800] in sound
        within = pairwise(heard[leg][5 : 1_400 // ptime_ms])
        units = {(after.timestamp - before.timestamp) & 0xFFFFFFFF for before, after in within}
        assert units == {8 * ptime_ms}
    assert sorted(room.ends()) == [(number, FINISHED) for number in range(3)]
    room.rig.close()


@pytest.mark.parametrize("name", DEAR)
def test_it_is_heard_as_it_was_and_as_long(name: str) -> None:
    said = speech(3.0)
    room = Room(name, said, (20,))
    room.rig.play(room.legs[0], 0)
    heard = room.decoded(room.packets(3_400)[room.legs[0]])
    at_rate = said if len(heard) > 40_000 else decimate(said)
    late = lag(at_rate, heard)
    part = heard[late + 4_000 : late + 20_000]
    assert level_db(part) == pytest.approx(level_db(at_rate[4_000:20_000]), abs=0.5 if name == "G722" else 0.85)
    assert room.ends() == [(1, FINISHED)]
    room.rig.close()


@pytest.mark.parametrize("name", DEAR)
def test_pause_and_seek_go_on_in_one_stream(name: str) -> None:
    room = Room(name, speech(6.0), (60,))
    [leg] = room.legs
    room.rig.play(leg, 0)
    packets = room.packets(1_000)[leg]
    room.rig.command(Op.PLAY_PAUSE, leg.handle, 1)
    pause = room.packets(1_000)[leg]
    room.rig.command(Op.PLAY_PAUSE, leg.handle, 0)
    packets += pause + room.packets(1_000)[leg]
    room.rig.command(Op.PLAY_SEEK, leg.handle, 0, (5_500).to_bytes(4, "little") + bytes(4))
    packets += room.packets(1_000)[leg]
    whole(packets)
    first, last = packets[0].timestamp, packets[-1].timestamp
    assert ((last - first) & 0xFFFFFFFF) / 8 == pytest.approx(60 * (len(packets) - 1), abs=61)
    assert level_db(room.decoded(pause[2:])) < level_db(room.decoded(packets[:16])) - 20
    per_frame = room.coded.bytes // (room.coded.samples * 1000 // room.coded.rate_hz // 10)
    assert room.payloads[550 * per_frame : 590 * per_frame] in whole(packets)
    assert room.ends() == [(1, FINISHED)]
    room.rig.close()


def test_another_volume_is_encoded_for_the_leg_alone() -> None:
    room = Room("G722", speech(2.0))
    for leg, gain in zip(room.legs, (256, 128), strict=True):
        room.rig.play(leg, 0, gain=gain)
    heard = room.packets(1_000)
    loud, soft = (room.decoded(heard[leg])[3_000:12_000] for leg in room.legs)
    assert room.payloads[:3_000] in whole(heard[room.legs[0]])
    assert room.payloads[:3_000] not in whole(heard[room.legs[1]])
    assert level_db(loud) - level_db(soft) == pytest.approx(6, abs=0.7)
    room.rig.close()


def test_a_long_loop_comes_round_and_a_short_one_has_no_seam() -> None:
    long = Room("G722", speech(10.25), (20,))
    long.rig.play(long.legs[0], 0, loop=LOOP)
    assert whole(long.packets(21_500)[long.legs[0]]).count(long.payloads[:4_000]) == 3
    assert long.ends() == []
    long.rig.close()
    short = Room("G722", np.full(1_111, 9_000.0), (20,))
    short.rig.play(short.legs[0], 0, loop=LOOP)
    sound = short.decoded(short.packets(1_000)[short.legs[0]])[8_000:]
    assert short.payloads not in whole(short.packets(500)[short.legs[0]])
    assert abs(sound - 9_000).max() < 600
    short.rig.close()


@pytest.mark.parametrize("name", DEAR)
def test_all_who_are_held_hear_the_same_packets(name: str) -> None:
    room = Room(name, speech(10.1), (20, 20, 20, 20))
    assert room.rig.command(Op.HOLD_MUSIC, 0, 0).other == Error.OK
    one, two, three, four = room.legs
    for a, b in ((one, two), (three, four)):
        room.rig.command(Op.BRIDGE, a.handle, b.handle)
        place = PLACES[name]
        room.rig.configure(a, ("10.2.0.9", 4000), flags=HELD | RECEIVES, send=place, receive=(place,))
        room.rig.run(15)
    room.rig.shard.sent()
    heard = room.packets(1_000)
    first, second = (whole(heard[leg]) for leg in (two, four))
    middle = slice(len(first) // 4, len(first) * 3 // 4)
    assert len(heard[two]) == pytest.approx(50, abs=1)
    assert first[middle] in room.payloads * 2
    assert first[middle] in second
    room.rig.configure(one, ("10.2.0.1", 4000), flags=BOTH, send=PLACES[name], receive=(PLACES[name],))
    room.rig.close()


def test_the_prompt_may_be_unloaded_while_it_plays() -> None:
    room = Room("G729", speech(2.0), (20,))
    room.rig.play(room.legs[0], 0)
    room.packets(200)
    assert room.rig.command(Op.UNLOAD, 0, 0).other == Error.OK
    assert whole(room.packets(1_000)[room.legs[0]]) in room.payloads
    room.packets(1_500)
    assert room.ends() == [(1, FINISHED)]
    assert room.rig.play(room.legs[0], 0) == Error.NO_PROMPT
    assert room.rig.load(0, room.prompt) == Error.OK
    room.rig.close()


def test_nonsense_is_refused() -> None:
    room = Room("G722", speech(1.0), (20,))
    coded, number = room.coded, PLACES["G722"][1]
    assert room.rig.load(0, coded, number) == Error.BAD_RECORD, "it is there already"
    assert room.rig.load(5, coded, number) == Error.NO_PROMPT
    assert room.rig.load(0, coded, len(NAMES)) == Error.BAD_RECORD
    assert room.rig.load(0, coded, PLACES["PCMU"][1]) == Error.BAD_RECORD, "another rate"
    assert room.rig.load(1, room.prompt) == Error.OK
    for samples, size in ((coded.samples, coded.bytes - 1), (4_800, 2_400), (coded.samples + 1, coded.bytes)):
        wrong = Coded(coded.fd, samples, coded.rate_hz, size)
        assert room.rig.load(1, wrong, number) == Error.BAD_RECORD
    longer = Coded(coded.fd, coded.samples, coded.rate_hz, coded.bytes * 2)
    assert room.rig.load(1, longer, number) == Error.BAD_RECORD, "more than there is"
    open_fd = os.memfd_create("unsealed")
    os.write(open_fd, room.payloads)
    body = PROMPT.pack(coded.samples, coded.rate_hz, number + 1, coded.bytes)
    assert room.rig.command(Op.LOAD, 0, 1, body, open_fd).other == Error.BAD_RECORD
    os.close(open_fd)
    room.rig.close()
