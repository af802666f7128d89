# SPDX-License-Identifier: Apache-2.0
"""Switchroom: a call-centre telephone exchange as a library and a server."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from switchroom.pbx.call import Call
    from switchroom.pbx.config import Config
    from switchroom.pbx.control import CallerGone, CallError
    from switchroom.pbx.server import Server

__version__ = "0.1.0"
__all__ = ["Call", "CallError", "CallerGone", "Config", "Server", "__version__"]

_HOMES = {
    "Call": "switchroom.pbx.call",
    "CallError": "switchroom.pbx.control",
    "CallerGone": "switchroom.pbx.control",
    "Config": "switchroom.pbx.config",
    "Server": "switchroom.pbx.server",
}


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are used: a codec alone does not need the whole exchange."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
