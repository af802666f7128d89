# SPDX-License-Identifier: Apache-2.0
"""Users' desks: what each has set (forwarding, do not disturb, find-me), and at which phone he sits.

The configuration says what a desk begins with; what a user changes is kept apart from it, so that it survives restarts
and a new configuration alike.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from switchroom.pbx.config_office import Desk, DeskChange, Forward, Occasion
from switchroom.pbx.dialplan import Clockwork, Condition
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import AnyRecord, DeskChanged, SeatTaken
from switchroom.pbx.kept import Kept


class UnknownUser(SwitchroomError):
    """There is no such user."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of a user."""

    name: str
    desk: Desk
    context: str = "default"
    display_name: str = ""
    mailbox: bool = False
    pin: str = ""
    email: str = ""


class Desks:
    """All of them. `clockwork` knows the times that forwarding names; `utc` reads the clock."""

    def __init__(
        self,
        profiles: Iterable[Profile],
        changes: Kept[DeskChange],
        seats: Kept[str],
        clockwork: Clockwork,
        utc: Callable[[], float],
        write: Callable[[AnyRecord], object],
    ) -> None:
        self.profiles: Mapping[str, Profile] = {profile.name: profile for profile in profiles}
        self.clockwork = clockwork
        self.last_caller: dict[str, str] = {}
        """Whoever called a user last, for call return; as many as there are users."""
        self._changes = changes
        self._seats = seats
        """Phone (the user it registers as) -> the user who sits there now."""
        self._utc = utc
        self._write = write

    def apply(self, profiles: Iterable[Profile], clockwork: Clockwork) -> None:
        """A new configuration."""
        self.profiles = {profile.name: profile for profile in profiles}
        self.clockwork = clockwork

    # ---- settings

    def profile(self, user: str) -> Profile:
        """Raises UnknownUser."""
        try:
            return self.profiles[user]
        except KeyError:
            raise UnknownUser(f"there is no user {user}") from None

    def of(self, user: str) -> Desk:
        """What is set now. Raises UnknownUser."""
        desk = self.profile(user).desk
        change = self._changes.get(user)
        if change is None:
            return desk
        given = {name: value for name, value in _set(change).items() if name != "pin"}
        return msgspec.structs.replace(desk, **given)

    def changed(self, user: str) -> DeskChange:
        """What of it differs from the configuration."""
        return self._changes.get(user) or DeskChange()

    def pin(self, user: str) -> str:
        """Empty: none."""
        change = self._changes.get(user)
        if change is not None and not isinstance(change.pin, msgspec.UnsetType):
            return change.pin
        profile = self.profiles.get(user)
        return profile.pin if profile is not None else ""

    def forward(self, user: str, on: Occasion) -> str:
        """Where a call for the user goes on this occasion, now; empty: nowhere."""
        now_s = self._utc()
        for line in self.of(user).forward:
            if line.on == on and (not line.when or self.clockwork.holds(Condition.from_text(line.when), now_s)):
                return line.to
        return ""

    async def change(self, user: str, change: DeskChange, by: str = "") -> None:
        """Set what `change` sets. Raises UnknownUser, StoreError."""
        self.profile(user)
        given = _set(change)
        await self._changes.put(user, msgspec.structs.replace(self.changed(user), **given))
        shown = msgspec.json.encode(msgspec.structs.replace(change, pin=msgspec.UNSET)).decode()
        self._write(DeskChanged(user=user, change=shown, by=by))

    async def reset(self, user: str, by: str = "") -> None:
        """Back to what the configuration says. Raises UnknownUser, StoreError."""
        self.profile(user)
        await self._changes.remove(user)
        self._write(DeskChanged(user=user, change="reset", by=by))

    async def set_forward(self, user: str, on: Occasion, to: str) -> None:
        """Forward at all times; with an empty `to`, no longer."""
        others = tuple(line for line in self.of(user).forward if line.on != on)
        mine = (Forward(on=on, to=to),) if to else ()
        await self.change(user, DeskChange(forward=(*mine, *others)))

    # ---- hot desking

    def phone_of(self, user: str) -> str:
        """As which user the phone registers where this one sits; empty: his own phone serves somebody else."""
        for phone, sitting in self._seats.items():
            if sitting == user:
                return phone
        return "" if user in self._seats else user

    def sitting_at(self, phone: str) -> str:
        """Who sits at a phone."""
        sitting = self._seats.get(phone)
        return sitting if sitting is not None and sitting in self.profiles else phone

    async def sit(self, user: str, phone: str) -> None:
        """A user takes a phone; one that he had before is its own again. Raises UnknownUser, StoreError."""
        self.profile(user)
        await self._seats.remove(
            *[other for other, sitting in self._seats.items() if sitting == user or other == phone]
        )
        if user != phone:
            await self._seats.put(phone, user)
        self._write(SeatTaken(user=user, phone=phone))


def _set(change: DeskChange) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
