# SPDX-License-Identifier: Apache-2.0
"""The command that prints the digits of a file: rates, channels, and files that are none."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from switchroom.ext.dtmf import frequencies
from switchroom.media.dtmf import main

NUMBER = "0123456789*#ABCD5551"


def dialled(number: str, rate_hz: int) -> NDArray[np.float64]:
    parts = []
    t = np.arange(int(0.06 * rate_hz)) / rate_hz
    for digit in number:
        parts += [sum(0.2 * np.sin(2 * np.pi * hz * t) for hz in frequencies(digit)), np.zeros(int(0.05 * rate_hz))]
    return np.concatenate(parts)


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 12_000, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 9973])
def test_any_rate(rate_hz: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dialled.wav"
    soundfile.write(path, dialled(NUMBER, rate_hz), rate_hz)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == NUMBER + "\n"


def test_both_sides_of_a_stereo_flac(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dialled.flac"
    first, second = dialled("12", 8000), dialled("34", 8000)
    left, right = np.concatenate([first, 0 * second]), np.concatenate([0 * first, second])
    soundfile.write(path, np.stack([left, right], 1), 8000)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == "1234\n"


def test_a_digit_cut_off_by_the_end_still_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, dialled("7", 8000)[: int(0.05 * 8000)], 8000)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == "7\n"


def test_silence_is_an_empty_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(8000), 8000)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == "\n"


@pytest.mark.parametrize("content", [None, b"", b"RIFF", b"not audio at all" * 100])
def test_what_is_no_audio_is_said_on_stderr(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.wav"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "bad.wav" in err


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err
