# SPDX-License-Identifier: Apache-2.0
"""What makes of gateways need: gateways/NAME.toml, one file per make, with the sources of its public documentation."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from switchroom.pbx.config_reader import Reader
from switchroom.pbx.trunks.numbers import NumberRule

GATEWAYS = Path(__file__).parent / "gateways"
"""Profiles of gateways that come with the exchange."""

Codec = Literal["PCMU", "PCMA", "G722", "G729", "L16/8000", "L16/16000"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a make of gateway needs, unless [[trunk]] says otherwise: gateways/NAME.toml."""

    title: str
    codecs: tuple[Codec, ...] = ()
    dtmf: Literal["auto", "in-band", "info"] = "auto"
    overlap: bool = False
    reason: bool = True
    failover_s: float = 2.0
    options_s: float = 30.0
    called_out: tuple[NumberRule, ...] = ()
    called_in: tuple[NumberRule, ...] = ()
    note: str = ""


@cache
def profile(name: str) -> Profile:
    """A gateway's; the plain one for a trunk that is none. Raises ValueError for a profile that is not right."""
    if not name:
        return Profile(title="")
    path = GATEWAYS / f"{name}.toml"
    reader = Reader(str(path))
    found: Profile | None = reader.read(Profile, tomllib.loads(path.read_text(encoding="utf-8")))
    if found is None or reader.mistakes:
        raise ValueError("; ".join(map(str, reader.mistakes)))
    return found
