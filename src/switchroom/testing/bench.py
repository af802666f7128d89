# SPDX-License-Identifier: Apache-2.0
"""A bench for IVR flows: the real flow code on the simulated exchange, with a clock that jumps."""

import asyncio
from collections.abc import Awaitable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from switchroom.ivr import document
from switchroom.ivr.document import Document
from switchroom.ivr.services import Services
from switchroom.ivr.shelf import FlowRefused, PythonFlow, Shelf
from switchroom.ivr.spoken import Language
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.events import AnyRecord
from switchroom.pbx.sim.clock import VirtualLoop
from switchroom.pbx.sim.control import SimControl
from switchroom.pbx.sim.leg import SimLeg
from switchroom.testing.caller import Caller
from switchroom.testing.world import FakeOutside, FakeQueues, TextPrompts, length_s

T = TypeVar("T")
R = TypeVar("R")


class Bench:
    """Callers and a shelf of flows. Close it, or use it as a context manager."""

    def __init__(self, *flows: Document | str | tuple[str, PythonFlow], language: Language = "en") -> None:
        """`flows` are documents, their text, or (name, async function); the first is the one that callers reach."""
        self._loop = VirtualLoop()
        self._news: asyncio.Event = asyncio.Event()
        self.board = SimControl(play_s=length_s)
        self.queues = FakeQueues(self._tell)
        self.outside = FakeOutside()
        self.times: dict[str, bool] = {}
        """The time conditions that there are, and whether each holds."""
        self.transfers: list[tuple[SimLeg, str]] = []
        self.unreachable: dict[str, str] = {}
        """Destinations that nobody answers, each with the reason."""
        self.talk_s = 30.0
        """How long a transferred caller talks."""
        self.records: list[AnyRecord] = []
        self._callers: list[Caller] = []
        self.services = Services(
            prompts=TextPrompts(),
            write=self._write,
            send=self._send,
            clock=self._loop.time,
            message_path=lambda call: f"message-{call}",
            holds=self.times.get,
            queues=self.queues,
            outside=self.outside,
        )
        self.shelf = Shelf(None, self.services, language)
        assert self.shelf.load() == []
        names = [self._add(flow) for flow in flows]
        self._first = names[0] if names else ""

    @classmethod
    def of_file(cls, *paths: str | Path, language: Language = "en") -> Self:
        """A bench with the flows in files."""
        return cls(*(Path(path).read_text(encoding="utf-8") for path in paths), language=language)

    def call(self, flow: str = "", number: str = "13800138000", dialled: str = "4000") -> Caller:
        """Somebody calls, and comes to a flow: the first one unless told."""
        leg = self.board.incoming(number)
        leg.on_change = self._tell
        return self.run(self._begin(leg, flow or self._first, dialled))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in virtual time."""
        return self._loop.run_until_complete(work)

    async def news(self) -> None:
        """Wait until something happens on the bench."""
        self._news.clear()
        await self._news.wait()

    def records_of(self, kind: type[R], call: str) -> list[R]:
        """The records of one kind of one call."""
        return [record for record in self.records if isinstance(record, kind) and getattr(record, "call", "") == call]

    def close(self) -> None:
        """End everything; a fault in a flow that no caller has noticed is raised here."""
        self.run(self._end())
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- within

    def _add(self, flow: Document | str | tuple[str, PythonFlow]) -> str:
        if isinstance(flow, tuple):
            self.shelf.register(*flow)
            return flow[0]
        if isinstance(flow, str):
            found, mistakes = document.read(flow)
            if found is None:
                raise FlowRefused(mistakes)
            flow = found
        self.shelf.use(flow)
        return flow.name

    async def _begin(self, leg: SimLeg, flow: str, dialled: str) -> Caller:
        call = Call(self.board, leg, dialled)
        served = asyncio.ensure_future(self._serve(call, flow))
        served.add_done_callback(lambda _: self._tell())
        caller = Caller(self, leg, served)
        self._callers.append(caller)
        return caller

    async def _serve(self, call: Call, flow: str) -> None:
        try:
            await self.shelf.serve(call, flow)
        except CallerGone:
            pass
        finally:
            call.leg.hangup()

    async def _send(self, call: Call, destination: str) -> None:
        leg = call.leg
        assert isinstance(leg, SimLeg)
        self.transfers.append((leg, destination))
        self._tell()
        if (reason := self.unreachable.get(destination)) is not None:
            raise CallError(480, reason)
        await _or_gone(call, asyncio.sleep(self.talk_s))

    def _write(self, record: AnyRecord) -> None:
        self.records.append(record)
        self._tell()

    def _tell(self) -> None:
        self._news.set()

    async def _end(self) -> None:
        for caller in self._callers:
            caller.leg.leave()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)


async def _or_gone(call: Call, work: Awaitable[None]) -> None:
    """Wait for something, but no longer than the caller stays. Raises CallerGone."""
    gone = asyncio.ensure_future(call.until_hangup())
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.wait((gone, doing), return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            gone.result()
    finally:
        gone.cancel()
        doing.cancel()
