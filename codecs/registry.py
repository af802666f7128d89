# SPDX-License-Identifier: Apache-2.0
"""Which codecs there are: the name in the configuration, and where the codec's table is.

The name is the encoding name of RFC 4855; L16, which is a codec at each of several rates, has its rate behind it.
"""

from importlib import import_module
from typing import Final

TABLES: Final[dict[str, tuple[str, str]]] = {
    "PCMU": ("switchroom.codecs.g711", "PCMU"),
    "PCMA": ("switchroom.codecs.g711", "PCMA"),
    "G722": ("switchroom.codecs.g722", "G722"),
    "G729": ("switchroom.codecs.g729", "G729"),
    "L16/8000": ("switchroom.codecs.l16", "L16_8000"),
    "L16/16000": ("switchroom.codecs.l16", "L16_16000"),
}


def capsule(name: str) -> object:
    """The table of functions (ext/codec_ops.h) of a codec, as a capsule. Raises KeyError for a name not listed."""
    module, table = TABLES[name]
    codec: object = getattr(import_module(module), table)
    return codec
