# SPDX-License-Identifier: Apache-2.0
"""[recording]: where recordings are kept and in what form; [music.NAME]: what waiting and held parties hear."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_BEFORE_S = 30.0


class RecordingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[recording]. Relative paths are relative to the folder of the configuration file."""

    folder: str = ""
    """Where recordings without a path of their own go, by day; empty: `recordings` in `data_dir`."""
    format: Literal["wav", "flac", "opus"] = "wav"
    """In which they are kept. WAV is there at once; the others are made of it afterwards."""

    mute_digits: bool = False
    """Keys that come as tones in the audio, as of a card number, are silence in the recordings of legs."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        return iter(())


class Music(msgspec.Struct, frozen=True, kw_only=True):
    """One [music.NAME]. All who hear it hear the same moment of it."""

    folder: str
    """Its sound files are played in the order of their names, again and again."""
    volume: Annotated[float, Meta(gt=0, le=4)] = 1.0

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not self.folder:
            yield "folder", "is missing"
