# SPDX-License-Identifier: Apache-2.0
"""An asyncio event loop whose clock jumps to the next deadline: a day passes in seconds, and the same way each time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands still while there is work, and jumps when there is none.

    For code without sockets and threads: nothing outside can wake it. A loop with nothing left to wait for is a
    deadlock, and raises RuntimeError.
    """

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._now_s

    def jump(self, seconds: float | None) -> None:
        """Called where a real loop would sleep."""
        if seconds is None:
            raise RuntimeError("everything waits, and nothing will ever happen")
        self._now_s += seconds


class _Selector(selectors.DefaultSelector):
    """A selector that never sleeps: it moves the clock instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and (timeout is None or timeout > 0):
            self._loop.jump(timeout)
        return ready


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
