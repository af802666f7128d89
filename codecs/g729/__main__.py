# SPDX-License-Identifier: Apache-2.0
"""Encode and decode files: `python -m switchroom.codecs.g729 encode|decode [--annex-b] IN OUT`.

PCM files hold 16 bit little-endian samples at 8 kHz without a header; samples past the last whole frame are left out,
as in the ITU's own programs. Coded files are packed octets or the ITU's serial words.
"""

import argparse
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path

from switchroom.codecs.g729 import Decoder, Encoder, serial, variants

FRAME_OCTETS = 160


def native(pcm: bytes) -> bytes:
    """Little-endian samples in the machine's order, and back."""
    if sys.byteorder == "little":
        return pcm
    samples = array("h", pcm)
    samples.byteswap()
    return samples.tobytes()


def encode(pcm: bytes, annex_b: bool, form: str, variant: str | None) -> bytes:
    """PCM to a coded file."""
    frames = Encoder(annex_b, variant=variant).encode(native(pcm[: len(pcm) // FRAME_OCTETS * FRAME_OCTETS]))
    return serial.to_itu(frames) if form == "itu" else serial.to_packed(frames, annex_b)


def decode(coded: bytes, annex_b: bool, form: str, variant: str | None) -> bytes:
    """A coded file to PCM."""
    frames = serial.from_itu(coded) if form == "itu" else serial.from_packed(coded, annex_b)
    decoder = Decoder(variant=variant)
    return native(b"".join(decoder.decode(frame).tobytes() for frame in frames))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m switchroom.codecs.g729", description="G.729 Annex A and B on files."
    )
    parser.add_argument("action", choices=["encode", "decode"])
    parser.add_argument("source", metavar="IN", type=Path)
    parser.add_argument("target", metavar="OUT", type=Path)
    parser.add_argument(
        "--annex-b",
        action="store_true",
        help="encode with silence compression; in raw files an octet with its length goes before each frame",
    )
    parser.add_argument(
        "--format",
        choices=["raw", "itu"],
        default="raw",
        help="coded files as packed octets (RFC 3551 section 4.5.6) or as the ITU's serial words",
    )
    parser.add_argument("--variant", choices=variants(), help="the inner loops to use; the bits do not depend on it")
    options = parser.parse_args(arguments)
    action = encode if options.action == "encode" else decode
    try:
        result = action(options.source.read_bytes(), options.annex_b, options.format, options.variant)
        options.target.write_bytes(result)
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
