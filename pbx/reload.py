# SPDX-License-Identifier: Apache-2.0
"""A new configuration while the exchange runs: read and checked whole, shown as a difference, applied in one step.

Nothing waits between the first part that changes and the last, calls in progress keep what they have, and a file with
mistakes changes nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from switchroom.pbx.config import load
from switchroom.pbx.config_diff import Change, differences, merged
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import ConfigChanged

if TYPE_CHECKING:
    from switchroom.pbx.server import Server


class NoFile(SwitchroomError):
    """The exchange was started without a configuration file."""


def reload(server: "Server", *, dry_run: bool = False, by: str = "") -> list[Change]:
    """Read the file again, and use it unless it is a `dry_run`; what differs. Raises ConfigError, NoFile.

    Of changes that are not `live` the old values stay until a restart.
    """
    if server.path is None:
        raise NoFile("there is no file to read: the exchange was started by a program")
    new = load(Path(server.path))
    if "default" not in new.music:
        new.music["default"] = server.config.music["default"]
    changes = differences(server.config, new)
    if changes and not dry_run:
        config = merged(server.config, new)
        server.office.apply(config)
        server.gatekeeper.apply(config)
        server.registrar.apply({user.name: user.max_contacts for user in config.users}, config.limits)
        server.board.apply(config)
        server.use_trunks(config)
        server.admission.apply(config.limits)
        server.call_centre.apply(config)
        server.reports.apply(*server.report_terms(config))
        server.config = config
        server.journal.append(ConfigChanged(changes=tuple(change.key for change in changes[:100]), by=by))
    return changes
