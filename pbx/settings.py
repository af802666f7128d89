# SPDX-License-Identifier: Apache-2.0
"""What the configuration says to parts that do not read it themselves."""

from switchroom.pbx.calls.sources import music_files
from switchroom.pbx.config import Config
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.io.connections import TcpLimits
from switchroom.pbx.registrar import Rules


def hold_music(config: Config) -> list[str]:
    """What held parties hear: the class `default` of [music.NAME], where there is one."""
    if "default" not in config.music:
        return []
    try:
        return music_files(config.music["default"])
    except ValueError as error:
        raise SwitchroomError(f"music.default: {error}") from error


def registration_rules(config: Config) -> Rules:
    """What the registrar goes by."""
    return Rules(
        min_expires_s=config.sip.min_expires_s,
        default_expires_s=config.sip.default_expires_s,
        max_expires_s=config.sip.max_expires_s,
        per_user=config.limits.registrations_per_user,
        per_source=config.limits.registrations_per_source,
    )


def tcp_limits(config: Config) -> TcpLimits:
    """What all stream transports go by."""
    sip = config.sip
    return TcpLimits(
        connections=sip.tcp_connections,
        connections_per_source=sip.tcp_connections_per_source,
        message_s=sip.tcp_message_s,
        idle_s=sip.tcp_idle_s,
        body_bytes=sip.max_message_bytes,
    )
