# SPDX-License-Identifier: Apache-2.0
"""A whole office on the simulated exchange, in virtual time: its configuration is a text, as in a file."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.call import Call
from switchroom.pbx.config import ConfigError, loads
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.events import AnyRecord
from switchroom.pbx.office import Around, Office
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl, SimLeg, SimPhone
from switchroom.pbx.storage.memory import MemoryStore

MORNING_S = datetime.fromisoformat("2026-11-25T10:00+00:00").timestamp()
USERS = "".join(
    f'[[user]]\nname = "{name}"\npassword = "x"\npin = "{name}"\n{{{index}}}\n'
    for index, name in enumerate(("1001", "1002", "1003", "1004"))
)
PLAN = """[dial_plan]
default = [{ number = "10XX", to = "user:{number}" }, { number = "0Z.", to = "sip:{number}@carrier" },
            { number = "8100", to = "meet-me" }]
"""
MUSIC = "music.wav"


class FakeSound:
    """Recordings that are all of one length."""

    def __init__(self) -> None:
        self.duration_ms = 4000
        self.finished: list[str] = []

    async def finish(self, recording: str, wav: str, quiet_dbfs: float | None) -> int:
        self.finished.append(wav)
        self._write(wav)
        return self.duration_ms

    async def read(self, wav: str) -> bytes:
        return self._read(wav)

    def _read(self, wav: str) -> bytes:
        return Path(wav).read_bytes()

    def _write(self, wav: str) -> None:
        Path(wav).write_bytes(b"RIFF")


class OfficeRig:
    """The office, its simulated phones, and what was written down and mailed."""

    def __init__(self, folder: Path, config: str = "", desks: tuple[str, str, str, str] = ("", "", "", "")) -> None:
        text = "\n".join((USERS.format(*desks), PLAN, config))
        loaded, mistakes = loads(text, "office.toml")
        if loaded is None:
            raise ConfigError(mistakes)
        self.config = loaded
        self.folder = folder
        self.control = SimControl()
        self.store = MemoryStore()
        self.sound = FakeSound()
        self.records: list[AnyRecord] = []
        self.mails: list[EmailMessage] = []
        self.mail_trouble: list[Exception] = []
        self.now_s = MORNING_S
        self.said: list[str] = []

    async def open(self) -> "OfficeRig":
        """Must be called within the loop."""
        self.destinations = Destinations({}, self.speak, 60.0)
        self.office = Office(
            self.config,
            Around(
                control=self.control,
                destinations=self.destinations,
                store=self.store.documents,
                say=self.say,
                sound=self.sound,
                send_mail=self.send_mail,
                utc=lambda: self.now_s + asyncio.get_running_loop().time(),
                write=self.records.append,
                folder=self.folder,
                music=MUSIC,
            ),
        )
        await self.office.open()
        return self

    async def say(self, text: str, language: str) -> str:
        return await self.speak(text)

    async def speak(self, text: str) -> str:
        self.said.append(text)
        return text

    async def send_mail(self, mail: EmailMessage) -> None:
        if self.mail_trouble:
            raise self.mail_trouble.pop(0)
        self.mails.append(mail)

    def phone(self, name: str, **behaviour: object) -> None:
        """A phone: `1002` a user's, anything else a URI."""
        target = f"user:{name}" if name.isdecimal() and len(name) == 4 else name
        self.control.phones[target] = SimPhone(**behaviour)  # type: ignore[arg-type]

    def calls(self, caller: str, number: str) -> SimLeg:
        """Somebody calls: a user when there is one of that name, else a stranger in the context `default`."""
        user = caller if caller in self.office.desks.profiles else ""
        leg = self.control.incoming(caller, "", number, user)
        call = Call(self.control, leg, number, user)
        self._serving = getattr(self, "_serving", set())
        task = asyncio.get_running_loop().create_task(self._serve(call, number))
        self._serving.add(task)
        return leg

    async def _serve(self, call: Call, number: str) -> None:
        try:
            await self.office.routing.send(call, number, call.context)
        except CallerGone:
            pass
        except CallError as error:
            call.leg.hangup(error.status, error.reason)
        finally:
            call.leg.hangup(480 if call.leg.state != "answered" else 200)

    def to(self, label: str) -> list[SimLeg]:
        """The legs that were rung at a label, in order."""
        return [leg for leg in self.control.legs if leg.called and leg.party.number == label]


def play(
    tmp_path: Path,
    script: Callable[[OfficeRig], Awaitable[None]],
    config: str = "",
    desks: tuple[str, str, str, str] = ("", "", "", ""),
) -> OfficeRig:
    """Run a script in an office of the users 1001 to 1004 (`desks`: further keys of each), to its end."""
    rig = OfficeRig(tmp_path, config, desks)

    async def main() -> None:
        await rig.open()
        try:
            await script(rig)
        finally:
            for leg in list(rig.control.legs):
                leg.leave()
            await asyncio.sleep(1)
            await rig.office.close()

    run(main())
    return rig


async def after(seconds: float) -> None:
    """Let so much time go by."""
    await asyncio.sleep(seconds)
