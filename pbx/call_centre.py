# SPDX-License-Identifier: Apache-2.0
"""The call centre of a running exchange: the desk, its supervisors and dial codes, joined to dial plan and speech."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from switchroom.ivr.services import QueueOutcome, QueueResult
from switchroom.pbx.acd.codes import Codes
from switchroom.pbx.acd.desk import Centre, Desk
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.floor import Floor
from switchroom.pbx.acd.restart import Kept, KeptFold, lost, restore
from switchroom.pbx.acd.supervisor import Supervisors
from switchroom.pbx.acd.voice import Spoken
from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.call import Call
from switchroom.pbx.config import Config
from switchroom.pbx.control import CallControl, CallError, Endpoint
from switchroom.pbx.dialplan import Destination
from switchroom.pbx.events import AnyRecord, Entry
from switchroom.pbx.journal import Gap, Journal, Subscription

SAVE_S = 10.0
"""How often what is known over a restart is saved; what came since is read from the journal."""
MAX_TAIL = 1_000_000
"""So many entries of the journal at most are read for that at the start."""
VOICES = {"en": "en", "zh": "cmn"}


class DialPlanWays:
    """Targets and numbers by the dial plan."""

    def __init__(self, board: CallControl, routing: Routing, destinations: Destinations, context: str) -> None:
        self._board, self._routing, self._destinations, self._context = board, routing, destinations, context

    def find(self, target: str) -> list[Endpoint]:
        codecs: tuple[str, ...] = ()
        if ":" not in target:
            route = self._routing.plan.route(target, self._context)
            if route is None or route.to.kind not in ("user", "sip"):
                raise CallError(404, f"{target} leads to no telephone", "not-found")
            target, codecs = str(route.to), route.rule.codecs
        return self._board.endpoints(target, codecs)

    def route(self, number: str) -> str:
        if ":" in number:
            return number
        route = self._routing.plan.route(number, self._context)
        if route is None:
            raise CallError(404, f"{number} leads nowhere", "not-found")
        return str(route.to)

    async def send(self, call: Call, to: str) -> None:
        destination = Destination.from_text(to)
        await self._destinations.send(call, destination.kind, destination.argument)


class FlowQueues:
    """The queues, as IVR flows know them."""

    def __init__(self, desk: Callable[[], Desk]) -> None:
        self._desk = desk

    async def serve(self, call: Call, queue: str, **wishes: Any) -> QueueOutcome:
        desk = self._desk()
        if wishes.get("agent") not in desk.scheduler.agents:  # what a caller typed may be nobody
            wishes.pop("agent", None)
        try:
            served = await desk.serve(call, queue, follow=False, **wishes)
        except AcdError as error:
            raise CallError(error.status, str(error)) from error
        result: QueueResult
        if served.result == "answered" and served.to:
            await desk.follow(call, served)  # the agent has passed the caller on
            result = "served"
        elif served.to == "callback":
            desk.call_back(call.id, served.queue, call.caller, desk.now() - served.waited_s)
            result = "callback"
        elif served.to.startswith("voicemail:"):
            result = "voicemail"
        elif served.to:
            await desk.follow(call, served)
            result = "left"
        else:
            result = _RESULTS.get(served.reason, "served" if served.result == "answered" else "left")
        key = served.reason.removeprefix("choice ") if served.reason.startswith("choice ") else ""
        return QueueOutcome(served.queue, result, served.agent, served.waited_s, key)

    async def call_back(self, call: Call, queue: str, number: str) -> bool:
        desk = self._desk()
        try:
            desk.call_back(call.id, queue, number, desk.now())
        except CallError:
            return False
        return True


_RESULTS: dict[str, QueueResult] = {
    "wait": "timeout", "full": "full", "lines": "full", "estimate": "full", "service-level": "full",
    "closed": "closed", "nobody": "closed",
}  # fmt: skip


class CallCentre:
    """Made by the server when its parts are there."""

    def __init__(
        self,
        config: Config,
        board: CallControl,
        routing: Routing,
        destinations: Destinations,
        say: Callable[[str, str], Awaitable[str]],
        *,
        write: Callable[[AnyRecord], object],
        below: Callable[[int], int],
        log: Callable[..., Any],
        utc: Callable[[], float],
    ) -> None:
        self._file = Path(config.server.data_dir) / "call-centre.json"
        self._utc = utc
        self._log = log
        self._saving: asyncio.TimerHandle | None = None

        async def speak(text: str, language: str) -> str:
            return await say(text, VOICES.get(language, language))

        self.desk = Desk(
            board,
            Centre(acd=config.acd, queues=config.queues, agents=config.agents, teams=config.teams),
            DialPlanWays(board, routing, destinations, config.acd.context),
            Spoken(speak),
            write=write,
            below=below,
            log=log,
        )
        self.supervisors = Supervisors(self.desk)
        self.floor = Floor(self.desk, self.supervisors)
        self._following: asyncio.Task[None] | None = None
        codes = Codes(self.desk, self.supervisors)
        for kind, handler in (
            ("queue", codes.queue),
            ("agent", codes.agent),
            ("supervise", codes.supervise),
            ("pick", codes.pick),
        ):
            destinations.register(kind, handler)

    async def start(self, journal: Journal) -> None:
        """Take calls, as the journal says how things were, and follow it from now on."""
        kept = self._load()
        last = journal.last
        kept.number = max(min(kept.number, last), last - MAX_TAIL)  # another journal's number, or a lost file
        if kept.number < last:
            async for entry in journal.subscribe(kept.number):
                if isinstance(entry, Entry):
                    self._kept.add(entry)
                if (entry.number if isinstance(entry, Entry) else entry.last) >= last:
                    break
        for record in lost(kept):
            self.desk.write(record)
        restore(self.desk, kept, self._utc())
        self.desk.start()
        self._following = asyncio.create_task(self._follow(journal.subscribe(last)))

    def apply(self, config: Config) -> None:
        """Other queues, agents and teams are in force; calls that go on are not touched."""
        self.desk.apply(Centre(acd=config.acd, queues=config.queues, agents=config.agents, teams=config.teams))
        self.floor.apply()

    async def close(self) -> None:
        """Stop what goes on."""
        self._save()
        await self.desk.close()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self, records: Subscription) -> None:
        while (entries := await records.next()) is not None:
            if isinstance(entries, Gap):
                continue
            for entry in entries:
                self.floor.take(entry)
                self._kept.add(entry)
            if self._saving is None:
                self._saving = asyncio.get_running_loop().call_later(SAVE_S, self._save)

    def _load(self) -> Kept:
        kept = Kept()
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=Kept)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError) as error:
            self._log("acd.restart", file=str(self._file), error=str(error))
        self._kept = KeptFold(kept, lambda queue: self._attempts(queue))
        return kept

    def _attempts(self, queue: str) -> int:
        found = self.desk.scheduler.queues.get(queue)
        return found.config.callback_attempts if found is not None else 0

    def _save(self) -> None:
        """Replace the file at one stroke, so that it is whole at any moment."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        unfinished = self._file.with_suffix(".part")
        try:
            unfinished.write_bytes(msgspec.json.encode(self._kept.kept))
            os.replace(unfinished, self._file)
        except OSError as error:
            self._log("acd.restart", file=str(self._file), error=str(error))
