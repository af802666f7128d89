# SPDX-License-Identifier: Apache-2.0
"""A whole call centre on the simulated CallControl, in virtual time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from switchroom.pbx.acd.config import AcdConfig, AgentConfig, QueueConfig, TeamConfig
from switchroom.pbx.acd.desk import Centre, Desk
from switchroom.pbx.acd.visit import Served
from switchroom.pbx.call import Call
from switchroom.pbx.control import NORMAL, CallerGone, CallError, Endpoint, Presentation
from switchroom.pbx.events import AnyRecord, Record
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl, SimPhone
from switchroom.pbx.sim.leg import SimLeg


class Mute:
    """A voice whose words are file names."""

    async def say(self, text: str, language: str) -> list[str]:
        return [f"{language}:{text}"]

    async def place(self, position: int, wait_s: float | None, language: str) -> list[str]:
        return [f"{language}:place {position} wait {wait_s}"]

    async def phrase(self, name: str, language: str, value: str = "") -> list[str]:
        return [f"{language}:{name}"]


class SimWays:
    """Numbers are targets of the simulation; where calls are sent is kept."""

    def __init__(self, control: SimControl) -> None:
        self.control = control
        self.sent: list[tuple[str, str]] = []

    def find(self, target: str) -> list[Endpoint]:
        return self.control.endpoints(target)

    def route(self, number: str) -> str:
        return f"queue:{number}" if number in ("q", "other") else f"user:{number}"

    async def send(self, call: Call, to: str) -> None:
        self.sent.append((call.caller, to))


class SimCentre:
    """Agents are the phones `user:NAME`; `queue` options hold for queue `q`, and there is a queue `other`."""

    def __init__(
        self,
        agents: dict[str, dict[str, Any]],
        phones: dict[str, SimPhone] | None = None,
        teams: tuple[TeamConfig, ...] = (),
        acd: AcdConfig | None = None,
        **queue: Any,
    ) -> None:
        names = {f"user:{agent}": SimPhone() for agent in agents}
        self.control = SimControl(names | (phones or {}))
        self.records: list[AnyRecord] = []
        self.times: list[float] = []
        self.ways = SimWays(self.control)
        self.served: dict[str, Served | str] = {}
        self.faults: list[Any] = []
        options = {"queues": {"q": 1, "other": 1}, "logged_in": True}
        self.centre = Centre(
            acd=acd or AcdConfig(),
            queues={"q": msgspec.convert({"wrap_up_s": 0} | queue, QueueConfig), "other": QueueConfig(wrap_up_s=0)},
            agents=[msgspec.convert({"name": name} | options | given, AgentConfig) for name, given in agents.items()],
            teams=teams,
        )
        self.desk: Desk

    def write(self, record: AnyRecord) -> None:
        self.records.append(record)
        self.times.append(asyncio.get_running_loop().time())

    def log(self, event: str, **fields: Any) -> None:
        self.faults.append((event, fields))

    def run(self, script: Callable[["SimCentre"], Awaitable[None]]) -> "SimCentre":
        async def main() -> None:
            self.desk = Desk(
                self.control, self.centre, self.ways, Mute(), write=self.write, below=random.Random(1).randrange,
                log=self.log,
            )  # fmt: skip
            self.desk.start()
            await script(self)
            await self.desk.close()

        run(main())
        return self

    def caller(
        self, number: str, queue: str = "q", presentation: Presentation = NORMAL, **options: Any
    ) -> tuple[SimLeg, "asyncio.Task[None]"]:
        """Somebody calls; the task ends with the call."""
        leg = self.control.incoming(number)
        call = Call(self.control, leg, queue)
        call.presentation = presentation

        async def serve() -> None:
            try:
                self.served[number] = await self.desk.serve(call, queue, **options)
            except CallerGone:
                self.served[number] = "gone"
            except CallError as error:
                self.served[number] = str(error.status)
            finally:
                leg.hangup()

        return leg, asyncio.create_task(serve())

    def told(self, kind: type[Record]) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]
