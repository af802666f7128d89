# SPDX-License-Identifier: Apache-2.0
"""Paths of a configuration file: relative ones are meant from the folder of the file."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from switchroom.pbx.acd import config as acd_config
from switchroom.pbx.dialplan import Destination, Rule

if TYPE_CHECKING:
    from switchroom.pbx.config import Config


def with_absolute_paths(config: "Config", folder: Path) -> "Config":
    """The same configuration, whatever folder the exchange is started in."""

    def place(rule: Rule) -> Rule:
        if rule.to.kind != "play" or not rule.to.fixed:
            return rule
        return msgspec.structs.replace(rule, to=Destination("play", str((folder / rule.to.argument).resolve())))

    def absolute(path: str) -> str:
        return str((folder / path).resolve()) if path else ""

    tls = msgspec.structs.replace(
        config.tls,
        ca_file=absolute(config.tls.ca_file),
        certificates=tuple(
            msgspec.structs.replace(given, file=absolute(given.file), key=absolute(given.key))
            for given in config.tls.certificates
        ),
    )
    ivr = msgspec.structs.replace(config.ivr, prompts=absolute(config.ivr.prompts), flows=absolute(config.ivr.flows))
    return msgspec.structs.replace(
        config,
        queues={name: acd_config.with_absolute_paths(queue, absolute) for name, queue in config.queues.items()},
        tls=tls,
        recording=msgspec.structs.replace(config.recording, folder=absolute(config.recording.folder)),
        music={
            name: msgspec.structs.replace(music, folder=absolute(music.folder)) for name, music in config.music.items()
        },
        ivr=ivr,
        server=msgspec.structs.replace(config.server, data_dir=str((folder / config.server.data_dir).resolve())),
        dial_plan={name: tuple(map(place, rules)) for name, rules in config.dial_plan.items()},
    )
