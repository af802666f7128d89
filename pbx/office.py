# SPDX-License-Identifier: Apache-2.0
"""The applications of an office, built from the configuration and joined to an exchange.

They stand on any CallControl and store, so that the simulated exchange has the same ones as the real one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from switchroom.ivr.spoken import Language
from switchroom.pbx.apps.blacklist import MAX_ADDED, Blacklist
from switchroom.pbx.apps.conference_door import Door
from switchroom.pbx.apps.conferences import Conferences
from switchroom.pbx.apps.desks import Desks, Profile
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.features import FeatureCodes, Parts
from switchroom.pbx.apps.gathering import Gatherings
from switchroom.pbx.apps.groups import Groups
from switchroom.pbx.apps.paging import Paging
from switchroom.pbx.apps.parking import Lot
from switchroom.pbx.apps.pins import Pins
from switchroom.pbx.apps.reach import Reach
from switchroom.pbx.apps.reroutes import MAX_REROUTES, Reroute, Reroutes
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.apps.switches import HandSwitches
from switchroom.pbx.apps.voicemail.boxes import Box, Boxes, BoxFull, Counts, Message, NoSuchMessage, Sound
from switchroom.pbx.apps.voicemail.deposit import Deposit
from switchroom.pbx.apps.voicemail.mailer import Mail, Mailer, Send
from switchroom.pbx.apps.voicemail.menu import Menu
from switchroom.pbx.apps.words import Words
from switchroom.pbx.call import Call
from switchroom.pbx.config import Config
from switchroom.pbx.config_office import Desk, DeskChange
from switchroom.pbx.config_plan import dial_plan
from switchroom.pbx.control import CallControl, CallError
from switchroom.pbx.dialplan import DialPlan, Rule, SwitchState
from switchroom.pbx.events import AnyRecord, VoicemailCounted, VoicemailLeft
from switchroom.pbx.kept import Kept
from switchroom.pbx.storage.base import DocumentStore

EXPIRE_S = 3600.0


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What an office needs of its exchange."""

    control: CallControl
    destinations: Destinations
    store: DocumentStore
    say: Callable[[str, Language], Awaitable[str]]
    """Text and its language to the path of an audio file that says it."""
    language: Language = "en"
    """Of strangers, and of users who have none of their own."""
    sound: Sound
    send_mail: Send
    utc: Callable[[], float]
    write: Callable[[AnyRecord], object]
    folder: Path
    music: str
    """What parked callers hear."""
    routes: tuple[Rule, ...] = ()
    """The rules of an embedding program."""


class Office:
    """All of them. Make it, `open` it, `close` it; `apply` takes a new configuration."""

    def __init__(self, config: Config, around: Around) -> None:
        self.config = config
        self._around = around
        self._switch_states: dict[str, SwitchState] = {}
        self.routing = Routing(self.plan_of(config), around.destinations, around.control)
        self.words = Words(around.say, self._language_of)
        self._mailer: Mailer | None = None
        self._expiring: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read what was kept, recover what was being recorded, serve the destinations. Raises StoreError."""
        config, around, routing = self.config, self._around, self.routing
        control, store, utc, write = around.control, around.store, around.utc, around.write
        speak = self.words
        kept: Kept[Any] = await Kept.load(store, "hours", str)
        self.switches = HandSwitches(self._switch_states, kept, lambda: routing.plan.clockwork, utc, write)
        self.blacklist = Blacklist(config.blacklist, await Kept.load(store, "blacklist", str, MAX_ADDED), write)
        self.reroutes = Reroutes(await Kept.load(store, "reroute", Reroute, MAX_REROUTES), routing, write)
        self.desks = desks = Desks(
            profiles(config),
            await Kept.load(store, "desk", DeskChange),
            await Kept.load(store, "seat", str),
            routing.plan.clockwork,
            utc,
            write,
        )
        self.boxes = boxes = Boxes(
            self._boxes_of(config),
            await Kept.load(store, "voicemail", Message, 1_000_000),
            around.folder / "voicemail",
            utc,
            max_messages=config.voicemail.max_messages,
        )
        boxes.on_new.append(self._message_left)
        boxes.on_change.append(self._counted)
        await boxes.recover(around.sound, round(config.voicemail.min_message_s * 1000))
        self.pins = pins = Pins(desks.pin, asyncio.get_running_loop().time)
        self.reach = reach = Reach(control, desks, routing, speak, config.sip.no_answer_s, write)
        self.groups = groups = Groups(config.groups, control, desks, reach, routing)
        self.lot = lot = Lot(control, config.parking, around.music, speak, self._ring_back, write)
        self.gatherings = Gatherings(control, routing)
        self.deposit = Deposit(boxes, around.sound, speak, config.voicemail)
        self._menu = Menu(boxes, around.sound, speak, pins, self._call_back, utc, config.voicemail)
        self.conferences = Conferences(control, write, config.conferences)
        self.door = Door(control, self.conferences, routing, speak)
        paging = Paging(control, groups, reach)
        features = FeatureCodes(
            Parts(
                control=control, desks=desks, routing=routing, groups=groups, paging=paging,
                gatherings=self.gatherings, menu=self._menu, pins=pins, blacklist=self.blacklist,
                switches=self.switches, speak=speak, write=write,
            )
        )  # fmt: skip
        for kind, serve in (
            ("user", reach.serve), ("group", groups.serve), ("page", paging.serve), ("park", lot.serve),
            ("parked", lot.retrieve), ("voicemail", self.deposit.serve), ("mailbox", self._menu.serve),
            ("feature", features.serve), ("conference", self.door.serve), ("meet-me", self.door.meet_me),
        ):  # fmt: skip
            around.destinations.register(kind, serve)
        if config.mail.host:
            self._mailer = Mailer(
                boxes, around.sound, await Kept.load(store, "mail", Mail, 10_000), around.send_mail, utc, write,
                sender=config.mail.sender, give_up_h=config.mail.give_up_h,
            )  # fmt: skip
            self._mailer.start()
        self._expiring = asyncio.get_running_loop().create_task(self._expire())

    async def close(self) -> None:
        """Idempotent."""
        if self._expiring is not None:
            self._expiring.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._expiring
            self._expiring = None
        if self._mailer is not None:
            await self._mailer.close()

    def apply(self, config: Config) -> None:
        """A new configuration is in force; nothing waits, and calls that go on are not touched."""
        self.config = config
        self.routing.plan = self.plan_of(config)
        self.desks.apply(profiles(config), self.routing.plan.clockwork)
        self.boxes.known = self._boxes_of(config)
        self.boxes.max_messages = config.voicemail.max_messages
        self.reach.ring_s = config.sip.no_answer_s
        self.groups.groups = config.groups
        self.lot.config = config.parking
        self.conferences.rooms = config.conferences
        self.blacklist.apply(config.blacklist)
        self.deposit.config = self._menu.config = config.voicemail

    def plan_of(self, config: Config) -> DialPlan:
        """The whole dial plan of a configuration."""
        return dial_plan(config, self._switch_states, self._around.utc, self._around.routes)

    # ---- within

    def _language_of(self, user: str) -> Language:
        known = user in self.desks.profiles
        return (self.desks.of(user).language if known else "") or self._around.language

    def _boxes_of(self, config: Config) -> dict[str, Box]:
        return {
            user.name: Box(name=user.name, owner=user.display_name, email=user.email)
            for user in config.users
            if user.mailbox
        }

    async def _ring_back(self, call: Call, user: str, ring_s: float) -> bool:
        with contextlib.suppress(CallError):
            outcome = await call.connect(self._around.control.endpoints(f"user:{user}"), ring_s)
            return outcome.leg is not None
        return False

    async def _call_back(self, call: Call, number: str) -> None:
        with contextlib.suppress(CallError):
            await self.routing.send(call, number, call.context)

    def _message_left(self, message: Message) -> None:
        self._around.write(
            VoicemailLeft(box=message.box, message=message.id, caller=message.caller, duration_ms=message.duration_ms)
        )

    def _counted(self, box: str, counts: Counts) -> None:
        self._around.write(VoicemailCounted(box=box, new=counts.new, saved=counts.saved))

    async def _expire(self) -> None:
        while True:
            if self.config.voicemail.keep_days:
                await self.boxes.expire(self.config.voicemail.keep_days)
            await asyncio.sleep(EXPIRE_S)


class FlowMailboxes:
    """The boxes, as IVR flows know them."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def takes(self, mailbox: str) -> bool:
        return mailbox in self._office.boxes.known

    async def leave(
        self, call: Call, mailbox: str, *, most_s: float, silence_s: float, least_s: float
    ) -> tuple[str, int]:
        office = self._office
        limits = msgspec.structs.replace(
            office.config.voicemail, max_message_s=most_s, silence_s=silence_s, min_message_s=least_s
        )
        try:
            message = await office.deposit.leave(call, mailbox, limits)
        except (BoxFull, NoSuchMessage):
            return "", 0
        return (str(office.boxes.path(message)), message.duration_ms) if message is not None else ("", 0)


def profiles(config: Config) -> Iterator[Profile]:
    """The users as their desks know them."""
    desk_fields = Desk.__struct_fields__
    for user in config.users:
        yield Profile(
            name=user.name,
            desk=Desk(**{name: getattr(user, name) for name in desk_fields}),
            context=user.context,
            display_name=user.display_name,
            mailbox=user.mailbox,
            pin=user.pin.reveal(),
            email=user.email,
        )
