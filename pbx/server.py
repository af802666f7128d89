# SPDX-License-Identifier: Apache-2.0
"""The exchange as one object: what `switchroom serve` runs, and what a program embeds.

It builds the parts in their order, joins them, and takes them down again; what the parts do is theirs.
"""

import asyncio
import gc
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop

import switchroom
from switchroom.ivr.shelf import PythonFlow
from switchroom.ivr.spoken import Language, language_of
from switchroom.media.events import MediaEvent, PlaneGone, PlaneLate
from switchroom.media.server import MediaServer
from switchroom.pbx.acd.config import targets
from switchroom.pbx.admission import Admission
from switchroom.pbx.apps.destinations import App, Destinations
from switchroom.pbx.apps.prompt_recorder import PromptRecorder
from switchroom.pbx.apps.sound_check import SoundCheck
from switchroom.pbx.apps.steps import Steps
from switchroom.pbx.apps.transfer import Transfers
from switchroom.pbx.call_centre import CallCentre, FlowQueues
from switchroom.pbx.calls.incoming import Incoming
from switchroom.pbx.calls.switchboard import Switchboard
from switchroom.pbx.cdr_sink import CdrSink
from switchroom.pbx.click_to_dial import ClickToDial
from switchroom.pbx.config import Config, load
from switchroom.pbx.dialplan import Destination, Pattern, Rule
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.events import (
    AnyRecord,
    MediaGone,
    MediaLate,
    RegistrationAdded,
    RegistrationRemoved,
    ServerStarted,
    ServerStopped,
)
from switchroom.pbx.flows import Flows
from switchroom.pbx.gatekeeper import Gatekeeper
from switchroom.pbx.ids import RandomIds
from switchroom.pbx.io.address import Listener
from switchroom.pbx.io.dns import Dns
from switchroom.pbx.io.stack import SipStack
from switchroom.pbx.io.transports import Transports
from switchroom.pbx.journal import Journal
from switchroom.pbx.logs import log
from switchroom.pbx.loop_lateness import LoopLateness
from switchroom.pbx.music import own_music
from switchroom.pbx.office import Around, FlowMailboxes, Office
from switchroom.pbx.operations import Operations
from switchroom.pbx.recording_index import RecordingIndex
from switchroom.pbx.registrar import Registrar
from switchroom.pbx.reload import reload
from switchroom.pbx.reports.explanations import Explanations
from switchroom.pbx.reports.reports import Reports
from switchroom.pbx.rpc.server import RpcServer
from switchroom.pbx.security.watch import Watch
from switchroom.pbx.settings import hold_music, registration_rules, tcp_limits
from switchroom.pbx.sip.timers import TimerValues
from switchroom.pbx.smtp import Smtp
from switchroom.pbx.sound import SoundFiles
from switchroom.pbx.storage.opening import open_store
from switchroom.pbx.tls import TlsKeeper
from switchroom.pbx.trace import Trace
from switchroom.pbx.trunk_keeper import TrunkKeeper
from switchroom.pbx.trunk_memory import TrunkMemory
from switchroom.pbx.trunks.trunks import Trunks
from switchroom.pbx.watching import Watching


class Server:
    """One exchange.

    `config` is a Config, the path of a TOML file, or nothing for the defaults. A program adds its own applications with
    `route`, and then calls `run`, or `start` and `close` on an event loop of its own.
    """

    def __init__(self, config: Config | str | Path | None = None, path: Path | None = None) -> None:
        self.path: Path | None = path
        """The file that `reload` reads again."""
        if isinstance(config, (str, Path)):
            self.path = Path(config)
            config = load(config)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if config is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="switchroom-")
            config = Config()
            config = msgspec.structs.replace(
                config, server=msgspec.structs.replace(config.server, data_dir=self._scratch.name)
            )
        self.config = config
        self._apps: dict[str, App] = {}
        self._flows: dict[str, PythonFlow] = {}
        self._rules: list[Rule] = []
        self.on_started: Callable[[], None] = lambda: None
        """Called by `run` and `serve` once calls are taken."""
        self.lateness = LoopLateness()
        self.rpc: RpcServer | None = None
        self.watching: Watching | None = None
        self.centre: CallCentre | None = None

    def route(self, number: str) -> Callable[[App], App]:
        """Let calls to a number, or pattern of the dial plan, be served by the async function that follows.

        These rules come before those of the configuration, in the context `default`.
        """

        def register(app: App) -> App:
            name = f"{app.__module__}.{app.__qualname__}:{number}"
            self._apps[name] = app
            self._rules.append(Rule(number=Pattern.from_text(number), to=Destination("app", name)))
            return app

        return register

    def flow(self, name: str) -> Callable[[PythonFlow], PythonFlow]:
        """Let the async function that follows be an IVR flow: destination `ivr:NAME` of the dial plan."""

        def register(work: PythonFlow) -> PythonFlow:
            self._flows[name] = work
            return work

        return register

    # ---- running

    def run(self) -> None:
        """Run until SIGTERM or SIGINT: running calls may end then, new ones are refused; a second signal ends all."""
        uvloop.run(self.serve())

    async def serve(self) -> None:
        """The same on the running event loop."""
        loop = asyncio.get_running_loop()
        stop, now = asyncio.Event(), asyncio.Event()

        def signalled() -> None:
            (now if stop.is_set() else stop).set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, signalled)
        await self.start()
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        _spare_the_collector()
        self.on_started()
        try:
            await stop.wait()
            await self.drain(now)
        finally:
            await self.close("signal")

    async def start(self) -> None:
        """Open everything. Raises OSError where an address cannot be bound, SwitchroomError for what else is wrong."""
        self._settle_config()
        self.ids = RandomIds(self.config.server.name)
        await self._open_records()
        await self._open_signalling()
        await self._open_media()
        await self._open_calls()
        await self._open_call_centre()
        await self._take_calls()
        await self._let_operate()

    def _settle_config(self) -> None:
        """The folder for what is kept, and music of our own where none is given."""
        config = self.config
        os.makedirs(config.server.data_dir, exist_ok=True)
        if "default" not in config.music:
            ours = own_music(Path(config.server.data_dir) / "music")
            self.config = msgspec.structs.replace(config, music={**config.music, "default": ours})

    async def _open_records(self) -> None:
        """The journal, and what is derived from it as it grows."""
        config = self.config
        self.store = await open_store(config.storage.url.reveal(), Path(config.server.data_dir), config.journal.sync)
        self.journal = await Journal.open(
            self.store.journal,
            time.time_ns,
            first=ServerStarted(version=switchroom.__version__),
            batch_ms=config.journal.batch_ms,
            batch_records=config.journal.batch_records,
            max_pending=config.journal.max_pending,
            keep_days=config.journal.keep_days,
            on_error=log.error,
        )
        self.cdrs = CdrSink(self.journal, self.store.cdrs)
        index = RecordingIndex(self.journal, self.store.recordings)
        self._folding = [asyncio.create_task(self.cdrs.run()), asyncio.create_task(index.run())]

    async def _open_signalling(self) -> None:
        """SIP without its listeners, and who is registered."""
        config = self.config
        self.tls = TlsKeeper(config, time.time())
        self.transports = Transports(
            tcp_limits(config), config.limits.requests_per_second_per_source, self.tls.certificates
        )
        self.stack = SipStack(
            self.transports,
            self.ids,
            address=config.sip.address,
            address6=config.sip.address6,
            name=config.server.name,
            values=TimerValues(config.sip.t1_ms / 1000, config.sip.t2_ms / 1000, config.sip.t4_ms / 1000),
            dns=Dns([str(server) for server in config.sip.dns]),
            on_fault=lambda error: log.error("sip.fault", error=repr(error), exc_info=error),
        )
        self.registrar = Registrar(
            {user.name: user.max_contacts for user in config.users},
            registration_rules(config),
            self.store.bindings,
            self._write,
            time.time,
        )
        await self.registrar.load()
        self.stack.on_flow_lost = self.registrar.flow_lost
        self.transports.in_use = lambda flow: self.registrar.uses(flow) or self.stack.agent.uses(flow)

    async def _open_media(self) -> None:
        self.media = MediaServer(self.config.media, self._on_media_event, hold_music(self.config))
        await self.media.start()

    async def _open_calls(self) -> None:
        """Calls, what numbers lead to, and what an office does with its telephones."""
        config, loop = self.config, asyncio.get_running_loop()
        self.trunks = Trunks(loop.time, time.time, self.ids.below, self._write)
        self.board = Switchboard(
            config=config, trunks=self.trunks, stack=self.stack, media=self.media, registrar=self.registrar,
            ids=self.ids, write=self._write, log=log.warning, utc_s=time.time,
        )  # fmt: skip
        await self.board.recordings.repair(Path(config.server.data_dir))
        self.admission = Admission(
            config.limits, loop.time, lambda: len(self.board.stories), lambda: self.transports.anteroom.waited_s
        )
        self.watch = Watch(config, time.time, self.registrar, self.transports, self._write)
        self.gatekeeper = Gatekeeper(config, self.registrar, loop.time, self.watch.guard, loop.call_later)
        self.stack.agent.unwanted = self.watch.unwanted
        self.stack.agent.handlers["REGISTER"] = self.gatekeeper.on_register
        self.destinations = Destinations(self._apps, self._speak, config.sip.no_answer_s)
        self.office = Office(
            config,
            Around(
                control=self.board, destinations=self.destinations, store=self.store.documents,
                say=self._say, language=config.ivr.language, sound=SoundFiles(), send_mail=Smtp(config.mail).send,
                utc=time.time, write=self.journal.append, folder=Path(config.server.data_dir),
                music="music:default", routes=tuple(self._rules),
            ),
        )  # fmt: skip
        SoundCheck(self.destinations, self._speak)
        Steps(self.destinations, lambda: "music:default", self.path.parent if self.path is not None else Path())
        self.flows = Flows(
            config, write=self.journal.append, destinations=self.destinations,
            dial_plan=lambda: self.office.routing.plan, log=log.warning,
            queues=FlowQueues(lambda: self.call_centre.desk), mailboxes=FlowMailboxes(self.office),
        )  # fmt: skip
        self.flows.load(self._flows)
        await self.office.open()
        recorder = PromptRecorder(
            lambda: self.config.ivr.recorders, self.office.desks.pin, self.office.pins, SoundFiles(), self.office.words,
            self._keep_prompt, self.journal.append,
        )  # fmt: skip
        self.destinations.register("record-prompt", recorder.serve)
        self.gatekeeper.sitting_at = self.office.desks.sitting_at
        self.board.phone_of = self.office.desks.phone_of
        self.board.put_through = Transfers(self.board, self.office.routing, self.destinations).put_through
        self.watching = Watching(
            self.stack.agent, self.gatekeeper, self.registrar, self.board, self.office.boxes, time.time
        )

    async def _open_call_centre(self) -> None:
        config = self.config
        self.centre = CallCentre(
            config, self.board, self.office.routing, self.destinations, self.flows.speech.say,
            write=self.journal.append, below=self.ids.below, log=log.warning, utc=time.time,
        )  # fmt: skip
        await self.centre.start(self.journal)
        self.reports = Reports(
            self.journal, self.store.journal, lambda: time.time_ns() // 1_000_000, *self.report_terms(config)
        )

        self.explanations = Explanations(
            self.centre.floor, self.journal, self.store.journal, self.store.cdrs, lambda: time.time_ns() // 1_000_000
        )

    async def _take_calls(self) -> None:
        """Phones and carriers may come now."""
        config = self.config
        self.incoming = Incoming(
            self.board,
            self.gatekeeper,
            self.admission,
            self.office.routing,
            self.destinations,
            self.office.blacklist.refuses,
            self.office.reroutes.of,
        )
        await self.stack.start([Listener(at.transport.upper(), at.host, at.port) for at in config.sip.listen])
        self.trunk_keeper = TrunkKeeper(self.stack, self.trunks, self._write)
        self.trunk_memory = await TrunkMemory.load(self.trunks, self.store.documents)
        self.use_trunks(config)
        self.trunk_memory.start()
        self.tls.start()
        await self.watch.start(self.store.documents)
        self.lateness.start(self.admission.note_lateness)

    async def _let_operate(self) -> None:
        config = self.config
        self.trace = Trace(self.stack, time.time, log.info)
        if config.sip.trace:
            self.trace.start("*")
        click_to_dial = ClickToDial(
            self.board, self.destinations, self.office.routing, config.sip.no_answer_s, log.warning
        )
        self.operations = Operations(self, click_to_dial)
        if config.rpc.enabled:
            self.rpc = RpcServer(self.operations, config.rpc, log.error)
            await self.rpc.start()

    async def drain(self, now: asyncio.Event | None = None) -> None:
        """Refuse new calls, and wait for those there are: at most `drain_s`, or until `now` is set."""
        self.admission.closed = True
        deadline = asyncio.get_running_loop().time() + self.config.server.drain_s
        while self.board.stories and asyncio.get_running_loop().time() < deadline:
            if now is not None and now.is_set():
                break
            await asyncio.sleep(0.05)

    async def close(self, reason: str = "closed") -> None:
        """End all calls and close everything, in the reverse order. Idempotent."""
        self.lateness.stop()
        self.admission.closed = True
        if self.rpc is not None:
            await self.rpc.close()
        if self.centre is not None:
            await self.centre.close()
        if self.watching is not None:
            self.watching.close()
        await self.board.close()
        await self.flows.close()
        self.tls.stop()
        await self.watch.stop()
        await self.trunk_keeper.close()
        await self.trunk_memory.stop()
        await self.stack.close()
        await self.media.close()
        await self.board.recordings.close()
        await self.registrar.close()
        self.journal.append(ServerStopped(reason=reason))
        await self.journal.close()
        await asyncio.gather(*self._folding)
        await self.store.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def report_terms(self, config: Config) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
        """What reports are to know of a configuration: the queues' targets, and the users who are agents."""
        users = {self.call_centre.desk.user_of(agent): agent.name for agent in config.agents}
        return targets(config.queues), users

    def use_trunks(self, config: Config) -> None:
        """The trunks, routes and limits of a configuration; the dial plan's hours are those of the office."""
        users = {user.name: user.outside for user in config.users}
        self.trunks.apply(config.trunks, config.routes, users, self.office.routing.plan.clockwork)
        self.gatekeeper.learned = self.trunks.learned
        self.trunk_keeper.apply()

    # ---- within

    async def _keep_prompt(self, name: str, language: Language, audio: bytes) -> None:
        await self.flows.shelf.prompts.keep(name, language, audio)

    def _on_hangup(self) -> None:
        """SIGHUP: certificates and configuration are read again; mistakes are logged, and change nothing."""
        self.tls.try_reload()
        if self.path is None:
            return
        try:
            changes = reload(self, by="SIGHUP")
        except SwitchroomError as error:
            log.error("config.refused", error=str(error))
        else:
            late = [change.key for change in changes if not change.live]
            log.info("config.reloaded", changes=[change.key for change in changes], needs_restart=late)

    @property
    def call_centre(self) -> CallCentre:
        """Queues, agents and supervisors of the running exchange."""
        assert self.centre is not None
        return self.centre

    async def _say(self, text: str, language: Language) -> str:
        """The name of a sound that says a text of a language."""
        return await self.flows.speak(text, language)

    async def _speak(self, text: str) -> str:
        """The same for a text of the configuration, which is in either language."""
        return await self._say(text, language_of(text))

    def _write(self, record: AnyRecord) -> int:
        """Put a record of calls or registrations into the journal; the call centre is told at once."""
        number = self.journal.append(record)
        if self.centre is not None:
            self.centre.desk.observe(record)
        if (type(record) is RegistrationAdded or type(record) is RegistrationRemoved) and self.watching is not None:
            self.watching.registered(record.user, isinstance(record, RegistrationAdded))
        return number

    def _on_media_event(self, event: MediaEvent) -> None:
        if isinstance(event, PlaneLate):
            self._media_late(event)
        elif isinstance(event, PlaneGone):
            self._write(MediaGone(shard=event.shard, on=event.on, reason=event.reason))
            (log.error if event.on else log.info)("media.gone", shard=event.shard, on=event.on, reason=event.reason)
        else:
            self.board.on_media_event(event)

    def _media_late(self, event: PlaneLate) -> None:
        """Told before callers hear it: the operators can still take load off this machine."""
        record = MediaLate(
            shard=event.shard, on=event.on, late_slots=event.late_slots, skipped_slots=event.skipped_slots,
            worst_ms=round(event.worst_ms, 1),
        )  # fmt: skip
        self._write(record)
        (log.warning if event.on else log.info)("media.late", **msgspec.structs.asdict(record))


def _spare_the_collector() -> None:
    """Let the garbage collector look at what is new, in small portions, and hardly ever at the rest.

    Calls leave no circles behind, so there is next to nothing for it to find; but transactions live for half a minute
    by RFC 3261, and looking through all of them again and again would cost more than the calls themselves, in long
    pauses.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(25_000, 50, 100)
