# SPDX-License-Identifier: Apache-2.0
"""Which codecs there are: the encoding name of RFC 4855 and the module that has the codec's table under that name."""

from importlib import import_module
from typing import Final

MODULES: Final[dict[str, str]] = {
    "PCMU": "switchroom.codecs.g711",
    "PCMA": "switchroom.codecs.g711",
    "G722": "switchroom.codecs.g722",
    "G729": "switchroom.codecs.g729",
}


def capsule(name: str) -> object:
    """The table of functions (ext/codec_ops.h) of a codec, as a capsule. Raises KeyError for a name not listed."""
    codec: object = getattr(import_module(MODULES[name]), name)
    return codec
