# SPDX-License-Identifier: Apache-2.0
"""The rules between sections of a configuration: names used once, contexts that exist, files that are there.

They look at the document as it was written, so that they are told together with mistakes inside the sections.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchroom.pbx.config_reader import Reader, join

Table = dict[str, Any]


def check(document: Table, reader: Reader, folder: Path) -> None:
    """Note every broken rule in `reader`; files are looked for relative to `folder`."""
    plan = document.get("dial_plan")
    contexts = {"default", *plan} if isinstance(plan, dict) else {"default"}
    by_address: dict[str, str] = {}
    for section in ("user", "peer", "trunk"):
        first: dict[str, str] = {} if section == "user" else by_address  # peers and trunks share their names
        for key, table in _tables(document.get(section), section):
            name, context = table.get("name"), table.get("context", "default")
            if isinstance(name, str) and (earlier := first.setdefault(name, key)) != key:
                reader.mistake(f"{key}.name", f"{name!r} is already the name of {earlier}")
            if isinstance(context, str) and context not in contexts:
                reader.mistake(f"{key}.context", f"the dial plan has no context {context!r}")
    times = document.get("times")
    hours = set(times) if isinstance(times, dict) else set()
    trunks = {table.get("name") for _, table in _tables(document.get("trunk"), "trunk")}
    routes = document.get("routes")
    outside = {"trunk": trunks, "route": set(routes) if isinstance(routes, dict) else set()}
    _check_routes(routes, trunks, hours, reader)
    _check_tls_files(document.get("tls"), reader, folder)
    for key, user in _tables(document.get("user"), "user"):
        for line_key, line in _tables(user.get("forward"), f"{key}.forward"):
            _check_times(line.get("when"), hours, f"{line_key}.when", reader)
    for key, rule in _rules(plan):
        to, when, include = rule.get("to"), rule.get("when"), rule.get("include")
        for name in ("number", "to"):
            if name not in rule and "include" not in rule:
                reader.mistake(f"{key}.{name}", "is missing")
        if isinstance(include, str) and include not in contexts:
            reader.mistake(f"{key}.include", f"the dial plan has no context {include!r}")
        _check_times(when, hours, f"{key}.when", reader)
        if isinstance(to, str) and to.startswith("play:") and "{" not in to and not (folder / to[5:]).is_file():
            reader.mistake(f"{key}.to", f"there is no file {to[5:]!r}")
        if isinstance(to, str) and (kind := to.partition(":")[0]) in outside:
            name = to.partition(":")[2].partition("/")[0]
            if name not in outside[kind]:
                reader.mistake(f"{key}.to", f"there is no {kind} {name!r}")


def _check_routes(routes: Any, trunks: set[Any], hours: set[str], reader: Reader) -> None:
    for name, carriers in routes.items() if isinstance(routes, dict) else ():
        for key, carrier in _tables(carriers, join("routes", name)):
            trunk, when = carrier.get("trunk"), carrier.get("when")
            if isinstance(trunk, str) and trunk not in trunks:
                reader.mistake(f"{key}.trunk", f"there is no trunk {trunk!r}")
            if isinstance(when, str) and (unknown := set(when.replace("not ", "").split(" and ")) - hours):
                reader.mistake(f"{key}.when", f"there is no [times.{min(unknown).strip()}]")


def _check_tls_files(tls: Any, reader: Reader, folder: Path) -> None:
    if not isinstance(tls, dict):
        return
    named = [("tls.ca_file", tls.get("ca_file"))]
    for key, table in _tables(tls.get("certificates"), "tls.certificates"):
        named += [(f"{key}.{name}", table.get(name)) for name in ("file", "key")]
    for key, file in named:
        if isinstance(file, str) and file and not (folder / file).is_file():
            reader.mistake(key, f"there is no file {file!r}")


def _check_times(when: Any, hours: set[str], key: str, reader: Reader) -> None:
    if isinstance(when, str) and when and (unknown := set(when.replace("not ", "").split(" and ")) - hours):
        reader.mistake(key, f"there is no [times.{min(unknown).strip()}]")


def _rules(plan: Any) -> Iterator[tuple[str, Table]]:
    for context, rules in plan.items() if isinstance(plan, dict) else ():
        yield from _tables(rules, join("dial_plan", context))


def _tables(value: Any, key: str) -> Iterator[tuple[str, Table]]:
    for index, table in enumerate(value if isinstance(value, list) else ()):
        if isinstance(table, dict):
            yield f"{key}[{index}]", table
