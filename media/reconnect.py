# SPDX-License-Identifier: Apache-2.0
"""A shard of a media process that was restarted is taken again, as soon as it is there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from switchroom.media.errors import MediaError
from switchroom.media.plane import Plane
from switchroom.media.process import process_id

FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 5.0


async def reconnect(
    process: str, former_id: int, make: Callable[[], Plane], prepare: Callable[[Plane], Awaitable[None]]
) -> Plane | None:
    """The new shard; None where the process still runs: it hung up because another server has taken its place."""
    wait_s = FIRST_WAIT_S
    while True:
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        running = process_id(process)
        if running == former_id:
            return None
        if running is None:
            continue
        plane = make()
        try:
            await plane.start()
            await prepare(plane)
        except MediaError:
            await plane.close()
        except BaseException:
            await plane.close()
            raise
        else:
            return plane
