# SPDX-License-Identifier: Apache-2.0
"""`switchroom demo`: a small exchange on 127.0.0.1, with users to register as and numbers to dial.

It prints what to do, and then, live, what happens. `--busy` adds people (pbx/demo_people.py), and on a terminal the
wallboard (pbx/wallboard.py) in place of the lines.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from rich.console import Console
from rich.live import Live

from switchroom.pbx import logs
from switchroom.pbx.config import Config, ConfigError, loads
from switchroom.pbx.demo_people import CALLERS_HOST
from switchroom.pbx.events import (
    AgentStatusSet,
    AnyRecord,
    CallBridged,
    CallEnded,
    CallRated,
    CallRouted,
    CallStarted,
    LegAnswered,
    LegHeld,
    LegResumed,
    LegRinging,
    QueueAbandoned,
    QueueAnswered,
    QueueEntered,
    QueueOffered,
    RegistrationAdded,
    RegistrationRemoved,
    SupervisorJoined,
)
from switchroom.pbx.journal import Gap
from switchroom.pbx.server import Server
from switchroom.pbx.wallboard import Wallboard

FIRST_USER, LAST_USER = 1001, 1020
LAST_AGENT = 1010
TOKEN = "demo-operator"
LOOK_S = 0.5
"""How often the wallboard is drawn."""

NUMBERS = (
    ("9000", "echo", "you hear yourself"),
    ("9001", "speak:Welcome to Switchroom. This exchange is working, and you can hear it.", "a spoken sentence"),
    ("9002", "tone:1000", "a tone of 1 kHz"),
    ("9003", "ring", "rings for ever"),
    ("9004", "busy", "is busy"),
    ("9005", "digits", "reads back the digits that you press"),
    ("9010", "conference:demo", "a conference; a tone tells who comes and goes"),
    ("9011", "repeat", "records what you say, and plays it back"),
    ("9012", "keys", "reads back keys that it hears as tones"),
    ("9013", "music:default", "music on hold"),
    ("8888", "ivr:demo", "greets you: 1 sales, 2 support, 3 self-service, 8 Chinese; then asks how it was"),
    ("8000", "queue:sales", "the sales queue"),
    ("8001", "queue:support", "the support queue"),
    ("*11", "agent:login", f"logs you in as an agent ({FIRST_USER} to {LAST_AGENT}); *12 logs you out"),
    ("*13X", "agent:break:{number:3}", "takes a break: *131 to *134; *14 ends it, *15 a wrap-up"),
    (f"*21{FIRST_USER // 100}XX", "supervise:{number:3}", f"listens to an agent, from {LAST_USER}; then press 4 to 7"),
)
OUTSIDE = ("8888", "8000", "8001")
"""What callers from the outside reach."""
HIDDEN = (("*12", "agent:logout"), ("*14", "agent:available"), ("*15", "agent:done"), ("*22", "pick:sales"))
PEOPLE = f"""
[[peer]]
name = "outside"
addresses = ["{CALLERS_HOST}"]
context = "outside"
"""
CENTRE = """
[acd]
break_reasons = ["break", "lunch", "meeting", "training"]
[queue.sales]
title = "Sales"
strategy = "longest-idle"
greeting = "speak:Welcome to the sales department."
whisper = "speak:A call for sales."
wrap_up_s = 5.0
same_agent = "ask"
choices = { "1" = "callback", "9" = "leave" }
[queue.support]
title = "Support"
strategy = "fewest-calls"
greeting = "speak:Welcome to the support department."
whisper = "speak:A call for support."
wrap_up_s = 5.0
overflow = [{ when = "wait", after_s = 60.0, to = "queue:sales" }]
"""


def configuration(data_dir: str, *, busy: bool = False) -> str:
    """The demo's configuration, as a file would hold it."""
    outside = [f'  {{ number = "{number}", to = "{to}" }},' for number, to, _ in NUMBERS if number in OUTSIDE]
    numbers = [(number, to) for number, to, _ in NUMBERS]
    rules = [f'  {{ number = "{number}", to = "{to}" }},' for number, to in (*numbers, *HIDDEN)]
    agents = [
        f'[[agent]]\nname = "{number}"\nqueues = {{ sales = 1, support = 1 }}\n'
        for number in range(FIRST_USER, LAST_AGENT + 1)
    ]
    team = f'[[team]]\nname = "everybody"\nagents = ["*"]\nsupervisors = ["{LAST_USER}"]\n'
    users = [
        f'[[user]]\nname = "{number}"\npassword = "pw{number}"\ndisplay_name = "Phone {number}"\npin = "{number}"\n'
        for number in range(FIRST_USER, LAST_USER + 1)
    ]
    return "\n".join(
        [
            "[server]",
            f'data_dir = "{data_dir}"',
            'log_level = "warning"',
            'log_format = "text"',
            "drain_s = 5.0",
            "[sip]",
            'listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]',
            "[media]",
            'address = "127.0.0.1"',
            "[rpc]",
            'listen = "127.0.0.1:8080"',
            f'tokens = [{{ name = "demo", token = "{TOKEN}" }}]',
            "[group.all]",
            f'members = ["{FIRST_USER}", "{FIRST_USER + 1}", "{FIRST_USER + 2}"]',
            'number = "610"',
            "[dial_plan]",
            "default = [",
            '  { number = "10XX", to = "user:{number}" },',
            *rules,
            "]",
            "outside = [",
            *outside,
            "]",
            *users,
            CENTRE,
            *agents,
            team,
            PEOPLE if busy else "",
        ]
    )


def demo(busy: bool = False, seed: int = 1) -> int:
    """Run until interrupted; `busy`: with people, drawn from the seed."""
    with tempfile.TemporaryDirectory(prefix="switchroom-demo-") as folder:
        config, mistakes = loads(configuration(folder, busy=busy), str(Path(folder) / "demo.toml"))
        if config is None:
            raise ConfigError(mistakes)
        logs.configure(config.server.log_level, config.server.log_format)
        uvloop.run(_run(config, seed if busy else None))
    return 0


async def _run(config: Config, seed: int | None) -> None:
    server = Server(config)
    around: list[asyncio.Task[None]] = []

    def started() -> None:
        console = Console()
        if seed is not None and console.is_terminal:
            around.append(asyncio.ensure_future(_show(server, console)))
        else:
            _introduce()
            around.append(asyncio.ensure_future(_watch(server)))
        if seed is not None:
            around.append(asyncio.ensure_future(_people(seed, Path(config.server.data_dir) / "speech")))

    server.on_started = started
    try:
        await server.serve()
    finally:
        for task in around:
            task.cancel()
        await asyncio.gather(*around, return_exceptions=True)


async def _people(seed: int, speech: Path) -> None:
    """The people live as long as this task."""
    command = (sys.executable, "-m", "switchroom.pbx.demo_people", "127.0.0.1:5060", str(seed), str(speech))
    people = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, start_new_session=True)
    try:
        await people.wait()
        print("switchroom: the people of the demo have left", file=sys.stderr)
    finally:
        if people.returncode is None:
            people.terminate()
            await people.wait()


async def _show(server: Server, console: Console) -> None:
    """Draw the wallboard, until the end."""
    board = Wallboard(
        server.call_centre.floor, "Switchroom demo: dial 8888, 8000 or 8001; Ctrl-C ends",
        lambda: time.strftime("%H:%M:%S"),
    )  # fmt: skip

    async def follow() -> None:
        async for entry in server.journal.subscribe(0):
            if not isinstance(entry, Gap):
                board.take(entry.record, describe(entry.record))

    following = asyncio.ensure_future(follow())
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(board.picture(console.height), refresh=True)
                await asyncio.sleep(LOOK_S)
    finally:
        following.cancel()


def _introduce() -> None:
    print(
        f"""Switchroom demo: SIP on 127.0.0.1:5060 (UDP and TCP), operators on http://127.0.0.1:8080/rpc

Register a phone: user {FIRST_USER} to {LAST_USER}, password "pw" and the number, server 127.0.0.1, for example
  baresip:  <sip:{FIRST_USER}@127.0.0.1>;auth_pass=pw{FIRST_USER}
  pjsua --id sip:{FIRST_USER}@127.0.0.1 --registrar sip:127.0.0.1 --realm '*' --username {FIRST_USER} \\
        --password pw{FIRST_USER}
Dial another phone ({FIRST_USER} to {LAST_USER}), or"""
    )
    for number, _, text in NUMBERS:
        print(f"  {number}  {text}")
    print(
        f"  610   rings {FIRST_USER} to {FIRST_USER + 2}; *8 picks up a call that rings there\n"
        "  700   parks the call on hold; 701 takes it up again\n"
        "  *72 and a number forwards all calls, *73 ends it; *78 and *79: do not disturb"
    )
    print(f"Ask the exchange: switchroom rpc system.status --token {TOKEN}\nEnd with Ctrl-C.\n", flush=True)


async def _watch(server: Server) -> None:
    """Print what happens, as it happens."""
    async for entry in server.journal.subscribe(0):
        if not isinstance(entry, Gap) and (text := describe(entry.record)):
            print(text, flush=True)


def describe(record: AnyRecord) -> str:
    """A line for a person; empty for what need not be shown."""
    match record:
        case RegistrationAdded():
            return f"{record.user} registered from {record.source} for {record.expires_s} s"
        case RegistrationRemoved():
            return f"{record.user} at {record.contact}: {record.reason}"
        case CallStarted():
            return f"[{_short(record.call)}] {record.caller} calls {record.dialled}"
        case CallRouted():
            return f"[{_short(record.call)}] to {record.destination}"
        case LegRinging():
            return f"[{_short(record.call)}] ringing"
        case LegAnswered():
            return f"[{_short(record.call)}] answered ({record.codec})"
        case CallBridged():
            return f"[{_short(record.call)}] talking"
        case LegHeld():
            return f"[{_short(record.call)}] on hold"
        case LegResumed():
            return f"[{_short(record.call)}] off hold"
        case AgentStatusSet():
            return f"agent {record.agent}: {record.status} {record.reason}".rstrip()
        case QueueEntered():
            return f"[{_short(record.call)}] {record.caller} waits in {record.queue}, number {record.position}"
        case QueueOffered():
            return f"[{_short(record.call)}] offered to {', '.join(record.agents)} ({record.rule})"
        case QueueAnswered():
            return f"[{_short(record.call)}] agent {record.agent} took it after {record.waited_ms / 1000:.1f} s"
        case QueueAbandoned():
            return f"[{_short(record.call)}] gave up after {record.waited_ms / 1000:.1f} s"
        case CallRated():
            return f"[{_short(record.call)}] rated agent {record.agent}: {record.grade}"
        case SupervisorJoined():
            return f"{record.supervisor} is with agent {record.agent}: {record.mode}"
        case CallEnded():
            return f"[{_short(record.call)}] ended: {record.result}, by {record.ended_by}"
        case _:
            return ""


def _short(call: str) -> str:
    return call.partition("-")[0]
