# SPDX-License-Identifier: Apache-2.0
"""Test signals for G.729 that need no file, and the golden files made from them.

Signals are made of integers only, so that they are the same on every machine. A speech-like one alternates voiced,
unvoiced and silent stretches, which is what the voice activity detection needs. Run as a program, this writes the
golden files anew with the plain variant.
"""

import hashlib
import json
from array import array
from pathlib import Path

from switchroom.codecs import g729
from switchroom.codecs.g729 import serial

GOLDEN = Path(__file__).parent / "golden"
SIGNALS = {"talk": 600, "square": 60, "noise": 100, "impulses": 100, "quiet": 100, "silence": 60}
"""The signals of the golden files, and their lengths in frames."""


def noise(seed: int, amplitude: int, count: int) -> list[int]:
    """Uniform noise from a linear congruence."""
    out = []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(((seed >> 8) % (2 * amplitude + 1)) - amplitude)
    return out


def talk(frames: int) -> list[int]:
    """Pulses through two resonances, hiss and near-silence in turn; each stretch lasts 0.4 to 0.9 s."""
    out: list[int] = []
    y1 = y2 = z1 = z2 = 0
    hiss = noise(7, 600, frames * 80)
    for i in range(frames * 80):
        stretch = i // 3200 % 5
        period = 55 + (i // 9000) % 60
        if stretch in (0, 1, 3):
            x = 9000 if i % period == 0 else 0
        else:
            x = hiss[i] * 2 if stretch == 2 else hiss[i] // 100
        y1, y2 = (x * 256 + 460 * y1 - 236 * y2) // 256, y1
        z1, z2 = (y1 * 256 + 180 * z1 - 220 * z2) // 512, z1
        out.append(max(-32768, min(32767, y1 // 2 + z1 + hiss[i] // 60)))
    return out


def make(name: str, frames: int) -> "array[int]":
    """A named signal of so many frames."""
    count = frames * 80
    if name == "talk":
        samples = talk(frames)
    elif name == "square":
        samples = [32767 if i // 40 % 2 else -32768 for i in range(count)]
    elif name == "noise":
        samples = noise(3, 32767, count)
    elif name == "impulses":
        samples = [32767 if i % 397 == 0 else -32768 if i % 613 == 0 else 0 for i in range(count)]
    elif name == "quiet":
        samples = noise(5, 2, count)
    elif name == "silence":
        samples = [0] * count
    else:
        raise ValueError(name)
    return array("h", samples)


def decode_all(frames: list[bytes], variant: str | None = None) -> bytes:
    """The PCM of frames, one after the other."""
    decoder = g729.Decoder(variant=variant)
    return b"".join(decoder.decode(frame).tobytes() for frame in frames)


def digest(frames: list[bytes], variant: str | None = None) -> str:
    """What the golden files keep of the decoded PCM."""
    return hashlib.sha256(decode_all(frames, variant)).hexdigest()


def write_golden() -> None:
    """All golden files."""
    digests = {}
    for name, count in SIGNALS.items():
        for annex_b in (False, True):
            key = f"{name}-b" if annex_b else name
            frames = g729.Encoder(annex_b, variant="c").encode(make(name, count))
            (GOLDEN / f"{key}.g729").write_bytes(serial.to_packed(frames, True))
            digests[key] = digest(frames, "c")
    (GOLDEN / "decoded.json").write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    write_golden()
