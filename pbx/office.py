# SPDX-License-Identifier: Apache-2.0
"""The applications of an office, built from the configuration and joined to an exchange.

`open` makes them over any CallControl and store, so that the simulated exchange has the same ones as the real one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from switchroom.pbx.apps.desks import Desks
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.pins import Pins
from switchroom.pbx.apps.reach import Reach
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.apps.voicemail.boxes import Boxes, Message, Sound
from switchroom.pbx.apps.voicemail.deposit import Deposit
from switchroom.pbx.apps.voicemail.mailer import Mail, Mailer, Send
from switchroom.pbx.apps.voicemail.menu import Menu
from switchroom.pbx.config import Config
from switchroom.pbx.config_office import DeskChange
from switchroom.pbx.config_plan import dial_plan
from switchroom.pbx.control import CallControl
from switchroom.pbx.dialplan import Rule, SwitchState
from switchroom.pbx.events import AnyRecord
from switchroom.pbx.kept import Kept
from switchroom.pbx.storage.base import DocumentStore

EXPIRE_S = 3600.0


class Office:
    """All of them; made by `open`."""

    desks: Desks
    boxes: Boxes
    routing: Routing
    reach: Reach

    def __init__(
        self,
        config: Config,
        control: CallControl,
        destinations: Destinations,
        speak: Callable[[str], Awaitable[str]],
        sound: Sound,
        utc: Callable[[], float],
        write: Callable[[AnyRecord], object],
        routes: tuple[Rule, ...],
    ) -> None:
        self.config = config
        self._control = control
        self._destinations = destinations
        self._speak = speak
        self._sound = sound
        self._utc = utc
        self._write = write
        self._routes = routes
        self._mailer: Mailer | None = None
        self._expiring: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        config: Config,
        store: DocumentStore,
        control: CallControl,
        destinations: Destinations,
        *,
        speak: Callable[[str], Awaitable[str]],
        sound: Sound,
        send_mail: Send,
        utc: Callable[[], float],
        write: Callable[[AnyRecord], object],
        folder: Path,
        routes: tuple[Rule, ...] = (),
    ) -> Self:
        """Read what was kept, recover what was being recorded, and serve the office's kinds of destinations.

        `routes` are the rules of an embedding program. Raises StoreError.
        """
        office = cls(config, control, destinations, speak, sound, utc, write, routes)
        office.switches = dict((await Kept.load(store, "hours", SwitchState)).items())  # type: ignore[arg-type]
        plan = dial_plan(config, office.switches, utc, routes)
        office.routing = Routing(plan, destinations, control)
        changes = await Kept.load(store, "desk", DeskChange)
        seats = await Kept.load(store, "seat", str)
        office.desks = desks = Desks(profiles(config), changes, seats, plan.clockwork, utc, write)
        messages = await Kept.load(store, "voicemail", Message, 1_000_000)
        office.boxes = boxes = Boxes(
            boxes_of(config, desks), messages, folder / "voicemail", utc, max_messages=config.voicemail.max_messages
        )
        await boxes.recover(sound, round(config.voicemail.min_message_s * 1000))
        boxes.on_new.append(office._message_left)
        boxes.on_change.append(office._counted)
        office.reach = Reach(control, desks, office.routing, speak, config.sip.no_answer_s, write)
        pins = Pins(desks.pin, asyncio.get_running_loop().time)
        office._deposit = Deposit(boxes, sound, speak, config.voicemail)
        office._menu = Menu(boxes, sound, speak, pins, office.dial_back, utc, config.voicemail)
        if config.mail.host:
            queue = await Kept.load(store, "mail", Mail, 10_000)
            office._mailer = Mailer(
                boxes, queue, send_mail, utc, write, sender=config.mail.sender, give_up_h=config.mail.give_up_h
            )
            office._mailer.start()
        destinations.register("user", office.reach.serve)
        destinations.register("voicemail", office._deposit.serve)
        destinations.register("mailbox", office._menu.serve)
        office._expiring = asyncio.get_running_loop().create_task(office._expire())
        return office

    switches: dict[str, SwitchState]
    _deposit: Deposit
    _menu: Menu

    async def close(self) -> None:
        if self._expiring is not None:
            self._expiring.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._expiring
        if self._mailer is not None:
            await self._mailer.close()
