# SPDX-License-Identifier: Apache-2.0
"""Coded files and the command line: packed octets and the ITU's serial words, there and back, and their mistakes.

The command runs in this process; what it writes is compared with the codec itself.
"""

from array import array
from pathlib import Path

import pytest
from g729_signals import make

from switchroom.codecs import g729
from switchroom.codecs.g729 import serial
from switchroom.codecs.g729.__main__ import main


@pytest.mark.parametrize("form", ["raw", "itu"])
@pytest.mark.parametrize("annex_b", [[], ["--annex-b"]])
def test_files_there_and_back(form: str, annex_b: list[str], tmp_path: Path) -> None:
    pcm = make("talk", 120)
    source, coded, target = tmp_path / "in.pcm", tmp_path / "coded", tmp_path / "out.pcm"
    source.write_bytes(pcm.tobytes() + b"\1\2\3")
    assert main(["encode", *annex_b, str(source), str(coded), "--format", form]) == 0
    frames = g729.Encoder(bool(annex_b)).encode(pcm)
    wanted = serial.to_itu(frames) if form == "itu" else serial.to_packed(frames, bool(annex_b))
    assert coded.read_bytes() == wanted
    assert main(["decode", *annex_b, str(coded), str(target), "--format", form]) == 0
    decoder = g729.Decoder()
    assert target.read_bytes() == b"".join(decoder.decode(frame).tobytes() for frame in frames)


def test_serial_words_as_the_itu_writes_them() -> None:
    words = array("H", serial.to_itu([b"\x80" + bytes(8) + b"\x01", b"\xc0\x00", b"", None]))
    assert list(words[:5]) == [0x6B21, 80, 0x81, 0x7F, 0x7F]
    assert words[81] == 0x81
    assert list(words[82:87]) == [0x6B21, 16, 0x81, 0x81, 0x7F]
    assert list(words[100:103]) == [0x6B21, 0, 0x6B21]
    assert set(words[104:]) == {0}


def test_erasures_in_serial_words() -> None:
    """Any bit that is neither value marks a lost frame; so does an empty one with the other synchronisation word."""
    good = array("H", serial.to_itu([bytes(10)]))
    bad = array("H", good)
    bad[50] = 0
    lost = array("H", [serial.LOST_SYNC, 0])
    data = good.tobytes() + bad.tobytes() + lost.tobytes() + array("H", [serial.SYNC, 0]).tobytes()
    assert list(serial.from_itu(data)) == [bytes(10), None, None, b""]
    assert list(serial.from_itu(serial.to_itu([None, b"ab"]))) == [None, b"ab"]


def test_a_descriptor_of_fifteen_bits_is_filled() -> None:
    words = array("H", [serial.SYNC, 15, *[serial.ONE] * 15])
    assert list(serial.from_itu(words.tobytes())) == [b"\xff\xfe"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([0x1234, 80], "no synchronisation word"),
        ([serial.SYNC], "cut short"),
        ([serial.SYNC, 80, serial.ONE], "cut short"),
        ([serial.SYNC, 3, serial.ONE, serial.ONE, serial.ONE], "has 3 bits"),
    ],
)
def test_broken_serial_words(words: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(serial.from_itu(array("H", words).tobytes()))
    with pytest.raises(ValueError, match="even number"):
        list(serial.from_itu(b"x"))


def test_packed_frames() -> None:
    frames = [bytes(10), b"ab", b"", None, b"0123456789"]
    assert list(serial.from_packed(serial.to_packed(frames, True), True)) == frames
    with pytest.raises(ValueError, match="lengths"):
        serial.to_packed(frames, False)
    with pytest.raises(ValueError, match="4 octets of 10"):
        list(serial.from_packed(bytes(14), False))


def test_the_command_tells_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(tmp_path / "none"), str(tmp_path / "out")]) == 1
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "short").write_bytes(bytes(14))
    assert main(["decode", str(tmp_path / "short"), str(tmp_path / "out")]) == 1
    assert "4 octets of 10" in capsys.readouterr().err
    (tmp_path / "odd").write_bytes(b"\x03abc")
    assert main(["decode", "--annex-b", str(tmp_path / "odd"), str(tmp_path / "out")]) == 1
    assert "10, 2 or 0 octets, not 3" in capsys.readouterr().err
