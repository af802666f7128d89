# SPDX-License-Identifier: Apache-2.0
"""The `switchroom` command: serve, media, demo, check, dial-plan, flow, rpc."""

import argparse
import sys

import switchroom
from switchroom.media.errors import MediaError
from switchroom.pbx.errors import SwitchroomError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 well, 1 something is wrong, 2 not understood."""
    parser = argparse.ArgumentParser(prog="switchroom", description="A call-centre telephone exchange.")
    parser.add_argument("--version", action="version", version=f"switchroom {switchroom.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the exchange that a configuration file describes")
    serve.add_argument("-c", "--config", required=True, metavar="FILE", help="the configuration, in TOML")

    media = commands.add_parser("media", help="run the media plane alone; a server with [media] process uses it")
    media.add_argument("-c", "--config", required=True, metavar="FILE", help="the configuration of the server")

    check = commands.add_parser("check", help="say everything that is wrong with a configuration file")
    check.add_argument("file", metavar="FILE")

    plan = commands.add_parser("dial-plan", help="say what the dial plan does with a number, and why")
    plan_commands = plan.add_subparsers(dest="plan_command", required=True, metavar="COMMAND")
    explain = plan_commands.add_parser("explain", help="which rule wins, and why no earlier one")
    explain.add_argument("caller", metavar="FROM", help="a user, a peer, or a context")
    explain.add_argument("number", metavar="NUMBER", help="what is dialled")
    explain.add_argument("at", nargs="?", default="", metavar="AT", help="when, as 2026-10-01T12:00; by default now")
    explain.add_argument("-c", "--config", required=True, metavar="FILE", help="the configuration, in TOML")

    flow = commands.add_parser("flow", help="work on IVR flows that are data")
    flow_commands = flow.add_subparsers(dest="flow_command", required=True, metavar="COMMAND")
    flow_check = flow_commands.add_parser("check", help="say everything that is wrong with flows")
    flow_check.add_argument("files", nargs="+", metavar="FILE", help="TOML or JSON")
    flow_check.add_argument("--prompts", default="", metavar="FOLDER", help="where the recordings are")

    again = commands.add_parser("reload", help="let a running exchange read its configuration file again")
    again.add_argument("--dry-run", action="store_true", help="only say what would change")
    again.add_argument("--url", default="http://127.0.0.1:8080/rpc", help="where the exchange listens (%(default)s)")
    again.add_argument("--token", default="", help="the bearer token; by default that of SWITCHROOM_TOKEN")

    day = commands.add_parser("simulate", help="run a day of the call centre on the virtual clock")
    day.add_argument("file", metavar="FILE", help="the day, in TOML (examples/day.toml)")
    day.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed makes the same day (%(default)s)")
    day.add_argument("--journal", default="", metavar="OUT", help="write the journal here, one JSON record a line")
    day.add_argument("--replay", default="", metavar="JOURNAL", help="let the callers of a journal come again")

    export = commands.add_parser("journal", help="write the journal of an exchange out, one JSON record a line")
    export.add_argument("data_dir", metavar="DATA_DIR", help="the exchange's data_dir")
    export.add_argument("--after", type=int, default=0, metavar="NUMBER", help="only what comes after this number")

    rpc = commands.add_parser("rpc", help="call a method of a running exchange")
    rpc.add_argument("method", metavar="METHOD", help="for example system.status")
    rpc.add_argument("params", nargs="?", default="{}", metavar="JSON", help="its parameters, as a JSON object")
    rpc.add_argument("--url", default="http://127.0.0.1:8080/rpc", help="where the exchange listens (%(default)s)")
    rpc.add_argument("--token", default="", help="the bearer token; by default that of SWITCHROOM_TOKEN")

    demonstrate = commands.add_parser("demo", help="run a small exchange on 127.0.0.1 to try things with")
    demonstrate.add_argument("--busy", action="store_true", help="with simulated callers and agents, and a wallboard")
    demonstrate.add_argument("--seed", type=int, default=1, metavar="N", help="which callers and agents (%(default)s)")

    options = parser.parse_args(arguments)
    try:
        match options.command:
            case "serve":
                return _serve(options.config)
            case "media":
                return _media(options.config)
            case "check":
                return _check(options.file)
            case "dial-plan":
                return _explain(options.config, options.caller, options.number, options.at)
            case "flow":
                return _check_flows(options.files, options.prompts)
            case "reload":
                from switchroom.pbx.rpc.client import call_from_shell

                dry_run = "true" if options.dry_run else "false"
                return call_from_shell(options.url, options.token, "config.reload", f'{{"dry_run": {dry_run}}}')
            case "simulate":
                return _simulate(options.file, options.seed, options.journal, options.replay)
            case "journal":
                return _export(options.data_dir, options.after)
            case "rpc":
                from switchroom.pbx.rpc.client import call_from_shell

                return call_from_shell(options.url, options.token, options.method, options.params)
            case _:
                from switchroom.pbx.demo import demo

                return demo(options.busy, options.seed)
    except SwitchroomError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, MediaError) as error:
        print(f"switchroom: {error}", file=sys.stderr)
        return 1


def _serve(path: str) -> int:
    from pathlib import Path

    from switchroom.pbx import logs
    from switchroom.pbx.config import load
    from switchroom.pbx.server import Server

    config = load(path)
    logs.configure(config.server.log_level, config.server.log_format)
    Server(config, Path(path)).run()
    return 0


def _media(path: str) -> int:
    from switchroom.media.process import serve
    from switchroom.pbx.config import load

    serve(load(path).media)
    return 0


def _check(path: str) -> int:
    from switchroom.pbx.config import check

    mistakes = check(path)
    for mistake in mistakes:
        print(mistake)
    if not mistakes:
        print(f"{path}: fine")
    return 1 if mistakes else 0


def _explain(path: str, caller: str, number: str, at: str) -> int:
    import time

    from switchroom.pbx.config import load
    from switchroom.pbx.config_plan import dial_plan
    from switchroom.pbx.explain import context_of, explain, moment

    config = load(path)
    plan = dial_plan(config, {}, time.time)
    print("\n".join(explain(plan, context_of(config, caller), number, moment(at) if at else None)))
    return 0


def _check_flows(files: list[str], folder: str) -> int:
    from pathlib import Path

    from switchroom.ivr.lint import check_file

    wrong = 0
    for file in files:
        findings = check_file(Path(file), Path(folder) if folder else None)
        wrong += len(findings)
        print("\n".join(map(str, findings)) or f"{file}: fine")
    return 1 if wrong else 0


def _simulate(file: str, seed: int, journal: str, replay: str) -> int:
    from pathlib import Path

    from switchroom.pbx.day.config import load
    from switchroom.pbx.day.replay import past_calls, read
    from switchroom.pbx.day.report import Report
    from switchroom.pbx.day.run import simulate

    day = load(Path(file))
    report = Report(day)
    past = past_calls(read(Path(replay))) if replay else None
    done = simulate(Path(file), day, seed, Path(journal) if journal else None, [report.add], past)
    print("\n".join(report.lines(done.calls, done.journal.number)))
    return 0


def _export(data_dir: str, after: int) -> int:
    import sqlite3
    from pathlib import Path

    path = Path(data_dir) / "switchroom.db"
    if not path.is_file():
        raise OSError(f"there is no journal in {data_dir}")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        lines = db.execute(
            "SELECT value FROM journal, json_each(entries) WHERE last > ? AND value ->> 'number' > ?"
            " ORDER BY first, key",
            (after, after),
        )
        for (line,) in lines:
            print(line)
    return 0
