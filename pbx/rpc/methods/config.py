# SPDX-License-Identifier: Apache-2.0
"""`config.*`: what a changed configuration file would change, and making it so."""

import msgspec

from switchroom.pbx.config import ConfigError
from switchroom.pbx.config_diff import Change
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method


class Changes(msgspec.Struct, frozen=True):
    changes: list[Change]
    needs_restart: list[str]
    """Keys whose old values stay until a restart."""


@method("config.diff", changes=False, right="operate")
async def config_diff(context: Context, params: Nothing) -> Changes:
    return _reload(context, dry_run=True)


class ConfigReload(Params, frozen=True):
    dry_run: bool = False


@method("config.reload", changes=True)
async def config_reload(context: Context, params: ConfigReload) -> Changes:
    return _reload(context, dry_run=params.dry_run)


def _reload(context: Context, *, dry_run: bool) -> Changes:
    try:
        changes = context.exchange.reload(dry_run, context.operator.name)
    except ConfigError as error:
        raise refused(422, str(error)) from error
    except SwitchroomError as error:
        raise refused(409, str(error)) from error
    return Changes(changes, [change.key for change in changes if not change.live])
