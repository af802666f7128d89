# SPDX-License-Identifier: Apache-2.0
"""Time conditions set by hand: on, off, or back to the clock; by dial code or by an operator."""

from collections.abc import Callable
from typing import Literal

from switchroom.pbx.dialplan import Clockwork, SwitchState
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import AnyRecord, HoursSwitched
from switchroom.pbx.kept import Kept

Wish = Literal["on", "off", "auto"]


class UnknownHours(SwitchroomError):
    """There is no such time condition."""


class HandSwitches:
    """`states` is what the dial plan's Clockwork looks at; `kept` survives restarts."""

    def __init__(
        self,
        states: dict[str, SwitchState],
        kept: Kept[SwitchState],
        clockwork: Callable[[], Clockwork],
        utc: Callable[[], float],
        write: Callable[[AnyRecord], object],
    ) -> None:
        self.states = states
        self._kept = kept
        self._clockwork = clockwork
        self._utc = utc
        self._write = write
        states.update(kept.items())

    def on(self, name: str) -> bool:
        """Whether it holds now. Raises UnknownHours."""
        clockwork = self._clockwork()
        if name not in clockwork.hours:
            raise UnknownHours(f"there is no [times.{name}]")
        return clockwork.on(name, self._utc())

    async def set(self, name: str, wish: Wish, by: str = "") -> None:
        """Raises UnknownHours, StoreError."""
        self.on(name)
        if wish == "auto":
            self.states.pop(name, None)
            await self._kept.remove(name)
        else:
            self.states[name] = wish
            await self._kept.put(name, wish)
        self._write(HoursSwitched(name=name, state=wish, by=by))

    async def toggle(self, name: str, by: str = "") -> Wish:
        """The other way than now; what was set by hand goes back to the clock. Raises UnknownHours, StoreError."""
        hours = self._clockwork().hours.get(name)
        wish: Wish = "off" if self.on(name) else "on"
        if name in self.states and hours is not None and hours.when:
            wish = "auto"
        await self.set(name, wish, by)
        return wish
