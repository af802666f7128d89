# SPDX-License-Identifier: Apache-2.0
"""Serving a leg that was sent on: who served it has let go of it, and somebody else goes on with it, to its end."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from switchroom.pbx.control import CallerGone, CallError, Leg, SentOn


async def follow(leg: Leg, serve: Callable[[Leg], Awaitable[None]]) -> None:
    """Serve a leg that was sent on, and perhaps is again."""
    while True:
        try:
            return await serve(leg)
        except SentOn as again:
            serve = again.serve


_going_on: set[asyncio.Task[None]] = set()


def go_on(leg: Leg, serve: Callable[[Leg], Awaitable[None]]) -> None:
    """Serve a leg that nobody else serves, to its end."""

    async def work() -> None:
        try:
            with contextlib.suppress(CallerGone, CallError):
                await follow(leg, serve)
        finally:
            leg.hangup()

    task = asyncio.get_running_loop().create_task(work())
    _going_on.add(task)
    task.add_done_callback(_going_on.discard)
