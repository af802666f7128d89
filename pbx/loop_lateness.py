# SPDX-License-Identifier: Apache-2.0
"""How late the event loop comes to its timers: the measure of how much Python has to do."""

import asyncio
from collections.abc import Callable

EVERY_S = 0.25


class LoopLateness:
    """Looks at the running loop every 250 ms and tells how many seconds late it was, from `start` until `stop`."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def start(self, note: Callable[[float], None]) -> None:
        loop = asyncio.get_running_loop()

        def look(due_s: float) -> None:
            now_s = loop.time()
            note(now_s - due_s)
            wait(now_s + EVERY_S)

        def wait(due_s: float) -> None:
            self._timer = loop.call_at(due_s, look, due_s)

        wait(loop.time() + EVERY_S)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
