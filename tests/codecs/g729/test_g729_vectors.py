# SPDX-License-Identifier: Apache-2.0
"""The ITU's conformance vectors of G.729 Annex A and of Annex B: every file, both ways, every variant, to the bit.

The vectors are the ITU's and not ours to carry. They are looked for in the folder that SWITCHROOM_G729_VECTORS names,
or beside the project; where they are missing the tests are skipped, and fail under CI.
"""

import os
from pathlib import Path

import pytest

from switchroom.codecs import g729
from switchroom.codecs.g729 import serial

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("SWITCHROOM_G729_VECTORS") or ROOT.parent / "shared" / "g729" / "vectors")
WHERE = (
    f"no G.729 vectors in {FOLDER}: take the test vectors of Annex A and of Annex B from the software that belongs to "
    "ITU-T G.729 (https://www.itu.int/rec/T-REC-G.729), put them into annexa/ and annexab/ of one folder, and name it "
    "in SWITCHROOM_G729_VECTORS"
)
SPEECH_FRAME = 160


def pairs(folder: str, source: str, targets: list[tuple[str, str]]) -> list[tuple[Path, Path]]:
    """Files of a folder by suffix (whatever its case) with the file that each must give."""
    files = {path.name.lower(): path for path in sorted((FOLDER / folder).glob("*"))}
    found = []
    for name, path in files.items():
        if not name.endswith(source):
            continue
        stem = name.removesuffix(source)
        for ending, replacement in targets:
            other = files.get(stem.removesuffix(ending) + replacement)
            if other is not None and stem.endswith(ending):
                found.append((path, other))
                break
    return found


DECODE = pairs("annexa", ".bit", [("", ".pst")]) + pairs("annexab", ".bit", [("", ".out"), ("", "a.out")])
ENCODE = pairs("annexa", ".in", [("", ".bit")])
ENCODE_B = pairs("annexab", ".bin", [("", "a.bit"), ("", ".bit")])
MISSING = [pytest.param(None, id="missing")]


def named(cases: list[tuple[Path, Path]]) -> list[object]:
    return [pytest.param(case, id=case[0].stem) for case in cases] or MISSING


def files(case: tuple[Path, Path] | None) -> tuple[bytes, bytes]:
    if case is None:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(WHERE)
        pytest.skip(WHERE)
    return case[0].read_bytes(), case[1].read_bytes()


def same(got: bytes, wanted: bytes, step: int) -> None:
    """Equal, or a message with the first frame that is not (pytest's own diff of such files takes minutes)."""
    if got == wanted:
        return
    first = next((i for i, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b), min(len(got), len(wanted)))
    pytest.fail(f"{len(got)} octets for {len(wanted)}; the first difference is in frame {first // step}")


@pytest.mark.parametrize("case", named(DECODE))
def test_decoder_gives_the_bits_of_the_itu(case: tuple[Path, Path] | None, variant: str) -> None:
    coded, pcm = files(case)
    decoder = g729.Decoder(variant=variant)
    got = b"".join(decoder.decode(frame).tobytes() for frame in serial.from_itu(coded))
    same(got, pcm, SPEECH_FRAME)


@pytest.mark.parametrize("case", named(ENCODE))
def test_encoder_gives_the_bits_of_the_itu(case: tuple[Path, Path] | None, variant: str) -> None:
    pcm, coded = files(case)
    frames = g729.Encoder(variant=variant).encode(pcm[: len(pcm) // SPEECH_FRAME * SPEECH_FRAME])
    same(serial.to_itu(frames), coded, 164)


@pytest.mark.parametrize("case", named(ENCODE_B))
def test_encoder_of_annex_b_gives_the_bits_of_the_itu(case: tuple[Path, Path] | None, variant: str) -> None:
    pcm, coded = files(case)
    frames = g729.Encoder(annex_b=True, variant=variant).encode(pcm[: len(pcm) // SPEECH_FRAME * SPEECH_FRAME])
    wanted = list(serial.from_itu(coded))
    assert [len(frame) for frame in frames] == [len(frame or b"") for frame in wanted]
    assert [i for i, (a, b) in enumerate(zip(frames, wanted, strict=True)) if a != b] == []
    same(serial.to_itu(frames), coded, 164)


def test_the_known_vectors_are_all_found() -> None:
    """A folder that is there but holds other names must not pass for having been tested."""
    if not FOLDER.is_dir():
        files(None)
    decoded = {path.stem.upper() for path, _ in DECODE}
    assert {"SPEECH", "FIXED", "LSP", "TAME", "ERASURE", "PARITY", "TSTSEQ1A", "TSTSEQ2A", "TSTSEQ5"} <= decoded
    assert {"SPEECH", "FIXED", "LSP", "TAME"} <= {path.stem.upper() for path, _ in ENCODE}
    assert {"TSTSEQ1", "TSTSEQ2"} <= {path.stem.upper() for path, _ in ENCODE_B}
