# SPDX-License-Identifier: Apache-2.0
"""What `Leg.play` is given, as the media plane takes it: files, tones, silence, classes of music."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from switchroom.media.prompts import Source, ToneFor
from switchroom.media.tones import Step, Tone, find_tone
from switchroom.pbx.config_recording import Music

SOUNDS = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3"})
SILENCE = Tone((Step(0.0),))
TONE_MS = 1_000
"""Of a tone in a sequence that does not say how long."""
SHORT_MS = {"beep": 200, "leave": 200}
MAX_MS = 3_600_000


class Played(NamedTuple):
    """What to play, and how."""

    parts: list[Source]
    shared: bool = False
    volume: float = 1.0


def read_sources(source: str | Sequence[str], music: Mapping[str, Music]) -> Played | tuple[Tone, int]:
    """A lone tone comes as itself and its milliseconds, 0 for ever. Raises ValueError for what makes no sense."""
    sources = [source] if isinstance(source, str) else list(source)
    if len(sources) == 1 and sources[0].startswith("tone:"):
        return read_tone(sources[0])
    if len(sources) == 1 and sources[0].startswith("music:"):
        return read_music(sources[0].removeprefix("music:") or "default", music)
    return Played([_part(one) for one in sources])


def read_tone(source: str) -> tuple[Tone, int]:
    """`tone:NAME`, `tone:HZ`, either with `/MILLISECONDS`."""
    name, _, length = source.removeprefix("tone:").partition("/")
    what: str | float = float(name) if name.replace(".", "", 1).isdigit() else name
    return find_tone(what), _milliseconds(length) if length else SHORT_MS.get(name, 0)


def read_music(name: str, music: Mapping[str, Music]) -> Played:
    """All sound files of a class's folder, by name."""
    if name not in music:
        raise ValueError(f"no music is called {name!r}")
    return Played([*music_files(music[name])], shared=True, volume=music[name].volume)


def music_files(music: Music) -> list[str]:
    """Raises ValueError where there are none."""
    folder = Path(music.folder)
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in SOUNDS) if folder.is_dir() else []
    if not files:
        raise ValueError(f"no sound files in {music.folder}")
    return files


def _part(source: str) -> Source:
    if source.startswith("silence:"):
        return ToneFor(SILENCE, _milliseconds(source.removeprefix("silence:")))
    if source.startswith("tone:"):
        tone, length_ms = read_tone(source)
        return ToneFor(tone, length_ms or TONE_MS)
    if source.startswith("music:"):
        raise ValueError("music stands alone")
    return source


def _milliseconds(text: str) -> int:
    if not (text.isdigit() and 1 <= int(text) <= MAX_MS):
        raise ValueError(f"{text!r} is no length: 1 to {MAX_MS} milliseconds")
    return int(text)
