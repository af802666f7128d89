# SPDX-License-Identifier: Apache-2.0
"""The table that the media plane uses (ext/codec_ops.h): payloads of one to six frames, pauses and gaps.

The functions are called through ctypes at the addresses in the capsule, as the plane would, with states in plain
memory.
"""

import ctypes
from array import array
from collections.abc import Callable

import pytest
from g729_signals import make

from switchroom.codecs import g729

LOST, UNTRANSMITTED = 0, 1
POINTER, INT, SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t


class Ops(ctypes.Structure):
    """sr_codec_ops."""

    _fields_ = [
        ("abi", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("sample_rate_hz", ctypes.c_uint32),
        ("clock_rate_hz", ctypes.c_uint32),
        ("frame_samples", ctypes.c_uint32),
        ("frame_bytes", ctypes.c_uint32),
        ("encoder_size", SIZE),
        ("decoder_size", SIZE),
        ("encoder_init", ctypes.CFUNCTYPE(None, POINTER)),
        ("decoder_init", ctypes.CFUNCTYPE(None, POINTER)),
        ("encode", ctypes.CFUNCTYPE(INT, POINTER, POINTER, INT, POINTER, INT)),
        ("decode", ctypes.CFUNCTYPE(INT, POINTER, POINTER, INT, POINTER, INT)),
        ("conceal", ctypes.CFUNCTYPE(INT, POINTER, INT, POINTER, INT)),
        ("payload_samples", ctypes.CFUNCTYPE(INT, POINTER, INT)),
    ]


def table(annex_b: bool = True) -> Ops:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype = POINTER
    get.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return Ops.from_address(get(g729.ops(annex_b), b"switchroom.codec_ops"))


class Channel:
    """One encoder and one decoder behind the table."""

    def __init__(self, annex_b: bool = True) -> None:
        self.ops = table(annex_b)
        self.encoder = ctypes.create_string_buffer(self.ops.encoder_size)
        self.decoder = ctypes.create_string_buffer(self.ops.decoder_size)
        self.ops.encoder_init(self.encoder)
        self.ops.decoder_init(self.decoder)

    def encode(self, pcm: "array[int]", capacity: int = 100) -> bytes | int:
        out = ctypes.create_string_buffer(b"\xaa" * 100, 100)
        written = self.ops.encode(self.encoder, pcm.buffer_info()[0], len(pcm), out, capacity)
        assert out.raw[max(written, 0) :] == b"\xaa" * (100 - max(written, 0))
        return out.raw[:written] if written >= 0 else int(written)

    def _pcm(self, call: Callable[[object, int], int], samples: int) -> "array[int] | int":
        out = array("h", [0x5555] * (samples + 80))
        written = call(out.buffer_info()[0], samples)
        assert written <= samples
        assert set(out[max(written, 0) :]) == {0x5555}
        return out[:written] if written >= 0 else written

    def decode(self, payload: bytes, capacity: int = 960) -> "array[int] | int":
        return self._pcm(lambda at, n: int(self.ops.decode(self.decoder, payload, len(payload), at, n)), capacity)

    def conceal(self, gap: int, samples: int) -> "array[int] | int":
        return self._pcm(lambda at, n: int(self.ops.conceal(self.decoder, gap, at, n)), samples)


@pytest.mark.parametrize("annex_b", [False, True])
def test_what_the_table_says(annex_b: bool) -> None:
    ops = table(annex_b)
    assert (ops.abi, ops.name, ops.sample_rate_hz, ops.clock_rate_hz) == (1, b"G729", 8000, 8000)
    assert (ops.frame_samples, ops.frame_bytes) == (80, 10)
    assert ops.encoder_size < 4096
    assert ops.decoder_size < 4096


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6])
def test_payloads_are_the_frames_in_a_row(frames: int) -> None:
    channel, decoder = Channel(annex_b=False), g729.Decoder()
    pcm = make("talk", 60)
    wanted = g729.Encoder().encode(pcm)
    for i in range(0, 60, frames):
        payload = channel.encode(pcm[80 * i : 80 * (i + frames)])
        assert payload == b"".join(wanted[i : i + frames])
        assert isinstance(payload, bytes)
        assert channel.ops.payload_samples(payload, len(payload)) == 80 * frames
        out = channel.decode(payload)
        assert out == sum((decoder.decode(frame) for frame in wanted[i : i + frames]), array("h"))


@pytest.mark.parametrize("frames", [1, 2, 3, 6])
def test_a_descriptor_is_only_ever_last(frames: int) -> None:
    """No payload has a pause inside; speech that sets in within a packet makes the whole packet speech."""
    channel, pcm, kinds = Channel(), make("talk", 600), set()
    for i in range(0, 600, frames):
        payload = channel.encode(pcm[80 * i : 80 * (i + frames)])
        assert isinstance(payload, bytes)
        speech, rest = divmod(len(payload), 10)
        assert speech <= frames
        assert rest in (0, 2)
        assert speech + (rest == 2) <= frames
        kinds.add((speech, rest))
        if payload:
            assert channel.ops.payload_samples(payload, len(payload)) == 80 * (speech + (rest == 2))
            out = channel.decode(payload)
            assert not isinstance(out, int)
            assert len(out) == 80 * (speech + (rest == 2))
    assert {(0, 0), (0, 2), (frames, 0)} <= kinds


def test_onset_within_a_packet_keeps_its_place() -> None:
    """Ten milliseconds of silence and the beginning of speech in one packet come out as two frames of speech."""
    quiet, loud = make("quiet", 61), make("noise", 1)
    channel = Channel()
    for i in range(0, 60, 2):
        assert len(channel.encode(quiet[80 * i : 80 * (i + 2)])) in (0, 2)  # type: ignore[arg-type]
    assert len(channel.encode(quiet[80 * 60 :] + loud)) == 20  # type: ignore[arg-type]


def test_without_annex_b_no_descriptor_is_sent() -> None:
    channel, pcm = Channel(annex_b=False), make("silence", 60)
    for i in range(0, 60, 2):
        assert len(channel.encode(pcm[80 * i : 80 * (i + 2)])) == 20  # type: ignore[arg-type]


def test_a_small_buffer_is_refused_before_anything_happens() -> None:
    channel, pcm = Channel(annex_b=False), make("talk", 2)
    assert channel.encode(pcm, capacity=19) == -1
    assert channel.encode(pcm, capacity=20) == b"".join(g729.Encoder().encode(pcm))


@pytest.mark.parametrize("length", [0, 1, 3, 9, 11, 13, 19, 25])
def test_payloads_that_cannot_be_are_refused(length: int) -> None:
    channel = Channel()
    assert channel.decode(bytes(length)) == -1
    assert channel.ops.payload_samples(bytes(length), length) == -1


def test_decoding_stops_at_the_capacity() -> None:
    channel = Channel()
    out = channel.decode(bytes(30), capacity=200)
    assert not isinstance(out, int)
    assert len(out) == 160


def test_gaps() -> None:
    """A lost packet is concealed; an untransmitted one, and any gap in a pause, is comfort noise (B.4.5)."""
    pcm = make("talk", 40)
    frames = g729.Encoder().encode(pcm)
    channel, decoder = Channel(), g729.Decoder()
    for frame in frames:
        assert channel.decode(frame) == decoder.decode(frame)
    assert channel.conceal(LOST, 160) == decoder.decode(None) + decoder.decode(None)
    assert channel.decode(b"\x12\x34") == decoder.decode(b"\x12\x34")
    assert channel.conceal(UNTRANSMITTED, 240) == decoder.decode(b"") + decoder.decode(b"") + decoder.decode(b"")
    assert channel.conceal(LOST, 80) == decoder.decode(b"")
    assert channel.conceal(UNTRANSMITTED, 79) == array("h")
