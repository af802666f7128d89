# SPDX-License-Identifier: Apache-2.0
"""G.711 against the Recommendation's own tables, read as intervals, in plain Python."""

import numpy
import pytest

from switchroom.codecs import registry
from switchroom.ext.codec import Codec

ALL = numpy.arange(-32768, 32768, dtype=numpy.int16)


def ulaw_levels() -> list[int]:
    """The 128 positive outputs of table 2a, 14-bit: segments of 16 steps, each twice as large as the one before."""
    return [((33 + 2 * step) << segment) - 33 for segment in range(8) for step in range(16)]


def alaw_levels() -> list[int]:
    """The 128 positive outputs of table 1a, 13-bit: two segments alike, then each twice as large."""
    levels = [2 * step + 1 for step in range(32)]
    for segment in range(1, 7):
        levels += [(33 + 2 * step) << segment for step in range(16)]
    return levels


@pytest.mark.parametrize(
    ("name", "levels", "scale", "invert"),
    [("PCMU", ulaw_levels(), 4, 0xFF), ("PCMA", alaw_levels(), 8, 0xD5)],
)
def test_every_code_decodes_to_its_level(name, levels, scale, invert):
    coder = Codec(registry.capsule(name))
    decoded = numpy.frombuffer(coder.decode(bytes(range(256))), numpy.int16)
    for code in range(256):
        plain = code ^ invert
        level = levels[plain & 0x7F] * scale
        negative = bool(plain & 0x80)
        assert decoded[code] == (-level if negative else level)


@pytest.mark.parametrize(
    ("name", "invert", "unit", "first"), [("PCMU", 0xFF, 4, 0), ("PCMA", 0xD5, 8, 1)], ids=["PCMU", "PCMA"]
)
def test_every_sample_is_within_half_a_step_of_its_level(name, invert, unit, first):
    """Half a step is one unit of the law in the first segment, and twice that in each one after the `first`."""
    coder = Codec(registry.capsule(name))
    codes = numpy.frombuffer(coder.encode(ALL), numpy.uint8)
    decoded = numpy.frombuffer(coder.decode(codes.tobytes()), numpy.int16).astype(int)
    segments = (codes ^ invert) >> 4 & 7
    half_steps = unit << numpy.maximum(segments.astype(int) - first, 0)
    cut = 4 if name == "PCMU" else 16  # the laws work on 14 and 12 bits of 16
    clipped = numpy.abs(ALL.astype(int)) > 32_635
    error = numpy.abs(decoded - ALL.astype(int))
    assert numpy.all((error <= half_steps + cut) | clipped)
    assert numpy.all(numpy.diff(decoded) >= 0)


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_a_second_pass_changes_nothing(name):
    coder = Codec(registry.capsule(name))
    once = coder.decode(bytes(range(256)))
    assert coder.decode(coder.encode(numpy.frombuffer(once, numpy.int16))) == once


@pytest.mark.parametrize(("name", "silence"), [("PCMU", 0xFF), ("PCMA", 0xD5)])
def test_silence(name, silence):
    assert Codec(registry.capsule(name)).encode(numpy.zeros(160, numpy.int16)) == bytes([silence]) * 160
