# SPDX-License-Identifier: Apache-2.0
"""The exchange of tests/story.py on the simulated CallControl: what pbx/server.py joins, in virtual time."""

import asyncio
from pathlib import Path
from typing import TypeVar

from switchroom.ivr.services import Services
from switchroom.ivr.shelf import Shelf
from switchroom.pbx.acd.desk import Desk
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.transfer import Transfers
from switchroom.pbx.call import Call
from switchroom.pbx.call_centre import CallCentre, FlowQueues
from switchroom.pbx.config import loads
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.events import AnyRecord, Record
from switchroom.pbx.office import Around, Office
from switchroom.pbx.sim.control import SimControl
from switchroom.pbx.sim.leg import SimLeg
from switchroom.pbx.storage.memory import MemoryStore
from switchroom.testing.world import TextPrompts, length_s
from tests import story
from tests.pbx.apps.rig import FakeSound

R = TypeVar("R", bound=Record)


class Exchange:
    """What pbx/server.py joins, on SimControl."""

    def __init__(self, folder: Path) -> None:
        users = "".join(f'[[user]]\nname = "{name}"\npassword = "x"\n' for name in ("1001", "1002", "1003", "1004"))
        plan = f'[dial_plan]\ndefault = [\n  {{ number = "10XX", to = "user:{{number}}" }},{story.RULES}]\n'
        for name in ("music.wav", "advert.wav"):
            (folder / name).touch()
        config, mistakes = loads(
            f'[server]\ndata_dir = "{folder}"\n{users}{plan}{story.CENTRE}', str(folder / "story.toml")
        )
        assert config is not None, mistakes
        self.config, self.folder = config, folder
        self.records: list[AnyRecord] = []
        self.board = SimControl(play_s=length_s, write=self.write)
        self.centre: CallCentre | None = None
        self.tasks: list[asyncio.Task[None]] = []

    def write(self, record: AnyRecord) -> None:
        self.records.append(record)
        if self.centre is not None:
            self.centre.desk.observe(record)

    async def say(self, text: str, voice: str = "") -> str:
        return f"en||{text}"

    async def open(self) -> CallCentre:
        config, board = self.config, self.board
        destinations = Destinations({}, self.say, 60.0)
        self.office = Office(
            config,
            Around(
                control=board, destinations=destinations, store=MemoryStore().documents, say=self.say,
                sound=FakeSound(), send_mail=lambda mail: asyncio.sleep(0), utc=lambda: 0.0,
                write=self.records.append, folder=self.folder, music="music.wav",
            ),
        )  # fmt: skip
        await self.office.open()
        shelf = Shelf(
            None,
            Services(
                prompts=TextPrompts(), write=self.records.append, send=lambda call, to: asyncio.sleep(0),
                clock=asyncio.get_running_loop().time, message_path=str, holds=lambda name: None,
                queues=FlowQueues(lambda: centre.desk),
            ),
        )  # fmt: skip
        shelf.load()

        async def flow(call: Call, name: str, rule: object) -> None:
            await shelf.serve(call, name)

        destinations.register("ivr", flow)
        board.put_through = Transfers(board, self.office.routing, destinations).put_through
        self.centre = centre = CallCentre(
            config, board, self.office.routing, destinations, self.say,
            write=self.records.append, below=lambda limit: 0, log=print, utc=lambda: 0.0,
        )  # fmt: skip
        self.centre.desk.start()
        return self.centre

    @property
    def desk(self) -> Desk:
        assert self.centre is not None
        return self.centre.desk

    def told(self, kind: type[R]) -> list[R]:
        """The records of one kind."""
        return [record for record in self.records if isinstance(record, kind)]

    def dial(self, user: str, number: str) -> SimLeg:
        leg = self.board.incoming(user, "", number, user)
        call = Call(self.board, leg, number, user)
        to, rule = self.office.routing.find(number, "default")
        leg.story.routed(str(to), str(rule.number))
        self.tasks.append(asyncio.get_running_loop().create_task(self.serve(call, number)))
        return leg

    async def serve(self, call: Call, number: str) -> None:
        try:
            await self.office.routing.send(call, number, "default")
        except CallerGone:
            pass
        except CallError as error:
            call.leg.hangup(error.status, error.reason)
        finally:
            call.leg.hangup(200 if call.leg.was_answered else 480)
